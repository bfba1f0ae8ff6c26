package conformance

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// nameSpan stands below otelhttp's transport. It names the span of each attempt, and takes the
// query, where secrets may be, out of the URL that otelhttp put into it.
type nameSpan struct{ next http.RoundTripper }

func (n nameSpan) RoundTrip(r *http.Request) (*http.Response, error) {
	operation, _ := xmsclient.OperationFromContext(r.Context())
	span := trace.SpanFromContext(r.Context())
	span.SetName(operation)
	span.SetAttributes(attribute.String("url.full", r.URL.Scheme+"://"+r.URL.Host+r.URL.EscapedPath()))
	return n.next.RoundTrip(r)
}

// TestOpenTelemetry_SpanPerAttemptWithoutSecrets makes each call with a first attempt that fails.
func TestOpenTelemetry_SpanPerAttemptWithoutSecrets(t *testing.T) {
	t.Parallel()
	server := xmstest.NewServer()
	t.Cleanup(server.Close)
	server.Seed(1)
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	cfg := server.Configuration()
	cfg.TokenInQuery = cfg.TokenInHeader
	cfg.HTTPClient = &http.Client{Transport: otelhttp.NewTransport(nameSpan{http.DefaultTransport},
		otelhttp.WithTracerProvider(provider))}
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	for method := range operations() {
		exporter.Reset()
		server.Inject(xmstest.Fault{StatusCode: http.StatusTooManyRequests})
		_ = invoke(t.Context(), client.AccessTokensApi, method, arguments(method)) // what it ends in does not matter
		spans := exporter.GetSpans()
		require.Len(t, spans, 2, method.Name)
		for _, span := range spans {
			assert.Equal(t, method.Name, span.Name)
			assert.Equal(t, trace.SpanKindClient, span.SpanKind)
		}
		assert.Contains(t, spans[0].Attributes, attribute.Int("http.response.status_code", http.StatusTooManyRequests))
		for _, secret := range []string{cfg.TokenInQuery.Key, someText} {
			assert.NotContains(t, fmt.Sprintf("%+v", spans), secret, method.Name)
		}
	}
}
