package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
	stop    func() (code int, stderr string)
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
		stop: func() (int, string) {
			cancel()
			return <-exit, stderr.String()
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

func fetch(t *testing.T, url string, transport *http.Transport) (status int, body string) {
	t.Helper()
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}
	resp, err := client.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(content)
}

func TestServesUntilToldToStop(t *testing.T) {
	t.Parallel()
	p := launch(t, "-token", "abc123", "-seed", "3")
	assert.Equal(t, "abc123", p.token)
	status, body := fetch(t, p.baseURL+"/access-tokens/?limit=0&token="+p.token, &http.Transport{})
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, `"total_count":3`)
	status, _ = fetch(t, p.baseURL+"/access-tokens/", &http.Transport{})
	assert.Equal(t, http.StatusUnauthorized, status)

	code, stderr := p.stop()
	assert.Equal(t, exitOK, code)
	assert.Empty(t, stderr)
	_, err := http.Get(p.baseURL + "/access-tokens/")
	require.Error(t, err)
}

func TestTokenIsRandomUnlessGiven(t *testing.T) {
	t.Parallel()
	assert.Regexp(t, "^[0-9a-f]{32}$", launch(t).token)
}

func TestServesTLS(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "ca.pem")
	p := launch(t, "-tls", "-ca-out", file)
	assert.True(t, strings.HasPrefix(p.baseURL, "https://127.0.0.1:"), p.baseURL)
	certificate, err := os.ReadFile(file)
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(certificate))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}
	status, _ := fetch(t, p.baseURL+"/access-tokens/?token="+p.token, transport)
	assert.Equal(t, http.StatusOK, status)
}

func TestBadUseIsOneLine(t *testing.T) {
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

func TestHelp(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	assert.Equal(t, exitOK, run(t.Context(), []string{"-help"}, &stdout, &stderr))
	assert.Empty(t, stderr.String())
	for _, name := range []string{"-listen host:port", "127.0.0.1:8051", "-token", "-seed N", "-tls", "-ca-out FILE"} {
		assert.Contains(t, stdout.String(), name)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("the pipe is broken") }

func TestOutputThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	assert.Equal(t, exitFailure, run(t.Context(), []string{"-listen", "127.0.0.1:0"}, brokenWriter{}, &stderr))
	assert.Equal(t, "xms-testserver: the pipe is broken\n", stderr.String())
}
