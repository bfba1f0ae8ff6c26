package xmsclient

import (
	"bytes"
	"time"
	"unicode/utf8"
)

// cursor walks over a JSON text for the fast path of decode. Its methods return false where the text leaves the canonical
// form, be it malformed or only unusual; what they have stored until then is void. As in encoding/json, null leaves a
// value as it is.
type cursor struct {
	rest     []byte
	lastRole string // lists repeat their roles and owners: the one read last need not be copied again
	lastUser string
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

// recurring is string for a value that is likely to be the same as last.
func (c *cursor) recurring(out, last *string) bool {
	if c.literal("null") {
		return true
	}
	text, ok := c.text()
	if string(text) != *last {
		*last = string(text)
	}
	*out = *last
	return ok
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
	digits, n := 0, int64(0)
	for digits < len(c.rest) && c.rest[digits] >= '0' && c.rest[digits] <= '9' {
		if digits++; digits > maxDigits {
			return false
		}
		n = n*10 + int64(c.rest[digits-1]-'0')
	}
	if digits == 0 || c.rest[0] == '0' && digits > 1 {
		return false
	}
	if negative {
		n = -n
	}
	c.rest = c.rest[digits:]
	*out = n
	return true
}

// text reads a string without escapes and returns what is between the quotes, which is part of the JSON text.
func (c *cursor) text() ([]byte, bool) {
	if !c.next('"') {
		return nil, false
	}
	end := bytes.IndexByte(c.rest, '"')
	if end < 0 {
		return nil, false
	}
	text := c.rest[:end]
	ascii := true
	for _, b := range text {
		if b < ' ' || b == '\\' {
			return nil, false
		}
		ascii = ascii && b < utf8.RuneSelf
	}
	if !ascii && !utf8.Valid(text) {
		return nil, false
	}
	c.rest = c.rest[end+1:]
	return text, true
}

// literal consumes word if it comes next. What follows it is checked by whoever reads on.
func (c *cursor) literal(word string) bool {
	if c.peek() != word[0] || len(c.rest) < len(word) || string(c.rest[:len(word)]) != word {
		return false
	}
	c.rest = c.rest[len(word):]
	return true
}

// next consumes b if it comes next.
func (c *cursor) next(b byte) bool {
	if c.peek() != b {
		return false
	}
	c.rest = c.rest[1:]
	return true
}

// peek returns the byte that comes next after white space, or 0 at the end.
func (c *cursor) peek() byte {
	for i, b := range c.rest {
		if b != ' ' && b != '\n' && b != '\t' && b != '\r' {
			c.rest = c.rest[i:]
			return b
		}
	}
	c.rest = nil
	return 0
}

func (c *cursor) atEnd() bool { return c.peek() == 0 && len(c.rest) == 0 }
