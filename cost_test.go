//go:build !race

package xmsclient_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

const aWholeToken = `"create":"2020-12-30T10:30:51.675098636+08:00","update":"2021-01-04T02:00:00Z",` +
	`"description":"Nightly backup","id":42,"name":"backup","roles":["admin","viewer"],"used":true,` +
	`"user":{"id":1,"name":"admin"}`

// allocations returns how many a call makes, with all that it passes through.
func allocations(t *testing.T, call func() error) float64 {
	t.Helper()
	return testing.AllocsPerRun(1000, func() { require.NoError(t, call()) })
}

// The bounds are the counts of Go 1.26 and 1.27, plus one. What only a failure needs would exceed
// them: the secrets of an answer, the names of arguments.
func TestCost_Allocations(t *testing.T) { //nolint:paralleltest // other tests allocate too
	canned := func(status int, body string) *service {
		cfg := configuration()
		cfg.WrapTransport = func(http.RoundTripper) http.RoundTripper {
			header := http.Header{"Content-Type": {"application/json"}}
			return roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{
					StatusCode: status, Header: header, ContentLength: int64(len(body)),
					Body: io.NopCloser(strings.NewReader(body)),
				}, nil
			})
		}
		return newClient(t, cfg).AccessTokensApi
	}
	api := canned(200, `{"access_token":{`+aWholeToken+`}}`)
	get := func() error {
		_, _, err := api.GetAccessToken(t.Context(), 42)
		return err
	}
	assert.LessOrEqual(t, allocations(t, get), 34.0, "a get")
	creator := canned(201, `{"access_token":{`+aWholeToken+`,"uuid":"`+aKey+`"}}`)
	body := creation("backup", "a", "admin", "viewer", "auditor")
	create := func() error {
		_, _, err := creator.CreateAccessToken(t.Context(), body)
		return err
	}
	assert.LessOrEqual(t, allocations(t, create), 42.0, "a create")

	node := httptest.NewTLSServer(answer(200, `{"access_token":{`+aWholeToken+`}}`))
	t.Cleanup(node.Close)
	cfg := configuration()
	cfg.BaseURL, cfg.TokenInHeader = node.URL, xmsclient.APIKey{Key: aKey}
	cfg.TLSConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	cfg.TLSConfig.RootCAs.AddCert(node.Certificate())
	api = newClient(t, cfg).AccessTokensApi
	assert.LessOrEqual(t, allocations(t, get), 101.0, "a get over TLS, with the server's")
}
