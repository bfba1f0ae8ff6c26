package jsonread

import (
	"bytes"
	"strconv"
	"time"
)

func (r *reader) string() string { return r.copied(r.text(aString)) }

// recurring is string, but copies a text only once for as long as no other takes its place in kept.
func (r *reader) recurring() string {
	text := r.text(aString)
	hash := uint32(0)
	for _, b := range text {
		hash = hash*31 + uint32(b)
	}
	kept := &r.kept[hash%uint32(len(r.kept))]
	if *kept != string(text) {
		*kept = r.copied(text)
	}
	return *kept
}

func (r *reader) strings() []string {
	elements := r.elements[:0]
	found := r.array(func(start int) {
		element := r.recurring()
		if elements = appendZero(r, elements, start); r.err == nil {
			elements[len(elements)-1] = element
		}
	})
	r.elements = elements
	if !found || !r.take(len(elements)*sizeOf[string]()) {
		return nil
	}
	return append(make([]string, 0, len(elements)), elements...)
}

// array calls element for each element of an array, with the position at which the array starts. It
// reports whether there is an array: {} is an empty one, null is none.
func (r *reader) array(element func(start int)) bool {
	switch r.peek() {
	case '[':
	case 'n':
		r.literal("null")
		return false
	case '{':
		if rest := bytes.TrimLeft(r.data[r.pos+1:], " \n\t\r"); bytes.HasPrefix(rest, []byte("}")) {
			r.skip()
			return true
		}
		fallthrough
	default:
		r.wrong("an array")
		return false
	}
	start := r.pos
	r.enter()
	for i := 0; r.more(i == 0, ']'); i++ {
		known := len(r.problems)
		element(start)
		if len(r.problems) > known || r.err != nil {
			r.inside("["+strconv.Itoa(i)+"]", known)
		}
	}
	return true
}

func (r *reader) int() int64 {
	const want = "an int64"
	const longest = len("-9223372036854775808")
	switch b := r.peek(); {
	case b == 'n':
		r.literal("null")
		return 0
	case b != '-' && (b < '0' || b > '9'):
		r.wrong(want)
		return 0
	}
	start := r.pos
	text := r.number()
	n, err := strconv.ParseInt(string(text[:min(len(text), longest+1)]), 10, 64)
	if err != nil {
		r.problem(start, want)
		return 0
	}
	return n
}

func (r *reader) bool() bool {
	switch r.peek() {
	case 't':
		r.literal("true")
		return true
	case 'f':
		r.literal("false")
	case 'n':
		r.literal("null")
	default:
		r.wrong("a boolean")
	}
	return false
}

func (r *reader) time() time.Time {
	const want = "an RFC 3339 time"
	const zoneSize = 256
	r.peek()
	start := r.pos
	text := r.text(want)
	var value time.Time
	if len(text) == 0 {
		return value
	}
	if value.UnmarshalText(text) != nil {
		r.problem(start, want)
		return time.Time{}
	}
	// Package time shares the zones of these whole hours, and allocates any other.
	if _, offset := value.Zone(); offset%3600 != 0 || offset < -12*3600 || offset > 14*3600 {
		r.take(zoneSize)
	}
	return value
}
