package xmstest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func addressOf(t *testing.T, s *xmstest.Server) string {
	t.Helper()
	u, err := url.Parse(s.BaseURL())
	require.NoError(t, err)
	return u.Host
}

func TestServer_ListensOnLoopbackUnlessTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts      []xmstest.Option
		want      string
		elsewhere bool // it can be reached at another address of this machine
	}{
		"default":        {nil, `^http://127\.0\.0\.1:[1-9][0-9]*/v1$`, false},
		"TLS":            {[]xmstest.Option{xmstest.WithTLS()}, `^https://127\.0\.0\.1:[1-9][0-9]*/v1$`, false},
		"no address":     {[]xmstest.Option{xmstest.WithListenAddr("")}, `^http://127\.0\.0\.1:`, false},
		"no host":        {[]xmstest.Option{xmstest.WithListenAddr(":0")}, `^http://127\.0\.0\.1:`, false},
		"all interfaces": {[]xmstest.Option{xmstest.WithListenAddr("0.0.0.0:0")}, `^http://127\.0\.0\.1:`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t, test.opts...)
			assert.Regexp(t, test.want, c.server.BaseURL())
			c.list("").page()
			_, port, err := net.SplitHostPort(addressOf(t, c.server))
			require.NoError(t, err)
			conn, err := net.Dial("tcp", "127.0.0.2:"+port)
			if err == nil {
				_ = conn.Close()
				assert.True(t, test.elsewhere, "listens on all interfaces")
			}
		})
	}
}

func TestServer_TLS(t *testing.T) {
	t.Parallel()
	c := start(t, xmstest.WithTLS())
	r := c.list("")
	assert.Equal(t, http.StatusOK, r.status)
	assert.Equal(t, "HTTP/2.0", r.proto)

	_, err := newClient(t, c.server, &http.Transport{}).try(t.Context(), http.MethodGet, "/access-tokens/", "")
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, err, &unknown)
	old := &http.Transport{TLSClientConfig: &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}}
	_, err = newClient(t, c.server, old).try(t.Context(), http.MethodGet, "/access-tokens/", "")
	require.ErrorContains(t, err, "protocol version")

	block, rest := pem.Decode(c.server.CertificatePEM())
	require.NotNil(t, block)
	assert.Empty(t, rest)
	certificate, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	for _, host := range []string{"127.0.0.1", "::1", "localhost"} {
		require.NoError(t, certificate.VerifyHostname(host))
	}
	assert.True(t, certificate.NotBefore.Before(time.Now().Add(-59*time.Minute)))
	assert.True(t, certificate.NotAfter.After(time.Now().Add(24*time.Hour)))
	assert.Nil(t, start(t).server.CertificatePEM())
}

func TestServer_Client(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]xmstest.Option{"http": nil, "https": {xmstest.WithTLS()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := start(t, opts...).server
			given := xmsclient.AccessToken{
				Create: time.Now().UTC().AddDate(0, 0, -100).Round(0), Update: time.Now().UTC().Round(0),
				Description: "d", Name: "backup", ID: 42, Roles: []string{"viewer"}, Used: true,
				User: &xmsclient.UserNestview{ID: 7, Name: "eve", SkipGuide: true},
			}
			uuid := server.AddToken(given)
			api := server.Client().AccessTokensApi
			got, _, err := api.GetAccessToken(t.Context(), 42)
			require.NoError(t, err)
			assert.Equal(t, given, *got.AccessToken)
			for _, valid := range []string{uuid, server.AdminToken()} {
				_, _, err = api.ValidateAccessToken(t.Context(), valid)
				require.NoError(t, err)
			}
		})
	}
}

func TestServer_ConfigurationIsTheCallers(t *testing.T) {
	t.Parallel()
	server := start(t, xmstest.WithTLS()).server
	cfg := server.Configuration()
	assert.Equal(t, server.BaseURL(), cfg.BaseURL)
	assert.Equal(t, server.AdminToken(), cfg.TokenInHeader.Key)
	assert.Equal(t, time.Millisecond, cfg.Retry.InitialInterval)
	assert.Equal(t, 10*time.Millisecond, cfg.Retry.MaxInterval)
	assert.Equal(t, uint16(tls.VersionTLS12), cfg.TLSConfig.MinVersion)
	assert.NotSame(t, cfg, server.Configuration())
	assert.NotSame(t, cfg.TLSConfig, server.Configuration().TLSConfig)
	assert.Nil(t, start(t).server.Configuration().TLSConfig)
}

func TestServer_AdminTokenIsRandomUnlessGiven(t *testing.T) {
	t.Parallel()
	first, second := start(t), start(t)
	assert.Regexp(t, uuidForm, first.server.AdminToken())
	assert.NotEqual(t, first.server.AdminToken(), second.server.AdminToken())
	assert.Equal(t, adminToken, start(t, xmstest.WithAdminToken(adminToken)).server.AdminToken())
}

func TestStart_ReportsWhatIsWrong(t *testing.T) {
	t.Parallel()
	busy := start(t).server
	for name, test := range map[string]struct {
		option xmstest.Option
		want   string
	}{
		"address in use": {xmstest.WithListenAddr(addressOf(t, busy)), "in use"},
		"no port":        {xmstest.WithListenAddr("127.0.0.1"), "missing port"},
		"token of words": {xmstest.WithAdminToken("secret words"), "admin token"},
		"token of lines": {xmstest.WithAdminToken("secret\r\n"), "admin token"},
		"token not text": {xmstest.WithAdminToken("secret\x80"), "admin token"},
		"nameless user":  {xmstest.WithUser("", "secret"), "name and a password"},
		"no password":    {xmstest.WithUser("secret", ""), "name and a password"},
	} {
		server, err := xmstest.Start(test.option)
		assert.Nil(t, server, name)
		require.ErrorContains(t, err, test.want)
		assert.NotContains(t, err.Error(), "secret")
		assert.PanicsWithValue(t, "xmstest: "+err.Error(), func() { xmstest.NewServer(test.option) })
	}
}

func TestServer_HandlerUnderAnotherServer(t *testing.T) {
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
	w, err := serve(t.Context(), c.server, newRequest(c.server, http.MethodGet, "/v1/access-tokens/", ""))
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, w.Code)
}

func TestServer_CloseEndsItsConnections(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]xmstest.Fault{
		"delay before the effect": {Delay: delay, Times: -1},
		"delay after the effect":  {Delay: delay, Times: -1, DropAfter: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start(t).closeUnderCreates(fault)
			start(t, xmstest.WithTLS()).closeUnderCreates(fault)
		})
	}
}

// closeUnderCreates closes the server while creates wait for the delay of a fault.
func (c *client) closeUnderCreates(fault xmstest.Fault) {
	c.t.Helper()
	c.server.Inject(fault)
	const pending = 5
	failed := make(chan error, pending)
	for range pending {
		go func() {
			_, err := c.try(context.Background(), http.MethodPost, "/access-tokens/", createBody)
			failed <- err
		}()
	}
	require.Eventually(c.t, func() bool { return len(c.server.Requests()) == pending }, 10*time.Second, time.Millisecond)
	c.server.Close()
	for range pending {
		require.Error(c.t, <-failed)
	}
	_, err := net.Dial("tcp", addressOf(c.t, c.server))
	require.Error(c.t, err, "the port is still open")
}

func TestServer_CloseEndsDelaysUnderAnotherServer(t *testing.T) {
	t.Parallel()
	server := start(t).server
	synctest.Test(t, func(t *testing.T) {
		server.Inject(xmstest.Fault{Delay: delay})
		begin := time.Now()
		aborted := make(chan error, 1)
		go func() {
			_, err := serve(context.Background(), server, newRequest(server, http.MethodGet, "/v1/access-tokens/", ""))
			aborted <- err
		}()
		synctest.Wait()
		server.Close()
		require.ErrorIs(t, <-aborted, http.ErrAbortHandler)
		assert.Zero(t, time.Since(begin))
	})
}

func TestServer_CloseWaitsForHandlersUnderAnotherServer(t *testing.T) {
	t.Parallel()
	server := start(t).server
	synctest.Test(t, func(t *testing.T) {
		body, sender := io.Pipe()
		go server.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/", body))
		synctest.Wait()
		closed := make(chan struct{})
		go func() {
			server.Close()
			close(closed)
		}()
		synctest.Wait()
		select {
		case <-closed:
			require.Fail(t, "Close did not wait for the handler")
		default:
		}
		require.NoError(t, sender.Close())
		<-closed
	})
}

func TestServer_CloseDoesNotWaitForIdleConnections(t *testing.T) {
	t.Parallel()
	c := start(t)
	silent, err := net.Dial("tcp", addressOf(t, c.server))
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	halfway, err := net.Dial("tcp", addressOf(t, c.server))
	require.NoError(t, err)
	t.Cleanup(func() { _ = halfway.Close() })
	_, err = fmt.Fprint(halfway, "POST /v1/access-tokens/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
	require.NoError(t, err)
	c.list("")
	var group sync.WaitGroup
	for range 4 {
		group.Go(c.server.Close)
	}
	group.Wait()
	c.server.Close()
	_, err = silent.Read(make([]byte, 1))
	require.Error(t, err)
}
