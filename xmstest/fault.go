package xmstest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Fault is one way in which a request fails. Its fields can be combined. It comes before
// authentication, so that a request without a valid credential fails the same way. The zero Fault
// changes nothing, but a request uses it up.
//
// If a reused connection is closed before any of the answer came, net/http's own transport sends a
// GET again and does not tell its caller. So such a GET may use up two Times of Drop or DropAfter,
// or hide a single one. [Server.Requests] shows both requests.
type Fault struct {
	// Operation is the name of the calls that fail, such as "CreateAccessToken", or "Login" or
	// "Logout" with [WithUser]. Empty matches every request, even one whose path or method the API
	// does not know.
	Operation string
	// Times is how many matching requests fail. Zero means one. Negative means all until Close.
	Times int
	// StatusCode is answered in place of the real answer, and the request has no effect. Zero lets
	// the request take effect and keeps the real status. Otherwise it is 200 to 999.
	StatusCode int
	// Header is added to the answer. It replaces fields of the same name, also Content-Length.
	Header http.Header
	// Body replaces the body of the answer. Its Content-Type is application/json if it is JSON, and
	// otherwise what net/http detects, unless Header has one. Empty means the real body, or none if
	// StatusCode is set.
	Body string
	// Delay passes before anything else happens. If the client gives up meanwhile, the request has
	// no effect. With DropAfter, the delay is between the effect and the end of the connection.
	Delay time.Duration
	// Drop closes the connection without an answer and without effect. Over HTTP/2 it resets the
	// stream.
	Drop bool
	// DropAfter lets the request take effect and then closes the connection without an answer. Over
	// HTTP/2 it resets the stream. If Drop is set too, Drop counts.
	DropAfter bool
	// Truncate, if positive, cuts the body of the answer to this many bytes. Content-Length says so
	// too, and a shorter body stays as it is. To break off an answer in the middle, set a larger
	// Content-Length in Header.
	Truncate int
}

// Inject makes the next requests that match f fail that way. A request takes the first fault that
// matches and is not used up, in the order of Inject. Inject panics on an Operation that this
// server does not have, and on a StatusCode that cannot be sent.
func (s *Server) Inject(f Fault) {
	if f.Operation != "" && !slices.ContainsFunc(s.routes, func(r route) bool { return r.operation == f.Operation }) {
		panic(fmt.Sprintf("xmstest: Fault.Operation is %q, which this server does not have", f.Operation))
	}
	if f.StatusCode != 0 && (f.StatusCode < 200 || f.StatusCode > 999) {
		panic(fmt.Sprintf("xmstest: Fault.StatusCode is %d, want 0 or 200 to 999", f.StatusCode))
	}
	s.faults.add(f)
}

// faultQueue holds the faults that are not used up. Their Times is what is left of it.
type faultQueue struct {
	mu     sync.Mutex
	faults []Fault
}

func (q *faultQueue) add(f Fault) {
	f.Header = f.Header.Clone()
	if f.Times == 0 {
		f.Times = 1
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.faults = append(q.faults, f)
}

// take returns the first fault for an operation and uses it up by one.
func (q *faultQueue) take(operation string) (f Fault, due bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	i := slices.IndexFunc(q.faults, func(f Fault) bool { return f.Operation == "" || f.Operation == operation })
	if i < 0 {
		return Fault{}, false
	}
	f = q.faults[i]
	switch {
	case f.Times == 1:
		q.faults = slices.Delete(q.faults, i, i+1)
	case f.Times > 1:
		q.faults[i].Times--
	}
	return f, true
}

// fail returns what a request gets that meets a fault. It panics to close the connection.
func (s *Server) fail(ctx context.Context, f Fault, in received) reply {
	if f.DropAfter && !f.Drop {
		s.process(in)
		s.wait(ctx, f.Delay)
		panic(http.ErrAbortHandler)
	}
	if !s.wait(ctx, f.Delay) || f.Drop {
		panic(http.ErrAbortHandler)
	}
	if f.StatusCode != 0 {
		return f.reshape(reply{status: f.StatusCode, header: http.Header{}})
	}
	return f.reshape(s.process(in))
}

// reshape changes body and header of an answer as the fault says.
func (f Fault) reshape(out reply) reply {
	if f.Body != "" {
		out.body = []byte(f.Body)
		contentType := http.DetectContentType(out.body)
		if json.Valid(out.body) {
			contentType = "application/json"
		}
		out.header.Set("Content-Type", contentType)
	}
	if f.Truncate > 0 && f.Truncate < len(out.body) {
		out.body = out.body[:f.Truncate]
	}
	for name, values := range f.Header {
		out.header[http.CanonicalHeaderKey(name)] = values
	}
	return out
}

// wait returns false if the client gives up, or the server is closed, before d has passed.
func (s *Server) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.open, cancel)()
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
