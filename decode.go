package xmsclient

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/xsky-storage/xms-client-go/internal/exchange"
	"github.com/xsky-storage/xms-client-go/internal/jsonread"
	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// answer says how the body of a 2xx becomes a T, and what must be in it.
type answer[T any] struct {
	fields  jsonread.Object[T]
	missing func(*T) string // such as "access_token is missing": the call is for that; "": nothing is
	empty   func(*T) bool   // nil, or whether an error may have come in place of what was asked for
	secret  string          // name of the secret that it shows this once: no value is quoted; "": it shows none
}

// noContent is for operations that answer with a status alone.
var noContent = answer[struct{}]{}

// decode reads a whole 2xx. clean is for what is quoted of it. odd says what could not be read of a
// value that is good enough.
func decode[T any](a answer[T], out exchange.Outcome, maxBytes int64, clean cleaner) (_ *T, odd []string, _ error) {
	body := trimBody(out.Body)
	switch {
	case out.Page:
		return nil, nil, errors.New(readPage(body, clean))
	case a.fields == nil:
		return new(T), nil, cmp.Or(unreadable(out, clean), refused(body, clean))
	case len(body) == 0:
		return nil, nil, errors.New("the body is empty")
	}
	value, problems, err := jsonread.Read(body, a.fields, memoryFor(maxBytes))
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
		if err := refused(body, clean); err != nil {
			return nil, nil, err
		}
	}
	return value, odd, nil
}

func (a answer[T]) describe(p jsonread.Problem, clean cleaner) string {
	if a.secret != "" {
		return p.WithoutValue()
	}
	p.Value = shorten(clean(p.Value), maxValue)
	return p.Error()
}

// insufficient returns why a value that could be read, but for odd, is not what the call is for.
func (a answer[T]) insufficient(value *T, odd []string) error {
	if len(odd) > 0 && a.secret == "" {
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
	words, _, _ := findText(reported, deepestText)
	if words == "" {
		words = compact(reported)
	}
	return errors.New("the server reports an error: " + clean(words))
}

// explain adds to err what the answer itself says about it.
func explain(err error, out exchange.Outcome, clean cleaner) error {
	if encoded := unreadable(out, clean); encoded != nil {
		err = fmt.Errorf("%w; %w", err, encoded)
	}
	if words, _, _ := findText(reportedErrors(out.Body), deepestText); words != "" {
		err = fmt.Errorf("%w; the server says: %s", err, clean(words))
	}
	return err
}

// unreadable returns an error if a body has a Content-Encoding that the client cannot read.
func unreadable(out exchange.Outcome, clean cleaner) error {
	if encoding := foreignEncoding(out); encoding != "" {
		return fmt.Errorf("the body is encoded as %q, which the client cannot read", clean(encoding))
	}
	return nil
}

// addSecrets adds to secrets what stands in a body under the name of the secret that the answer
// shows, also if the body is no JSON.
func (a answer[T]) addSecrets(secrets *secret.Set, body []byte) {
	const most = 16 // an answer shows one; more are a server's game
	if a.secret == "" {
		return
	}
	for _, rest := range bytes.SplitN(body, []byte(`"`+a.secret+`"`), most)[1:] {
		between, rest, _ := bytes.Cut(rest, []byte(`"`))
		if value, _, _ := bytes.Cut(rest, []byte(`"`)); string(bytes.TrimSpace(between)) == ":" {
			secrets.Add(string(value))
		}
	}
}

// foreignEncoding returns the Content-Encoding that a body still has, or "". net/http removes one
// gzip and its header, also if there was a second one.
func foreignEncoding(out exchange.Outcome) string {
	switch {
	case utf8.Valid(out.Body):
		return "" // a text, whatever the header says
	case bytes.HasPrefix(out.Body, []byte("\x1f\x8b")):
		return "gzip"
	}
	return strings.Join(out.Header.Values("Content-Encoding"), ", ")
}

// maxValue is how many bytes an error quotes of a value that cannot be read.
const maxValue = 64

// memoryFor returns how much memory an answer may take when it has been read.
func memoryFor(maxBytes int64) int64 {
	return max(4*min(maxBytes, math.MaxInt64/4), 1<<20)
}

// trimBody removes white space, and the byte order mark that some servers begin with.
func trimBody(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
}
