package xmsclient

import (
	"time"
	"unicode/utf8"
)

// cursor walks over a JSON text for the fast path of decode. Its methods return false where the text leaves the canonical
// form, be it malformed or only unusual; what they have stored until then is void. As in encoding/json, null leaves a
// value as it is.
type cursor struct {
	data   []byte
	pos    int        // an index, not a shrinking slice: storing pointers costs write barriers while the collector runs
	recent [16]string // of recurring

	contentType string // of the answer
}

// unknown is the index of a field that the model does not have.
const unknown = -1

// object reads an object. field reads the value of key and returns the index of the key in the model, by which a
// repeated key is noticed: encoding/json has rules for those.
func (c *cursor) object(field func(key []byte) (index int, ok bool)) bool {
	if c.literal("null") {
		return true
	}
	if !c.next('{') {
		return false
	}
	if c.next('}') {
		return true
	}
	for seen := uint(0); ; {
		key, ok := c.text()
		if !ok || !c.next(':') {
			return false
		}
		index, ok := field(key)
		if !ok {
			return false
		}
		if index != unknown {
			if seen&(1<<index) != 0 {
				return false
			}
			seen |= 1 << index
		}
		if !c.next(',') {
			return c.next('}')
		}
	}
}

// array reads an array: begin is called once if there is one, element for each of its values.
func (c *cursor) array(begin func(), element func() bool) bool {
	if c.literal("null") {
		return true
	}
	if !c.next('[') {
		return false
	}
	begin()
	if c.next(']') {
		return true
	}
	for {
		if !element() {
			return false
		}
		if !c.next(',') {
			return c.next(']')
		}
	}
}

// skip reads the value of an unknown key. A key that is not plain lower case might be a known one to encoding/json, which
// matches without regard to case.
func (c *cursor) skip(key []byte) bool {
	for _, b := range key {
		if (b < 'a' || b > 'z') && (b < '0' || b > '9') && b != '_' {
			return false
		}
	}
	var number int64
	var flag bool
	if c.peek() == '"' {
		_, ok := c.text()
		return ok
	}
	return c.bool(&flag) || c.int(&number)
}

func (c *cursor) string(out *string) bool {
	if c.literal("null") {
		return true
	}
	text, ok := c.text()
	*out = string(text)
	return ok
}

// recurring is string for a value that lists repeat, such as a role: it is not copied again while it is among the recent ones.
func (c *cursor) recurring(out *string) bool {
	if c.literal("null") {
		return true
	}
	text, ok := c.text()
	if !ok || len(text) == 0 {
		return ok
	}
	slot := &c.recent[(len(text)+int(text[len(text)-1]))%len(c.recent)]
	if string(text) != *slot {
		*slot = string(text)
	}
	*out = *slot
	return true
}

func (c *cursor) time(out *time.Time) bool {
	if c.literal("null") {
		return true
	}
	text, ok := c.text()
	return ok && out.UnmarshalText(text) == nil
}

func (c *cursor) bool(out *bool) bool {
	switch {
	case c.literal("null"):
	case c.literal("true"):
		*out = true
	case c.literal("false"):
		*out = false
	default:
		return false
	}
	return true
}

// maxDigits is how many digits an int64 holds whatever they are.
const maxDigits = 18

func (c *cursor) int(out *int64) bool {
	if c.literal("null") {
		return true
	}
	negative := c.next('-')
	start, n := c.pos, int64(0)
	for c.pos < len(c.data) && c.data[c.pos] >= '0' && c.data[c.pos] <= '9' {
		n = n*10 + int64(c.data[c.pos]-'0')
		c.pos++
		if c.pos-start > maxDigits {
			return false
		}
	}
	digits := c.pos - start
	if digits == 0 || c.data[start] == '0' && digits > 1 {
		return false
	}
	if negative {
		n = -n
	}
	*out = n
	return true
}

// text reads a string without escapes and returns what is between the quotes, which is part of the JSON text.
func (c *cursor) text() ([]byte, bool) {
	if !c.next('"') {
		return nil, false
	}
	rest := c.data[c.pos:]
	all := byte(0)
	for i, b := range rest {
		if b == '"' {
			c.pos += i + 1
			return rest[:i], all < utf8.RuneSelf || utf8.Valid(rest[:i])
		}
		if b < ' ' || b == '\\' {
			return nil, false
		}
		all |= b
	}
	return nil, false
}

// literal consumes word if it comes next. What follows it is checked by whoever reads on.
func (c *cursor) literal(word string) bool {
	if c.peek() != word[0] || len(c.data)-c.pos < len(word) || string(c.data[c.pos:c.pos+len(word)]) != word {
		return false
	}
	c.pos += len(word)
	return true
}

// next consumes b if it comes next.
func (c *cursor) next(b byte) bool {
	if c.peek() != b {
		return false
	}
	c.pos++
	return true
}

// peek returns the byte that comes next after white space, or 0 at the end.
func (c *cursor) peek() byte {
	for c.pos < len(c.data) {
		switch b := c.data[c.pos]; b {
		case ' ', '\n', '\t', '\r':
			c.pos++
		default:
			return b
		}
	}
	return 0
}

func (c *cursor) atEnd() bool { return c.peek() == 0 && c.pos == len(c.data) }
