package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

// newServer starts a server that run talks to.
func newServer(t *testing.T, opts ...xmstest.Option) *xmstest.Server {
	t.Helper()
	server := xmstest.NewServer(opts...)
	t.Cleanup(server.Close)
	t.Setenv("XMS_BASE_URL", server.BaseURL())
	t.Setenv("XMS_AUTH_TOKEN", server.AdminToken())
	t.Setenv("XMS_CA_FILE", "")
	return server
}

// steps returns the operation and the status of each step that succeeded.
func steps(output string) []string {
	var lines []string
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "ok ") {
			fields := strings.Fields(line)
			lines = append(lines, fields[1]+" "+fields[3])
		}
	}
	return lines
}

func assertWholeLife(t *testing.T, output string) {
	t.Helper()
	assert.Equal(t, []string{
		"create 201", "get 200", "list 200", "validate 200", "update 200", "regenerate 200", "delete 204", "get 404",
	}, steps(output))
	assert.NotRegexp(t, `(?i)[0-9a-f]{32}`, output, "a whole uuid is printed")
}

func TestLifecycle_Embedded(t *testing.T) {
	t.Setenv("XMS_BASE_URL", "")
	t.Setenv("XMS_AUTH_TOKEN", "")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assertWholeLife(t, out.String())
}

func TestLifecycle_NamedServer(t *testing.T) {
	newServer(t, xmstest.WithMaxPage(10)).Seed(25)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assertWholeLife(t, out.String())
	assert.Contains(t, out.String(), "on a further page")
}

func TestLifecycle_HalfAConfiguration(t *testing.T) {
	t.Setenv("XMS_BASE_URL", "http://127.0.0.1:1/v1")
	t.Setenv("XMS_AUTH_TOKEN", "")
	assert.ErrorContains(t, run(t.Context(), &bytes.Buffer{}), "XMS_AUTH_TOKEN")
}

func TestLifecycle_FailingStepFailsTheRunAndLeavesNothing(t *testing.T) {
	const (
		other    = `{"access_token":{"id":1,"name":"other"}}`
		noTokens = `{"access_tokens":[]}`
	)
	for name, test := range map[string]struct {
		fault xmstest.Fault
		done  int // steps that succeed
	}{
		"create refused":            {xmstest.Fault{Operation: "CreateAccessToken", StatusCode: 500}, 0},
		"create lost":               {xmstest.Fault{Operation: "CreateAccessToken", DropAfter: true}, 0},
		"get finds nothing":         {xmstest.Fault{Operation: "GetAccessToken", StatusCode: 404}, 1},
		"get answers nothing":       {xmstest.Fault{Operation: "GetAccessToken", Body: `{}`}, 1},
		"not in the list":           {xmstest.Fault{Operation: "ListAccessTokens", Body: noTokens, Times: 2}, 2},
		"validate refused":          {xmstest.Fault{Operation: "ValidateAccessToken", StatusCode: 403}, 3},
		"update of another token":   {xmstest.Fault{Operation: "UpdateAccessToken", Body: other}, 4},
		"regenerate refused":        {xmstest.Fault{Operation: "RegenerateAccessToken", StatusCode: 409}, 5},
		"delete refused":            {xmstest.Fault{Operation: "DeleteAccessToken", StatusCode: 403}, 6},
		"delete that does not work": {xmstest.Fault{Operation: "DeleteAccessToken", StatusCode: 204}, 7},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			server.Inject(test.fault)
			var out bytes.Buffer
			require.Error(t, run(t.Context(), &out))
			assert.Len(t, steps(out.String()), test.done)
			assertNothingLeft(t, server)
		})
	}
}

// TestLifecycle_OldUUIDThatStillWorks has the server call every uuid valid after the first.
func TestLifecycle_OldUUIDThatStillWorks(t *testing.T) {
	server := newServer(t)
	server.Inject(xmstest.Fault{Operation: "ValidateAccessToken"})
	server.Inject(xmstest.Fault{
		Operation: "ValidateAccessToken", StatusCode: 200, Body: `{"access_token":{"id":1}}`, Times: -1,
	})
	require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}), "the old uuid should be refused")
	assertNothingLeft(t, server)
}

// TestLifecycle_InterruptedCreateLeavesNothing interrupts the program while XMS makes the token.
func TestLifecycle_InterruptedCreateLeavesNothing(t *testing.T) {
	xms := xmstest.NewServer()
	t.Cleanup(xms.Close)
	ctx, interrupt := context.WithCancel(t.Context())
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		interrupt()
		xms.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(gateway.Close)
	t.Setenv("XMS_BASE_URL", gateway.URL+"/v1")
	t.Setenv("XMS_AUTH_TOKEN", xms.AdminToken())
	t.Setenv("XMS_CA_FILE", "")
	var out bytes.Buffer
	require.ErrorIs(t, run(ctx, &out), context.Canceled)
	assert.Equal(t, []string{"create 201"}, steps(out.String()))
	assertNothingLeft(t, xms)
}

func assertNothingLeft(t *testing.T, server *xmstest.Server) {
	t.Helper()
	list, _, err := server.Client().AccessTokensApi.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, list.AccessTokens)
}
