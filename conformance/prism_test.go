package conformance

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

const prism = "node_modules/.bin/prism"

// TestPrism_ReportsNothing puts Prism, which knows only docs/openapi.yaml, between the client and
// xmstest.
func TestPrism_ReportsNothing(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat(prism); err != nil {
		const missing = "Prism is not installed: `make node` installs it where Node.js is"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	server := xmstest.NewServer()
	t.Cleanup(server.Close)
	server.Seed(1)
	w := &witness{}
	cfg := server.Configuration()
	cfg.BaseURL = startPrism(t, server.BaseURL())
	cfg.HTTPClient = &http.Client{Transport: w}
	cfg.Retry.MaxAttempts = 1
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	const mostInJavaScript = 1<<53 - 1
	require.NoError(t, useEverything(t.Context(), client.AccessTokensApi, mostInJavaScript))
	assert.Empty(t, w.reports)

	bad := `{"access_token":{"title":"a","roles":["admin"]}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, cfg.BaseURL+"/access-tokens/",
		strings.NewReader(bad))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Xms-Auth-Token", server.AdminToken())
	resp, err := w.RoundTrip(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Len(t, w.reports, 1, "Prism does not report what is wrong")
}

// startPrism starts Prism as a proxy and returns its base URL.
func startPrism(t *testing.T, upstream string) string {
	t.Helper()
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0") // Prism cannot choose a port
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(free.Addr().String())
	require.NoError(t, err)
	require.NoError(t, free.Close())
	command := exec.CommandContext(t.Context(), prism, "proxy", "--errors", "--host", host, "--port", port,
		contractPath, upstream)
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	command.Stderr = command.Stdout
	require.NoError(t, command.Start())
	t.Cleanup(func() { _ = command.Wait() }) // the end of the test's context has killed it
	var said strings.Builder
	for lines := bufio.NewScanner(output); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "is listening") {
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return "http://" + net.JoinHostPort(host, port)
		}
	}
	t.Fatalf("Prism did not start:\n%s", &said)
	return ""
}

// witness is an http.RoundTripper that keeps what Prism reports.
type witness struct {
	mu      sync.Mutex
	reports []string
}

// RoundTrip sends the request.
func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	report := resp.Header.Get("Sl-Violations")
	if report == "" && bytes.Contains(body, []byte("stoplight.io/prism/errors#")) {
		report = string(body)
	}
	if report != "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.reports = append(w.reports, report)
	}
	return resp, nil
}
