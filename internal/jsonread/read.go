// Package jsonread reads JSON text into structs. A model is a struct with an [Object] beside it,
// the table of its members:
//
//	var person = jsonread.Object[Person]{
//		jsonread.Int("id", func(p *Person) *int64 { return &p.ID }),
//		jsonread.String("name", func(p *Person) *string { return &p.Name }),
//	}
//
// The package reads what encoding/json reads, with the same result, except for these rules:
//   - The text is one object. A byte order mark before it is skipped.
//   - A later value of a repeated key replaces the earlier one as a whole. A null replaces it too.
//   - "" and null are the zero time. On every Go version, a time may be written with escapes.
//   - {} is an empty list, and null an empty list of objects.
//   - An element of a list of objects is not null.
package jsonread

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"unicode/utf8"
)

// ErrTooLarge is the error of [Read] if the result would take more memory than the limit.
var ErrTooLarge = errors.New("the JSON text takes too much memory")

// Read reads data, which must be one JSON object, into a new T. It ignores unknown members.
//
// A value that cannot be read is a [Problem] and leaves the zero value. Read goes on behind it, and
// returns the first few problems. The error is [ErrTooLarge] if the result would take more than
// limit bytes of memory. Any other error says why and where data is not JSON; value is then what
// was read until there. The result shares no memory with data, but for [Raw].
func Read[T any](data []byte, object Object[T], limit int64) (value *T, problems []Problem, err error) {
	const byteOrderMark = "\ufeff"
	r := &reader{data: data, memory: int(min(limit, math.MaxInt/2))}
	if bytes.HasPrefix(data, []byte(byteOrderMark)) {
		r.pos = len(byteOrderMark)
	}
	if r.take(sizeOf[T]()) {
		value = new(T)
		object.read(r, value)
	}
	if r.peek(); r.pos < len(data) {
		r.unexpected()
	}
	switch {
	case r.err == nil:
		return value, r.problems, nil
	case r.errPlace != "":
		return value, nil, fmt.Errorf("%s: %w", r.errPlace, r.err)
	}
	return value, nil, r.err
}

// reader walks over a JSON text. The first error ends the walk: it moves pos to the end of data,
// where no method finds anything more to read. So only the loops need to look at what a method
// returns.
type reader struct {
	data     []byte
	pos      int
	depth    int
	err      error
	errPlace string
	memory   int       // how many bytes may still be allocated
	problems []Problem // the first few
	failed   int       // how many values could not be read
	unquoted []byte
	elements []string
	kept     [16]string
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.pos = len(r.data)
}

// unexpected fails with what stands at pos.
func (r *reader) unexpected() {
	what := "unexpected end of JSON"
	if r.pos < len(r.data) {
		char, _ := utf8.DecodeRune(r.data[r.pos:])
		what = fmt.Sprintf("unexpected character %q", char)
	}
	r.failHere(what)
}

func (r *reader) failHere(what string) {
	r.fail(fmt.Errorf("%s at offset %d", what, r.pos))
}

// wrong skips a value that is not what a field wants.
func (r *reader) wrong(want string) {
	start := r.pos
	r.skip()
	r.problem(start, want)
}

// problem reports the value that began at start and ends at pos.
func (r *reader) problem(start int, want string) {
	const most = 8
	r.failed++
	if len(r.problems) < most && r.take(longestValue) {
		r.problems = append(r.problems, Problem{Value: valueText(r.data[start:r.pos]), Want: want})
	}
}

// inside is called after a part of the JSON text was read. It puts the way to the part in front of
// the places in the error and in the problems after the first known ones, which began in the part.
func (r *reader) inside(part string, known int) {
	for i := known; i < len(r.problems); i++ {
		r.problems[i].Place = join(part, r.problems[i].Place)
	}
	if r.err != nil {
		r.errPlace = join(part, r.errPlace)
	}
}

// take counts size bytes, and what the allocator adds to round them up, before they are allocated.
// It fails if they are too many.
func (r *reader) take(size int) bool {
	if r.err != nil {
		return false
	}
	r.memory -= size + size/8 + 8
	if r.memory < 0 {
		r.fail(ErrTooLarge)
		return false
	}
	return true
}

// copied returns a string of its own, so that neither data nor another field stays in memory with
// it.
func (r *reader) copied(text []byte) string {
	if len(text) == 0 || !r.take(len(text)) {
		return ""
	}
	return string(text)
}

// appendZero appends a zero element to the list of an array that began at start, unless memory runs
// out.
//
// The length of the elements so far tells how many are still to come, and what they will hold. A
// guess that is far off costs little: the list grows no more than 32-fold at a time, and trim
// corrects it.
func appendZero[E any](r *reader, list []E, start int) []E {
	n := len(list)
	if n < cap(list) {
		return list[:n+1]
	}
	size, room := sizeOf[E](), 1
	if n > 0 {
		length := max(1, (r.pos-start)/n)
		expected := (len(r.data) - r.pos) / length
		affordable := r.memory / (2*size + 2*length)
		room = min(max(expected+expected/16, n/4)+1, 31*n, max(affordable, n/4+1))
	}
	if !r.take(room * size) {
		return list
	}
	grown := make([]E, n+1, n+room)
	copy(grown, list)
	return grown
}

// trim gives back the rest of a capacity of which more than a third is unused.
func trim[E any](list []E) []E {
	n := len(list)
	if cap(list)-n <= n/2 {
		return list
	}
	return append(make([]E, 0, n), list...)
}

func sizeOf[T any]() int { return max(1, int(reflect.TypeFor[T]().Size())) }
