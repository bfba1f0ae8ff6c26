package xmstest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestFault_ShapesTheAnswer(t *testing.T) {
	t.Parallel()
	const html, htmlType, jsonType = "<html><body>x</body></html>", "text/html; charset=utf-8", "application/json"
	for name, test := range map[string]shape{
		"status alone":  {xmstest.Fault{StatusCode: 503}, "", ""},
		"JSON":          {xmstest.Fault{StatusCode: 500, Body: `{"msg":"x"}`}, jsonType, `{"msg":"x"}`},
		"HTML":          {xmstest.Fault{StatusCode: 502, Body: html}, htmlType, html},
		"HTML with 200": {xmstest.Fault{StatusCode: 200, Body: html}, htmlType, html},
		"no content":    {xmstest.Fault{StatusCode: 204}, "", ""},
		"no room":       {xmstest.Fault{StatusCode: 204, Body: "x"}, "text/plain; charset=utf-8", ""},
		"not modified":  {xmstest.Fault{StatusCode: 304, Body: "x"}, "text/plain; charset=utf-8", ""},
		"header": {
			xmstest.Fault{
				StatusCode: 429, Body: "slow down",
				Header: http.Header{"Retry-After": {"7"}, "content-type": {"application/problem+json"}},
			},
			"application/problem+json", "slow down",
		},
		"shortened": {xmstest.Fault{StatusCode: 500, Body: `{"msg":"x"}`, Truncate: 4}, jsonType, `{"ms`},
		"unusual":   {xmstest.Fault{StatusCode: 999, Body: "x"}, "text/plain; charset=utf-8", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.check(t, "HTTP/1.1", start(t))
			test.check(t, "HTTP/2.0", start(t, xmstest.WithTLS()))
		})
	}
}

// shape is a fault and what it makes of an answer.
type shape struct {
	fault       xmstest.Fault
	contentType string
	body        string
}

func (s shape) check(t *testing.T, proto string, c *client) {
	t.Helper()
	c.server.Inject(s.fault)
	r := c.send(http.MethodPost, "/access-tokens/", createBody)
	assert.Equal(t, proto, r.proto)
	assert.Equal(t, s.fault.StatusCode, r.status, proto)
	if r.status != http.StatusNotModified { // net/http drops it
		assert.Equal(t, s.contentType, r.header.Get("Content-Type"), proto)
	}
	assert.Contains(t, []string{"", strconv.Itoa(len(s.body))}, r.header.Get("Content-Length"), proto)
	assert.Equal(t, s.fault.Header.Get("Retry-After"), r.header.Get("Retry-After"), proto)
	assert.Equal(t, s.body, r.body, proto)
	assert.Equal(t, int64(1), c.create("new").ID, "%s: the failed request took effect", proto)
}

func TestFault_WithoutAStatusTakesEffect(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Inject(xmstest.Fault{Header: http.Header{"x-request-id": {"a", "b"}, "Content-Type": {"text/json"}}})
	r := c.send(http.MethodPost, "/access-tokens/", createBody)
	assert.Equal(t, http.StatusCreated, r.status)
	assert.Equal(t, []string{"a", "b"}, r.header.Values("X-Request-Id"))
	assert.Equal(t, []string{"text/json"}, r.header.Values("Content-Type"))
	assert.Equal(t, "new", r.token().Name)
	whole := c.get(1)
	assert.Empty(t, whole.header.Get("X-Request-Id"))

	c.server.Inject(xmstest.Fault{Body: "<html>login</html>"})
	r = c.send(http.MethodDelete, "/access-tokens/1", "")
	assert.Equal(t, http.StatusNoContent, r.status)
	c.get(1).requireError(http.StatusNotFound, "not_found")

	c.server.Inject(xmstest.Fault{Body: "<html>login</html>"})
	r = c.list("")
	assert.Equal(t, http.StatusOK, r.status)
	assert.Equal(t, "<html>login</html>", r.body)
	assert.Equal(t, "text/html; charset=utf-8", r.header.Get("Content-Type"))
}

func TestFault_Truncate(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(1)
	whole := c.get(1).body
	for n, want := range map[int]string{20: whole[:20], len(whole) + 1: whole, -1: whole} {
		c.server.Inject(xmstest.Fault{Truncate: n})
		r := c.get(1)
		assert.Equal(t, want, r.body)
		assert.Equal(t, strconv.Itoa(len(want)), r.header.Get("Content-Length"))
	}
	c.server.Inject(xmstest.Fault{Truncate: 5, Header: http.Header{"Content-Length": {"500"}}})
	r, err := c.try(t.Context(), http.MethodGet, "/access-tokens/1", "")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, whole[:5], r.body)
}

func TestFault_Drop(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault xmstest.Fault
		after int // status of another create
	}{
		"before the effect": {xmstest.Fault{Drop: true, DropAfter: true, StatusCode: 500}, http.StatusCreated},
		"after the effect":  {xmstest.Fault{DropAfter: true, StatusCode: 500}, http.StatusConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plain := start(t)
			require.ErrorIs(t, plain.meet(test.fault), io.EOF)
			encrypted := start(t, xmstest.WithTLS())
			require.Error(t, encrypted.meet(test.fault))
			for _, c := range []*client{plain, encrypted} {
				assert.Equal(t, test.after, c.send(http.MethodPost, "/access-tokens/", createBody).status)
				assert.Len(t, c.server.Requests(), 2)
			}
		})
	}
}

// meet lets a create meet a fault and returns the error of the connection.
func (c *client) meet(fault xmstest.Fault) error {
	c.t.Helper()
	c.server.Inject(fault)
	_, err := c.try(c.t.Context(), http.MethodPost, "/access-tokens/", createBody)
	return err
}

// delay passes in a synctest bubble only. The servers are started outside, since a listener keeps
// the time in a bubble from passing.
const delay = time.Hour

func TestFault_DelayIsBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	server := start(t, xmstest.WithAdminToken(adminToken)).server
	synctest.Test(t, func(t *testing.T) {
		for want, fault := range map[int]xmstest.Fault{200: {Delay: delay}, 504: {Delay: delay, StatusCode: 504}} {
			server.Inject(fault)
			begin := time.Now()
			w, err := serve(t.Context(), server, newRequest(server, http.MethodGet, "/v1/access-tokens/", ""))
			require.NoError(t, err)
			assert.Equal(t, want, w.Code)
			assert.Equal(t, delay, time.Since(begin))
		}
	})
}

func TestFault_DelayHoldsUpNothingElseAndEndsWithItsRequest(t *testing.T) {
	t.Parallel()
	server := start(t, xmstest.WithAdminToken(adminToken)).server
	synctest.Test(t, func(t *testing.T) {
		server.Seed(1)
		server.Inject(xmstest.Fault{Operation: "CreateAccessToken", Delay: delay})
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		aborted := make(chan error, 1)
		go func() {
			_, err := serve(ctx, server, newRequest(server, http.MethodPost, "/v1/access-tokens/", createBody))
			aborted <- err
		}()
		synctest.Wait()
		for _, op := range samples() { // its create succeeds, so the first one has not taken effect
			w, err := serve(t.Context(), server, newRequest(server, op.method, "/v1"+op.path, op.body))
			require.NoError(t, err)
			assert.Equal(t, op.status, w.Code, op.operation)
		}
		cancel()
		require.ErrorIs(t, <-aborted, http.ErrAbortHandler)
		assert.Zero(t, time.Since(begin))
	})
}

func TestFault_DropAfterTakesEffectBeforeItsDelay(t *testing.T) {
	t.Parallel()
	server := start(t, xmstest.WithAdminToken(adminToken)).server
	synctest.Test(t, func(t *testing.T) {
		server.Inject(xmstest.Fault{Operation: "CreateAccessToken", Delay: delay, DropAfter: true})
		begin := time.Now()
		aborted := make(chan error, 1)
		go func() {
			_, err := serve(t.Context(), server, newRequest(server, http.MethodPost, "/v1/access-tokens/", createBody))
			aborted <- err
		}()
		synctest.Wait()
		w, err := serve(t.Context(), server, newRequest(server, http.MethodGet, "/v1/access-tokens/1", ""))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, w.Code, "no effect before the delay")
		require.ErrorIs(t, <-aborted, http.ErrAbortHandler)
		assert.Equal(t, delay, time.Since(begin))
	})
}

func TestFault_TimesAndOrder(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(1)
	c.server.Inject(xmstest.Fault{Operation: "GetAccessToken", StatusCode: 501})
	c.server.Inject(xmstest.Fault{StatusCode: 502, Times: 3})
	c.server.Inject(xmstest.Fault{Operation: "GetAccessToken", StatusCode: 503, Times: -1})
	assert.Equal(t, 502, c.as("").list("").status, "before authentication")
	assert.Equal(t, 501, c.get(1).status)
	assert.Equal(t, 502, c.get(1).status)
	assert.Equal(t, 502, c.send(http.MethodGet, "/elsewhere", "").status, "an unknown path")
	for range 5 {
		assert.Equal(t, 503, c.get(1).status)
		assert.Equal(t, 200, c.list("").status)
	}
}

func TestFault_MatchesItsOperationOnly(t *testing.T) {
	t.Parallel()
	for _, faulty := range samples() {
		c := start(t, xmstest.WithAdminToken(adminToken))
		c.server.Seed(1)
		c.server.Inject(xmstest.Fault{Operation: faulty.operation, StatusCode: 503})
		for _, op := range samples() {
			want := op.status
			if op.operation == faulty.operation {
				want = 503
			}
			assert.Equal(t, want, c.send(op.method, op.path, op.body).status, op.operation)
		}
	}
}

func TestServer_InjectCopiesTheFault(t *testing.T) {
	t.Parallel()
	c := start(t)
	header := http.Header{"Retry-After": {"1"}}
	c.server.Inject(xmstest.Fault{StatusCode: 503, Header: header})
	header.Set("Retry-After", "2")
	assert.Equal(t, "1", c.list("").header.Get("Retry-After"))
}

func TestServer_InjectRefusesAnUnknownOperation(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, operation := range []string{"CreateToken", "createAccessToken", "*", "Login", "Logout"} {
		want := fmt.Sprintf("xmstest: Fault.Operation is %q, which this server does not have", operation)
		assert.PanicsWithValue(t, want, func() { c.server.Inject(xmstest.Fault{Operation: operation, StatusCode: 503}) })
	}
	assert.Equal(t, 200, c.list("").status)
}

func TestServer_InjectRefusesAStatusThatCannotBeSent(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, status := range []int{-1, 1, 100, 199, 1000} {
		assert.PanicsWithValue(t, fmt.Sprintf("xmstest: Fault.StatusCode is %d, want 0 or 200 to 999", status), func() {
			c.server.Inject(xmstest.Fault{StatusCode: status})
		})
	}
	assert.Equal(t, 200, c.list("").status)
}
