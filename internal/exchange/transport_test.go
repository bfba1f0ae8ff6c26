package exchange

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClient_SpeaksHTTP1ThoughTheTLSConfigOffersHTTP2(t *testing.T) {
	t.Parallel()
	node := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, r.Proto)
	}))
	node.EnableHTTP2 = true
	node.StartTLS()
	t.Cleanup(node.Close)
	cfg := config(node.URL)
	cfg.TLS = trust.Clone()
	cfg.TLS.NextProtos = []string{"h2", "http/1.1"}
	out := do(t.Context(), newClient(t, cfg), get)
	require.NoError(t, out.Err)
	assert.Equal(t, "HTTP/1.1", string(out.Body))
	assert.Equal(t, []string{"h2", "http/1.1"}, cfg.TLS.NextProtos)
}

// broken is a connection on which nothing arrives any more once others are dialled.
type broken struct {
	net.Conn
	dialled *atomic.Int64 // generation
	born    int64
	err     error // of Write; nil: it seems to succeed, as behind a firewall that forgot the connection
}

func (b *broken) Write(p []byte) (int, error) {
	if b.dialled.Load() == b.born {
		return b.Conn.Write(p)
	}
	if b.err != nil {
		return 0, b.err
	}
	return len(p), nil
}

func TestClient_ConnectionsThatAFirewallForgot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var generation atomic.Int64
		node := onPipes(t, nil, slowly(time.Second, ok))
		client := inMemory(t, func(cfg *Config) { cfg.Timeout, cfg.MaxAttempts = 2*time.Second, 1 },
			func(ctx context.Context) (net.Conn, error) {
				conn, err := node(ctx)
				return &broken{conn, &generation, generation.Load(), nil}, err
			})
		atOnce(maxPlaces, func() { assert.NoError(t, do(t.Context(), client, get).Err) })
		generation.Add(1)
		assert.True(t, isTimeout(do(t.Context(), client, get).Err))
		atOnce(20, func() { assert.NoError(t, do(t.Context(), client, create).Err) })
	})
}

// What net/http could not write on a kept connection, it sends on a new one. If there is none,
// nothing was sent.
func TestClient_NothingWasSentOnAStaleConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var generation atomic.Int64
		node := onPipes(t, nil, ok)
		client := inMemory(t, func(cfg *Config) { cfg.MaxAttempts = 1 }, func(ctx context.Context) (net.Conn, error) {
			if generation.Load() != 0 {
				return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
			}
			conn, err := node(ctx)
			return &broken{conn, &generation, 0, errors.New("broken pipe")}, err
		})
		require.NoError(t, do(t.Context(), client, get).Err)
		generation.Add(1)
		out := do(t.Context(), client, create)
		require.Error(t, out.Err)
		assert.False(t, out.Connected)
		assert.False(t, out.MayHaveActed)
	})
}

// Under TLS 1.3 the client has its connection when the server refuses its certificate.
func TestClient_GoesElsewhereWhenItsCertificateIsRefused(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	cfg := config()
	for range 2 {
		cfg.Nodes = append(cfg.Nodes, "https"+listen(t, func(conn net.Conn) {
			connections.Add(1)
			_ = tls.Server(conn,
				&tls.Config{Certificates: serverTLS.Certificates, ClientAuth: tls.RequireAnyClientCert}).Handshake()
			_, _ = io.Copy(io.Discard, conn) // a close would discard the alert
		})[len("http"):])
	}
	cfg.TLS = trust
	for _, req := range []Request{create, get} {
		connections.Store(0)
		out := do(t.Context(), newClient(t, cfg), req)
		require.ErrorContains(t, out.Err, "certificate required")
		assert.False(t, out.MayHaveActed)
		assert.EqualValues(t, 2, connections.Load())
		assert.Equal(t, []string{cfg.Nodes[0] + ": TLS refused"}, out.Before)
	}
}

// alerting is a connection whose end reads as the alert of a server that refuses a certificate.
type alerting struct {
	net.Conn
	op string
}

func (a alerting) Read(p []byte) (int, error) {
	n, err := a.Conn.Read(p)
	if err != nil {
		err = &net.OpError{Op: a.op, Err: errors.New("tls: certificate required")}
	}
	return n, err
}

// twice is middleware that sends each request once with another context before.
func twice(ctx func(*http.Request) context.Context) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (response *http.Response, err error) {
			if response, err = next.RoundTrip(r.WithContext(ctx(r))); err == nil {
				return response, nil
			}
			r.Body, _ = r.GetBody()
			return next.RoundTrip(r)
		})
	}
}

func TestClient_AServerRefusesACertificateBeforeItsFirstAnswerOnly(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		name   string
		answer string // before the alert
		op     string // of the alert; "": remote error
		wrap   func(next http.RoundTripper) http.RoundTripper
		kept   bool
		acted  bool
	}{
		{name: "fresh connection"},
		{name: "an alert of the client", op: "local error", acted: true},
		{name: "kept connection", kept: true, acted: true},
		{name: "after the header", answer: "HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{", acted: true},
		{name: "second connection", wrap: twice((*http.Request).Context), acted: true},
		{name: "dropped context", acted: true,
			wrap: twice(func(*http.Request) context.Context { return context.Background() })},
	} {
		bubble(t, line.name, func(t *testing.T) {
			t.Helper()
			node := onPipes(t, nil, getsElse(raw(line.answer)))
			client := inMemory(t, func(cfg *Config) { cfg.WrapTransport = line.wrap },
				func(ctx context.Context) (net.Conn, error) {
					conn, err := node(ctx)
					return alerting{conn, cmp.Or(line.op, "remote error")}, err
				})
			if line.kept {
				require.NoError(t, do(t.Context(), client, get).Err)
			}
			assert.Equal(t, line.acted, do(t.Context(), client, create).MayHaveActed)
		})
	}
}

// getsElse answers GETs with an empty 200, and others as given.
func getsElse(others http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			others(w, r)
		}
	}
}

func TestClient_KeepsIdleConnectionsForHalfAMinute(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		name    string
		after   func(client *Client)
		callers bool // the transport
		dials   int64
	}{
		{name: "29 s", after: func(*Client) { time.Sleep(29 * time.Second) }, dials: 1},
		{name: "31 s", after: func(*Client) { time.Sleep(31 * time.Second) }, dials: 2},
		{name: "CloseIdleConnections beneath middleware", after: (*Client).CloseIdleConnections, dials: 2},
		{name: "CloseIdleConnections of a caller's", after: (*Client).CloseIdleConnections, callers: true, dials: 2},
	} {
		bubble(t, line.name, func(t *testing.T) {
			t.Helper()
			var dials atomic.Int64
			dial := counting(&dials, onPipes(t, nil, ok))
			client := inMemory(t, func(cfg *Config) { cfg.WrapTransport = passesOn }, dial)
			if line.callers {
				transport := &http.Transport{DialContext: dialOf([]dialer{dial})}
				client.cfg.HTTPClient = &http.Client{Transport: transport}
				client = newClient(t, client.cfg)
			}
			require.NoError(t, do(t.Context(), client, get).Err)
			line.after(client)
			require.NoError(t, do(t.Context(), client, get).Err)
			assert.Equal(t, line.dials, dials.Load())
		})
	}
}

// passesOn is middleware that hides all but RoundTrip.
func passesOn(next http.RoundTripper) http.RoundTripper { return roundTripper(next.RoundTrip) }

func counting(dials *atomic.Int64, dial dialer) dialer {
	return func(ctx context.Context) (net.Conn, error) {
		dials.Add(1)
		return dial(ctx)
	}
}

// A dial takes 5 s at most, its look-up of the name included.
func TestClient_GivesADialFiveSeconds(t *testing.T) { //nolint:paralleltest // it changes the resolver of all
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return hangUntilEnd(ctx)
	}}
	defer func() { net.DefaultResolver = &net.Resolver{} }()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, config("http://xms.invalid"))
		client.cfg.MaxAttempts, client.tracker.own.Proxy = 1, nil
		started := time.Now()
		require.ErrorIs(t, do(t.Context(), client, get).Err, context.DeadlineExceeded)
		assert.Equal(t, 5*time.Second, time.Since(started))
	})
}

type closer struct {
	http.RoundTripper
	closed int
}

func (c *closer) CloseIdleConnections() { c.closed++ }

func TestClient_CloseIdleConnectionsTellsMiddleware(t *testing.T) {
	t.Parallel()
	var middleware closer
	cfg := config("http://node1")
	cfg.WrapTransport = func(http.RoundTripper) http.RoundTripper { return &middleware }
	newClient(t, cfg).CloseIdleConnections()
	assert.Equal(t, 1, middleware.closed)
}

func TestClient_LeavesACallersClientAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cut := onPipes(t, nil, raw(""))
		transport := &http.Transport{DialContext: dialOf([]dialer{cut, cut, cut, onPipes(t, nil, ok)})}
		cfg := config("http://node1")
		cfg.HTTPClient = &http.Client{Transport: transport}
		keptIdle(t, transport)
		assert.True(t, do(t.Context(), newClient(t, cfg), create).MayHaveActed)
		assert.True(t, keptIdle(t, transport))
		assert.Equal(t, &http.Client{Transport: transport}, cfg.HTTPClient)
	})
}

func TestClient_BodyOfA204DoesNotAnswerTheNextCall(t *testing.T) {
	t.Parallel()
	for _, announced := range []string{"Content-Length: 38", "Transfer-Encoding: chunked"} {
		first := "HTTP/1.1 204 No Content\r\n" + announced + "\r\n\r\n"
		client := newClient(t, config(listen(t, func(conn net.Conn) {
			requests := bufio.NewReader(conn)
			if _, err := http.ReadRequest(requests); err != nil {
				return
			}
			io.WriteString(conn, first)
			_, _ = http.ReadRequest(requests)
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") // the body, which comes late
		})))
		for range 3 {
			assert.Equal(t, 204, do(t.Context(), client, get).Status)
		}
	}
}

func TestClient_NamesAProxyThatRefuses(t *testing.T) {
	t.Parallel()
	proxy := serve(t, status(407))
	client := newClient(t, config("https://xms.invalid"))
	at, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	client.tracker.own.Proxy = http.ProxyURL(at)
	out := do(t.Context(), client, create)
	require.ErrorContains(t, out.Err, "the proxy "+at.Host+" refused to connect: 407")
	assert.Zero(t, out.Status)
	assert.False(t, out.MayHaveActed)
}
