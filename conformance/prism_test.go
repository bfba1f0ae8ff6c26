package conformance

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
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
	cfg := server.Configuration()
	cfg.BaseURL = startPrism(t, server.BaseURL())
	cfg.Retry.MaxAttempts = 1
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	const mostInJavaScript = 1<<53 - 1
	// Prism answers a violation with a status that no call expects.
	require.NoError(t, useEverything(t.Context(), client.AccessTokensApi, mostInJavaScript))

	bad := `{"access_token":{"title":"a","roles":["admin"]}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, cfg.BaseURL+"/access-tokens/",
		strings.NewReader(bad))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Xms-Auth-Token", server.AdminToken())
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusUnprocessableEntity, resp.StatusCode, "Prism does not see a violation")
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
