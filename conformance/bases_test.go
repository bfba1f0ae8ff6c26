package conformance

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// bases returns the roots of the API that the field knows, as people write them. The document has them too, so that an inspector
// takes a request to any other place for a violation.
func bases() []string {
	return []string{
		"https://localhost/v1", "https://localhost/v1/",
		"http://n:8051/v1", "http://n:8051/v1/",
		"https://n:8056/api/v1", "https://n:8056/api/v1/",
		"http://n:8056/api/v1", "http://n:8056/api/v1/",
	}
}

// clientAt returns a client with a base URL, all of whose requests i sees and handler answers, over real HTTP or HTTPS.
func clientAt(t *testing.T, base string, i *inspector, handler http.Handler) *xmsclient.APIClient {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	if strings.HasPrefix(base, "https:") {
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	transport, ok := server.Client().Transport.(*http.Transport)
	require.True(t, ok)
	if transport.TLSClientConfig != nil {
		transport.TLSClientConfig.ServerName = "example.com" // which the certificate of httptest is for
	}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
	}
	i.next = transport
	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL = base
	cfg.TokenInHeader.Key = "any"
	cfg.HTTPClient = &http.Client{Transport: i}
	cfg.Retry.MaxAttempts = 1
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	return client
}

// fieldHandler answers as a version does: with the bytes in its folder of testdata, to requests on the paths below base.
func fieldHandler(t *testing.T, version, base string) http.Handler {
	t.Helper()
	root, err := url.Parse(base)
	require.NoError(t, err)
	answer := func(status int, file string) http.HandlerFunc {
		body, err := fixtures.ReadFile("testdata/" + version + "/" + file)
		require.NoError(t, err)
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write(body)
		}
	}
	tokens := strings.TrimRight(root.Path, "/") + "/access-tokens"
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+tokens+"/{$}", answer(http.StatusCreated, "record.json"))
	mux.HandleFunc("GET "+tokens+"/{$}", answer(http.StatusOK, "list.json"))
	mux.HandleFunc("GET "+tokens+"/{id}", answer(http.StatusOK, "token.json"))
	mux.HandleFunc("PATCH "+tokens+"/{id}", answer(http.StatusOK, "token.json"))
	mux.HandleFunc("DELETE "+tokens+"/{id}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("POST "+tokens+"/{id}", answer(http.StatusOK, "record.json")) // the id is "7:regenerate"
	mux.HandleFunc("POST "+tokens+":validate", answer(http.StatusOK, "token.json"))
	return mux
}
