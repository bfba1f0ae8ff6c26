package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// process is a run of the command inside the test.
type process struct {
	baseURL string
	token   string
	stop    func() (code int, more []string, stderr string) // more is the output after the token
}

func launch(t *testing.T, args ...string) process {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	out, in := io.Pipe()
	var stderr bytes.Buffer
	exit := make(chan int, 1)
	go func() {
		exit <- run(ctx, append([]string{"-listen", "127.0.0.1:0"}, args...), in, &stderr)
		_ = in.Close()
	}()
	lines := bufio.NewScanner(out)
	return process{
		baseURL: scan(t, lines, "base_url="),
		token:   scan(t, lines, "token="),
		stop: func() (int, []string, string) {
			cancel()
			var more []string
			for lines.Scan() {
				more = append(more, lines.Text())
			}
			return <-exit, more, stderr.String()
		},
	}
}

func scan(t *testing.T, lines *bufio.Scanner, prefix string) string {
	t.Helper()
	require.True(t, lines.Scan(), "the output ended before %s", prefix)
	value, ok := strings.CutPrefix(lines.Text(), prefix)
	require.True(t, ok, lines.Text())
	return value
}

// fetch sends a request without a body on a new connection, so that net/http does not repeat it.
func fetch(t *testing.T, method, url string, roots *x509.CertPool) (status int, body string, err error) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots},
	}}
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	require.NoError(t, err)
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(content), err
}

func TestRun_ServesUntilToldToStop(t *testing.T) {
	t.Parallel()
	p := launch(t, "-token", "abc123", "-seed", "3", "-max-page", "2")
	assert.Equal(t, "abc123", p.token)
	status, body, err := fetch(t, http.MethodGet, p.baseURL+"/access-tokens/?token="+p.token, nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"paging":{"count":2,"limit":2,"offset":0,"total_count":3}`)
	status, _, err = fetch(t, http.MethodGet, p.baseURL+"/access-tokens/", nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, status)

	code, more, stderr := p.stop()
	assert.Equal(t, exitOK, code)
	assert.Empty(t, more)
	assert.Empty(t, stderr)
	_, _, err = fetch(t, http.MethodGet, p.baseURL+"/access-tokens/", nil)
	require.Error(t, err)
}

func TestRun_TellsOfAllInterfaces(t *testing.T) {
	t.Parallel()
	p := launch(t, "-without-paging", "-listen", "0.0.0.0:0")
	assert.Regexp(t, "^[0-9a-f]{32}$", p.token)
	_, body, err := fetch(t, http.MethodGet, p.baseURL+"/access-tokens/?token="+p.token, nil)
	require.NoError(t, err)
	assert.JSONEq(t, `{"access_tokens":[]}`, body)
	_, more, _ := p.stop()
	assert.Equal(t, []string{"listens_on=all interfaces"}, more)
}

func TestRun_ServesTLS(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ca.pem")
	p := launch(t, "-tls", "-ca-out", file, "-listen", ":0")
	assert.True(t, strings.HasPrefix(p.baseURL, "https://127.0.0.1:"), p.baseURL)
	certificate, err := os.ReadFile(file)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(certificate))
	status, _, err := fetch(t, http.MethodGet, p.baseURL+"/access-tokens/?token="+p.token, roots)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	_, more, _ := p.stop()
	assert.Empty(t, more, "no host is loopback only")
}

func TestRun_FaultsOfEachOperation(t *testing.T) {
	t.Parallel()
	args := []string{"-seed", "1"}
	operations := []struct{ name, method, path string }{
		{"CreateAccessToken", http.MethodPost, "/"},
		{"DeleteAccessToken", http.MethodDelete, "/1"},
		{"GetAccessToken", http.MethodGet, "/1"},
		{"ListAccessTokens", http.MethodGet, "/"},
		{"RegenerateAccessToken", http.MethodPost, "/1:regenerate"},
		{"UpdateAccessToken", http.MethodPatch, "/1"},
		{"ValidateAccessToken", http.MethodPost, ":validate"},
	}
	for i, op := range operations {
		args = append(args, "-fault", fmt.Sprintf("%s=%dx*", op.name, 500+i))
	}
	p := launch(t, args...)
	for i := range 2 * len(operations) {
		op := operations[i%len(operations)]
		status, _, err := fetch(t, op.method, p.baseURL+"/access-tokens"+op.path, nil)
		require.NoError(t, err)
		assert.Equal(t, 500+i%len(operations), status, op.name)
	}
}

func TestRun_UsersLogIn(t *testing.T) {
	t.Parallel()
	p := launch(t, "-user", "ops@example.com:a:b", "-user", "eve:x", "-fault", "Login=503")
	logIn := func(body string) int {
		resp, err := http.Post(p.baseURL+"/auth/tokens:login", "application/json", strings.NewReader(body))
		require.NoError(t, err)
		defer resp.Body.Close()
		return resp.StatusCode
	}
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	assert.Equal(t, http.StatusServiceUnavailable, logIn(`{"auth":{"name":"eve","password":"x"}}`))
	assert.Equal(t, http.StatusCreated, logIn(`{"auth":{"name":"eve","password":"x"}}`))
	assert.Equal(t, http.StatusCreated, logIn(`{"auth":{"name":"ops@example.com","password":"a:b"}}`))
	assert.Equal(t, http.StatusUnauthorized, logIn(`{"auth":{"name":"ops@example.com","password":"a"}}`))
}

func TestRun_CanBeStoppedWhileItSeeds(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var stdout, stderr bytes.Buffer
	args := []string{"-listen", "127.0.0.1:0", "-seed", "1000000000"}
	assert.Equal(t, exitOK, run(ctx, args, &stdout, &stderr))
	assert.Empty(t, stdout.String(), "it is not ready")
	assert.Empty(t, stderr.String())
}

func TestRun_FaultsInOrder(t *testing.T) {
	t.Parallel()
	p := launch(t, "-seed", "1", "-fault", "*=999x2", "-fault", "DeleteAccessToken=drop", "-fault", "*=drop-afterx1")
	for _, want := range []int{999, 999, 0, 0, http.StatusNotFound} { // the second drop is after the effect
		status, _, err := fetch(t, http.MethodDelete, p.baseURL+"/access-tokens/1?token="+p.token, nil)
		assert.Equal(t, want, status)
		assert.Equal(t, want == 0, errors.Is(err, io.EOF))
	}
	p = launch(t, "-seed", "1", "-fault", "*=drop")
	for _, want := range []int{0, http.StatusNoContent} {
		status, _, _ := fetch(t, http.MethodDelete, p.baseURL+"/access-tokens/1?token="+p.token, nil)
		assert.Equal(t, want, status)
	}
}

func TestRun_BadUseIsOneLine(t *testing.T) {
	t.Parallel()
	taken := strings.TrimSuffix(strings.TrimPrefix(launch(t).baseURL, "http://"), "/v1")
	missing := filepath.Join(t.TempDir(), "missing", "ca.pem")
	for name, test := range map[string]struct {
		args []string
		code int
		want string
	}{
		"unknown flag":    {[]string{"-colour"}, exitUsage, "-colour"},
		"bad number":      {[]string{"-seed", "many"}, exitUsage, "many"},
		"negative seed":   {[]string{"-seed", "-1"}, exitUsage, "-seed must not be negative"},
		"an argument":     {[]string{"start"}, exitUsage, `"start"`},
		"file but no TLS": {[]string{"-ca-out", missing}, exitUsage, "-ca-out needs -tls"},
		"address in use":  {[]string{"-listen", taken}, exitFailure, "address already in use"},
		"bad address":     {[]string{"-listen", "8051"}, exitFailure, "missing port"},
		"bad token":       {[]string{"-token", "a b"}, exitFailure, "admin token"},
		"negative page":   {[]string{"-max-page", "-1"}, exitUsage, "-max-page must be 1 or more, or 0 for no limit"},
		"no password":     {[]string{"-user", "ops"}, exitUsage, "NAME:PASSWORD"},
		"no name":         {[]string{"-user", ":secret"}, exitUsage, "NAME:PASSWORD"},
		"no users":        {[]string{"-fault", "Logout=503"}, exitUsage, "-fault Login and -fault Logout need -user"},
		"no operation":    {[]string{"-fault", "503"}, exitUsage, "OPERATION=STATUS[xTIMES]"},
		"operation":       {[]string{"-fault", "GetToken=503"}, exitUsage, "* or one of CreateAccessToken, Delete"},
		"blank":           {[]string{"-fault", "=503"}, exitUsage, "* or one of CreateAccessToken, Delete"},
		"no status":       {[]string{"-fault", "*="}, exitUsage, "200 to 999, drop, or drop-after"},
		"status":          {[]string{"-fault", "*=199"}, exitUsage, "200 to 999, drop, or drop-after"},
		"large status":    {[]string{"-fault", "*=1000"}, exitUsage, "200 to 999, drop, or drop-after"},
		"word":            {[]string{"-fault", "*=dropped"}, exitUsage, "200 to 999, drop, or drop-after"},
		"no times":        {[]string{"-fault", "*=503x"}, exitUsage, "a number from 1 on, or * for all"},
		"zero times":      {[]string{"-fault", "*=503x0"}, exitUsage, "a number from 1 on, or * for all"},
		"two times":       {[]string{"-fault", "*=503x1x2"}, exitUsage, "a number from 1 on, or * for all"},
		"no such folder":  {[]string{"-listen", "127.0.0.1:0", "-tls", "-ca-out", missing}, exitFailure, missing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			assert.Equal(t, test.code, run(t.Context(), test.args, &stdout, &stderr))
			assert.Empty(t, stdout.String())
			assert.Contains(t, stderr.String(), test.want)
			assert.True(t, strings.HasPrefix(stderr.String(), "xms-testserver: "), stderr.String())
			assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), stderr.String())
		})
	}
}

func TestRun_Help(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-help"}, &stdout, &stderr))
	assert.Empty(t, stderr.String())
	for _, name := range []string{
		"-listen host:port", "127.0.0.1:8051", "-token", "-seed N", "-tls", "-ca-out FILE", "-without-paging", "-max-page N",
		"-user NAME:PASSWORD", "-fault OPERATION=STATUS[xTIMES]", "drop-after", "* for all",
	} {
		assert.Contains(t, stdout.String(), name)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("the pipe is broken") }

func TestRun_OutputThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	assert.Equal(t, exitFailure, run(t.Context(), []string{"-listen", "127.0.0.1:0"}, brokenWriter{}, &stderr))
	assert.Equal(t, "xms-testserver: the pipe is broken\n", stderr.String())
}
