// Package tracing connects a service to XMS, with OpenTelemetry.
package tracing

import (
	"log/slog"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// NewClient returns a client whose attempts are spans of OpenTelemetry's global tracer provider. It
// reads XMS_BASE_URL and XMS_CA_FILE, and the token from tokenFile, which may change meanwhile.
func NewClient(tokenFile string, logger *slog.Logger) (*xmsclient.APIClient, error) {
	cfg, err := xmsclient.ConfigurationFromEnv()
	if err != nil {
		return nil, err
	}
	cfg.TokenSource = xmsclient.TokenFromFile(tokenFile)
	cfg.Logger = logger
	cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		return otelhttp.NewTransport(attributes{next}, otelhttp.WithSpanNameFormatter(spanName))
	}
	return xmsclient.NewAPIClient(cfg)
}

func spanName(_ string, r *http.Request) string {
	call, _ := xmsclient.CallInfoFromContext(r.Context())
	return call.Operation
}

// attributes stands inside otelhttp's transport, where the request's context carries the span.
type attributes struct{ next http.RoundTripper }

func (a attributes) RoundTrip(r *http.Request) (*http.Response, error) {
	call, _ := xmsclient.CallInfoFromContext(r.Context())
	span := trace.SpanFromContext(r.Context())
	span.SetAttributes(
		attribute.String("url.template", call.PathTemplate),
		attribute.Int("xms.attempt", call.Attempt),
		// otelhttp has put the whole URL here. A query may hold a secret.
		attribute.String("url.full", r.URL.Scheme+"://"+r.URL.Host+r.URL.EscapedPath()),
	)
	return a.next.RoundTrip(r)
}
