package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

const password = `correct "horse" battery`

// newServer starts a server that run talks to, as its user.
func newServer(t *testing.T, opts ...xmstest.Option) *xmstest.Server {
	t.Helper()
	server := xmstest.NewServer(append(opts, xmstest.WithUser("ops@example.com", password))...)
	t.Cleanup(server.Close)
	setEnv(t, server.BaseURL())
	return server
}

func setEnv(t *testing.T, baseURL string) {
	t.Helper()
	t.Setenv("XMS_BASE_URL", baseURL)
	t.Setenv("XMS_AUTH_TOKEN", "")
	t.Setenv("XMS_CA_FILE", "")
	t.Setenv("XMS_USER", "ops@example.com")
	t.Setenv("XMS_PASSWORD", password)
}

// logIn runs the program. It makes the token backup, and further arguments may say where it goes.
func logIn(t *testing.T, more ...string) (status int, stdout, stderr string) {
	t.Helper()
	var out, failures bytes.Buffer
	status = run(t.Context(), append([]string{"-name", "backup", "-roles", "admin, viewer"}, more...), &out, &failures)
	assert.NotContains(t, out.String()+failures.String(), password)
	assert.NotRegexp(t, uuidForm, failures.String())
	return status, out.String(), failures.String()
}

// operations counts what the server has received.
func operations(server *xmstest.Server) map[string]int {
	counts := map[string]int{}
	for _, request := range server.Requests() {
		counts[request.Operation]++
	}
	return counts
}

func tokensOf(t *testing.T, server *xmstest.Server) []xmsclient.AccessToken {
	t.Helper()
	opts := &xmsclient.ListAccessTokensOpts{All: xmsclient.Ptr(true)}
	list, _, err := server.Client().AccessTokensApi.ListAccessTokens(t.Context(), opts)
	require.NoError(t, err)
	return list.AccessTokens
}

// assertSessionEnded tries the credential that the program has used for its calls.
func assertSessionEnded(t *testing.T, server *xmstest.Server) {
	t.Helper()
	for _, request := range server.Requests() {
		if request.Operation != "Logout" {
			continue
		}
		ctx := xmsclient.ContextWithAPIKey(t.Context(), xmsclient.APIKey{Key: request.Header.Get("Xms-Auth-Token")})
		_, _, err := server.Client().AccessTokensApi.ListAccessTokens(ctx, nil)
		require.ErrorIs(t, err, xmsclient.ErrUnauthorized)
		return
	}
	require.Fail(t, "the program has not logged out")
}

func TestLogin_WritesTheTokenAlone(t *testing.T) {
	server := newServer(t)
	status, stdout, stderr := logIn(t)
	require.Equal(t, 0, status, stderr)
	assert.Regexp(t, "^[0-9a-f]{32}\n$", stdout)
	assert.Equal(t, "token 1 \"backup\" made, with the roles [\"admin\" \"viewer\"]\n", stderr)
	assertSessionEnded(t, server)
	cfg := server.Configuration()
	cfg.TokenInHeader.Key = strings.TrimSpace(stdout)
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	list, _, err := client.AccessTokensApi.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, list.AccessTokens, 1)
	assert.Equal(t, "ops@example.com", list.AccessTokens[0].User.Name)
}

func TestLogin_WritesANewFile(t *testing.T) {
	server := newServer(t, xmstest.WithTLS())
	ca := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(ca, server.CertificatePEM(), 0o600))
	t.Setenv("XMS_CA_FILE", ca)
	file := filepath.Join(t.TempDir(), "token")
	status, stdout, stderr := logIn(t, "-out", file)
	require.Equal(t, 0, status, stderr)
	assert.Empty(t, stdout)
	source := xmsclient.TokenFromFile(file)
	uuid, err := source.Token(t.Context())
	require.NoError(t, err)
	_, _, err = server.Client().AccessTokensApi.ValidateAccessToken(t.Context(), uuid)
	require.NoError(t, err)

	requests := len(server.Requests())
	status, _, stderr = logIn(t, "-out", file)
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "exist")
	assert.Len(t, server.Requests(), requests, "the file is there already, and a request was sent")
	again, err := source.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, uuid, again)
}

func TestLogin_WrongPasswordIsOneRequest(t *testing.T) {
	server := newServer(t)
	t.Setenv("XMS_BASE_URL", server.BaseURL()+","+server.BaseURL())
	t.Setenv("XMS_PASSWORD", "wrong horse")
	file := filepath.Join(t.TempDir(), "token")
	status, _, stderr := logIn(t, "-out", file)
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "401 Unauthorized: wrong name or password; ")
	assert.Contains(t, stderr, "may freeze the account")
	assert.NotContains(t, stderr, "horse")
	assert.Equal(t, map[string]int{"Login": 1}, operations(server))
	assert.NoFileExists(t, file)

	server.Inject(xmstest.Fault{Operation: "Login", Body: `{"mess`, Header: http.Header{"Content-Length": {"500"}}})
	status, _, stderr = logIn(t)
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "401 Unauthorized: ")
	assert.Equal(t, map[string]int{"Login": 2}, operations(server), "the text of the refusal broke off")
}

func TestLogin_NextNodeIfOneDoesNotAnswer(t *testing.T) {
	server := newServer(t)
	gone := httptest.NewServer(nil)
	gone.Close()
	t.Setenv("XMS_BASE_URL", gone.URL+"/v1,"+server.BaseURL()+","+server.BaseURL()+"/")
	server.Inject(xmstest.Fault{Operation: "Login", StatusCode: 503})
	status, _, stderr := logIn(t)
	assert.Equal(t, 0, status, stderr)
	assertSessionEnded(t, server)
	assert.Equal(t, 2, operations(server)["Login"])
}

func TestLogin_PasswordFollowsNoRedirect(t *testing.T) {
	server, other := newServer(t), xmstest.NewServer(xmstest.WithUser("ops@example.com", password))
	t.Cleanup(other.Close)
	location := http.Header{"Location": {other.BaseURL() + "/auth/tokens:login"}}
	server.Inject(xmstest.Fault{Operation: "Login", StatusCode: 307, Header: location})
	status, _, stderr := logIn(t)
	assert.Equal(t, 1, status)
	assert.Contains(t, stderr, "307 Temporary Redirect")
	assert.Empty(t, other.Requests())
}

func TestLogin_LostAnswerToTheCreate(t *testing.T) {
	server := newServer(t)
	server.Inject(xmstest.Fault{Operation: "CreateAccessToken", DropAfter: true})
	status, stdout, stderr := logIn(t)
	require.Equal(t, 0, status, stderr)
	assert.Len(t, tokensOf(t, server), 1)
	_, _, err := server.Client().AccessTokensApi.ValidateAccessToken(t.Context(), strings.TrimSpace(stdout))
	require.NoError(t, err)
}

func TestLogin_FailureLeavesNothing(t *testing.T) {
	for name, test := range map[string]struct {
		fault xmstest.Fault
		want  string
	}{
		"create refused":   {xmstest.Fault{Operation: "CreateAccessToken", StatusCode: 403}, "403 Forbidden"},
		"create never was": {xmstest.Fault{Operation: "CreateAccessToken", Drop: true}, "found 0"},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			server.Inject(test.fault)
			file := filepath.Join(t.TempDir(), "token")
			status, _, stderr := logIn(t, "-out", file)
			assert.Equal(t, 1, status)
			assert.Contains(t, stderr, test.want)
			assert.NoFileExists(t, file)
			assertSessionEnded(t, server)
			assert.Empty(t, tokensOf(t, server))
		})
	}
}

func TestLogin_FailedLogout(t *testing.T) {
	for want, fault := range map[string]xmstest.Fault{
		"":                             {StatusCode: 404, Body: `{"message":"the session has ended"}`},
		"stays open until it expires:": {StatusCode: 500, Body: `{"message":"broken"}`},
	} {
		server := newServer(t)
		fault.Operation = "Logout"
		server.Inject(fault)
		status, stdout, stderr := logIn(t)
		assert.Equal(t, 0, status)
		assert.NotEmpty(t, stdout)
		assert.Contains(t, stderr, want)
		assert.Equal(t, want != "", strings.Contains(stderr, "session"), stderr)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("the pipe is broken") }

func TestLogin_TokenThatCannotBeWrittenIsDeleted(t *testing.T) {
	server := newServer(t)
	var stderr bytes.Buffer
	assert.Equal(t, 1, run(t.Context(), []string{"-name", "backup", "-roles", "admin"}, brokenWriter{}, &stderr))
	assert.Contains(t, stderr.String(), "the pipe is broken")
	assert.Empty(t, tokensOf(t, server))
	assertSessionEnded(t, server)

	server.Inject(xmstest.Fault{Operation: "DeleteAccessToken", StatusCode: 403})
	assert.Equal(t, 1, run(t.Context(), []string{"-name", "backup", "-roles", "admin"}, brokenWriter{}, &stderr))
	assert.Contains(t, stderr.String(), `token 2 "backup" is left behind: `)
}

// TestLogin_InterruptedLoginLeavesNoSession interrupts the program while XMS opens the session.
func TestLogin_InterruptedLoginLeavesNoSession(t *testing.T) {
	server := newServer(t)
	ctx, interrupt := context.WithCancel(t.Context())
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		interrupt()
		server.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(gateway.Close)
	setEnv(t, gateway.URL+"/v1")
	assert.Equal(t, 1, run(ctx, []string{"-name", "backup", "-roles", "admin"}, io.Discard, io.Discard))
	assertSessionEnded(t, server)
	assert.Equal(t, 0, operations(server)["CreateAccessToken"])

	gateway.Close()
	t.Setenv("XMS_BASE_URL", gateway.URL+"/v1,"+server.BaseURL())
	requests := len(server.Requests())
	assert.Equal(t, 1, run(ctx, []string{"-name", "backup", "-roles", "admin"}, io.Discard, io.Discard))
	assert.Len(t, server.Requests(), requests, "it went on to another node")
}

func TestLogin_BadUse(t *testing.T) {
	server := newServer(t)
	for name, test := range map[string]struct {
		args []string
		env  string
		want string
	}{
		"no name":       {[]string{"-roles", "admin"}, "", "-name and -roles are required"},
		"no roles":      {[]string{"-name", "backup"}, "", "-name and -roles are required"},
		"blank roles":   {[]string{"-name", "backup", "-roles", " ,"}, "", "-name and -roles are required"},
		"an argument":   {[]string{"-name", "backup", "-roles", "admin", "viewer"}, "", `unexpected argument "viewer"`},
		"unknown flag":  {[]string{"-password", "x"}, "", "-password"},
		"no user":       {[]string{"-name", "backup", "-roles", "admin"}, "XMS_USER", "XMS_USER and XMS_PASSWORD"},
		"no password":   {[]string{"-name", "backup", "-roles", "admin"}, "XMS_PASSWORD", "XMS_USER and XMS_PASSWORD"},
		"no such CA":    {[]string{"-name", "backup", "-roles", "admin"}, "XMS_CA_FILE=missing.pem", "XMS_CA_FILE"},
		"no such nodes": {[]string{"-name", "backup", "-roles", "admin"}, "XMS_BASE_URL=ftp://node", "XMS_BASE_URL"},
	} {
		t.Run(name, func(t *testing.T) {
			if variable, value, _ := strings.Cut(test.env, "="); variable != "" {
				t.Setenv(variable, value)
			}
			var stderr bytes.Buffer
			assert.Equal(t, 2, run(t.Context(), test.args, io.Discard, &stderr))
			assert.Contains(t, stderr.String(), test.want)
		})
	}
	assert.Empty(t, server.Requests())
	assert.Equal(t, 0, run(t.Context(), []string{"-help"}, io.Discard, io.Discard))
}
