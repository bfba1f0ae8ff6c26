package recipes

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// trust makes a client of cfg accept the certificates that a CA in the PEM file has signed.
func trust(cfg *xmsclient.Configuration, file string) error {
	pem, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return errors.New(file + " holds no certificate")
	}
	cfg.TLSConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return nil
}

// newHTTPClient returns a client with a transport for many calls at once.
func newHTTPClient(config *tls.Config) *http.Client {
	return &http.Client{Transport: &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		TLSClientConfig:     config,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 64, // http.DefaultTransport keeps 2, and dials again for every other call
		MaxConnsPerHost:     64,
		IdleConnTimeout:     30 * time.Second, // shorter than what load balancers wait before they drop a connection
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second}, // finds out that a connection is dead
	}}
}

func TestTrust_OwnCertificate(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer(xmstest.WithTLS())
	defer xms.Close()
	xms.Seed(1)
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, xms.CertificatePEM(), 0o600))

	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL, cfg.TokenInHeader.Key = xms.BaseURL(), xms.AdminToken()
	require.NoError(t, trust(cfg, file))
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	_, _, err = client.AccessTokensApi.GetAccessToken(t.Context(), 1)
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(file, []byte("no certificate"), 0o600))
	require.ErrorContains(t, trust(cfg, file), "holds no certificate")
}

func TestNewHTTPClient_SpeaksHTTP2(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer(xmstest.WithTLS())
	defer xms.Close()
	cfg := xms.Configuration()
	cfg.HTTPClient, cfg.TLSConfig = newHTTPClient(cfg.TLSConfig), nil
	var major int
	cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(request *http.Request) (*http.Response, error) {
			response, err := next.RoundTrip(request)
			if err == nil {
				major = response.ProtoMajor
			}
			return response, err
		})
	}
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	_, _, err = client.AccessTokensApi.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, 2, major)
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
