package xmstest

import (
	"net/http"
	"slices"
	"sync"
)

// Request is one request as the server received it. It is a copy that the caller may keep and change. It carries the
// credentials that were sent.
type Request struct {
	Operation string      // operationId such as "CreateAccessToken"; "" if the API does not know the path or method
	Method    string      // "GET", "POST" …
	Path      string      // escaped as it was sent, from /v1 on
	RawQuery  string      // as it was sent, without the question mark
	Header    http.Header // never nil
	Body      []byte      // what arrived of it, at most 1 MiB; empty if there was none
}

func (r Request) clone() Request {
	r.Header = r.Header.Clone()
	r.Body = slices.Clone(r.Body)
	return r
}

// Requests returns what was received so far, in order, the requests that were refused or failed by a fault included.
// Under [WithoutRecording] it returns none.
func (s *Server) Requests() []Request {
	return s.recorder.all()
}

type recorder struct {
	mu       sync.Mutex
	requests []Request
}

func (rec *recorder) add(c call, r *http.Request) {
	request := Request{
		Operation: c.operation,
		Method:    r.Method,
		Path:      r.URL.EscapedPath(),
		RawQuery:  r.URL.RawQuery,
		Header:    r.Header.Clone(),
		Body:      c.body,
	}
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.requests = append(rec.requests, request)
}

func (rec *recorder) all() []Request {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	all := make([]Request, len(rec.requests))
	for i, r := range rec.requests {
		all[i] = r.clone()
	}
	return all
}
