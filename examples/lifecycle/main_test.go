package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

var wholeUUID = regexp.MustCompile(`(?i)[0-9a-f]{32}`)

// against makes run talk to server.
func against(t *testing.T, server *xmstest.Server) {
	t.Helper()
	t.Cleanup(server.Close)
	t.Setenv("XMS_BASE_URL", server.BaseURL())
	t.Setenv("XMS_AUTH_TOKEN", server.AdminToken())
	t.Setenv("XMS_CA_FILE", "")
}

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

var allSteps = []string{
	"create 201", "get 200", "list 200", "validate 200", "update 200", "regenerate 200", "delete 204", "get 404",
}

func TestEmbedded(t *testing.T) {
	t.Setenv("XMS_BASE_URL", "")
	t.Setenv("XMS_AUTH_TOKEN", "")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assert.Equal(t, allSteps, steps(out.String()))
	assert.NotRegexp(t, wholeUUID, out.String())
}

func TestNamedServer(t *testing.T) {
	server := xmstest.NewServer(xmstest.WithMaxPage(10))
	server.Seed(25)
	against(t, server)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assert.Equal(t, allSteps, steps(out.String()))
	assert.Contains(t, out.String(), "on a further page")
	assert.NotRegexp(t, wholeUUID, out.String())
}

func TestHalfAConfiguration(t *testing.T) {
	t.Setenv("XMS_BASE_URL", "http://127.0.0.1:1/v1")
	t.Setenv("XMS_AUTH_TOKEN", "")
	assert.ErrorContains(t, run(t.Context(), &bytes.Buffer{}), "XMS_AUTH_TOKEN")
}

func TestFailingStepFailsTheRunAndLeavesNothing(t *testing.T) {
	for _, fault := range []xmstest.Fault{
		{Operation: "CreateAccessToken", StatusCode: 500},
		{Operation: "CreateAccessToken", DropAfter: true},
		{Operation: "GetAccessToken", StatusCode: 404},
		{Operation: "GetAccessToken", Body: `{}`},
		{Operation: "ListAccessTokens", Body: `{"access_tokens":[]}`, Times: -1},
		{Operation: "ValidateAccessToken", StatusCode: 403},
		{Operation: "UpdateAccessToken", Body: `{"access_token":{"id":1,"name":"other"}}`},
		{Operation: "RegenerateAccessToken", StatusCode: 409},
		{Operation: "DeleteAccessToken", StatusCode: 403},
	} {
		t.Run(fault.Operation, func(t *testing.T) {
			server := xmstest.NewServer()
			against(t, server)
			server.Inject(fault)
			var out bytes.Buffer
			require.Error(t, run(t.Context(), &out))
			assert.Less(t, len(steps(out.String())), len(allSteps))
			assertNothingLeft(t, server)
		})
	}
}

// TestOldUUIDThatStillWorks has the server validate everything, so the one that should be refused is not.
func TestOldUUIDThatStillWorks(t *testing.T) {
	server := xmstest.NewServer()
	against(t, server)
	server.Inject(xmstest.Fault{Operation: "ValidateAccessToken", StatusCode: 200, Body: `{}`, Times: -1})
	require.Error(t, run(t.Context(), &bytes.Buffer{}))
	assertNothingLeft(t, server)
}

// assertNothingLeft asserts that the one token which a run makes is gone.
func assertNothingLeft(t *testing.T, server *xmstest.Server) {
	t.Helper()
	client, err := xmsclient.NewAPIClient(server.Configuration())
	require.NoError(t, err)
	_, _, err = client.AccessTokensApi.GetAccessToken(t.Context(), 1)
	assert.ErrorIs(t, err, xmsclient.ErrNotFound)
}
