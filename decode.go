package xmsclient

import (
	"bytes"
	"errors"
	"math"
	"net/http"
	"slices"
	"strings"

	"github.com/xsky-storage/xms-client-go/internal/jsonread"
)

// answer says how to read the body of a 2xx into a T, and what must be in it.
type answer[T any] struct {
	fields       jsonread.Object[T]
	missing      func(*T) string // what the call is for and does not have, such as "access_token is missing"; or ""
	mayHideError func(*T) bool   // nil, or whether an error may stand beside the value
	nothing      []string        // bodies that are fine too, without white space, as is 204; nil: none
	// secret names the member with a new secret, or is "". If there is one, an answer with it is good
	// enough, whatever else cannot be read, and no value is quoted.
	secret string
}

// removal is what an answer says of a record that has been removed.
type removal struct{ record []byte }

// removed is the answer of an operation that removes a record and need not show it. It refuses what
// it does not know: a gateway's 200 with an error in it must not pass for a removal.
func removed(record string) answer[removal] {
	return answer[removal]{
		fields: jsonread.Object[removal]{jsonread.Raw(record, func(r *removal) *[]byte { return &r.record })},
		missing: func(r *removal) string {
			if !bytes.HasPrefix(r.record, []byte("{")) {
				return "it is not empty and has no " + record
			}
			return ""
		},
		mayHideError: func(*removal) bool { return true },
		nothing:      []string{"", "null", "{}", `{"` + record + `":null}`},
	}
}

// decode reads a whole 2xx, and nothing else. unread says what could not be read of a value that is
// good enough.
func (a answer[T]) decode(server *serverText, maxBytes int64) (_ *T, unread []string, _ error) {
	body := server.body()
	switch {
	case server.out.Page:
		return nil, nil, errors.New(server.page())
	case a.nothing != nil && (server.out.Status == http.StatusNoContent ||
		len(body) < 100 && slices.Contains(a.nothing, strings.Join(strings.Fields(string(body)), ""))):
		return new(T), nil, nil
	case len(body) == 0:
		return nil, nil, errors.New("the body is empty")
	}
	value, problems, err := jsonread.Read(body, a.fields, memoryFor(maxBytes))
	for _, p := range problems {
		unread = append(unread, a.describe(p, server))
	}
	if err == nil {
		err = a.insufficient(value, unread)
	}
	switch {
	case errors.Is(err, jsonread.ErrTooLarge): // says enough
	case err != nil:
		err = server.explain(err)
	case a.mayHideError != nil && a.mayHideError(value):
		err = server.reportedError()
	}
	if err != nil {
		return nil, nil, err
	}
	return value, unread, nil
}

func (a answer[T]) describe(p jsonread.Problem, server *serverText) string {
	const maxValue = 64 // bytes of a value that are quoted
	if a.secret != "" {
		return p.WithoutValue()
	}
	p.Value = shorten(server.clean(p.Value), maxValue)
	return p.Error()
}

// insufficient returns why a value is not what the call is for. unread says what could not be read.
func (a answer[T]) insufficient(value *T, unread []string) error {
	if len(unread) > 0 && a.secret == "" {
		return errors.New(unread[0])
	}
	if missing := a.missing(value); missing != "" {
		return errors.New(strings.Join(append(unread, missing), "; "))
	}
	return nil
}

// memoryFor returns how much memory an answer may take when it has been read.
func memoryFor(maxBytes int64) int64 {
	return max(4*min(maxBytes, math.MaxInt64/4), 1<<20)
}
