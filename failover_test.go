package xmsclient_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// failoverDialer counts the connections that are asked for, by address, and tells when one of them has been given up.
type failoverDialer struct {
	mu    sync.Mutex
	dials map[string]int
	gone  chan struct{}
}

func newFailoverDialer() *failoverDialer {
	return &failoverDialer{dials: map[string]int{}, gone: make(chan struct{}, 100)}
}

func (d *failoverDialer) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	d.mu.Lock()
	d.dials[addr]++
	d.mu.Unlock()
	conn, err := new(net.Dialer).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &failoverConn{Conn: conn, gone: d.gone}, nil
}

// count returns how often the node at a base URL was dialled.
func (d *failoverDialer) count(t *testing.T, base string) int {
	t.Helper()
	u, err := url.Parse(base)
	require.NoError(t, err)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dials[u.Host]
}

// use makes a configuration's connections by d.
func (d *failoverDialer) use(t *testing.T, cfg *xmsclient.Configuration) {
	t.Helper()
	transport := &http.Transport{DialContext: d.DialContext, MaxIdleConnsPerHost: 100}
	t.Cleanup(transport.CloseIdleConnections)
	cfg.HTTPClient = &http.Client{Transport: transport}
}

type failoverConn struct {
	net.Conn
	once sync.Once
	gone chan struct{}
}

func (c *failoverConn) Close() error {
	c.once.Do(func() { c.gone <- struct{}{} })
	return c.Conn.Close()
}

// A dead first node costs the first call one dial, and later calls nothing.
func TestFailoverDeadFirstNode(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		const calls = 10
		node := newFaultNode(t, op.answer)
		dialer := newFailoverDialer()
		client := faultClient(t, func(cfg *xmsclient.Configuration) { dialer.use(t, cfg) }, faultDeadURL, node.url)

		for i := range calls {
			out := op.call(t.Context(), client)
			require.NoError(t, out.err)
			require.Equal(t, node.url, out.resp.Server)
			if i == 0 {
				requireFaultAttempts(t, 2, out)
			} else {
				requireFaultAttempts(t, 1, out)
			}
		}

		require.Equal(t, 1, dialer.count(t, faultDeadURL), "dials of the dead node")
		require.Equal(t, 1, dialer.count(t, node.url), "dials of the other node")
		node.requireReceived(t, op, calls)
	})
}

// The client stays with the node that answered last, and goes on from there to the next in order, round the cluster.
func TestFailoverIsSticky(t *testing.T) {
	t.Parallel()
	op := faultOperationNamed(t, "GetAccessToken")
	busy, fine := faultStatus(503, "", ""), op.answer
	first := newFaultNode(t, fine, busy, fine)
	second := newFaultNode(t, busy, fine)
	third := newFaultNode(t, fine, fine, busy, busy)
	client := faultClient(t, nil, first.url, second.url, third.url)

	for i, want := range []struct {
		server   string
		attempts int
	}{{first.url, 1}, {third.url, 3}, {third.url, 1}, {first.url, 2}, {first.url, 1}} {
		out := op.call(t.Context(), client)
		require.NoError(t, out.err)
		require.Equal(t, want.server, out.resp.Server, "call %d", i+1)
		require.Equal(t, want.attempts, out.resp.Attempts, "call %d", i+1)
	}

	first.requireReceived(t, op, 4)
	second.requireReceived(t, op, 1)
	third.requireReceived(t, op, 3)
}

// An error that is the server's answer says nothing against the node.
func TestFailoverStaysOnAnError(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 400, 401, 403, 404, 409, 500, 501} {
		op := faultOperationNamed(t, "GetAccessToken")
		first, second := newFaultNode(t, op.answer), newFaultNode(t, faultStatus(status, "", ""))
		client := faultClient(t, nil, faultDeadURL, second.url, first.url)

		for range 2 {
			out := op.call(t.Context(), client)
			require.Error(t, out.err)
			require.Equal(t, second.url, out.resp.Server)
		}

		second.requireReceived(t, op, 2)
		require.Empty(t, first.received())
	}
}

// A node that was busy when a call ran out of attempts is not where the next call begins.
func TestFailoverDoesNotStayWithABusyNode(t *testing.T) {
	t.Parallel()
	for _, status := range []int{408, 429, 502, 503, 504} {
		op := faultOperationNamed(t, "GetAccessToken")
		first, second := newFaultNode(t, faultReset, op.answer), newFaultNode(t, faultStatus(status, "", ""))
		client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Retry.MaxAttempts = 2 }, first.url, second.url)
		out := op.call(t.Context(), client)
		require.Error(t, out.err)
		require.Equal(t, second.url, out.resp.Server)

		out = op.call(t.Context(), client)

		require.NoError(t, out.err)
		require.Equal(t, first.url, out.resp.Server)
		first.requireReceived(t, op, 2)
		second.requireReceived(t, op, 1)
	}
}

// A node that dies between two calls is left for the next one, without a failed call and without sending anything twice.
func TestFailoverNodeDiesBetweenCalls(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		first := startFaultNode(t, "http", listener, []faultAnswer{op.answer})
		second := newFaultNode(t, op.answer)
		dialer := newFailoverDialer()
		client := faultClient(t, func(cfg *xmsclient.Configuration) { dialer.use(t, cfg) }, first.url, second.url)
		out := op.call(t.Context(), client)
		require.NoError(t, out.err)

		require.NoError(t, listener.Close())
		first.closeConns()
		<-dialer.gone // the client's transport has noticed
		out = op.call(t.Context(), client)

		require.NoError(t, out.err)
		require.Equal(t, second.url, out.resp.Server)
		requireFaultAttempts(t, 2, out)
		first.requireReceived(t, op, 1)
		second.requireReceived(t, op, 1)
	})
}

// The same where the transport has not noticed, and finds out when it cannot write to the connection it kept. It then
// dials anew by itself, in vain: nothing was sent.
func TestFailoverKeptConnectionIsDead(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		first, second := newFaultNode(t, op.answer), newFaultNode(t, op.answer)
		var broken atomic.Bool
		transport := &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			isFirst := "http://"+addr+"/v1" == first.url
			if isFirst && broken.Load() {
				return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
			}
			conn, err := new(net.Dialer).DialContext(ctx, network, addr)
			if isFirst && err == nil {
				conn = &failoverMuteConn{conn, &broken}
			}
			return conn, err
		}}
		t.Cleanup(transport.CloseIdleConnections)
		client := faultClient(t, func(cfg *xmsclient.Configuration) {
			cfg.HTTPClient = &http.Client{Transport: transport}
		}, first.url, second.url)
		out := op.call(t.Context(), client)
		require.NoError(t, out.err)

		broken.Store(true)
		out = op.call(t.Context(), client)

		require.NoError(t, out.err)
		require.Equal(t, second.url, out.resp.Server)
		requireFaultAttempts(t, 2, out)
		first.requireReceived(t, op, 1)
		second.requireReceived(t, op, 1)
	})
}

// failoverMuteConn is a connection on which, once broken, nothing can be written although it stays open.
type failoverMuteConn struct {
	net.Conn
	broken *atomic.Bool
}

func (c *failoverMuteConn) Write(p []byte) (int, error) {
	if c.broken.Load() {
		return 0, errFailoverMute
	}
	return c.Conn.Write(p)
}

var errFailoverMute = errors.New("nothing can be written")

// With all nodes down every one is tried in order, and the error is the last one's.
func TestFailoverAllNodesDown(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		nodes := []string{"http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1", "http://127.0.0.1:3/v1"}
		dialer := newFailoverDialer()
		client := faultClient(t, func(cfg *xmsclient.Configuration) { dialer.use(t, cfg) }, nodes...)

		out := op.call(t.Context(), client)

		var request *xmsclient.RequestError
		require.ErrorAs(t, out.err, &request)
		require.ErrorIs(t, out.err, syscall.ECONNREFUSED)
		require.Equal(t, nodes[0], request.Server, "the fourth attempt went to the first node again")
		requireFaultAttempts(t, 4, out)
		requireFaultOutcome(t, false, out.err)
		require.Nil(t, out.resp)
		for i, want := range []int{2, 1, 1} {
			require.Equal(t, want, dialer.count(t, nodes[i]), "dials of node %d", i+1)
		}
	})
}

// What may not be sent again is not sent to another node either.
func TestFailoverSendsNothingTwice(t *testing.T) {
	t.Parallel()
	faults := map[string]faultAnswer{
		"reset":            faultReset,
		"closed":           faultClose,
		"not HTTP":         faultThen(faultText("\r\n\r\n\r\n\r\n"), faultClose),
		"502":              faultStatus(502, "", ""),
		"503":              faultStatus(503, "", ""),
		"504":              faultStatus(504, "", ""),
		"500":              faultStatus(500, "", ""),
		"body broken off":  faultThen(faultText("HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{"), faultReset),
		"unusable body":    faultStatus(201, "", "{}"),
		"seen other":       faultStatus(303, "Location: /v1/elsewhere\r\n", ""),
		"too large a body": faultStatus(201, "", `{"filler":"`+string(make([]byte, 2048))+`"}`),
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range []faultOperation{faultOperationNamed(t, "CreateAccessToken"), faultOperationNamed(t, "RegenerateAccessToken")} {
				first, second := newFaultNode(t, fault), newFaultNode(t, op.answer)
				client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.MaxResponseBytes = 1024 }, first.url, second.url)

				out := op.call(t.Context(), client)

				requireFaultOutcome(t, true, out.err)
				first.requireReceived(t, op, 1)
				require.Empty(t, second.received())
				requireFaultAttempts(t, 1, out)
			}
		})
	}
}

// What a node has refused unprocessed goes to the next one at once, whatever the operation and however long the node asked
// to be left alone.
func TestFailoverAfterARefusal(t *testing.T) {
	t.Parallel()
	for name, refusal := range map[string]http.RoundTripper{
		"429":                        retryStatus(429, "", ""),
		"429 for a minute":           retryStatus(429, "60", ""),
		"503 for a minute":           retryStatus(503, "60", ""),
		"503 until longer than ever": retryStatus(503, "99999999999999999999", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range faultOperations() {
				synctest.Test(t, func(t *testing.T) {
					stub := &retryStub{answers: []http.RoundTripper{refusal, retryStatus(404, "", "")}}
					start := time.Now()

					out := op.call(t.Context(), stub.client(t, 2, nil))

					require.ErrorIs(t, out.err, xmsclient.ErrNotFound)
					require.Equal(t, []string{"node1:8051", "node2:8051"}, stub.hosts)
					require.Zero(t, time.Since(start))
				})
			}
		})
	}
}

// Within a round nothing is waited for. After it there is one wait: the back-off, or the longest that one of the nodes asked for.
func TestFailoverWaitsAfterAFullRound(t *testing.T) {
	t.Parallel()
	const second = "1"
	tests := map[string]struct {
		answers []http.RoundTripper
		waits   [2]time.Duration // after each of two rounds
	}{
		"nobody asks":    {[]http.RoundTripper{retryStatus(502, "", "")}, [2]time.Duration{}},
		"the first asks": {[]http.RoundTripper{retryStatus(503, second, ""), retryStatus(502, "", "")}, [2]time.Duration{time.Second}},
		"the last asks": {
			[]http.RoundTripper{retryStatus(502, "", ""), retryStatus(502, "", ""), retryStatus(429, second, ""), retryStatus(502, "", "")},
			[2]time.Duration{time.Second},
		},
		"two ask": {
			[]http.RoundTripper{retryStatus(503, "5", ""), retryStatus(429, second, ""), retryStatus(502, "", "")},
			[2]time.Duration{5 * time.Second},
		},
		"all ask": {[]http.RoundTripper{retryStatus(429, second, "")}, [2]time.Duration{time.Second, time.Second}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stub := &retryStub{answers: tt.answers}
				client := stub.client(t, 3, func(cfg *xmsclient.Configuration) { cfg.Retry.MaxAttempts = 9 })

				out := faultOperationNamed(t, "GetAccessToken").call(t.Context(), client)

				require.Error(t, out.err)
				require.Equal(t, []string{
					"node1:8051", "node2:8051", "node3:8051", "node1:8051", "node2:8051", "node3:8051", "node1:8051", "node2:8051", "node3:8051",
				}, stub.hosts)
				for i, wait := range stub.waits() {
					if (i+1)%3 == 0 {
						require.InDelta(t, tt.waits[i/3], wait, 2, "after round %d", i/3+1)
					} else {
						require.Zero(t, wait, "before attempt %d", i+2)
					}
				}
			})
		})
	}
}

// The back-off between rounds grows with the rounds, not with the attempts.
func TestFailoverBackOffGrowsByRound(t *testing.T) {
	t.Parallel()
	const rounds = 100
	longest := make([]time.Duration, 3)
	for range rounds {
		synctest.Test(t, func(t *testing.T) {
			stub := &retryStub{answers: []http.RoundTripper{retryStatus(502, "", "")}}
			client := stub.client(t, 2, func(cfg *xmsclient.Configuration) {
				cfg.Retry = xmsclient.RetryPolicy{MaxAttempts: 8, InitialInterval: time.Second, MaxInterval: time.Minute}
			})
			out := faultOperationNamed(t, "GetAccessToken").call(t.Context(), client)
			require.Error(t, out.err)
			for i, wait := range stub.waits() {
				if i%2 == 1 {
					longest[i/2] = max(longest[i/2], wait)
				} else {
					require.Zero(t, wait)
				}
			}
		})
	}
	for i, bound := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
		require.LessOrEqual(t, longest[i], bound+1)
		require.Greater(t, longest[i], bound/2, "a hundred waits must reach into the upper half")
	}
}

// Calls that are under way when a node fails all find the other one, and the client is then of one mind again.
func TestFailoverConcurrently(t *testing.T) {
	t.Parallel()
	const goroutines, calls = 32, 10
	op := faultOperationNamed(t, "CreateAccessToken")
	node := newFaultNode(t, op.answer)
	dialer := newFailoverDialer()
	client := faultClient(t, func(cfg *xmsclient.Configuration) { dialer.use(t, cfg) }, faultDeadURL, node.url)
	var group sync.WaitGroup
	errs := make(chan error, goroutines*calls)
	for range goroutines {
		group.Go(func() {
			for range calls {
				errs <- op.call(t.Context(), client).err
			}
		})
	}
	group.Wait()
	close(errs)

	for err := range errs {
		require.NoError(t, err)
	}
	node.requireReceived(t, op, goroutines*calls)
	require.LessOrEqual(t, dialer.count(t, faultDeadURL), goroutines, "each goroutine finds the dead node at most once")
}

// A body that breaks off sends the next attempt to the next node.
func TestFailoverAfterABrokenBody(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		if !op.idempotent {
			return // TestFailoverSendsNothingTwice
		}
		first := newFaultNode(t, faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), faultClose))
		second := newFaultNode(t, op.answer)

		out := op.call(t.Context(), faultClient(t, nil, first.url, second.url))

		require.NoError(t, out.err)
		require.Equal(t, second.url, out.resp.Server)
		first.requireReceived(t, op, 1)
		second.requireReceived(t, op, 1)
	})
}

// Nodes may differ in scheme, port and path; each request goes to its node's own URL, with the credentials.
func TestFailoverBetweenUnlikeNodes(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		served, roots := faultTLSConfigs(t)
		plain, secure := newFaultNode(t, faultStatus(429, "", "")), newFaultTLSNode(t, served, op.answer)
		client := faultClient(t, func(cfg *xmsclient.Configuration) {
			cfg.TLSConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
			cfg.TokenInHeader.Key, cfg.TokenInQuery.Key = "header-key", "query-key"
		}, plain.url+"/", secure.url)

		out := op.call(t.Context(), client)

		require.NoError(t, out.err)
		require.Equal(t, secure.url, out.resp.Server)
		plain.requireReceived(t, op, 1)
		secure.requireReceived(t, op, 1)
		for _, r := range append(plain.received(), secure.received()...) {
			require.Equal(t, []string{"header-key"}, r.header["Xms-Auth-Token"])
			require.Contains(t, r.query, "token=query-key")
			require.NotContains(t, r.header, "Referer")
		}
	})
}
