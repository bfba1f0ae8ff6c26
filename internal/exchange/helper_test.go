package exchange

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/internal/secret"
)

var (
	get    = Request{Operation: "Get", PathTemplate: "/{id}", Method: http.MethodGet, Path: "/ok", SafeToRepeat: true}
	create = Request{Operation: "Create", PathTemplate: "/", Method: http.MethodPost, Path: "/new", Body: []byte(`{}`)}
)

func config(nodes ...string) Config {
	return Config{
		Nodes: nodes, Header: http.Header{}, Timeout: time.Minute, MaxBytes: 1 << 20,
		MaxAttempts: 4, InitialInterval: time.Millisecond, MaxInterval: time.Millisecond, MaxRetryAfter: time.Minute,
		Credential: func(context.Context, string) (Credential, error) { return Credential{}, nil },
	}
}

func newClient(t *testing.T, cfg Config) *Client {
	t.Helper()
	client, err := New(cfg)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	return client
}

// do makes a call with secrets of its own.
func do(ctx context.Context, client *Client, req Request) Outcome {
	req.Secrets = &secret.Set{}
	return client.Do(ctx, req)
}

// server is a node on a real socket that counts.
type server struct {
	*httptest.Server
	requests atomic.Int64
}

func serve(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(read(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// read reads requests whole, without which their contexts do not end with the connection.
func read(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		handler(w, r)
	}
}

// listen gives every connection to handle, and closes it afterwards.
func listen(t *testing.T, handle func(conn net.Conn)) (base string) {
	t.Helper()
	_, base = startListening(t, handle)
	return base
}

func startListening(t *testing.T, handle func(conn net.Conn)) (l net.Listener, base string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	handleAndClose := func(conn net.Conn) {
		handle(conn)
		_ = conn.Close()
	}
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go handleAndClose(conn)
		}
	}()
	return l, "http://" + l.Addr().String()
}

// dead returns the URL of a port at which nobody listens.
func dead(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(nil)
	s.Close()
	return s.URL
}

func ok(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"ok": true}`) }

func hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

func stall(w http.ResponseWriter, r *http.Request) {
	io.WriteString(w, "{")
	_ = http.NewResponseController(w).Flush()
	hang(w, r)
}

func slowly(wait time.Duration, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(wait):
			answer(w, r)
		case <-r.Context().Done():
		}
	}
}

func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Add(header[i], header[i+1])
		}
		w.WriteHeader(code)
	}
}

func page(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(code)
		io.WriteString(w, "<html><body>a proxy's page")
	}
}

// raw answers with bytes of its own and closes the connection.
func raw(answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, answer)
		_ = conn.Close()
	}
}

// serverTLS has a certificate for example.com, which a client with trust trusts.
var serverTLS, trust = certificates()

func certificates() (server, client *tls.Config) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return &tls.Config{Certificates: s.TLS.Certificates}, &tls.Config{RootCAs: pool, ServerName: "example.com"}
}

// roundTripper is middleware.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

type dialer func(ctx context.Context) (net.Conn, error)

// onPipes starts an HTTP server in memory, for tests in which time matters. A nil config is plain
// HTTP.
func onPipes(t *testing.T, config *tls.Config, handler http.HandlerFunc) dialer {
	t.Helper()
	var l net.Listener = &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
	dial := l.(*pipeListener).dial
	if config != nil {
		l = tls.NewListener(l, config)
	}
	s := &http.Server{Handler: read(handler), ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return dial
}

// bubble runs a subtest with a clock of its own.
func bubble(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, test)
	})
}

// dialOf returns what dials the hosts node1, node2 and so on.
func dialOf(nodes []dialer) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, _, address string) (net.Conn, error) { return nodes[address[4]-'1'](ctx) }
}

// inMemory returns a client of nodes in memory.
func inMemory(t *testing.T, change func(cfg *Config), nodes ...dialer) *Client {
	t.Helper()
	cfg := config()
	for i := range nodes {
		cfg.Nodes = append(cfg.Nodes, fmt.Sprint("http://node", i+1))
	}
	change(&cfg)
	client, err := New(cfg)
	require.NoError(t, err)
	client.tracker.own.DialContext = dialOf(nodes)
	t.Cleanup(func() {
		synctest.Wait() // for dials that no call waits for any more
		client.CloseIdleConnections()
	})
	return client
}

type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		_ = client.Close()
		return nil, ctx.Err()
	}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{} }

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
