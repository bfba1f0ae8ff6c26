package conformance

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// named goes below otelhttp's transport. It gives the span of each attempt the operation's name, and replaces the URL that
// otelhttp has put into it by one without the query, where tokens may be.
type named struct{ next http.RoundTripper }

func (n named) RoundTrip(r *http.Request) (*http.Response, error) {
	operation, _ := xmsclient.OperationFromContext(r.Context())
	span := trace.SpanFromContext(r.Context())
	span.SetName(operation)
	span.SetAttributes(attribute.String("url.full", r.URL.Scheme+"://"+r.URL.Host+r.URL.EscapedPath()))
	return n.next.RoundTrip(r)
}

const (
	headerKey = "aaaaaaaa-header-key"
	queryKey  = "bbbbbbbb-query-key"
	newUUID   = "dddddddd-new-uuid"
)

// newFlaky starts a server that answers every other request with 503 and the rest so that every operation is content.
func newFlaky(t *testing.T) (baseURL string) {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if requests.Add(1)%2 == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintf(w, `{"access_tokens":[],"access_token":{"id":1,"uuid":%q}}`, newUUID)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/v1"
}

// traceCalls makes a call of every operation and returns the spans of otelhttp's transport above next, and the operations.
func traceCalls(t *testing.T, baseURL string, next http.RoundTripper) (spans tracetest.SpanStubs, operations []string) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL = baseURL
	cfg.TokenInHeader.Key, cfg.TokenInQuery.Key = headerKey, queryKey
	cfg.Retry = xmsclient.RetryPolicy{MaxAttempts: 2, InitialInterval: 1, MaxInterval: 1}
	cfg.HTTPClient = &http.Client{Transport: otelhttp.NewTransport(next, otelhttp.WithTracerProvider(provider))}
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	for operation, call := range calls() {
		_ = call(t.Context(), client.AccessTokensApi) // may fail: it is traced all the same
		operations = append(operations, operation)
	}
	return exporter.GetSpans(), operations
}

func TestSpanPerAttempt(t *testing.T) {
	t.Parallel()
	spans, operations := traceCalls(t, newFlaky(t), named{http.DefaultTransport})
	require.Len(t, spans, 2*len(operations))
	for i, span := range spans {
		assert.Equal(t, operations[i/2], span.Name)
		assert.Equal(t, trace.SpanKindClient, span.SpanKind)
		status := int64(http.StatusServiceUnavailable)
		if i%2 == 1 {
			status = http.StatusOK
		}
		assert.Contains(t, span.Attributes, attribute.Int64("http.response.status_code", status), span.Name)
	}
}

func TestSpansHoldNoToken(t *testing.T) {
	t.Parallel()
	const nobodyListens = "http://127.0.0.1:1/v1"
	for name, baseURL := range map[string]string{"answered": newFlaky(t), "not answered": nobodyListens} {
		spans, operations := traceCalls(t, baseURL, named{http.DefaultTransport})
		require.Len(t, spans, 2*len(operations), name)
		for _, token := range []string{headerKey, queryKey, subjectKey, newUUID} {
			assert.NotContains(t, fmt.Sprintf("%+v", spans), token, name)
		}
	}
}

func TestRecipeInTheDocsIsTheTestedOne(t *testing.T) {
	t.Parallel()
	recipes, err := os.ReadFile("../docs/recipes.md")
	require.NoError(t, err)
	source, err := os.ReadFile("otel_test.go")
	require.NoError(t, err)
	const begin, end = "type named struct", "\n}\n\nconst ("
	_, rest, found := strings.Cut(string(source), begin)
	require.True(t, found)
	recipe, _, found := strings.Cut(rest, end)
	require.True(t, found)
	assert.Contains(t, string(recipes), begin+recipe)
}

// TestOtelhttpAloneRecordsTokens is why the recipe replaces the URL, and shows that the test above would find a token.
func TestOtelhttpAloneRecordsTokens(t *testing.T) {
	t.Parallel()
	spans, _ := traceCalls(t, newFlaky(t), http.DefaultTransport)
	for _, token := range []string{queryKey, subjectKey} {
		assert.Contains(t, fmt.Sprintf("%+v", spans), token)
	}
}
