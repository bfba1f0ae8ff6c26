package xmsclient_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// faultDeadURL is a node on which nobody listens.
const faultDeadURL = "http://127.0.0.1:1/v1"

// faultUUID is what the answers of faultOperations hand out.
const faultUUID = "5b1d7c0e9f2a4c68b3d5e7f901a2b3c4"

// faultOperation is one of the seven operations with arguments that do.
type faultOperation struct {
	name       string
	request    string // method and path, as a node below /v1 sees them
	idempotent bool
	answer     faultAnswer // what XMS says when all is well
	call       func(context.Context, *xmsclient.APIClient) faultOutcome
}

// faultOutcome is what a caller gets.
type faultOutcome struct {
	result any // nil for a nil pointer too
	resp   *xmsclient.Response
	err    error
}

func faultResult[T any](result *T, resp *xmsclient.Response, err error) faultOutcome {
	if result == nil {
		return faultOutcome{resp: resp, err: err}
	}
	return faultOutcome{result: result, resp: resp, err: err}
}

const (
	faultTokenBody  = `{"access_token":{"id":7,"name":"ci","roles":["admin"]}}`
	faultRecordBody = `{"access_token":{"id":7,"name":"ci","roles":["admin"],"uuid":"` + faultUUID + `"}}`
	faultListBody   = `{"access_tokens":[{"id":7,"name":"ci","roles":["admin"]}]}`
)

func faultOperations() []faultOperation {
	create := xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "ci", Roles: []string{"admin"}},
	}
	update := xmsclient.AccessTokenUpdateReq{AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: "ci"}}
	return []faultOperation{
		{
			name: "CreateAccessToken", request: "POST /v1/access-tokens/", answer: faultStatus(201, "", faultRecordBody),
			call: func(ctx context.Context, c *xmsclient.APIClient) faultOutcome {
				return faultResult(c.AccessTokensApi.CreateAccessToken(ctx, create))
			},
		},
		{
			name: "DeleteAccessToken", request: "DELETE /v1/access-tokens/7", idempotent: true, answer: faultStatus(204, "", ""),
			call: func(ctx context.Context, c *xmsclient.APIClient) faultOutcome {
				resp, err := c.AccessTokensApi.DeleteAccessToken(ctx, 7)
				return faultOutcome{resp: resp, err: err}
			},
		},
		{
			name: "GetAccessToken", request: "GET /v1/access-tokens/7", idempotent: true, answer: faultStatus(200, "", faultTokenBody),
			call: func(ctx context.Context, c *xmsclient.APIClient) faultOutcome {
				return faultResult(c.AccessTokensApi.GetAccessToken(ctx, 7))
			},
		},
		{
			name: "ListAccessTokens", request: "GET /v1/access-tokens/", idempotent: true, answer: faultStatus(200, "", faultListBody),
			call: func(ctx context.Context, c *xmsclient.APIClient) faultOutcome {
				return faultResult(c.AccessTokensApi.ListAccessTokens(ctx, nil))
			},
		},
		{
			name: "RegenerateAccessToken", request: "POST /v1/access-tokens/7:regenerate", answer: faultStatus(200, "", faultRecordBody),
			call: func(ctx context.Context, c *xmsclient.APIClient) faultOutcome {
				return faultResult(c.AccessTokensApi.RegenerateAccessToken(ctx, 7))
			},
		},
		{
			name: "UpdateAccessToken", request: "PATCH /v1/access-tokens/7", idempotent: true, answer: faultStatus(200, "", faultTokenBody),
			call: func(ctx context.Context, c *xmsclient.APIClient) faultOutcome {
				return faultResult(c.AccessTokensApi.UpdateAccessToken(ctx, 7, update))
			},
		},
		{
			name: "ValidateAccessToken", request: "POST /v1/access-tokens:validate", idempotent: true, answer: faultStatus(200, "", faultTokenBody),
			call: func(ctx context.Context, c *xmsclient.APIClient) faultOutcome {
				return faultResult(c.AccessTokensApi.ValidateAccessToken(ctx, faultUUID))
			},
		},
	}
}

// faultOperationNamed returns the operation of that name.
func faultOperationNamed(t *testing.T, name string) faultOperation {
	t.Helper()
	for _, op := range faultOperations() {
		if op.name == name {
			return op
		}
	}
	require.Fail(t, "no such operation", name)
	return faultOperation{}
}

// faultWaitingOperations returns one operation of each kind, for faults that take their time.
func faultWaitingOperations(t *testing.T) []faultOperation {
	t.Helper()
	return []faultOperation{
		faultOperationNamed(t, "GetAccessToken"), faultOperationNamed(t, "DeleteAccessToken"), faultOperationNamed(t, "CreateAccessToken"),
	}
}

// faultEachOperation runs test as a parallel subtest for each of the seven operations.
func faultEachOperation(t *testing.T, test func(*testing.T, faultOperation)) {
	t.Helper()
	faultEach(t, faultOperations(), test)
}

// faultEach runs test as a parallel subtest for each of some operations.
func faultEach(t *testing.T, operations []faultOperation, test func(*testing.T, faultOperation)) {
	t.Helper()
	for _, op := range operations {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			test(t, op)
		})
	}
}

// faultClient returns a client for the cluster of these nodes that does not wait noticeably between attempts.
func faultClient(t *testing.T, change func(*xmsclient.Configuration), urls ...string) *xmsclient.APIClient {
	t.Helper()
	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL, cfg.FailoverURLs = urls[0], urls[1:]
	cfg.Timeout = time.Minute // far longer than the test, unless the test is about it
	cfg.Retry = xmsclient.RetryPolicy{InitialInterval: time.Nanosecond, MaxInterval: time.Nanosecond}
	if change != nil {
		change(cfg)
	}
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	return client
}

// faultRequest is a request as a node received it.
type faultRequest struct {
	line   string // method and path, without the query
	query  string
	header http.Header
	body   string
}

// faultAnswer writes to a connection what a node has to say to a request, byte by byte. A connection that it does not close
// goes on to the next request.
type faultAnswer func(net.Conn)

// faultNode is a management node that a test scripts: the nth request gets the nth answer, all further ones the last.
type faultNode struct {
	url     string
	answers []faultAnswer

	mu       sync.Mutex
	requests []faultRequest
	conns    []net.Conn
	dead     bool
	running  sync.WaitGroup
}

func newFaultNode(t *testing.T, answers ...faultAnswer) *faultNode {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return startFaultNode(t, "http", listener, answers)
}

func newFaultTLSNode(t *testing.T, cfg *tls.Config, answers ...faultAnswer) *faultNode {
	t.Helper()
	listener, err := tls.Listen("tcp", "127.0.0.1:0", cfg)
	require.NoError(t, err)
	return startFaultNode(t, "https", listener, answers)
}

func startFaultNode(t *testing.T, scheme string, listener net.Listener, answers []faultAnswer) *faultNode {
	t.Helper()
	n := &faultNode{url: scheme + "://" + listener.Addr().String() + "/v1", answers: answers}
	n.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			if n.adopt(conn) {
				n.running.Go(func() { n.serve(conn) })
			}
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		n.closeConns()
		n.running.Wait()
	})
	return n
}

func (n *faultNode) adopt(conn net.Conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dead {
		_ = conn.Close()
		return false
	}
	n.conns = append(n.conns, conn)
	return true
}

func (n *faultNode) closeConns() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dead = true
	for _, conn := range n.conns {
		_ = conn.Close()
	}
}

func (n *faultNode) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		n.record(faultRequest{r.Method + " " + r.URL.EscapedPath(), r.URL.RawQuery, r.Header, string(body)})(conn)
	}
}

// record returns the answer that is due.
func (n *faultNode) record(r faultRequest) faultAnswer {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.requests = append(n.requests, r)
	return n.answers[min(len(n.requests), len(n.answers))-1]
}

// received returns what has been received so far.
func (n *faultNode) received() []faultRequest {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]faultRequest(nil), n.requests...)
}

// accepted returns how many connections have been made.
func (n *faultNode) accepted() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.conns)
}

// requireReceived fails unless exactly count requests of op have been received.
func (n *faultNode) requireReceived(t *testing.T, op faultOperation, count int) {
	t.Helper()
	lines := []string{}
	for _, r := range n.received() {
		lines = append(lines, r.line)
	}
	want := []string{}
	for range count {
		want = append(want, op.request)
	}
	require.Equal(t, want, lines, "requests that the node received")
}

// faultStatus answers with a status, further header lines ("A: b\r\n") and a body.
func faultStatus(status int, header, body string) faultAnswer {
	length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	if status == http.StatusNoContent {
		length = ""
	}
	return faultText(fmt.Sprintf("HTTP/1.1 %d %s\r\n%s%s\r\n%s", status, http.StatusText(status), header, length, body))
}

// faultText writes text as it is.
func faultText(text string) faultAnswer {
	return func(conn net.Conn) { io.WriteString(conn, text) }
}

// faultThen does one thing after the other.
func faultThen(steps ...faultAnswer) faultAnswer {
	return func(conn net.Conn) {
		for _, step := range steps {
			step(conn)
		}
	}
}

// faultDo makes an answer of what does not need the connection.
func faultDo(do func()) faultAnswer { return func(net.Conn) { do() } }

// faultClose closes the connection in an orderly way.
func faultClose(conn net.Conn) { _ = conn.Close() }

// faultReset makes the connection end with a reset.
func faultReset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// faultSilence says nothing until the client goes away.
func faultSilence(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// faultDrip sends a space now and then until the client goes away.
func faultDrip(conn net.Conn) {
	for {
		if _, err := io.WriteString(conn, " "); err != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// faultFlood sends a line over and over until the client goes away or limit bytes have been sent, which it adds to sent.
func faultFlood(line string, limit int64, sent *atomic.Int64) faultAnswer {
	block := strings.Repeat(line, 1+(32<<10)/len(line))
	return func(conn net.Conn) {
		for sent.Load() < limit {
			n, err := io.WriteString(conn, block)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	}
}

// requireFaultAttempts fails unless the error, of whichever type, says that this many attempts were made.
func requireFaultAttempts(t *testing.T, want int, out faultOutcome) {
	t.Helper()
	var api *xmsclient.ApiError
	var request *xmsclient.RequestError
	if errors.As(out.err, &api) {
		require.Equal(t, want, api.Attempts, "ApiError.Attempts")
	}
	if errors.As(out.err, &request) {
		require.Equal(t, want, request.Attempts, "RequestError.Attempts")
	}
	if out.resp != nil {
		require.Equal(t, want, out.resp.Attempts, "Response.Attempts")
	}
}

// requireFaultOutcome fails unless errors.Is finds ErrOutcomeUnknown where it must and nowhere else.
func requireFaultOutcome(t *testing.T, unknown bool, err error) {
	t.Helper()
	if unknown {
		require.ErrorIs(t, err, xmsclient.ErrOutcomeUnknown)
		return
	}
	require.NotErrorIs(t, err, xmsclient.ErrOutcomeUnknown)
}

// faultTLSConfigs returns the configuration of a server that is 127.0.0.1, and the roots that vouch for it.
func faultTLSConfigs(t *testing.T) (server *tls.Config, roots *x509.CertPool) {
	t.Helper()
	donor := httptest.NewTLSServer(http.NotFoundHandler())
	defer donor.Close()
	roots = x509.NewCertPool()
	roots.AddCert(donor.Certificate())
	return &tls.Config{Certificates: donor.TLS.Certificates, MinVersion: tls.VersionTLS12}, roots
}
