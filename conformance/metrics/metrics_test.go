package metrics

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// TestNewHandler_CountsAttemptsAndNodes has the first node down, and the second one answer a create
// with 429 once.
func TestNewHandler_CountsAttemptsAndNodes(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	t.Cleanup(xms.Close)
	down := httptest.NewServer(nil)
	down.Close()
	xms.Inject(xmstest.Fault{Operation: "CreateAccessToken", StatusCode: http.StatusTooManyRequests})
	registry := prometheus.NewRegistry()
	var log bytes.Buffer
	own := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn})

	cfg := xms.Configuration()
	cfg.BaseURL, cfg.FailoverURLs = down.URL+"/v1", []string{xms.BaseURL()}
	cfg.Logger = slog.New(NewHandler(own, registry)).With(slog.String("cluster", "one")).WithGroup("xms")
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	_, _, err = client.AccessTokensApi.CreateAccessToken(t.Context(), xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "backup", Roles: []string{"admin"}},
	})
	require.NoError(t, err)

	page := httptest.NewRecorder()
	scrape := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(page, scrape)
	for _, want := range []string{
		`xms_attempts_total{operation="CreateAccessToken",result="no connection"} 1`,
		`xms_attempts_total{operation="CreateAccessToken",result="429"} 1`,
		`xms_attempts_total{operation="CreateAccessToken",result="201"} 1`,
		`xms_attempt_duration_seconds_count{operation="CreateAccessToken"} 3`,
		fmt.Sprintf(`xms_nodes_left_total{server="%s/v1"} 1`, down.URL),
	} {
		assert.Contains(t, page.Body.String(), want+"\n")
	}
	assert.Contains(t, log.String(), `msg="xms node left" cluster=one xms.operation=CreateAccessToken`)
	assert.NotContains(t, log.String(), "xms attempt", "the program's own handler wants warnings only")
}
