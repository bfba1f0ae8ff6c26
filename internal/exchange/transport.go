package exchange

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// newHTTPClient returns a copy of the caller's client, or one with a transport of our own. It
// follows no redirect.
func newHTTPClient(cfg Config) (*http.Client, *tracker) {
	client, t := &http.Client{}, &tracker{}
	if cfg.HTTPClient != nil {
		*client = *cfg.HTTPClient
		t.base = client.Transport
	} else {
		t.own = newTransport(cfg.TLS)
		t.base = t.own
	}
	client.Transport = t
	if cfg.WrapTransport != nil {
		client.Transport = cfg.WrapTransport(t)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client, t
}

// newTransport returns a transport for many calls at once to the few nodes of one cluster.
//
// It speaks HTTP/1.1 only: before Go 1.27 net/http sends any HTTP/2 request again after some
// resets. Idle connections are closed before load balancers drop them.
func newTransport(config *tls.Config) *http.Transport {
	if config == nil {
		config = &tls.Config{}
	}
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: checkProxy,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    10 * time.Second,
		Protocols:              new(http.Protocols),
		MaxIdleConnsPerHost:    maxPlaces,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
	t.Protocols.SetHTTP1(true)
	if runtime.GOOS != "js" { // in a browser, only a transport without a dialer uses fetch
		t.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	return t
}

// checkProxy names the proxy, whose status net/http would report as if XMS had said it.
func checkProxy(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return fmt.Errorf("the proxy %s refused to connect: %s", proxy.Host, answer.Status)
}

// ask asks transport as http.Client does, which adds cookies, redirects and a copy of the
// header.
func ask(transport http.RoundTripper, request *http.Request) (*http.Response, error) {
	response, err := transport.RoundTrip(request)
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &record) && string(record.RecordHeader[:]) == "HTTP/":
		return nil, http.ErrSchemeMismatch
	case err != nil:
		return nil, err
	case response == nil, response.Body == nil && response.ContentLength > 0:
		return nil, fmt.Errorf("RoundTripper %T returned no response, or one without its body", transport)
	case response.Body == nil:
		response.Body = http.NoBody
	}
	return response, nil
}

// tracker stands innermost, beneath WrapTransport: it knows whether a request was sent.
type tracker struct {
	base        http.RoundTripper // nil: http.DefaultTransport, which is looked up for each request
	own         *http.Transport   // base, if it is ours
	reached     atomic.Bool       // some request has come with its context: middleware passes requests on
	lostContext atomic.Bool       // one has come without: nobody can tell any more what was sent
}

// transport returns what sends a request.
func (t *tracker) transport() http.RoundTripper {
	base := cmp.Or(t.base, http.DefaultTransport)
	plain, ok := base.(*http.Transport)
	if ok && runtime.GOOS == "js" && plain.DialContext == nil && plain.DialTLSContext == nil &&
		plain.Dial == nil && plain.DialTLS == nil { //nolint:staticcheck // old dialers count
		return fetch{plain}
	}
	return base
}

// fetch is a transport in a browser, where net/http hands requests to the function fetch unless
// there is a dialer. It makes fetch follow no redirect, which would take the token along.
type fetch struct{ *http.Transport }

func (f fetch) RoundTrip(request *http.Request) (*http.Response, error) {
	bound := request.Clone(request.Context())
	bound.Header["js.fetch:redirect"] = []string{"error"} // net/http takes it out again
	response, err := f.Transport.RoundTrip(bound)
	if err != nil && strings.Contains(err.Error(), "invalid header field name") {
		return f.Transport.RoundTrip(request) // net/http does without fetch here, and has sent nothing
	}
	return response, err
}

// Info is what a RoundTripper can know of the call behind a request.
type Info struct {
	Operation    string
	PathTemplate string
	Attempt      int
}

// attemptTrace is what the tracker knows of an attempt. It travels in the context of the requests.
type attemptTrace struct {
	info   Info
	ctx    context.Context // with which the attempt ends
	cancel context.CancelCauseFunc
	node   *node
	share  time.Duration // that getting a connection may take; 0: only the transport and ctx bound it

	mu         sync.Mutex
	ended      bool
	requests   []*requestTrace // those that came; middleware may send several
	connecting *time.Timer     // ends the attempt with its share; nil: no connection was asked for
}

type attemptTraceKey struct{}

// InfoFromContext returns the Info of the request that ctx belongs to.
func InfoFromContext(ctx context.Context) (Info, bool) {
	if t, ok := ctx.Value(attemptTraceKey{}).(*attemptTrace); ok {
		return t.info, true
	}
	return Info{}, false
}

// requestTrace is one request on its way through the base. The mutex of its attempt guards it.
type requestTrace struct {
	*attemptTrace
	end       context.CancelCauseFunc // of the attempt, and of the request at once
	trace     httptrace.ClientTrace
	isNetHTTP bool // the base asks for another connection only if nothing went over the one before
	asked     bool // for a connection
	connected bool
	fresh     bool // the connection had not been used before
	mayRepeat bool // the header may be out, and net/http may send it again
	http2     bool
	returned  bool // the base has: what it left running goes no further
	mayBeOut  bool // a server may have seen the request
}

var errEnded = errors.New("the attempt had ended before its request came to the transport")
var errRepeat = errors.New("net/http was about to send the request again, though a server may have seen it")

// idempotencyKeys are the headers with which net/http repeats a POST.
var idempotencyKeys = []string{"Idempotency-Key", "X-Idempotency-Key"}

// RoundTrip sends the request, unless its attempt has ended.
func (t *tracker) RoundTrip(request *http.Request) (*http.Response, error) {
	base := t.transport()
	attempt, ok := request.Context().Value(attemptTraceKey{}).(*attemptTrace)
	if !ok {
		t.lostContext.Store(true)
		return base.RoundTrip(request)
	}
	t.reached.Store(true)
	r := &requestTrace{attemptTrace: attempt, end: attempt.cancel, mayBeOut: true}
	_, r.isNetHTTP = base.(*http.Transport)
	attempt.mu.Lock()
	late := attempt.ended
	attempt.requests = append(attempt.requests, r)
	attempt.mu.Unlock()
	if late {
		if request.Body != nil {
			_ = request.Body.Close()
		}
		return nil, errEnded
	}
	r.trace = httptrace.ClientTrace{GetConn: r.getConn, GotConn: r.gotConn}
	carried := func(key string) bool { _, ok := request.Header[key]; return ok }
	if t.own == nil || slices.ContainsFunc(idempotencyKeys, carried) { // over HTTP/1.1 nothing else is repeated
		r.trace.WroteHeaderField = r.wroteHeaderField
	}
	ctx := httptrace.WithClientTrace(r.tie(request.Context()), &r.trace)
	response, err := base.RoundTrip(request.WithContext(ctx))
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopConnecting()
	r.returned, r.mayBeOut = true, r.connected || !r.isNetHTTP && !r.asked // what calls no hook may have sent it
	return response, err
}

// tie returns the context of a request, or one that ends with the attempt too if middleware has put
// another one in its place.
func (r *requestTrace) tie(ctx context.Context) context.Context {
	if ctx.Done() == r.ctx.Done() {
		return ctx
	}
	tied, cancel := context.WithCancelCause(ctx)
	context.AfterFunc(r.ctx, func() { cancel(context.Cause(r.ctx)) })
	r.end = func(cause error) {
		r.attemptTrace.cancel(cause)
		cancel(cause)
	}
	return tied
}

func (r *requestTrace) getConn(string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mayRepeat {
		r.end(errRepeat)
		return
	}
	r.asked, r.connected = true, r.connected && !r.isNetHTTP // nothing went over the connection before
	if r.share > 0 && len(r.requests) == 1 {
		r.connecting = time.AfterFunc(r.share, r.shareEnded)
	}
}

// gotConn ends the attempt too if net/http is about to repeat the request: over HTTP/2 it does not
// ask for a connection that it has dialled for somebody else. Over HTTP/1.1 it would write the
// request before it looks whether the context has ended, so the connection is closed.
func (r *requestTrace) gotConn(info httptrace.GotConnInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mayRepeat || r.returned {
		r.end(errRepeat)
		if !r.http2 && info.Conn != nil {
			_ = info.Conn.Close()
		}
		return
	}
	r.connected, r.fresh = true, !info.Reused
	r.stopConnecting()
}

// wroteHeaderField looks for what makes net/http repeat a request: HTTP/2, which alone has fields
// that begin with a colon, before Go 1.27 and golang.org/x/net/http2 0.54, and idempotency keys.
func (r *requestTrace) wroteHeaderField(name string, _ []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.http2 = r.http2 || strings.HasPrefix(name, ":")
	r.mayRepeat = r.mayRepeat || r.http2 || slices.Contains(idempotencyKeys, name)
}

func (t *attemptTrace) stopConnecting() {
	if t.connecting != nil {
		t.connecting.Stop()
	}
}

// shareEnded ends the attempt if its node is silent: short deadlines must not move everybody away
// from a node that answers.
func (t *attemptTrace) shareEnded() {
	if t.node.silent() {
		text := fmt.Sprintf("no connection within %v, and other nodes are untried", t.share)
		t.cancel(secret.Join(text, context.DeadlineExceeded))
	}
}

// end ends an attempt: requests that come later are refused. sent says whether a request was passed
// on to the tracker, connected whether one may have gone out, and fresh whether there was exactly
// one, over a new connection. If nobody can tell, or there is an answer, one was sent.
func (t *tracker) end(attempt *attemptTrace, answered bool) (sent, connected, fresh bool) {
	attempt.mu.Lock()
	defer attempt.mu.Unlock()
	attempt.ended = true
	attempt.stopConnecting()
	all := attempt.requests
	if t.lostContext.Load() || len(all) == 0 && !t.reached.Load() {
		return true, true, false
	}
	connected = slices.ContainsFunc(all, func(r *requestTrace) bool { return r.mayBeOut })
	return answered || len(all) > 0, connected, len(all) == 1 && all[0].fresh
}

// refusesTLS reports whether err says that either side refused TLS before a request was answered. A
// server that refuses the client's certificate under TLS 1.3 says so in place of the first answer,
// by an alert for which net/http and crypto/tls export no type.
func refusesTLS(err error, connected, fresh bool) bool {
	var alert *net.OpError
	if errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error") {
		return !connected || fresh && alert.Op == "remote error" && strings.Contains(alert.Err.Error(), "certificate")
	}
	var unverified *tls.CertificateVerificationError
	return !connected && errors.As(err, &unverified)
}

// places returns how many requests at a time a node gets.
func (t *tracker) places() int {
	if base, ok := t.transport().(*http.Transport); ok && base.MaxConnsPerHost > 0 {
		return min(maxPlaces, base.MaxConnsPerHost)
	}
	return maxPlaces
}

// checkEmpty closes idle connections after a 204 that announces a body: net/http would take it for
// the answer to the next request.
func (t *tracker) checkEmpty(response *http.Response) {
	announced := response.Header.Get("Content-Length")
	if response.StatusCode == http.StatusNoContent &&
		(announced != "" && announced != "0" || len(response.TransferEncoding) > 0) {
		t.closeOwnIdle()
	}
}

// closeOwnIdle closes the idle connections of our own transport. Those of a caller's are the
// caller's.
func (t *tracker) closeOwnIdle() {
	if t.own != nil {
		t.own.CloseIdleConnections()
	}
}

// CloseIdleConnections passes on what http.Client and middleware ask of a RoundTripper.
func (t *tracker) CloseIdleConnections() {
	(&http.Client{Transport: t.transport()}).CloseIdleConnections()
}
