package jsonread

import (
	"strings"
	"unicode/utf8"
)

// Problem is a value that could not be read. It is an error.
type Problem struct { //nolint:errname // most problems are only logged
	Place string // where the value stands, such as "access_tokens[1].create"; "" for the whole text
	Value string // the value as it is written, cut after some 64 bytes; "an object" or "an array" for these
	Want  string // what the value should be, such as "an RFC 3339 time"
}

// Error says what stands where, and what it should be.
func (p Problem) Error() string { return at(p.Place, p.Value+" is not "+p.Want) }

// WithoutValue is Error for a text that may hold a secret: it does not quote the value.
func (p Problem) WithoutValue() string { return at(p.Place, "not "+p.Want) }

func at(place, text string) string {
	if place == "" {
		return text
	}
	return place + ": " + text
}

const longestValue = 64

func valueText(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	ellipsis := ""
	if len(value) > longestValue {
		end := longestValue
		for end > longestValue-utf8.UTFMax && !utf8.RuneStart(value[end]) {
			end--
		}
		value, ellipsis = value[:end], "…"
	}
	return strings.ToValidUTF8(string(value), "\ufffd") + ellipsis
}

// join returns the place to which the way is part and then rest.
func join(part, rest string) string {
	if rest == "" || rest[0] == '[' {
		return part + rest
	}
	return part + "." + rest
}
