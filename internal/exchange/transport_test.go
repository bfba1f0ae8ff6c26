package exchange

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/binary"
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
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// resetStreams is an HTTP/2 server that answers each request with RST_STREAM(PROTOCOL_ERROR).
func resetStreams(conn net.Conn, requests *atomic.Int64) {
	const preface, headers, rstStream, settings = 24, 1, 3, 4
	frame := func(kind, flags byte, stream uint32, payload ...byte) {
		head := []byte{0, 0, byte(len(payload)), kind, flags, 0, 0, 0, 0}
		binary.BigEndian.PutUint32(head[5:], stream)
		_, _ = conn.Write(append(head, payload...))
	}
	_, _ = io.CopyN(io.Discard, conn, preface)
	frame(settings, 0, 0)
	for head := make([]byte, 9); ; {
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, conn, int64(head[0])<<16|int64(head[1])<<8|int64(head[2]))
		switch {
		case head[3] == settings && head[4] == 0:
			frame(settings, 1, 0)
		case head[3] == headers:
			requests.Add(1)
			frame(rstStream, 0, binary.BigEndian.Uint32(head[5:]), 0, 0, 0, 1)
		}
	}
}

// Before Go 1.27 net/http repeats such a request without end.
func TestClient_SendsNoMoreThanItsAttemptsOverHTTP2(t *testing.T) {
	t.Parallel()
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	for _, line := range []struct {
		scheme    string
		transport *http.Transport
	}{
		{"https", &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: trust.Clone()}},
		{"http", &http.Transport{Protocols: plain}},
	} {
		t.Run(line.scheme, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			cfg := config()
			for range 2 {
				cfg.Nodes = append(cfg.Nodes, line.scheme+listen(t, func(conn net.Conn) {
					if line.scheme == "https" {
						conn = tls.Server(conn, &tls.Config{Certificates: serverTLS.Certificates, NextProtos: []string{"h2"}})
					}
					resetStreams(conn, &requests)
				})[len("http"):])
			}
			cfg.HTTPClient = &http.Client{Transport: line.transport}
			client := newClient(t, cfg)
			for attempts, req := range map[int]Request{1: create, cfg.MaxAttempts: get} {
				requests.Store(0)
				out := do(t.Context(), client, req)
				require.Error(t, out.Err)
				assert.True(t, out.MayHaveActed)
				assert.Equal(t, attempts, out.Attempts)
				assert.EqualValues(t, attempts, requests.Load())
			}
		})
	}
}

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
		assert.True(t, out.NoConnection)
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
			node := onPipes(t, nil, func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodGet {
					raw(line.answer)(w, r)
				}
			})
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

func TestClient_KeepsIdleConnectionsForHalfAMinute(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		name  string
		after func(client *Client)
		dials int64
	}{
		{"29 s", func(*Client) { time.Sleep(29 * time.Second) }, 1},
		{"31 s", func(*Client) { time.Sleep(31 * time.Second) }, 2},
		{"CloseIdleConnections beneath middleware", (*Client).CloseIdleConnections, 2},
	} {
		bubble(t, line.name, func(t *testing.T) {
			t.Helper()
			var dials atomic.Int64
			node := onPipes(t, nil, ok)
			client := inMemory(t, func(cfg *Config) {
				cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper { return roundTripper(next.RoundTrip) }
			}, func(ctx context.Context) (net.Conn, error) {
				dials.Add(1)
				return node(ctx)
			})
			require.NoError(t, do(t.Context(), client, get).Err)
			line.after(client)
			require.NoError(t, do(t.Context(), client, get).Err)
			assert.Equal(t, line.dials, dials.Load())
		})
	}
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
		base := listen(t, func(conn net.Conn) {
			requests := bufio.NewReader(conn)
			for _, answer := range []string{
				"HTTP/1.1 204 No Content\r\n" + announced + "\r\n\r\n",
				"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", // the body, which comes late
			} {
				if _, err := http.ReadRequest(requests); err != nil {
					return
				}
				io.WriteString(conn, answer)
			}
		})
		client := newClient(t, config(base))
		for range 3 {
			assert.Equal(t, 204, do(t.Context(), client, get).Status)
		}
	}
}

// What was sent is known whoever stands between, as long as requests keep their context.
func TestClient_KnowsWhatWasSentBeneathMiddleware(t *testing.T) {
	t.Parallel()
	gone := dead(t)
	refused := &net.OpError{Op: "dial", Err: errors.New("refused")}
	fails := func(err error) http.RoundTripper {
		return roundTripper(func(*http.Request) (*http.Response, error) { return nil, err })
	}
	asksTwice := roundTripper(func(r *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(r.Context())
		trace.GetConn("")
		trace.GotConn(httptrace.GotConnInfo{})
		trace.GetConn("")
		return nil, refused
	})
	noProxy := func(*http.Request) (*url.URL, error) { return nil, errors.New("no proxy") }
	repeatAt := func(base string) func(http.RoundTripper, *http.Request) (*http.Response, error) {
		return func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
			_, err := next.RoundTrip(r)
			require.Error(t, err)
			again := r.Clone(r.Context())
			again.URL, err = url.Parse(base)
			require.NoError(t, err)
			return next.RoundTrip(again)
		}
	}
	stranger := httptest.NewUnstartedServer(nil)
	stranger.Config.ErrorLog = log.New(io.Discard, "", 0)
	stranger.StartTLS()
	t.Cleanup(stranger.Close)
	drop := true
	for _, line := range []struct {
		name     string
		nodes    []string
		base     http.RoundTripper
		wrap     func(next http.RoundTripper, r *http.Request) (*http.Response, error)
		acted    []bool // call after call
		attempts int
	}{
		{name: "a proxy function that fails", nodes: []string{gone}, acted: []bool{false},
			base: &http.Transport{Proxy: noProxy}},
		{name: "a transport that could not dial", nodes: []string{gone}, base: fails(refused), acted: []bool{false}},
		{name: "a transport that asks for two connections", nodes: []string{gone}, base: asksTwice, acted: []bool{true}},
		{name: "a transport that says nothing", nodes: []string{gone}, base: fails(errors.New("no")), acted: []bool{true}},
		{name: "middleware that repeats by itself", nodes: []string{serve(t, raw("")).URL}, acted: []bool{true},
			wrap: repeatAt(gone)},
		{name: "middleware that then meets a stranger", nodes: []string{serve(t, raw("")).URL}, acted: []bool{true},
			wrap: repeatAt(stranger.URL)},
		{name: "middleware that once drops the context", nodes: []string{gone, gone}, acted: []bool{false, true, true},
			wrap: func(next http.RoundTripper, r *http.Request) (*http.Response, error) {
				if r.URL.Query().Has("drop") && drop {
					drop = false
					r = r.WithContext(context.Background()) //nolint:contextcheck // what is tested
				}
				return next.RoundTrip(r)
			}},
	} {
		t.Run(line.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(line.nodes...)
			cfg.MaxAttempts = 2
			if line.base != nil {
				cfg.HTTPClient = &http.Client{Transport: line.base}
			}
			if line.wrap != nil {
				cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
					return roundTripper(func(r *http.Request) (*http.Response, error) { return line.wrap(next, r) })
				}
			}
			client := newClient(t, cfg)
			for i, acted := range line.acted {
				req := create
				if i == 1 {
					req.Query = "drop=1"
				}
				out := do(t.Context(), client, req)
				require.Error(t, out.Err)
				assert.Equal(t, acted, out.MayHaveActed)
				assert.Equal(t, map[bool]int{false: 2, true: 1}[acted], out.Attempts)
			}
		})
	}
}

func TestClient_KnowsWhatHedgingMiddlewareSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		arrived := make(chan struct{})
		client := inMemory(t, func(cfg *Config) {
			cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					second := r.Clone(r.Context())
					second.URL.Host = "node2"
					var both sync.WaitGroup
					for _, request := range []*http.Request{r, second} {
						both.Go(func() {
							_, err := next.RoundTrip(request)
							assert.Error(t, err)
						})
					}
					both.Wait()
					return nil, errors.New("both failed")
				})
			}
		}, onPipes(t, nil, func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			raw("")(w, r)
		}), func(context.Context) (net.Conn, error) { return nil, errors.New("refused") })
		client.wire.own.Proxy = func(r *http.Request) (*url.URL, error) {
			if r.URL.Host == "node2" {
				<-arrived
			} else {
				synctest.Wait() // until both have come to the wire
			}
			return nil, nil
		}
		out := do(t.Context(), client, create)
		assert.True(t, out.MayHaveActed)
		assert.Equal(t, 1, out.Attempts)
	})
}

func TestClient_NamesAProxyThatRefuses(t *testing.T) {
	t.Parallel()
	proxy := serve(t, status(407))
	client := newClient(t, config("https://xms.invalid"))
	at, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	client.wire.own.Proxy = http.ProxyURL(at)
	out := do(t.Context(), client, create)
	require.ErrorContains(t, out.Err, "the proxy "+at.Host+" refused to connect: 407")
	assert.Zero(t, out.Status)
	assert.False(t, out.MayHaveActed)
}
