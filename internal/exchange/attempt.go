package exchange

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
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

// end is what is known of an attempt once it has ended.
type end struct {
	turn      *turn // nil: ctx had ended before
	node      *node // nil: the attempt got to none
	requested bool  // a request was made of it
	place     *node // where the attempt still has its place; nil: nowhere
	connected bool  // a connection was had, or nobody can tell
	took      time.Duration

	err          error // why there is no answer, or no whole 2xx; nil: there is one
	sourceFailed bool  // there is no credential
	callerEnded  error // ctx.Err(), if that is why
	tlsRefused   bool

	status     int // 0: no answer
	header     http.Header
	body       []byte
	page       bool
	retryAfter time.Duration
	anonymous  bool       // the request carried no credential
	renewal    Credential // after a 401: what TokenSource gives now, if that is another token
}

// release gives the place back, once.
func (e *end) release() {
	if e.place != nil {
		e.place.release()
		e.place = nil
	}
}

func (e end) is(statuses ...int) bool { return slices.Contains(statuses, e.status) }

// result says in a word or two how the attempt ended.
func (e end) result() string {
	status := strconv.Itoa(e.status)
	switch {
	case e.sourceFailed:
		return "no credential"
	case e.callerEnded != nil:
		return "the context ended"
	case e.tlsRefused:
		return "TLS refused"
	case e.err != nil && !e.connected:
		return "no connection"
	case isTimeout(e.err):
		return "timeout"
	case errors.Is(e.err, ErrTooLarge):
		return status + ", too large"
	case e.err != nil && e.status != 0:
		return status + ", broken off"
	case e.err != nil:
		return "connection broke"
	case e.page:
		return status + ", an HTML page"
	}
	return status
}

// attempt makes one request to one node, unless there is no credential or ctx ends before.
func (c *call) attempt(ctx context.Context) end {
	if ctx.Err() != nil {
		return end{callerEnded: ctx.Err(), err: ContextError(ctx)}
	}
	turn := c.nodes.turn.Load()
	credential := c.renewal
	if credential == (Credential{}) {
		var err error
		if credential, err = c.credential(ctx, ""); err != nil {
			return end{turn: turn, sourceFailed: true, err: err}
		}
	}
	started := time.Now()
	turn, node, err := c.nodes.place(ctx)
	if err != nil {
		return end{turn: turn, node: node, took: time.Since(started), callerEnded: ctx.Err(), err: err}
	}
	e := c.roundTrip(ctx, turn, node, credential)
	e.turn, e.node, e.took = turn, node, time.Since(started)
	if e.status == http.StatusUnauthorized && credential.Renewable != "" && !c.asked {
		c.asked = true
		e.release() // the source may need a place for calls of its own
		renewal, err := c.credential(ctx, credential.Renewable)
		if err == nil && renewal.Renewable != credential.Renewable {
			e.renewal = renewal
		}
	}
	return e
}

func (c *call) credential(ctx context.Context, refused string) (Credential, error) {
	credential, err := c.cfg.Credential(ctx, refused)
	c.req.Secrets.Add(credential.Renewable)
	return credential, err
}

// roundTrip makes the request of an attempt and reads the answer. It keeps its place, so that
// nobody gets it before the node may have been left, unless it panics.
func (c *call) roundTrip(ctx context.Context, turn *turn, node *node, credential Credential) end {
	e := end{requested: true, place: node, anonymous: credential.HeaderValue == "" && credential.Query == ""}
	returned := false
	defer func() {
		if !returned {
			e.release()
		}
	}()
	e = c.exchange(ctx, turn, node, credential, e)
	returned = true
	return e
}

func (c *call) exchange(ctx context.Context, turn *turn, node *node, credential Credential, e end) end {
	t := &trip{info: Info{c.req.Operation, c.req.PathTemplate, c.out.Attempts + 1}}
	bounded, cancel := context.WithCancelCause(context.WithValue(ctx, tripKey{}, t))
	defer cancel(nil)
	t.cancel = cancel
	if timeout := c.cfg.Timeout; timeout >= 0 {
		defer time.AfterFunc(timeout, func() {
			cancel(timeoutError("no complete answer within %v (Timeout)", timeout))
		}).Stop()
	}
	if t.share = c.connectShare(ctx, turn); t.share > 0 {
		t.connecting = time.AfterFunc(t.share, func() {
			cancel(timeoutError("no connection within %v, and other nodes are untried", t.share))
		})
		t.connecting.Stop() // until a connection is asked for
		defer t.connecting.Stop()
	}
	response, err := c.send(bounded, node, credential)
	if err != nil {
		return c.fail(ctx, bounded, e, t, err)
	}
	defer response.Body.Close()
	e.connected = true
	if response.StatusCode < 100 {
		return c.fail(ctx, bounded, e, t, fmt.Errorf("malformed status %03d", response.StatusCode))
	}
	e.status, e.header = response.StatusCode, response.Header
	e.retryAfter = retryAfter(response.Header)
	if e.status/100 == 2 {
		e.body, err = readAll(response.Body, response.ContentLength, c.cfg.MaxBytes)
	} else {
		e.body = readError(ctx, response, cancel)
	}
	c.wire.checkEmpty(response)
	e.page = isPage(response.Header.Get("Content-Type"), e.body)
	if err != nil {
		return c.fail(ctx, bounded, e, t, err)
	}
	return e
}

func (c *call) send(ctx context.Context, node *node, credential Credential) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, c.req.Method, node.base+c.req.Path, bytes.NewReader(c.req.Body))
	if err != nil {
		return nil, err
	}
	request.URL.RawQuery = c.req.Query
	if c.req.Query != "" && credential.Query != "" {
		request.URL.RawQuery += "&"
	}
	request.URL.RawQuery += credential.Query
	request.Header = c.cfg.Header.Clone()
	if c.req.Body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if credential.HeaderValue != "" {
		request.Header[credential.HeaderName] = []string{credential.HeaderValue}
	}
	return c.http.Do(request)
}

// connectShare returns how long getting a connection may take, or 0 if only the transport and the
// contexts bound it. While nodes and attempts are left, each has an equal share of the time.
func (c *call) connectShare(ctx context.Context, t *turn) time.Duration {
	untried := int64(len(c.nodes.all)) - (t.number - c.round.began)
	left := min(untried, int64(c.cfg.MaxAttempts-c.out.Attempts))
	if c.wire.own == nil || left < 2 {
		return 0
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return maxConnectShare
	}
	return min(maxConnectShare, max(1, time.Until(deadline)/time.Duration(left)))
}

// fail adds to e why the attempt has no answer, or no whole one.
func (c *call) fail(ctx, bounded context.Context, e end, t *trip, err error) end {
	var outer *url.Error
	if errors.As(err, &outer) {
		err = outer.Err // whose text, unlike the outer one, does not hold the URL
	}
	e.connected = e.connected || c.wire.connected(t, err)
	switch {
	case errors.Is(err, ErrTooLarge):
		// The answer came, whatever has ended since.
	case ctx.Err() != nil:
		e.callerEnded, err = ctx.Err(), ContextError(ctx)
	case bounded.Err() != nil:
		err = context.Cause(bounded)
	}
	e.tlsRefused = e.status == 0 && c.wire.tlsRefused(t, err)
	e.err = err
	return e
}

// timeoutError ends an attempt that has used up its time.
func timeoutError(format string, limit time.Duration) error {
	return Join(fmt.Sprintf(format, limit), context.DeadlineExceeded)
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// readAll reads a body of the given length, or of any length if that is -1.
func readAll(r io.Reader, length, limit int64) ([]byte, error) {
	if length > limit {
		limit = min(limit, errorBodyBytes) // enough to see what it is
	}
	var body bytes.Buffer
	body.Grow(int(min(max(length, 0), presized)) + bytes.MinRead)
	_, err := body.ReadFrom(io.LimitReader(r, max(limit, limit+1)))
	if int64(body.Len()) > limit {
		return bytes.Clone(body.Bytes()[:min(limit, errorBodyBytes)]), ErrTooLarge
	}
	return body.Bytes(), err
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
	body, _ := io.ReadAll(io.LimitReader(response.Body, errorBodyBytes))
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

// Info is what a RoundTripper can know of the call behind a request.
type Info struct {
	Operation    string
	PathTemplate string
	Attempt      int
}

type tripKey struct{}

// InfoFromContext returns the Info of the request that ctx belongs to.
func InfoFromContext(ctx context.Context) (Info, bool) {
	t, ok := ctx.Value(tripKey{}).(*trip)
	if !ok {
		return Info{}, false
	}
	return t.info, true
}

// ContextError returns why ctx has ended. Both ctx.Err and context.Cause are found in it.
func ContextError(ctx context.Context) error {
	err, cause := ctx.Err(), context.Cause(ctx)
	if errors.Is(cause, err) {
		return cause
	}
	return Join(err.Error()+": "+cause.Error(), err, cause)
}

// Join returns an error with a text of its own in which others are found. Package fmt does not walk
// into them, whatever the verb.
func Join(text string, errs ...error) error { return &joined{text, errs} }

type joined struct {
	text string
	errs []error
}

func (j *joined) Error() string                 { return j.text }
func (j *joined) Unwrap() []error               { return j.errs }
func (j *joined) Format(f fmt.State, verb rune) { secret.Print(f, verb, j.text) }
