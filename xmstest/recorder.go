package xmstest

import (
	"net/http"
	"slices"
	"sync"
)

// Request is one request as the server received it. It is a copy that the caller may keep and
// change. It holds the credentials that were sent; the Body of a login holds the password.
type Request struct {
	Operation string      // such as "CreateAccessToken" or "Login"; "" if there is none for the path and the method
	Method    string      // "GET", "POST" …
	Path      string      // from /v1 on, escaped as it was sent
	RawQuery  string      // as it was sent, without the question mark
	Header    http.Header // never nil
	Body      []byte      // what arrived of it, at most 1 MiB; empty if there was none
}

// Requests returns what the server has received until now, in order. Requests that were refused or
// met a fault are among them. With [WithoutRecording] it returns none.
func (s *Server) Requests() []Request {
	return s.recorder.all()
}

type recorder struct {
	mu       sync.Mutex
	requests []Request
}

func (rec *recorder) add(r *http.Request, in received) {
	request := Request{
		Operation: in.operation,
		Method:    r.Method,
		Path:      r.URL.EscapedPath(),
		RawQuery:  r.URL.RawQuery,
		Header:    r.Header.Clone(),
		Body:      in.body,
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.requests = append(rec.requests, request)
}

func (rec *recorder) all() []Request {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	all := slices.Clone(rec.requests)
	for i := range all {
		all[i].Header = all[i].Header.Clone()
		all[i].Body = slices.Clone(all[i].Body)
	}
	return all
}
