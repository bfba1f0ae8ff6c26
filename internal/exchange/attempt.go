package exchange

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/xsky-storage/xms-client-go/internal/secret"
)

const (
	// maxConnectShare is the most that getting a connection may take while other nodes are untried.
	maxConnectShare = 5 * time.Second
	// errorBodyTime and errorBodyBytes bound what is read of the body of an error.
	errorBodyTime  = time.Second
	errorBodyBytes = 64 << 10
	// presized is how much memory is set aside on the word of a Content-Length alone.
	presized = 64 << 20
)

// ErrTooLarge is the error of a 2xx whose body exceeds Config.MaxBytes.
var ErrTooLarge = errors.New("the body is too large")

// Ending says how an attempt ended.
type Ending struct {
	Node         string        // base URL of its node; "" if the call ended before one was chosen
	Duration     time.Duration // with the wait for a place, without that for a credential
	Sent         bool          // a request came to the transport, or nobody can tell
	Connected    bool          // it had a connection, or nobody can tell
	Anonymous    bool          // the request carried no credential
	Err          error         // why there is no answer, or no whole 2xx, else nil; without secrets
	NoOtherToken error         // why there is no other token after a 401; nil: nobody was asked, or gave one

	Status     int // of the answer; 0: none came
	Header     http.Header
	Body       []byte
	Page       bool          // Body is an HTML page
	RetryAfter time.Duration // 0: the answer asks for no wait

	nothingPassedOn bool // there is no credential, or middleware sent nothing
	callerEnded     bool // the caller's context ended it
	tlsRefused      bool
	renewed         bool // after a 401 there is another token
}

func (e Ending) is(statuses ...int) bool { return slices.Contains(statuses, e.Status) }

func (e Ending) is2xx() bool { return e.Status/100 == 2 }

func (e Ending) tooLarge() bool { return errors.Is(e.Err, ErrTooLarge) }

// attempt is how an attempt ended, and what the loop goes on with.
type attempt struct {
	Ending
	rule    rule
	turn    *turn      // in which it was made; nil: the call ended before
	leftFor string     // the node that is preferred now, if the client has left this one; else ""
	renewal Credential // for the next attempt, after a 401; the zero value: there is no other token
}

func (a attempt) result() string { return a.rule.word(a.Ending) }

// attempt makes one request to one node, unless there is no credential or ctx ends before. It
// leaves the node if the table says so, before anybody else gets its place there, but for a 401.
func (c *call) attempt(ctx context.Context) attempt {
	if err := ContextError(ctx); err != nil {
		return c.settle(ctx, place{}, Ending{Err: err, callerEnded: true})
	}
	credential, err := c.ask(ctx, "")
	if err != nil {
		return c.settle(ctx, place{}, Ending{Err: deadlineExceeded(err), nothingPassedOn: true})
	}
	started := time.Now()
	p, err := c.nodes.place(ctx)
	defer p.release()
	if err != nil {
		return c.settle(ctx, p, Ending{Node: p.base, Duration: time.Since(started), Err: err, callerEnded: true})
	}
	e := c.roundTrip(ctx, p, credential)
	e.Duration = time.Since(started)
	var renewal Credential
	if e.is(http.StatusUnauthorized) && credential.SourceToken != "" && !c.got401 {
		p.release() // the source may need a place for calls of its own
		other, err := c.ask(ctx, credential.SourceToken)
		if e.NoOtherToken = c.req.Secrets.Err(err); err == nil && other.SourceToken != credential.SourceToken {
			e.renewed, renewal = true, other
		}
	}
	a := c.settle(ctx, p, e)
	a.renewal = renewal
	return a
}

// settle finds the row for an ending, and does to the node at p what it says.
func (c *call) settle(ctx context.Context, p place, e Ending) attempt {
	e.Err = c.req.Secrets.Err(e.Err)
	a := attempt{Ending: e, rule: ruleFor(e), turn: p.turn}
	if p.turn == nil {
		return a
	}
	if a.rule.leave == stays && e.Connected { // middleware may answer by itself
		p.markAnswered()
	}
	left := a.rule.leavesNode(ctx, e, p) && c.nodes.leave(p.turn)
	if a.rule.idle == closed || a.rule.idle == closedIfLeft && left {
		c.tracker.closeOwnIdle()
	}
	if left && len(c.nodes.all) > 1 {
		a.leftFor = c.nodes.at(p.turn.number + 1).base
	}
	return a
}

// ask returns the credential of an attempt: what the 401 before it has brought, or the source's.
func (c *call) ask(ctx context.Context, refused string) (Credential, error) {
	if refused == "" && c.renewal != (Credential{}) {
		return c.renewal, nil
	}
	credential, err := c.cfg.Credential(ctx, refused)
	c.req.Secrets.Add(credential.SourceToken)
	return credential, err
}

// roundTrip makes the request of an attempt and reads the answer.
func (c *call) roundTrip(ctx context.Context, p place, cred Credential) Ending {
	bounded, cancel := context.WithCancelCause(ctx) // one for all that can end the attempt
	defer cancel(nil)
	if timeout := c.cfg.Timeout; timeout >= 0 {
		defer time.AfterFunc(timeout, func() {
			cancel(secret.Join(fmt.Sprintf("no complete answer within %v (Timeout)", timeout), context.DeadlineExceeded))
		}).Stop()
	}
	t := &attemptTrace{
		info: Info{c.req.Operation, c.req.PathTemplate, c.out.Attempts + 1},
		ctx:  bounded, cancel: cancel, node: p.node, share: c.connectShare(ctx, p.turn),
	}
	var e Ending
	response, err := c.send(context.WithValue(bounded, attemptTraceKey{}, t), p.node, cred)
	if err == nil {
		e, err = c.read(ctx, response, cancel)
	}
	sent, connected, fresh := c.tracker.end(t, response != nil)
	e.Node, e.Sent, e.Connected, e.nothingPassedOn = p.base, sent, connected, !sent
	e.Anonymous = cred.HeaderValue+cred.Query+c.cfg.Header.Get("Authorization")+c.cfg.Header.Get("Cookie") == ""
	if err == nil {
		return e
	}
	e.callerEnded, e.Err = cause(ctx, bounded, err)
	e.tlsRefused = e.Status == 0 && refusesTLS(e.Err, connected, fresh)
	return e
}

// send sends the request to a node.
func (c *call) send(ctx context.Context, node *node, credential Credential) (*http.Response, error) {
	header := c.cfg.Header.Clone()
	var body io.Reader
	if c.req.Body != nil {
		body = bytes.NewReader(c.req.Body)
		header.Set("Content-Type", "application/json")
	}
	if credential.HeaderValue != "" {
		header[credential.HeaderName] = []string{credential.HeaderValue}
	}
	request, err := http.NewRequestWithContext(ctx, c.req.Method, node.base+c.req.Path, body)
	if err != nil {
		return nil, err
	}
	request.Header = header
	request.URL.RawQuery = strings.Trim(c.req.Query+"&"+credential.Query, "&")
	if c.cfg.HTTPClient == nil {
		return ask(c.http.Transport, request)
	}
	response, err := c.http.Do(request)
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err // whose text, unlike the outer one, does not hold the URL
	}
	return response, err
}

// connectShare returns how long getting a connection may take, or 0 if only the transport and the
// contexts bound it. While nodes and attempts are left, each has an equal share of the time.
func (c *call) connectShare(ctx context.Context, t *turn) time.Duration {
	untried := int64(len(c.nodes.all)) - (t.number - c.round.first)
	left := min(untried, int64(c.cfg.MaxAttempts-c.out.Attempts))
	if c.tracker.own == nil || left < 2 {
		return 0
	}
	if deadline, ok := ctx.Deadline(); ok {
		return min(maxConnectShare, max(1, time.Until(deadline)/time.Duration(left)))
	}
	return maxConnectShare
}

// cause returns why an attempt failed with err, and whether the caller's context has ended it.
// bounded is ctx within the bounds of the attempt.
func cause(ctx, bounded context.Context, err error) (callerEnded bool, _ error) {
	switch ended := ContextError(ctx); {
	case errors.Is(err, ErrTooLarge): // the answer came, whatever has ended since
		return false, err
	case ended != nil:
		return true, ended
	case bounded.Err() != nil:
		return false, context.Cause(bounded)
	}
	return false, deadlineExceeded(err)
}

// deadlineExceeded makes every time-out a context.DeadlineExceeded.
func deadlineExceeded(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() && !errors.Is(err, context.DeadlineExceeded) {
		return secret.Join(err.Error(), context.DeadlineExceeded, err)
	}
	return err
}

// read reads an answer. The error says why it is none, or no whole 2xx.
func (c *call) read(ctx context.Context, response *http.Response, cancel context.CancelCauseFunc) (Ending, error) {
	defer response.Body.Close()
	if response.StatusCode < 100 {
		return Ending{}, fmt.Errorf("malformed status %03d", response.StatusCode)
	}
	e := Ending{Status: response.StatusCode, Header: response.Header, RetryAfter: retryAfter(response.Header)}
	var err error
	if e.is2xx() {
		e.Body, err = readAll(response.Body, response.ContentLength, c.cfg.MaxBytes)
	} else {
		e.Body = readError(ctx, response, cancel)
	}
	c.tracker.checkEmpty(response)
	e.Page = isPage(response.Header.Get("Content-Type"), e.Body)
	return e, err
}

// readAll reads a body of the given length, or of any length if that is -1. Of one that exceeds
// limit it returns the beginning.
func readAll(r io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		body, _ := readAll(r, -1, min(limit, errorBodyBytes))
		return body, ErrTooLarge
	}
	body := make([]byte, 0, max(bytes.MinRead, min(length, presized)+1)) // one more byte, to see the end
	for {
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > limit:
			return bytes.Clone(body[:min(limit, errorBodyBytes)]), ErrTooLarge
		case err == io.EOF:
			return body, nil
		case err != nil:
			return body, err
		case len(body) == cap(body):
			body = slices.Grow(body, 1)
		}
	}
}

// readError reads the body of an error, not for long: the caller waits for the error. What came
// until then is all there is to know. The body of a 101 is the bare connection.
func readError(ctx context.Context, response *http.Response, cancel context.CancelCauseFunc) []byte {
	if response.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	limit := errorBodyTime
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)/2)
	}
	defer time.AfterFunc(limit, func() { cancel(nil) }).Stop()
	body, _ := readAll(response.Body, response.ContentLength, errorBodyBytes)
	return body
}

var (
	anyTag  = regexp.MustCompile(`(?i)<(!--|!doctype\b|/?[a-z][a-z0-9]*[\s/>])`)
	htmlTag = regexp.MustCompile(`(?i)<(!doctype\s+html|html|head|body|title|h1|center)\b`)
)

// isPage reports whether a body is an HTML page rather than what an API sends.
func isPage(contentType string, body []byte) bool {
	start := bytes.TrimLeft(bytes.TrimPrefix(body[:min(len(body), 4<<10)], []byte("\ufeff")), " \t\r\n")
	contentType = strings.ToLower(contentType)
	switch {
	case len(start) == 0 || strings.IndexByte("{[\"", start[0]) >= 0:
		return false
	case strings.Contains(contentType, "html"):
		return anyTag.Match(start)
	}
	return start[0] == '<' && htmlTag.Match(start) && !strings.Contains(contentType, "xml")
}

// ContextError returns why ctx has ended, or nil if it has not. Both ctx.Err and context.Cause are
// found in it.
func ContextError(ctx context.Context) error {
	select {
	case <-ctx.Done():
	default:
		return nil
	}
	err := cmp.Or(ctx.Err(), context.Canceled) // Done may be closed a moment before Err says so
	cause := cmp.Or(context.Cause(ctx), err)
	if errors.Is(cause, err) {
		return cause
	}
	return secret.Join(err.Error()+": "+cause.Error(), err, cause)
}
