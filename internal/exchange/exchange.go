// Package exchange sends a request to one of several equal nodes, and knows for sure what may have
// come of it. It knows HTTP and nothing of what is asked for: the caller words requests and errors.
//
// Do is the loop of a call. An attempt is one request to one node (attempt.go). The table in
// rules.go says what follows from each way an attempt can end. nodes.go knows which node is
// preferred, and transport.go whether a request was sent.
package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"math"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// Config is what a Client is made of. Every field without a remark must be set.
type Config struct {
	Nodes         []string                                  // base URLs without a trailing slash, in order
	HTTPClient    *http.Client                              // nil: a transport of this package's own
	WrapTransport func(http.RoundTripper) http.RoundTripper // nil: none
	TLS           *tls.Config                               // for the own transport; nil: the defaults
	Header        http.Header                               // of every request
	Timeout       time.Duration                             // of an attempt; negative: none
	MaxBytes      int64                                     // of the body of a 2xx

	MaxAttempts     int
	InitialInterval time.Duration
	MaxInterval     time.Duration
	MaxRetryAfter   time.Duration

	// Credential returns what the next attempt authenticates with. ctx is the caller's. refused is the
	// Renewable that a node has just answered with 401, or "".
	Credential func(ctx context.Context, refused string) (Credential, error)
	// Observe is told of each attempt when it has ended. nil: nobody listens.
	Observe func(ctx context.Context, event Event)
}

// Credential is what one attempt authenticates with. The zero value is none.
type Credential struct {
	HeaderName, HeaderValue string // "": no header
	Query                   string // encoded as it stands in a URL; "": none
	Renewable               string // the token in the header, if a further call may return another one
}

// Request is what a call sends. It never changes once made.
type Request struct {
	Operation    string // for Info
	PathTemplate string // for Info
	Method       string
	Path         string // escaped, below the base URL, with its leading slash
	Query        string // encoded, without credentials
	Body         []byte // JSON; nil: none
	SafeToRepeat bool   // sending it twice does what sending it once does
	Secrets      *secret.Set
}

// Outcome is what came of a call: how its last attempt ended, and what all of them may have done.
type Outcome struct {
	Node         string // base URL that the last attempt was meant for; "" if it got to none
	Attempts     int    // requests made
	Status       int    // of the last answer; 0 if the last attempt got none
	Header       http.Header
	Body         []byte
	Page         bool          // Body is an HTML page
	RetryAfter   time.Duration // of the last answer; 0 if it asks for no wait
	Anonymous    bool          // the last request carried no credential
	Sent         bool          // the last attempt made a request
	NoConnection bool          // the last attempt had no connection

	Err          error    // why there is no answer, or no whole 2xx, else nil; without secrets
	WaitErr      error    // the caller's context ended between the last attempt and the next one
	MayHaveActed bool     // a server may have acted on one of the attempts
	Before       []string // each earlier attempt: its node, and in a word or two how it ended
}

// Event says how an attempt ended, and whether the client has left its node.
type Event struct {
	Operation string
	Node      string // "" if the attempt got to none
	Attempt   int    // from 1
	Status    int    // 0: no answer
	Result    string // in a word or two
	Err       error  // nil with any answer; without secrets
	Duration  time.Duration
	Wait      time.Duration // before the next attempt
	LeftFor   string        // the node that is preferred now, if the client has left this one; else ""
}

// Client sends requests to the nodes of one cluster. It is safe for concurrent use.
type Client struct {
	cfg   Config
	nodes *nodes
	http  *http.Client
	wire  *wire
}

// New returns a Client. The error says that WrapTransport returned nil.
func New(cfg Config) (*Client, error) {
	client, w := newHTTPClient(cfg)
	if IsNil(client.Transport) {
		return nil, errors.New("WrapTransport returned nil")
	}
	return &Client{cfg: cfg, nodes: newNodes(cfg.Nodes, w.places()), http: client, wire: w}, nil
}

// IsNil reports whether v is nil or holds a nil pointer or func, on which the first call would
// panic.
func IsNil(v any) bool {
	value := reflect.ValueOf(v)
	return v == nil || (value.Kind() == reflect.Pointer || value.Kind() == reflect.Func) && value.IsNil()
}

// CloseIdleConnections closes the connections that no request uses, beneath WrapTransport too.
func (c *Client) CloseIdleConnections() {
	c.http.CloseIdleConnections()
	c.wire.CloseIdleConnections() // middleware need not pass it on
}

// call is the state of one call, kept by its loop.
type call struct {
	*Client
	req      Request
	round    round
	interval time.Duration // bound of the next backoff
	renewal  Credential    // for the next attempt, if a 401 brought another one
	asked    bool          // for another one, which happens once a call
	out      Outcome
}

// round is one way through the nodes. It ends when the preferred node has moved on by as many.
type round struct {
	began      int64         // number of the turn
	retryAfter time.Duration // the longest that an answer asked for
}

// Do makes attempts until one gets a 2xx or the table allows no further one.
func (c *Client) Do(ctx context.Context, req Request) Outcome {
	call := &call{Client: c, req: req, interval: c.cfg.InitialInterval}
	call.newRound()
	for {
		e := call.attempt(ctx)
		r := ruleFor(e)
		leftFor := call.leaveNode(e, r)
		e.release()
		e.err = req.Secrets.Err(e.err)
		call.note(e, r)
		wait, again := call.goOn(ctx, r)
		call.observe(ctx, e, wait, leftFor)
		if !again {
			return call.out
		}
		if err := sleep(ctx, wait); err != nil {
			call.out.WaitErr = req.Secrets.Err(err)
			return call.out
		}
		call.out.Before = append(call.out.Before, call.out.Node+": "+e.result())
	}
}

func (c *call) newRound() { c.round = round{began: c.nodes.turn.Load().number} }

// leaveNode makes the next node the preferred one if r says so. It returns that node's URL if it is
// another one.
func (c *call) leaveNode(e end, r rule) (leftFor string) {
	if e.turn == nil {
		return ""
	}
	node := c.nodes.at(e.turn.number)
	if r.leave == stays && e.status != 0 {
		node.markAnswered()
	}
	left := r.leavesNode(e, node) && c.nodes.leave(e.turn)
	if r.idle == closed || r.idle == closedIfLeft && left {
		c.wire.closeOwnIdle()
	}
	if !left || len(c.nodes.all) == 1 {
		return ""
	}
	return c.nodes.at(e.turn.number + 1).base
}

// note adds what e says to the state of the call.
func (c *call) note(e end, r rule) {
	out := &c.out
	out.Status, out.Header, out.Body, out.Page = e.status, e.header, e.body, e.page
	out.RetryAfter, out.Err = e.retryAfter, e.err
	out.Anonymous, out.Sent, out.NoConnection = e.anonymous, e.requested, !e.connected
	out.MayHaveActed = out.MayHaveActed || r.acted == yes || r.acted == ifConnected && e.connected
	if e.requested {
		out.Attempts++
	}
	out.Node = ""
	if e.node != nil {
		out.Node = e.node.base
	}
	c.round.retryAfter = max(c.round.retryAfter, e.retryAfter)
	c.renewal = e.renewal
}

// goOn says whether the call goes on to a further attempt, and after which wait.
func (c *call) goOn(ctx context.Context, r rule) (wait time.Duration, again bool) {
	if c.out.Attempts >= c.cfg.MaxAttempts {
		return 0, false
	}
	over := c.nodes.turn.Load().number-c.round.began >= int64(len(c.nodes.all))
	switch r.again {
	case once:
		return 0, true
	case always:
		return c.goOnAfter(ctx, over)
	case afterWait:
		return c.goOnAfter(ctx, true)
	case ifSafe:
		if c.req.SafeToRepeat {
			return c.goOnAfter(ctx, over)
		}
	case elsewhere: // until the round is over, the preferred node is untried
		return 0, !over
	}
	return 0, false
}

// goOnAfter goes on at once, or begins a new round if one is over. It returns the wait before that,
// and false if the wait must not start.
func (c *call) goOnAfter(ctx context.Context, over bool) (wait time.Duration, again bool) {
	if !over {
		return 0, true
	}
	if c.round.retryAfter > c.cfg.MaxRetryAfter {
		return 0, false
	}
	wait = max(rand.N(max(1, c.interval)), c.round.retryAfter) // #nosec G404 -- jitter is no secret
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return 0, false
	}
	c.interval = 2 * min(c.interval, c.cfg.MaxInterval/2)
	c.newRound()
	return wait, true
}

// sleep waits. It returns why ctx has ended if it ends first.
func sleep(ctx context.Context, wait time.Duration) error {
	select {
	case <-time.After(wait):
	case <-ctx.Done():
	}
	if ctx.Err() != nil {
		return ContextError(ctx)
	}
	return nil
}

func (c *call) observe(ctx context.Context, e end, wait time.Duration, leftFor string) {
	if c.cfg.Observe == nil {
		return
	}
	attempt := c.out.Attempts
	if !e.requested {
		attempt++
	}
	c.cfg.Observe(ctx, Event{
		Operation: c.req.Operation, Node: c.out.Node, Attempt: attempt, Status: e.status, Result: e.result(),
		Err: e.err, Duration: e.took, Wait: wait, LeftFor: leftFor,
	})
}

// retryAfter reads how long an answer asks to be left alone: seconds, also with a fraction, or a
// date, which is measured against the answer's own Date. 0 means that it does not say.
func retryAfter(header http.Header) time.Duration {
	for _, value := range header["Retry-After"] {
		digits := strings.Trim(value, "0123456789.") == "" // ParseFloat reads more than HTTP's numbers
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && digits {
			return time.Duration(min(seconds*float64(time.Second), float64(math.MaxInt64/2)))
		}
		if date, ok := parseDate(value); ok {
			now, ok := parseDate(header.Get("Date"))
			if !ok {
				now = time.Now()
			}
			return max(0, date.Sub(now))
		}
	}
	return 0
}

// parseDate reads the dates of HTTP, also with UTC or a number for the zone. Go gives no error for
// other names of zones, and does not know what they mean.
func parseDate(text string) (time.Time, bool) {
	const rfc850 = "Monday, 02-Jan-06 15:04:05 GMT"
	text = strings.Replace(text, " UTC", " GMT", 1)
	for _, layout := range []string{http.TimeFormat, time.RFC1123Z, rfc850, time.ANSIC} {
		if date, err := time.Parse(layout, text); err == nil {
			return date, true
		}
	}
	return time.Time{}, false
}
