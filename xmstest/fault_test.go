package xmstest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

// never is a delay that no test waits for.
const never = time.Hour

const createBody = `{"access_token":{"name":"new","roles":["admin"]}}`

// cold starts a server whose clients use each connection once, so that no request is repeated behind their backs.
func cold(t *testing.T, opts ...xmstest.Option) *client {
	t.Helper()
	server := xmstest.NewServer(opts...)
	t.Cleanup(server.Close)
	return newClient(t, server, &http.Transport{DisableKeepAlives: true})
}

func TestFaultStatus(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault       xmstest.Fault
		contentType string
	}{
		"status alone": {xmstest.Fault{StatusCode: 503}, ""},
		"JSON":         {xmstest.Fault{StatusCode: 500, Body: `{"msg":"x"}`}, "application/json"},
		"HTML":         {xmstest.Fault{StatusCode: 502, Body: "<html><body>x</body></html>"}, "text/html; charset=utf-8"},
		"HTML with 200": {
			xmstest.Fault{StatusCode: 200, Body: "<html><body>x</body></html>"}, "text/html; charset=utf-8",
		},
		"no content": {xmstest.Fault{StatusCode: 204}, ""},
		"header": {
			xmstest.Fault{
				StatusCode: 429, Body: "slow down",
				Header: http.Header{"Retry-After": {"7"}, "content-type": {"application/problem+json"}},
			},
			"application/problem+json",
		},
		"shortened": {xmstest.Fault{StatusCode: 500, Body: `{"msg":"x"}`, Truncate: 4}, "application/json"},
		"unusual":   {xmstest.Fault{StatusCode: 999, Body: "x"}, "text/plain; charset=utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			c.server.Inject(test.fault)
			r := c.send(http.MethodPost, "/access-tokens/", createBody)
			assert.Equal(t, test.fault.StatusCode, r.status)
			assert.Equal(t, test.contentType, r.header.Get("Content-Type"))
			assert.Equal(t, test.fault.Header.Get("Retry-After"), r.header.Get("Retry-After"))
			want := test.fault.Body
			if test.fault.Truncate > 0 {
				want = want[:test.fault.Truncate]
			}
			assert.Equal(t, want, r.body)
			assert.Equal(t, int64(1), c.create("new").ID, "the failed request took effect")
		})
	}
}

func TestFaultBodyIsLeftOutWhereNoneIsAllowed(t *testing.T) {
	t.Parallel()
	for _, opts := range [][]xmstest.Option{nil, {xmstest.WithTLS()}} {
		for _, status := range []int{http.StatusNoContent, http.StatusNotModified} {
			c := overTLS(t, opts...)
			c.server.Inject(xmstest.Fault{StatusCode: status, Body: "x"})
			r := c.list("")
			assert.Equal(t, status, r.status)
			assert.Empty(t, r.body)
			assert.Empty(t, r.header.Get("Content-Length"))
		}
	}
}

func TestFaultHeaderAlone(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Inject(xmstest.Fault{Header: http.Header{"x-request-id": {"a", "b"}, "Content-Type": {"text/json"}}})
	r := c.send(http.MethodPost, "/access-tokens/", createBody)
	assert.Equal(t, http.StatusCreated, r.status)
	assert.Equal(t, []string{"a", "b"}, r.header.Values("X-Request-Id"))
	assert.Equal(t, []string{"text/json"}, r.header.Values("Content-Type"))
	assert.Equal(t, "new", r.token().Name)
	assert.Empty(t, c.get(1).header.Get("X-Request-Id"))
}

func TestFaultBodyAlone(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Inject(xmstest.Fault{Body: "<html>login</html>"})
	r := c.send(http.MethodPost, "/access-tokens/", createBody)
	assert.Equal(t, http.StatusCreated, r.status)
	assert.Equal(t, "<html>login</html>", r.body)
	assert.Equal(t, "text/html; charset=utf-8", r.header.Get("Content-Type"))
	assert.Equal(t, "new", c.get(1).token().Name, "the request took no effect")
}

func TestFaultTruncate(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Inject(xmstest.Fault{Truncate: 20})
	r := c.send(http.MethodPost, "/access-tokens/", createBody)
	assert.Equal(t, http.StatusCreated, r.status)
	assert.Equal(t, "20", r.header.Get("Content-Length"))
	whole := c.get(1)
	assert.Equal(t, whole.body[:20], r.body)
	assert.Equal(t, "new", whole.token().Name, "the request took no effect")

	c.server.Inject(xmstest.Fault{Truncate: len(whole.body) + 1})
	assert.Equal(t, whole.body, c.get(1).body)
	c.server.Inject(xmstest.Fault{Truncate: -1})
	assert.Equal(t, whole.body, c.get(1).body)
}

func TestFaultContentLengthBeyondTheBody(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Inject(xmstest.Fault{Truncate: 5, Header: http.Header{"Content-Length": {"500"}}})
	r, err := c.try(t.Context(), http.MethodGet, "/access-tokens/", "")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, `{"acc`, r.body)
}

func TestFaultDrop(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]xmstest.Option{"HTTP/1.1": nil, "HTTP/2": {xmstest.WithTLS()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := overTLS(t, opts...)
			c.server.Inject(xmstest.Fault{Drop: true, DropAfter: true, StatusCode: 500})
			_, err := c.try(t.Context(), http.MethodPost, "/access-tokens/", createBody)
			require.Error(t, err)
			assert.Equal(t, int64(1), c.create("new").ID, "the dropped request took effect")
		})
	}
}

func TestFaultDropAfter(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]xmstest.Option{"HTTP/1.1": nil, "HTTP/2": {xmstest.WithTLS()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := overTLS(t, opts...)
			c.server.Inject(xmstest.Fault{DropAfter: true})
			_, err := c.try(t.Context(), http.MethodPost, "/access-tokens/", createBody)
			require.Error(t, err)
			assert.Equal(t, "new", c.get(1).token().Name, "the request took no effect")
			c.send(http.MethodPost, "/access-tokens/", createBody).requireError(http.StatusConflict, "conflict")
		})
	}
}

func TestFaultDropClosesTheConnection(t *testing.T) {
	t.Parallel()
	c := cold(t)
	for _, fault := range []xmstest.Fault{{Drop: true}, {DropAfter: true}} {
		c.server.Inject(fault)
		_, err := c.try(t.Context(), http.MethodGet, "/access-tokens/", "")
		require.ErrorIs(t, err, io.EOF)
	}
}

func TestFaultDelay(t *testing.T) {
	t.Parallel()
	c := start(t)
	const delay = 20 * time.Millisecond
	for _, fault := range []xmstest.Fault{{Delay: delay}, {Delay: delay, StatusCode: 504}} {
		c.server.Inject(fault)
		begin := time.Now()
		r := c.list("")
		assert.GreaterOrEqual(t, time.Since(begin), delay)
		assert.Equal(t, max(fault.StatusCode, http.StatusOK), r.status)
	}
}

func TestFaultDelayHoldsUpNothingElse(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(1)
	c.server.Inject(xmstest.Fault{Operation: "GetAccessToken", Delay: never})
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() {
		_, err := c.try(ctx, http.MethodGet, "/access-tokens/1", "")
		failed <- err
	}()
	require.Eventually(t, func() bool { return len(c.server.Requests()) == 1 }, 10*time.Second, time.Millisecond)
	for _, op := range operations() {
		assert.Less(t, c.send(op.method, op.path, op.body).status, 500)
	}
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
}

// call asks the handler with a context and tells what it panicked with.
func call(ctx context.Context, s *xmstest.Server, method, path, body string) (aborted error) {
	defer func() {
		if v := recover(); v != nil {
			aborted = v.(error)
		}
	}()
	req := httptest.NewRequest(method, "/v1"+path, strings.NewReader(body)).WithContext(ctx)
	req.Header.Set("Xms-Auth-Token", s.AdminToken())
	s.Handler().ServeHTTP(httptest.NewRecorder(), req)
	return nil
}

func TestFaultDelayEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	c := start(t)
	c.server.Inject(xmstest.Fault{Delay: never})
	err := call(gone, c.server, http.MethodPost, "/access-tokens/", createBody)
	require.ErrorIs(t, err, http.ErrAbortHandler)
	assert.Equal(t, int64(1), c.create("new").ID, "a request that its client gave up took effect")
}

func TestFaultDropAfterTakesEffectBeforeItsDelay(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Inject(xmstest.Fault{Operation: "CreateAccessToken", Delay: never, DropAfter: true})
	ctx, cancel := context.WithCancel(t.Context())
	aborted := make(chan error, 1)
	go func() { aborted <- call(ctx, c.server, http.MethodPost, "/access-tokens/", createBody) }()
	require.Eventually(t, func() bool { return c.get(1).status == http.StatusOK }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-aborted, http.ErrAbortHandler)
}

func TestFaultsAreUsedUp(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		times int
		want  []int
	}{
		"zero means once":   {0, []int{503, 200, 200, 200}},
		"once":              {1, []int{503, 200, 200, 200}},
		"three times":       {3, []int{503, 503, 503, 200}},
		"negative: for all": {-1, []int{503, 503, 503, 503}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			c.server.Inject(xmstest.Fault{StatusCode: 503, Times: test.times})
			statuses := []int{}
			for range test.want {
				statuses = append(statuses, c.list("").status)
			}
			assert.Equal(t, test.want, statuses)
		})
	}
}

func TestFaultsMatchInOrder(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(1)
	c.server.Inject(xmstest.Fault{Operation: "GetAccessToken", StatusCode: 501})
	c.server.Inject(xmstest.Fault{StatusCode: 502, Times: 2})
	c.server.Inject(xmstest.Fault{Operation: "GetAccessToken", StatusCode: 503, Times: -1})
	assert.Equal(t, 502, c.list("").status)
	assert.Equal(t, 501, c.get(1).status)
	assert.Equal(t, 502, c.get(1).status)
	assert.Equal(t, 503, c.get(1).status)
	assert.Equal(t, 200, c.list("").status)
	assert.Equal(t, 503, c.get(1).status)
}

func TestFaultMatchesItsOperationOnly(t *testing.T) {
	t.Parallel()
	for _, faulty := range operations() {
		t.Run(faulty.id, func(t *testing.T) {
			t.Parallel()
			c := start(t, xmstest.WithAdminToken(adminToken))
			c.server.Seed(1)
			c.server.Inject(xmstest.Fault{Operation: faulty.id, StatusCode: 503})
			for _, op := range operations() {
				want := op.status
				if op.id == faulty.id {
					want = 503
				}
				assert.Equal(t, want, c.send(op.method, op.path, op.body).status, op.id)
			}
		})
	}
}

func TestFaultComesBeforeAuthentication(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Inject(xmstest.Fault{StatusCode: 503, Times: 2})
	assert.Equal(t, 503, c.as("").list("").status)
	assert.Equal(t, 503, serve(c.server, http.MethodGet, "/elsewhere").Code)
	assert.Equal(t, 401, c.as("").list("").status)
}

func TestFaultIsCopied(t *testing.T) {
	t.Parallel()
	c := start(t)
	header := http.Header{"Retry-After": {"1"}}
	c.server.Inject(xmstest.Fault{StatusCode: 503, Header: header})
	header.Set("Retry-After", "2")
	assert.Equal(t, "1", c.list("").header.Get("Retry-After"))
}

func TestInjectRefusesAStatusThatCannotBeSent(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, status := range []int{-1, 1, 100, 199, 1000} {
		assert.PanicsWithValue(t, fmt.Sprintf("xmstest: Fault.StatusCode is %d, want 0 or 200 to 999", status), func() {
			c.server.Inject(xmstest.Fault{StatusCode: status})
		})
	}
	assert.Equal(t, 200, c.list("").status)
}
