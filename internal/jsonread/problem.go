package jsonread

import (
	"encoding/json"
	"strings"
)

// Problem is a value that could not be read. It is an error.
type Problem struct { //nolint:errname // most problems are only logged
	Place string // where the value stands, such as "access_tokens[1].create"; "" for the whole text
	Value string // the value with its characters, at most 1 KiB of it; "an object" or "an array" for these
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

// longestValue bounds a value in a problem. It is more than anybody shows: who looks for secrets in
// a value must do so before cutting it.
const longestValue = 1 << 10

func valueText(value []byte) string {
	switch value[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	shown := strings.ToValidUTF8(string(value[:min(len(value), longestValue)]), "\ufffd")
	var text *string
	if json.Unmarshal([]byte(shown), &text) == nil && text != nil {
		return `"` + *text + `"` // with its characters in place of escapes
	}
	return shown
}

// join returns the place to which the way is part and then rest.
func join(part, rest string) string {
	if rest == "" || rest[0] == '[' {
		return part + rest
	}
	return part + "." + rest
}
