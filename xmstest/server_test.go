package xmstest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

// overTLS starts a server, with or without TLS, and a client that trusts the certificate it hands out.
func overTLS(t *testing.T, opts ...xmstest.Option) *client {
	t.Helper()
	server := xmstest.NewServer(opts...)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CertificatePEM())
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	return newClient(t, server, transport)
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	assert.Regexp(t, `^http://127\.0\.0\.1:[1-9][0-9]*/v1$`, start(t).server.BaseURL())
	assert.Regexp(t, `^https://127\.0\.0\.1:[1-9][0-9]*/v1$`, start(t, xmstest.WithTLS()).server.BaseURL())
	everywhere := start(t, xmstest.WithListenAddr(":0"))
	assert.Regexp(t, `^http://127\.0\.0\.1:[1-9][0-9]*/v1$`, everywhere.server.BaseURL())
	everywhere.list("").page()
}

func TestTLS(t *testing.T) {
	t.Parallel()
	c := overTLS(t, xmstest.WithTLS())
	r := c.list("")
	assert.Equal(t, http.StatusOK, r.status)
	assert.Equal(t, "HTTP/2.0", r.proto)

	_, err := newClient(t, c.server, &http.Transport{}).try(t.Context(), http.MethodGet, "/access-tokens/", "")
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)

	old := &http.Transport{TLSClientConfig: &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}}
	_, err = newClient(t, c.server, old).try(t.Context(), http.MethodGet, "/access-tokens/", "")
	require.ErrorContains(t, err, "protocol version")
}

func TestTLSCertificate(t *testing.T) {
	t.Parallel()
	block, rest := pem.Decode(start(t, xmstest.WithTLS()).server.CertificatePEM())
	require.NotNil(t, block)
	assert.Empty(t, rest)
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		require.NoError(t, certificate.VerifyHostname(host))
	}
	now := time.Now()
	assert.True(t, certificate.NotBefore.Before(now.Add(-59*time.Minute)))
	assert.True(t, certificate.NotAfter.After(now.Add(24*time.Hour)))
	assert.Nil(t, start(t).server.CertificatePEM())
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	c := start(t)
	cfg := c.server.Configuration()
	assert.Equal(t, c.server.BaseURL(), cfg.BaseURL)
	assert.Equal(t, c.server.AdminToken(), cfg.TokenInHeader.Key)
	assert.Nil(t, cfg.TLSConfig)
	assert.Equal(t, time.Millisecond, cfg.Retry.InitialInterval)
	assert.Equal(t, 10*time.Millisecond, cfg.Retry.MaxInterval)
	cfg.BaseURL = "changed"
	assert.Equal(t, c.server.BaseURL(), c.server.Configuration().BaseURL)
}

func TestConfigurationTrustsTheCertificate(t *testing.T) {
	t.Parallel()
	server := start(t, xmstest.WithTLS()).server
	config := server.Configuration().TLSConfig
	require.NotNil(t, config)
	assert.Equal(t, uint16(tls.VersionTLS12), config.MinVersion)
	assert.NotSame(t, config, server.Configuration().TLSConfig)
	newClient(t, server, &http.Transport{TLSClientConfig: config}).list("").page()
}

func TestStartReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	busy := start(t).server
	for name, test := range map[string]struct {
		option xmstest.Option
		want   string
	}{
		"address in use": {xmstest.WithListenAddr(hostOf(busy)), "in use"},
		"no port":        {xmstest.WithListenAddr("127.0.0.1"), "missing port"},
		"token of words": {xmstest.WithAdminToken("secret words"), "admin token"},
		"token of lines": {xmstest.WithAdminToken("secret\r\n"), "admin token"},
		"token not text": {xmstest.WithAdminToken("secret\x80"), "admin token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, err := xmstest.Start(test.option)
			assert.Nil(t, server)
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "secret")
			assert.PanicsWithValue(t, "xmstest: "+err.Error(), func() { xmstest.NewServer(test.option) })
		})
	}
}

func hostOf(s *xmstest.Server) string {
	return strings.TrimSuffix(strings.TrimPrefix(s.BaseURL(), "http://"), "/v1")
}

func TestHandlerUnderAnotherServer(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(1)
	other := httptest.NewServer(http.StripPrefix("/api", c.server.Handler()))
	t.Cleanup(other.Close)
	resp, err := other.Client().Get(other.URL + "/api/v1/access-tokens/1?token=" + c.server.AdminToken())
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "/v1/access-tokens/1", c.server.Requests()[0].Path)

	c.server.Close()
	assert.Equal(t, http.StatusServiceUnavailable, serve(c.server, http.MethodGet, "/v1/access-tokens/").Code)
}

func TestCloseEndsWhatIsRunning(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]xmstest.Fault{
		"delay before the answer": {Delay: never},
		"delay after the effect":  {Delay: never, DropAfter: true},
	} {
		for scheme, opts := range map[string][]xmstest.Option{"http": nil, "https": {xmstest.WithTLS()}} {
			t.Run(name+" over "+scheme, func(t *testing.T) {
				t.Parallel()
				c := overTLS(t, opts...)
				fault.Times = -1
				c.server.Inject(fault)
				const pending = 5
				failed := make(chan error, pending)
				for range pending {
					go func() {
						_, err := c.try(context.Background(), http.MethodPost, "/access-tokens/", createBody)
						failed <- err
					}()
				}
				require.Eventually(t, func() bool { return len(c.server.Requests()) == pending },
					10*time.Second, time.Millisecond)
				c.server.Close()
				for range pending {
					require.Error(t, <-failed)
				}
				_, err := net.Dial("tcp", strings.TrimPrefix(hostOf(c.server), "https://"))
				require.Error(t, err, "the port is still open")
			})
		}
	}
}

func TestCloseEndsDelaysUnderAnotherServer(t *testing.T) {
	t.Parallel()
	server := xmstest.NewServer()
	server.Inject(xmstest.Fault{Delay: never})
	aborted := make(chan error, 1)
	go func() { aborted <- call(context.Background(), server, http.MethodGet, "/access-tokens/", "") }()
	require.Eventually(t, func() bool { return len(server.Requests()) == 1 }, 10*time.Second, time.Millisecond)
	server.Close()
	select {
	case err := <-aborted:
		require.ErrorIs(t, err, http.ErrAbortHandler)
	case <-time.After(10 * time.Second):
		require.Fail(t, "the handler outlives its server")
	}
}

func TestCloseDoesNotWaitForIdleConnections(t *testing.T) {
	t.Parallel()
	c := start(t)
	silent, err := net.Dial("tcp", hostOf(c.server))
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	halfway, err := net.Dial("tcp", hostOf(c.server))
	require.NoError(t, err)
	t.Cleanup(func() { _ = halfway.Close() })
	_, err = fmt.Fprint(halfway, "POST /v1/access-tokens/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	c.list("")
	c.server.Close()
	_, err = silent.Read(make([]byte, 1))
	require.Error(t, err)
}

func TestCloseMayBeRepeated(t *testing.T) {
	t.Parallel()
	server := xmstest.NewServer()
	var group sync.WaitGroup
	for range 4 {
		group.Go(server.Close)
	}
	group.Wait()
	server.Close()
	_, err := net.Dial("tcp", hostOf(server))
	require.Error(t, err)
}
