package xmsclient

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"time"
)

// APIClient talks to one XMS cluster. Make it once with NewAPIClient and share it: it is safe for concurrent use, keeps its
// connections, and remembers which node answered. It needs no closing.
//
// Printing a client, or a struct that holds one, shows no secret.
type APIClient struct {
	// AccessTokensApi has the operations on access tokens.
	AccessTokensApi *AccessTokensApiService
}

// NewAPIClient checks and copies cfg and returns a client for it. It sends nothing. The error is an *ArgumentError that
// names the field of cfg and says what would be right; a nil cfg is one too.
func NewAPIClient(cfg *Configuration) (*APIClient, error) {
	if cfg == nil {
		return nil, configError("cfg", "must not be nil; NewConfiguration returns one to start from")
	}
	complete := cfg.withDefaults()
	if err := complete.check(); err != nil {
		return nil, err
	}
	nodes, err := complete.nodes()
	if err != nil {
		return nil, err
	}
	return &APIClient{AccessTokensApi: &AccessTokensApiService{core: newCore(&complete, nodes)}}, nil
}

// Response is the exchange behind a call. Its body has been read and closed. Printing or logging it shows the names in Header
// but not the values, among which there may be a session's cookie.
type Response struct {
	StatusCode int         // such as 200
	Header     http.Header // header of the answer, as it came
	Server     string      // base URL of the node that answered
	Attempts   int         // tries made; 1 if the first succeeded
}

// Format prints the response for every verb, without header values.
func (r Response) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "xmsclient.Response{StatusCode:%d Header:%q Server:%q Attempts:%d}",
		r.StatusCode, slices.Sorted(maps.Keys(r.Header)), r.Server, r.Attempts)
}

// LogValue makes slog record what Format prints.
func (r Response) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// OperationFromContext returns the name of the operation, such as "CreateAccessToken", on whose behalf a request is sent. It is
// meant for an http.RoundTripper, which passes its request's context; ok is false for any other context.
func OperationFromContext(ctx context.Context) (operation string, ok bool) {
	if op, ok := ctx.Value(operationContextKey{}).(*operationRow); ok {
		return op.name, true
	}
	return "", false
}

// core is what all calls of a client share. Nothing in it changes but current and the pool.
type core struct {
	nodes    []node
	current  atomic.Int64                                // index of the node that answered last
	send     func(*http.Request) (*http.Response, error) // a func too: a transport's buffers hold what went over the wire
	netHTTP  bool                                        // whether the requests go through an http.Transport
	auth     authenticator
	header   func(withBody bool) http.Header // a func for the reason given at authenticator
	timeout  time.Duration                   // of one attempt; negative: none
	retry    RetryPolicy
	maxBytes int64
	bodies   bodyPool
	log      callLog
}

func newCore(cfg *Configuration, nodes []node) *core {
	auth := newAuthenticator(cfg)
	client := newHTTPClient(cfg, auth)
	_, netHTTP := client.Transport.(*http.Transport)
	return &core{
		nodes:    nodes,
		send:     client.Do,
		netHTTP:  netHTTP,
		auth:     auth,
		header:   newHeader(cfg),
		timeout:  cfg.Timeout,
		retry:    cfg.Retry.withDefaults(len(nodes)),
		maxBytes: cfg.MaxResponseBytes,
		log:      callLog{cfg.Logger},
	}
}

// do is the path of every call: check the arguments, encode, exchange, decode.
func do[T any, M responseModel[T]](ctx context.Context, c *core, in *call) (*T, *Response, error) {
	if err := in.prepare(ctx); err != nil {
		return nil, nil, err
	}
	in.node = int(c.current.Load())
	result := new(struct { // allocated at once
		out      T
		response Response
	})
	in.response = &result.response
	in.read = func(c *cursor) error { return decode(c, M(&result.out)) }
	resp, err := c.exchange(ctx, in)
	if err != nil {
		return nil, resp, err
	}
	return &result.out, resp, nil
}

// exchange makes attempts until one is answered with 2xx or the rules of retry.go allow no further one.
func (c *core) exchange(ctx context.Context, in *call) (*Response, error) {
	for {
		started := c.log.now(ctx)
		ans, f := c.attempt(ctx, in)
		wait, again := c.next(ctx, in, f)
		c.log.attempt(ctx, in, ans, f, started, wait)
		c.bodies.put(ans.body)
		if f == nil {
			return ans.response, nil
		}
		if again {
			f, again = in.sleep(ctx, wait, f)
		}
		if !again {
			c.log.failed(ctx, in, f)
			return ans.response, f.err
		}
	}
}

// attempt sends the request of in once, to the node whose turn it is, and reads the answer. The answer's response is set
// whenever a server sent one, its body only with 2xx.
func (c *core) attempt(ctx context.Context, in *call) (answer, *failure) {
	bounded, cancel := c.bound(ctx)
	defer cancel()
	cred, err := c.auth.credential(bounded, in)
	if err == nil {
		err = bounded.Err() // nobody could tell afterwards that nothing was sent
	}
	if err != nil {
		return answer{}, in.noCredential(ctx, bounded, err)
	}
	in.use(cred)
	n := &c.nodes[in.node]
	in.server = n.base
	in.attempts++
	resp, err := c.send(c.newRequest(bounded, in, n))
	if err != nil {
		return answer{}, in.noAnswer(ctx, bounded, resp, err)
	}
	defer func() { _ = resp.Body.Close() }()
	*in.response = Response{StatusCode: resp.StatusCode, Header: resp.Header, Server: n.base, Attempts: in.attempts}
	ans := answer{response: in.response}
	if !nodeFailed(resp.StatusCode) {
		c.stay(in.node)
	}
	if resp.StatusCode/100 != 2 {
		f := in.refused(resp, n)
		if in.alreadyRemoved(resp.StatusCode) {
			return ans, nil
		}
		return ans, f
	}
	if ans.body, err = c.bodies.read(resp.Body, resp.ContentLength, c.maxBytes); err != nil {
		return ans, in.brokenOff(ctx, bounded, ans, err)
	}
	if err := in.read(ans.body.cursor(ans.contentType())); err != nil {
		return ans, in.unusable(ans, err)
	}
	return ans, nil
}

// bound returns ctx within the timeout of an attempt. The caller's own deadline serves where it is sooner.
func (c *core) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); c.timeout < 0 || ok && time.Until(deadline) <= c.timeout {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, c.timeout, timeoutError{c.timeout})
}

// stay makes further calls begin with this node.
func (c *core) stay(node int) {
	if n := int64(node); c.current.Load() != n {
		c.current.Store(n)
	}
}
