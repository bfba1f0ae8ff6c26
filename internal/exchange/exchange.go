// Package exchange sends a request to one of several equal nodes, and reports whether a server may
// have acted on it. It knows HTTP and not what is asked for: the caller words requests and errors.
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

// Config is what a Client is made of. A field whose comment does not say what nil means must be
// set.
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
	// SourceToken that a node has just answered with 401, or "".
	Credential func(ctx context.Context, refused string) (Credential, error)
	// Observe is told of each attempt when it has ended. nil: nobody listens.
	Observe func(ctx context.Context, event Event)
}

// Credential is what one attempt authenticates with. The zero value is none.
type Credential struct {
	HeaderName, HeaderValue string // "": no header
	Query                   string // encoded as it stands in a URL; "": none
	SourceToken             string // the token in the header, if a further call may return another one
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

// Outcome is what came of a call.
type Outcome struct {
	Ending                // of the last attempt
	Attempts     int      // requests made
	WaitErr      error    // the caller's context ended between the last attempt and the next one
	MayHaveActed bool     // a server may have acted on one of the attempts
	Before       []string // each earlier attempt: its node, and in a word or two how it ended
}

// Event says how an attempt ended, and what the client does next.
type Event struct {
	Ending
	Operation string
	Attempt   int           // from 1
	Result    string        // how it ended, in a word or two
	Wait      time.Duration // before the next attempt
	LeftFor   string        // the node that is preferred now, if the client has left this one; else ""
}

// Client sends requests to the nodes of one cluster. It is safe for concurrent use.
type Client struct {
	cfg     Config
	nodes   *nodes
	http    *http.Client
	tracker *tracker
}

// New returns a Client. The error says that WrapTransport returned nil.
func New(cfg Config) (*Client, error) {
	client, tracker := newHTTPClient(cfg)
	if IsNil(client.Transport) {
		return nil, errors.New("WrapTransport returned nil")
	}
	return &Client{cfg: cfg, nodes: newNodes(cfg.Nodes, tracker.places()), http: client, tracker: tracker}, nil
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
	c.tracker.CloseIdleConnections() // middleware need not pass it on
}

// call is the state of one call, kept by its loop.
type call struct {
	*Client
	req      Request
	round    round
	interval time.Duration // bound of the next backoff
	renewal  Credential    // for the next attempt, if a 401 brought another token
	got401   bool          // another token is asked for after the first one only
	out      Outcome
}

// round is one way through the nodes. It ends when the turn has moved on by as many.
type round struct {
	first      int64         // number of the turn in which it began
	retryAfter time.Duration // the longest that an answer asked for
}

// Do makes attempts until one gets a 2xx or the table allows no further one.
func (c *Client) Do(ctx context.Context, req Request) Outcome {
	call := &call{Client: c, req: req, interval: c.cfg.InitialInterval}
	call.newRound()
	for {
		number := call.out.Attempts + 1
		a := call.attempt(ctx)
		call.add(a)
		wait, again := call.nextWait(ctx, a)
		if c.cfg.Observe != nil {
			c.cfg.Observe(ctx, Event{Ending: a.Ending, Operation: req.Operation, Attempt: number, Result: a.result(),
				Wait: wait, LeftFor: a.leftFor})
		}
		if !again {
			return call.out
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		if err := ContextError(ctx); err != nil {
			call.out.WaitErr = req.Secrets.Err(err)
			return call.out
		}
		call.out.Before = append(call.out.Before, a.Node+": "+a.result())
	}
}

func (c *call) newRound() { c.round = round{first: c.nodes.turn.Load().number} }

// add adds an attempt to the state of the call.
func (c *call) add(a attempt) {
	c.out.Ending = a.Ending
	c.out.MayHaveActed = c.out.MayHaveActed || a.rule.acted == yes || a.rule.acted == ifConnected && a.Connected
	if a.Sent {
		c.out.Attempts++
	}
	c.round.retryAfter = max(c.round.retryAfter, a.RetryAfter)
	c.renewal = a.renewal
	c.got401 = c.got401 || a.is(http.StatusUnauthorized)
}

// nextWait says whether the call goes on to a further attempt, and after which wait. To ask the
// same node again begins a new round, unless a token was renewed.
func (c *call) nextWait(ctx context.Context, a attempt) (wait time.Duration, again bool) {
	if c.out.Attempts >= c.cfg.MaxAttempts {
		return 0, false
	}
	turn := c.nodes.turn.Load()
	roundEnded := turn.number-c.round.first >= int64(len(c.nodes.all))
	switch again := a.rule.again; {
	case again == once:
		return 0, true
	case again == elsewhere: // until the round ends, the preferred node is untried
		return 0, !roundEnded
	case again == never, again == ifSafe && !c.req.SafeToRepeat:
		return 0, false
	case !roundEnded && turn != a.turn: // this call has not asked the preferred node in this round
		return 0, true
	}
	return c.beginRound(ctx)
}

// beginRound begins a new round. It returns the wait before that, and false if the wait must not
// start.
func (c *call) beginRound(ctx context.Context) (wait time.Duration, ok bool) {
	if c.round.retryAfter > c.cfg.MaxRetryAfter {
		return 0, false
	}
	wait = c.round.retryAfter + rand.N(max(1, c.interval)) // #nosec G404 -- jitter is no secret
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return 0, false
	}
	c.interval = 2 * min(c.interval, c.cfg.MaxInterval/2)
	c.newRound()
	return wait, true
}

// retryAfter reads how long an answer asks to be left alone: seconds, also with a fraction, or a
// date, which is measured against the answer's own Date. 0 means that it does not say.
func retryAfter(header http.Header) time.Duration {
	for _, value := range header["Retry-After"] {
		digits := strings.Trim(value, "0123456789.") == "" // ParseFloat reads more than HTTP's numbers
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && digits {
			return time.Duration(min(seconds*float64(time.Second), float64(math.MaxInt64/2)))
		}
		if date, err := parseDate(value); err == nil {
			now, err := parseDate(header.Get("Date"))
			if err != nil {
				now = time.Now()
			}
			return max(0, date.Sub(now))
		}
	}
	return 0
}

// parseDate reads the dates of HTTP, also with UTC or a number for the zone.
func parseDate(text string) (time.Time, error) {
	if date, err := time.Parse(time.RFC1123Z, text); err == nil {
		return date, nil
	}
	return http.ParseTime(strings.Replace(text, " UTC", " GMT", 1))
}
