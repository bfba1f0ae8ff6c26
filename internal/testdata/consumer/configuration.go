package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

const (
	_ string = xmsclient.DefaultBaseURL
	_ string = xmsclient.Version
)

// configuration sets every field of a configuration to its promised type.
func configuration(base *xmsclient.Configuration) *xmsclient.Configuration {
	var source xmsclient.TokenSource = xmsclient.TokenSourceFunc(func(context.Context) (string, error) {
		return base.TokenInHeader.Key, nil
	})
	return &xmsclient.Configuration{
		BaseURL:       base.BaseURL,
		FailoverURLs:  []string(nil),
		TokenInHeader: xmsclient.APIKey{Key: "", Prefix: ""},
		TokenInQuery:  xmsclient.APIKey{},
		TokenSource:   checked{source},
		UserAgent:     "consumer/" + xmsclient.Version,
		DefaultHeader: http.Header{"X-Consumer": {"yes"}},
		HTTPClient:    &http.Client{},
		WrapTransport: func(next http.RoundTripper) http.RoundTripper { return naming{next} },
		TLSConfig:     (*tls.Config)(nil),
		Timeout:       10 * time.Second,
		Retry: xmsclient.RetryPolicy{
			MaxAttempts: int(3), InitialInterval: time.Millisecond, MaxInterval: time.Second, MaxRetryAfter: time.Second,
		},
		MaxResponseBytes: int64(1 << 20),
		Logger:           (*slog.Logger)(nil),
	}
}

// checked is a TokenSource around another one.
type checked struct{ next xmsclient.TokenSource }

func (c checked) Token(ctx context.Context) (string, error) { return c.next.Token(ctx) }

// TokenSourceFunc's method by its promised type.
var _ func(xmsclient.TokenSourceFunc, context.Context) (string, error) = xmsclient.TokenSourceFunc.Token

// naming is a RoundTripper that tells the server which operation a request is of.
type naming struct{ next http.RoundTripper }

func (n naming) RoundTrip(req *http.Request) (*http.Response, error) {
	if call, ok := xmsclient.CallInfoFromContext(req.Context()); ok {
		req = req.Clone(req.Context())
		req.Header.Set("X-Call", fmt.Sprintf("%s %s %d", call.Operation, call.PathTemplate, call.Attempt))
	}
	return n.next.RoundTrip(req)
}
