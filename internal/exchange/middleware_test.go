package exchange

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// middleware is a WrapTransport.
type middleware func(next http.RoundTripper, r *http.Request) (*http.Response, error)

func (m middleware) around(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) { return m(next, r) })
}

// repeatsAt is middleware that sends a failed request again, to another server.
func repeatsAt(t *testing.T, base string) middleware {
	t.Helper()
	return func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		_, err := next.RoundTrip(r)
		require.Error(t, err)
		again := r.Clone(r.Context())
		again.URL, err = url.Parse(base)
		require.NoError(t, err)
		return next.RoundTrip(again)
	}
}

// asks is a RoundTripper that reports what it does as net/http would, and fails.
func asks(report func(trace *httptrace.ClientTrace)) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		report(httptrace.ContextClientTrace(r.Context()))
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	})
}

// What was sent is known whoever stands between, as long as requests keep their context.
func TestClient_KnowsWhatWasSent(t *testing.T) {
	t.Parallel()
	gone := dead(t)
	stranger := httptest.NewUnstartedServer(nil)
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.StartTLS()
	t.Cleanup(stranger.Close)
	for _, line := range []struct {
		name  string
		node  string
		base  http.RoundTripper
		wrap  middleware
		acted bool
	}{
		{name: "a proxy function that fails", node: gone, base: &http.Transport{
			Proxy: func(*http.Request) (*url.URL, error) { return nil, errors.New("no proxy") },
		}},
		{name: "a transport that was given no connection", node: gone,
			base: asks(func(trace *httptrace.ClientTrace) { trace.GetConn("") })},
		{name: "a transport that asks for two connections", node: gone, acted: true,
			base: asks(func(trace *httptrace.ClientTrace) {
				trace.GetConn("")
				trace.GotConn(httptrace.GotConnInfo{})
				trace.GetConn("")
			})},
		{name: "a transport that reports nothing", node: gone, acted: true, base: asks(func(*httptrace.ClientTrace) {})},
		{name: "middleware that repeats by itself", node: serve(t, raw("")).URL, acted: true, wrap: repeatsAt(t, gone)},
		{name: "middleware that then meets a stranger", node: serve(t, raw("")).URL, acted: true,
			wrap: repeatsAt(t, stranger.URL)},
		{name: "middleware with other ways of sending", node: gone, acted: true,
			wrap: func(http.RoundTripper, *http.Request) (*http.Response, error) { return nil, errors.New("lost") }},
	} {
		t.Run(line.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(line.node)
			cfg.MaxAttempts = 2
			if line.base != nil {
				cfg.HTTPClient = &http.Client{Transport: line.base}
			}
			if line.wrap != nil {
				cfg.WrapTransport = line.wrap.around
			}
			out := do(t.Context(), newClient(t, cfg), create)
			require.Error(t, out.Err)
			assert.Equal(t, line.acted, out.MayHaveActed)
			assert.Equal(t, map[bool]int{false: 2, true: 1}[line.acted], out.Attempts)
		})
	}
}

// Once a request has come without its context, nobody can tell what others did.
func TestClient_KnowsNothingAfterARequestWithoutItsContext(t *testing.T) {
	t.Parallel()
	cfg := config(dead(t))
	drop := false
	cfg.WrapTransport = middleware(func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		if drop {
			r = r.WithContext(context.Background()) //nolint:contextcheck // what is tested
		}
		return next.RoundTrip(r)
	}).around
	client := newClient(t, cfg)
	for i, acted := range []bool{false, true, true} {
		drop = i == 1
		assert.Equal(t, acted, do(t.Context(), client, create).MayHaveActed, "call %d", i)
	}
}

// gaveUp is the error of middleware that does not wait for the transport.
var errGaveUp = errors.New("the breaker gave up")

// A request that is on its way when middleware gives up may have been sent, and goes no further.
func TestClient_MiddlewareThatGivesUpEarly(t *testing.T) {
	t.Parallel()
	for _, detached := range []bool{false, true} {
		dialling, release, returned := make(chan bool), make(chan bool), make(chan error, 1)
		nodes := []*server{serve(t, ok), serve(t, ok)}
		cfg := config(nodes[0].URL, nodes[1].URL)
		cfg.WrapTransport = middleware(func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			if detached {
				r = r.WithContext(context.WithoutCancel(r.Context()))
			}
			go func() {
				_, err := next.RoundTrip(r)
				returned <- err
			}()
			<-dialling
			return nil, errGaveUp
		}).around
		client := newClient(t, cfg)
		client.tracker.own.DialContext = func(_ context.Context, network, address string) (net.Conn, error) {
			close(dialling)
			<-release
			return net.Dial(network, address)
		}
		out := do(t.Context(), client, create)
		close(release)
		require.ErrorIs(t, out.Err, errGaveUp)
		require.ErrorIs(t, <-returned, context.Canceled)
		assert.True(t, out.MayHaveActed)
		assert.Equal(t, 1, out.Attempts)
		assert.Zero(t, nodes[0].requests.Load()+nodes[1].requests.Load())
	}
}

// A request that comes after its attempt has ended is refused, so that nothing was sent.
func TestClient_MiddlewareThatPassesARequestOnTooLate(t *testing.T) {
	t.Parallel()
	ended, late := make(chan bool), make(chan error, 1)
	node := serve(t, ok)
	cfg := config(node.URL)
	cfg.WrapTransport = middleware(func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			return next.RoundTrip(r)
		}
		r = r.WithContext(context.WithoutCancel(r.Context()))
		go func() {
			<-ended
			_, err := next.RoundTrip(r)
			late <- err
		}()
		return nil, errGaveUp
	}).around
	client := newClient(t, cfg)
	require.NoError(t, do(t.Context(), client, get).Err)
	out := do(t.Context(), client, create)
	close(ended)
	require.ErrorIs(t, <-late, errEnded)
	require.ErrorIs(t, out.Err, errGaveUp)
	assert.False(t, out.MayHaveActed)
	assert.Zero(t, out.Attempts)
	assert.Equal(t, node.URL, out.Node)
	assert.EqualValues(t, 1, node.requests.Load(), "the get")
}

// What middleware refuses says nothing of the node: it has not answered.
func TestClient_MiddlewareThatRefusesMakesNoNodeAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var open atomic.Bool
		breaker := middleware(func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			if open.Load() {
				return nil, errGaveUp
			}
			return next.RoundTrip(r)
		})
		client := inMemory(t, func(cfg *Config) { cfg.WrapTransport = breaker.around },
			onPipes(t, nil, hang), onPipes(t, nil, ok))
		client.tracker.reached.Store(true)
		open.Store(true)
		require.ErrorIs(t, do(t.Context(), client, get).Err, errGaveUp)
		open.Store(false)
		ctx, cancel := context.WithTimeout(t.Context(), soon)
		defer cancel()
		require.ErrorIs(t, do(ctx, client, get).Err, context.DeadlineExceeded)
		assert.EqualValues(t, 1, client.nodes.turn.Load().number, "the node has answered nobody")
	})
}

// hedges is middleware that sends each request to two nodes at once.
func hedges(next http.RoundTripper, r *http.Request) (*http.Response, error) {
	second := r.Clone(r.Context())
	second.URL.Host = "node2"
	var both sync.WaitGroup
	for _, request := range []*http.Request{r, second} {
		both.Go(func() { _, _ = next.RoundTrip(request) })
	}
	both.Wait()
	return nil, errors.New("both failed")
}

func TestClient_KnowsWhatHedgingMiddlewareSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		arrived := make(chan struct{})
		client := inMemory(t, func(cfg *Config) { cfg.WrapTransport = middleware(hedges).around },
			onPipes(t, nil, func(w http.ResponseWriter, r *http.Request) {
				close(arrived)
				raw("")(w, r)
			}), func(context.Context) (net.Conn, error) { return nil, errors.New("refused") })
		client.tracker.own.Proxy = func(r *http.Request) (*url.URL, error) {
			if r.URL.Host == "node2" {
				<-arrived
				return nil, nil
			}
			synctest.Wait() // until both have come to the tracker
			return nil, nil
		}
		out := do(t.Context(), client, create)
		assert.True(t, out.MayHaveActed)
		assert.Equal(t, 1, out.Attempts)
	})
}

// The context of a request ends with its attempt, so that nothing of it goes on.
func TestClient_ContextOfARequestEndsWithItsAttempt(t *testing.T) {
	t.Parallel()
	var seen context.Context //nolint:containedctx // to look at afterwards
	cfg := config(serve(t, ok).URL)
	cfg.WrapTransport = middleware(func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
		seen = r.Context() //nolint:fatcontext // to look at afterwards
		return next.RoundTrip(r)
	}).around
	require.NoError(t, do(t.Context(), newClient(t, cfg), get).Err)
	assert.ErrorIs(t, seen.Err(), context.Canceled)
}

// An answer of middleware is an answer, and says nothing of the node.
func TestClient_MiddlewareThatAnswersByItself(t *testing.T) {
	t.Parallel()
	cfg := config(dead(t))
	cfg.WrapTransport = middleware(func(http.RoundTripper, *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusConflict, Body: http.NoBody}, nil
	}).around
	client := newClient(t, cfg)
	client.tracker.reached.Store(true)
	out := do(t.Context(), client, create)
	require.NoError(t, out.Err)
	assert.Equal(t, 409, out.Status)
	assert.Equal(t, 1, out.Attempts)
	assert.True(t, client.nodes.all[0].silent())
}

// A breaker beneath the tracker gives up while its dial goes on. What it left running sends
// nothing.
func TestClient_TransportThatGivesUpEarly(t *testing.T) {
	t.Parallel()
	dialling, release, returned := make(chan bool), make(chan bool), make(chan error, 1)
	nodes := []*server{serve(t, ok), serve(t, ok)}
	plain := &http.Transport{DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
		if address == nodes[0].Listener.Addr().String() {
			close(dialling)
			<-release
		}
		return net.Dial(network, address)
	}}
	cfg := config(nodes[0].URL, nodes[1].URL)
	cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host != nodes[0].Listener.Addr().String() {
			return plain.RoundTrip(r)
		}
		go func() {
			_, err := plain.RoundTrip(r.WithContext(context.WithoutCancel(r.Context())))
			returned <- err
		}()
		<-dialling
		return nil, errGaveUp
	})}
	out := do(t.Context(), newClient(t, cfg), create)
	close(release)
	require.Error(t, <-returned)
	assert.Zero(t, nodes[0].requests.Load())
	assert.Equal(t, nodes[1].URL, out.Node)
}

func TestAsk_KeepsToWhatHTTPClientDoes(t *testing.T) {
	t.Parallel()
	plain := serve(t, ok)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, https(plain.URL), nil)
	require.NoError(t, err)
	_, err = ask(&http.Transport{}, request)
	require.ErrorIs(t, err, http.ErrSchemeMismatch)
	answers := func(response *http.Response) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) { return response, nil })
	}
	_, err = ask(answers(nil), request)
	require.ErrorContains(t, err, "no response")
	_, err = ask(answers(&http.Response{ContentLength: 1}), request)
	require.ErrorContains(t, err, "without its body")
	response, err := ask(answers(&http.Response{}), request)
	require.NoError(t, err)
	assert.Equal(t, http.NoBody, response.Body)
}
