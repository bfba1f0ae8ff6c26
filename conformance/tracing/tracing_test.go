package tracing

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

// TestNewClient_TracesTwoNodesWithTLS has the first node fail, and a token in the second one's
// query.
func TestNewClient_TracesTwoNodesWithTLS(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	first := xmstest.NewServer(xmstest.WithTLS(), xmstest.WithAdminToken(token))
	defer first.Close()
	second := xmstest.NewServer(xmstest.WithTLS(), xmstest.WithAdminToken(token))
	defer second.Close()
	first.Inject(xmstest.Fault{StatusCode: http.StatusServiceUnavailable})
	dir := t.TempDir()
	caFile, tokenFile := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "token")
	certificates := slices.Concat(first.CertificatePEM(), second.CertificatePEM())
	require.NoError(t, os.WriteFile(caFile, certificates, 0o600))
	require.NoError(t, os.WriteFile(tokenFile, []byte(token+"\n"), 0o600))
	t.Setenv("XMS_BASE_URL", first.BaseURL()+","+second.BaseURL())
	t.Setenv("XMS_CA_FILE", caFile)
	t.Setenv("XMS_AUTH_TOKEN", "")
	exporter := tracetest.NewInMemoryExporter()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)))

	var log bytes.Buffer
	client, err := NewClient(tokenFile, slog.New(slog.NewTextHandler(&log, nil)))
	require.NoError(t, err)
	_, _, err = client.AccessTokensApi.ValidateAccessToken(t.Context(), token)
	require.NoError(t, err)

	spans := exporter.GetSpans()
	require.Len(t, spans, 2)
	for i, server := range []*xmstest.Server{first, second} {
		assert.Equal(t, "ValidateAccessToken", spans[i].Name)
		for _, want := range []attribute.KeyValue{
			attribute.String("url.full", server.BaseURL()+"/access-tokens:validate"),
			attribute.String("url.template", "/access-tokens:validate"),
			attribute.Int("xms.attempt", i+1),
		} {
			assert.Contains(t, spans[i].Attributes, want)
		}
	}
	assert.NotContains(t, fmt.Sprintf("%+v", spans), token)
	assert.Contains(t, log.String(), "xms node left")
	assert.NotContains(t, log.String(), token)
}
