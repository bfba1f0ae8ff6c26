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

// Fault is one way in which a request goes wrong. Its fields combine as they say; it comes before authentication, so
// it needs no valid credential. The zero Fault changes nothing but is used up all the same.
//
// net/http's own transport sends a GET again, without telling its caller, when a connection that it reused is closed
// before any of the answer came. So a GET on a warm connection may use up two Times of Drop or DropAfter, or get past
// a single one unnoticed; [Server.Requests] shows it.
type Fault struct {
	// Operation is the operationId of the requests that fail, such as "CreateAccessToken". Empty matches every
	// request, even one whose path or method the API does not know.
	Operation string
	// Times is how many matching requests fail. Zero means one; negative means all until Close.
	Times int
	// StatusCode is answered in place of the real answer and the request has no effect. Zero leaves the request to
	// take effect and keeps the real status. Otherwise it is 200 to 999.
	StatusCode int
	// Header is added to the answer, in place of the fields it has of the same name, Content-Length included.
	Header http.Header
	// Body is answered in place of the real body, as application/json where it is JSON and otherwise as what it looks
	// like, unless Header has a Content-Type. Empty means the real body, or none where StatusCode is set.
	Body string
	// Delay passes before anything else happens: the request has no effect if its client gives up meanwhile. With
	// DropAfter it passes between the effect and the end of the connection.
	Delay time.Duration
	// Drop closes the connection without an answer and without effect. Over HTTP/2 it resets the stream.
	Drop bool
	// DropAfter lets the request take effect and then closes the connection without an answer. Over HTTP/2 it resets
	// the stream. The fields that shape an answer do not matter then; Drop wins over it.
	DropAfter bool
	// Truncate, when positive, cuts the body of the answer to so many bytes; the answer ends cleanly there, with a
	// Content-Length to match. A body that is no longer than that is left alone.
	Truncate int
}

// Inject makes the next requests that match f fail the way it says. Faults are used in the order in which they were
// injected: a request takes the first that matches and is not used up. It panics on a StatusCode that cannot be sent.
func (s *Server) Inject(f Fault) {
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

// take returns the first fault that matches an operation and uses it up by one.
func (q *faultQueue) take(operation string) (Fault, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i, f := range q.faults {
		if f.Operation != "" && f.Operation != operation {
			continue
		}
		switch {
		case f.Times == 1:
			q.faults = slices.Delete(q.faults, i, i+1)
		case f.Times > 1:
			q.faults[i].Times--
		}
		return f, true
	}
	return Fault{}, false
}

// fail carries out a fault. It returns what to send, or panics to close the connection.
func (s *Server) fail(f Fault, c call) answer {
	if f.DropAfter && !f.Drop {
		s.answer(c)
		s.pause(c.ctx, f.Delay)
		panic(http.ErrAbortHandler)
	}
	if !s.pause(c.ctx, f.Delay) || f.Drop {
		panic(http.ErrAbortHandler)
	}
	if f.StatusCode != 0 {
		return f.reshape(answer{status: f.StatusCode, header: http.Header{}})
	}
	return f.reshape(s.answer(c))
}

// reshape applies what a fault says of body and header to an answer.
func (f Fault) reshape(a answer) answer {
	if f.Body != "" {
		a.body = []byte(f.Body)
		a.header.Set("Content-Type", contentType(a.body))
	}
	if f.Truncate > 0 && f.Truncate < len(a.body) {
		a.body = a.body[:f.Truncate]
	}
	for name, values := range f.Header {
		a.header[http.CanonicalHeaderKey(name)] = values
	}
	return a
}

func contentType(body []byte) string {
	if json.Valid(body) {
		return "application/json"
	}
	return http.DetectContentType(body)
}

// pause waits for d and tells whether the request is still worth an answer.
func (s *Server) pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	case <-s.closing:
		return false
	}
}
