package xmsclient

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/xsky-storage/xms-client-go/internal/exchange"
	"github.com/xsky-storage/xms-client-go/internal/jsonread"
)

// answer says how the body of a 2xx becomes a T, and what must be in it.
type answer[T any] struct {
	fields  jsonread.Object[T]
	missing func(*T) string // such as "access_token is missing": the call is for that; "": nothing is
	empty   func(*T) bool   // nil, or whether an error may have come in place of what was asked for
	secret  bool            // it shows a secret this once: nothing of it is quoted, and a readable one is enough
}

// noContent is for operations that answer with a status alone.
var noContent = answer[struct{}]{}

// decode reads a whole 2xx. clean is for what is quoted of it. odd says what could not be read of a
// value that is good enough.
func decode[T any](a answer[T], out exchange.Outcome, maxBytes int64, clean cleaner) (_ *T, odd []string, _ error) {
	switch {
	case out.Page:
		return nil, nil, errors.New(readPage(out.Body, clean))
	case a.fields == nil:
		return new(T), nil, refused(out.Body, clean)
	case len(trimBody(out.Body)) == 0:
		return nil, nil, errors.New("the body is empty")
	}
	value, problems, err := jsonread.Read(out.Body, a.fields, memoryFor(maxBytes))
	if errors.Is(err, jsonread.ErrTooLarge) {
		return nil, nil, ErrResponseTooLarge
	}
	for _, p := range problems {
		odd = append(odd, a.describe(p, clean))
	}
	if err == nil {
		err = a.insufficient(value, odd)
	}
	if err != nil {
		return nil, nil, explain(err, out, clean)
	}
	if a.empty != nil && a.empty(value) {
		if err := refused(out.Body, clean); err != nil {
			return nil, nil, err
		}
	}
	return value, odd, nil
}

func (a answer[T]) describe(p jsonread.Problem, clean cleaner) string {
	if a.secret {
		return p.WithoutValue()
	}
	p.Value = clean(p.Value)
	return p.Error()
}

// insufficient returns why a value that could be read, but for odd, is not what the call is for.
func (a answer[T]) insufficient(value *T, odd []string) error {
	if len(odd) > 0 && !a.secret {
		return errors.New(odd[0])
	}
	if missing := a.missing(value); missing != "" {
		return errors.New(strings.Join(append(odd, missing), "; "))
	}
	return nil
}

// refused returns an error if the body of a 2xx carries one: a non-empty "error" or "errors".
func refused(body []byte, clean cleaner) error {
	reported := reportedErrors(body)
	if isEmpty(reported["error"]) && isEmpty(reported["errors"]) {
		return nil
	}
	words, _, _ := findText(reported)
	if words == "" {
		words = compact(reported)
	}
	return errors.New("the server reports an error: " + clean(words))
}

// explain adds to err what the answer itself says about it.
func explain(err error, out exchange.Outcome, clean cleaner) error {
	if encoding := foreignEncoding(out); encoding != "" {
		err = fmt.Errorf("%w; the body is encoded as %q, which the client cannot read", err, clean(encoding))
	}
	if words, _, _ := findText(reportedErrors(out.Body)); words != "" {
		err = fmt.Errorf("%w; the server says: %s", err, clean(words))
	}
	return err
}

// foreignEncoding returns the Content-Encoding that a body still has, or "". net/http removes one
// gzip and its header, also if there was a second one.
func foreignEncoding(out exchange.Outcome) string {
	if bytes.HasPrefix(out.Body, []byte("\x1f\x8b")) {
		return "gzip"
	}
	return strings.Join(out.Header.Values("Content-Encoding"), ", ")
}

// memoryFor returns how much memory an answer may take when it has been read.
func memoryFor(maxBytes int64) int64 {
	return max(4*min(maxBytes, math.MaxInt64/4), 1<<20)
}

// trimBody removes white space, and the byte order mark that some servers begin with.
func trimBody(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
}
