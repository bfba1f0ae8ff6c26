package jsonread

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const aString = "a string"

// peek returns the byte that comes next after white space, or 0 at the end.
func (r *reader) peek() byte {
	if r.pos < len(r.data) && r.data[r.pos] > ' ' {
		return r.data[r.pos]
	}
	return r.peekBehindSpace()
}

func (r *reader) peekBehindSpace() byte {
	for ; r.pos < len(r.data); r.pos++ {
		if b := r.data[r.pos]; b != ' ' && b != '\n' && b != '\t' && b != '\r' {
			return b
		}
	}
	return 0
}

// enter steps behind the bracket with which an object or array begins.
func (r *reader) enter() {
	const deepest = 10_000 // as in encoding/json
	if r.depth == deepest {
		r.failHere(fmt.Sprintf("nested more than %d levels deep", deepest))
		return
	}
	r.depth++
	r.pos++
}

// more reports whether another element follows, and steps behind the comma or the closing bracket.
func (r *reader) more(first bool, closing byte) bool {
	b := r.peek()
	switch {
	case r.err != nil:
		return false
	case b == closing:
		r.depth--
		r.pos++
		return false
	case first:
		return true
	case b == ',':
		r.pos++
		return true
	}
	r.unexpected()
	return false
}

// key reads the key of a member and its colon.
func (r *reader) key() []byte {
	if r.peek() != '"' {
		r.unexpected()
		return nil
	}
	key := r.text(aString)
	if r.peek() != ':' {
		r.unexpected()
		return nil
	}
	r.pos++
	return key
}

// skip reads a value of any type.
func (r *reader) skip() {
	switch r.peek() {
	case '{':
		r.enter()
		for first := true; r.more(first, '}'); first = false {
			r.key()
			r.skip()
		}
	case '[':
		r.enter()
		for first := true; r.more(first, ']'); first = false {
			r.skip()
		}
	case '"':
		r.text(aString)
	case 't':
		r.literal("true")
	case 'f':
		r.literal("false")
	case 'n':
		r.literal("null")
	default:
		r.number()
	}
}

func (r *reader) literal(word string) {
	if !bytes.HasPrefix(r.data[r.pos:], []byte(word)) {
		r.failHere("invalid literal")
		return
	}
	r.pos += len(word)
}

// number reads a number and returns it as it is written.
func (r *reader) number() []byte {
	start := r.pos
	r.skipByte('-')
	if !r.skipByte('0') {
		r.digits()
	}
	if r.skipByte('.') {
		r.digits()
	}
	if r.skipByte('e') || r.skipByte('E') {
		_ = r.skipByte('+') || r.skipByte('-')
		r.digits()
	}
	return r.data[start:r.pos]
}

func (r *reader) skipByte(b byte) bool {
	found := r.pos < len(r.data) && r.data[r.pos] == b
	if found {
		r.pos++
	}
	return found
}

func (r *reader) digits() {
	start := r.pos
	for r.pos < len(r.data) && '0' <= r.data[r.pos] && r.data[r.pos] <= '9' {
		r.pos++
	}
	if r.pos == start {
		r.unexpected()
	}
}

// text reads a string, or null, which is no text. The result is valid until the next call.
func (r *reader) text(want string) []byte {
	switch r.peek() {
	case '"':
		raw, plain := r.quoted()
		if plain {
			return raw
		}
		return r.unquote(raw)
	case 'n':
		r.literal("null")
	default:
		r.wrong(want)
	}
	return nil
}

// quoted reads a string and returns what stands between its quotes, and whether that is the text
// itself.
func (r *reader) quoted() (raw []byte, plain bool) {
	text := r.data[r.pos+1:]
	escaped, all := false, byte(0)
	for n := 0; n < len(text); n++ {
		b := text[n]
		switch {
		case b == '"':
			raw = text[:n]
			r.pos += n + 2
			return raw, !escaped && (all < utf8.RuneSelf || utf8.Valid(raw))
		case b == '\\':
			escaped = true
			n++ // a quote may follow
		case b < ' ':
			r.pos += n + 1
			r.unexpected()
			return nil, true
		}
		all |= b
	}
	r.pos = len(r.data)
	r.unexpected()
	return nil, true
}

// unquote replaces the escapes of raw, which ends before the quote that was read last, and puts
// U+FFFD in place of what is not UTF-8.
func (r *reader) unquote(raw []byte) []byte {
	longest := len(raw)
	if !utf8.Valid(raw) {
		longest *= len("\ufffd")
	}
	if longest > cap(r.unquoted) {
		if !r.take(longest) {
			return nil
		}
		r.unquoted = make([]byte, 0, longest)
	}
	text := r.unquoted[:0]
	for i := 0; i < len(raw); {
		char, size := utf8.DecodeRune(raw[i:])
		if char == '\\' {
			char, size = escape(raw[i:])
		}
		if size == 0 {
			r.pos -= len(raw) + 1 - i
			r.failHere("invalid escape")
			return nil
		}
		i += size
		if utf16.IsSurrogate(char) {
			low, size := escape(raw[i:])
			if char = utf16.DecodeRune(char, low); char != utf8.RuneError {
				i += size
			}
		}
		text = utf8.AppendRune(text, char)
	}
	return text
}

// escape returns the character for which the escape at the start of text stands, and the size of
// the escape. The size is 0 if text does not start with an escape.
func escape(text []byte) (char rune, size int) {
	const letters, characters = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	const long = len(`\u0000`)
	if len(text) < 2 || text[0] != '\\' {
		return 0, 0
	}
	if i := strings.IndexByte(letters, text[1]); i >= 0 {
		return rune(characters[i]), 2
	}
	if text[1] != 'u' || len(text) < long {
		return 0, 0
	}
	var code [2]byte
	if _, err := hex.Decode(code[:], text[2:long]); err != nil {
		return 0, 0
	}
	return rune(code[0])<<8 | rune(code[1]), long
}
