package recipes

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// newClient returns a client that trusts XMS_CA_FILE and shows a certificate of its own.
func newClient(certFile, keyFile string) (*xmsclient.APIClient, error) {
	cfg, err := xmsclient.ConfigurationFromEnv()
	if err != nil {
		return nil, err
	}
	load := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
		return &certificate, err
	}
	if _, err := load(nil); err != nil {
		return nil, err
	}
	if cfg.TLSConfig == nil { // XMS_CA_FILE is not set
		cfg.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	cfg.TLSConfig.GetClientCertificate = load // for each new connection
	return xmsclient.NewAPIClient(cfg)
}

// renewable is a client that is replaced while others use it.
type renewable struct {
	current atomic.Pointer[xmsclient.APIClient]
	make    func() (*xmsclient.APIClient, error)
}

// api is what every call begins with. Nobody keeps what it returns.
func (r *renewable) api() *xmsclient.AccessTokensApiService { return r.current.Load().AccessTokensApi }

// renew makes a new client. If it cannot, the old one stays.
func (r *renewable) renew() error {
	client, err := r.make()
	if err != nil {
		return err
	}
	if old := r.current.Swap(client); old != nil {
		old.CloseIdleConnections() // its calls end as they would have
	}
	return nil
}

// sendHost makes a client of cfg name the cluster in TLS and in the Host header, whatever the
// addresses of its nodes are.
func sendHost(cfg *xmsclient.Configuration, name string) {
	cfg.TLSConfig.ServerName = name
	cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context()) // a RoundTripper must not change the request that it got
			r.Host = name
			return next.RoundTrip(r)
		})
	}
}

// authority is a CA. It signs certificates for 127.0.0.1 and xms.example, for both sides.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T, name string) authority {
	t.Helper()
	ca := authority{}
	ca.certificate, ca.key = ca.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	return ca
}

// sign makes a certificate. One without an issuer signs itself.
func (a authority) sign(t *testing.T, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	if a.certificate == nil {
		a = authority{template, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return certificate, key
}

func (a authority) issue(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	certificate, key := a.sign(t, &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		DNSNames:    []string{"xms.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	})
	return &tls.Certificate{Certificate: [][]byte{certificate.Raw}, PrivateKey: key}
}

func (a authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

func (a authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// writePair writes a certificate and its key to the two files.
func writePair(t *testing.T, pair *tls.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(t, err)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]})
	require.NoError(t, os.WriteFile(certFile, certificate, 0o600))
	require.NoError(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}), 0o600))
}

func startTLS(t *testing.T, handler http.Handler, config *tls.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = config
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that fail on purpose
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestRenewable_TrustsANewCA(t *testing.T) {
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Seed(1)
	before, after := newAuthority(t, "before"), newAuthority(t, "after")
	var shown atomic.Pointer[tls.Certificate]
	shown.Store(before.issue(t, "node"))
	node := startTLS(t, xms.Handler(), &tls.Config{
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			return &tls.Config{Certificates: []tls.Certificate{*shown.Load()}, MinVersion: tls.VersionTLS12}, nil
		},
	})
	file := filepath.Join(t.TempDir(), "ca.pem")
	t.Setenv("XMS_BASE_URL", node.URL+"/v1")
	t.Setenv("XMS_AUTH_TOKEN", xms.AdminToken())
	t.Setenv("XMS_CA_FILE", file)
	client := &renewable{make: func() (*xmsclient.APIClient, error) {
		cfg, err := xmsclient.ConfigurationFromEnv()
		if err != nil {
			return nil, err
		}
		return xmsclient.NewAPIClient(cfg)
	}}
	get := func() error {
		node.CloseClientConnections()
		_, _, err := client.api().GetAccessToken(t.Context(), 1)
		return err
	}
	require.NoError(t, os.WriteFile(file, before.pem(), 0o600))
	require.NoError(t, client.renew())
	require.NoError(t, get())

	require.NoError(t, os.WriteFile(file, slices.Concat(before.pem(), after.pem()), 0o600))
	shown.Store(after.issue(t, "node"))
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, get(), &unknown, "the file is read once")
	require.NoError(t, client.renew())
	require.NoError(t, get())
	shown.Store(before.issue(t, "node"))
	require.NoError(t, get(), "both are in the file")

	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.Error(t, client.renew())
	require.NoError(t, get(), "the old client stays")
}

// gate is a node that takes one name in the certificate of a client. Requests wait until it opens.
type gate struct {
	next    http.Handler
	allowed atomic.Pointer[string]
	events  chan struct{} // a request has come, or a call has ended
	open    chan struct{}
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.TLS.PeerCertificates[0].Subject.CommonName != *g.allowed.Load() {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	g.events <- struct{}{}
	<-g.open
	g.next.ServeHTTP(w, r)
}

func TestRenewable_ShowsARenewedCertificate(t *testing.T) {
	const calls = 8
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Seed(1)
	ca := newAuthority(t, "both sides")
	g := &gate{next: xms.Handler(), events: make(chan struct{}, 4*calls), open: make(chan struct{})}
	g.allowed.Store(xmsclient.Ptr("before"))
	node := startTLS(t, g, &tls.Config{
		Certificates: []tls.Certificate{*ca.issue(t, "node")},
		ClientAuth:   tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(),
	})
	dir := t.TempDir()
	caFile, certFile, keyFile := filepath.Join(dir, "ca"), filepath.Join(dir, "cert"), filepath.Join(dir, "key")
	require.NoError(t, os.WriteFile(caFile, ca.pem(), 0o600))
	writePair(t, ca.issue(t, "before"), certFile, keyFile)
	t.Setenv("XMS_BASE_URL", node.URL+"/v1")
	t.Setenv("XMS_AUTH_TOKEN", xms.AdminToken())
	t.Setenv("XMS_CA_FILE", caFile)
	client := &renewable{make: func() (*xmsclient.APIClient, error) { return newClient(certFile, keyFile) }}
	require.NoError(t, client.renew())
	getAll := func(group *sync.WaitGroup, failures []error) {
		for i := range failures {
			group.Go(func() {
				_, _, failures[i] = client.api().GetAccessToken(t.Context(), 1)
				g.events <- struct{}{}
			})
		}
	}
	var group sync.WaitGroup
	busy, later := make([]error, calls), make([]error, calls)
	getAll(&group, busy)
	for range calls {
		<-g.events
	}

	writePair(t, ca.issue(t, "after"), certFile, keyFile)
	require.NoError(t, client.renew())
	g.allowed.Store(xmsclient.Ptr("after"))
	getAll(&group, later[:1]) // after CloseIdleConnections alone, connections are kept again from here on
	<-g.events
	close(g.open)
	group.Wait()
	require.NoError(t, errors.Join(busy...), "calls that were under way")
	getAll(&group, later[1:])
	group.Wait()
	require.NoError(t, errors.Join(later...), "calls that began later")

	require.NoError(t, os.Remove(keyFile))
	require.ErrorIs(t, client.renew(), os.ErrNotExist)
}

func TestSendHost_ToANodeThatComparesNames(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Seed(1)
	ca := newAuthority(t, "own")
	node := startTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != r.TLS.ServerName {
			w.WriteHeader(http.StatusMisdirectedRequest)
			return
		}
		xms.Handler().ServeHTTP(w, r)
	}), &tls.Config{Certificates: []tls.Certificate{*ca.issue(t, "node")}})
	get := func(change func(*xmsclient.Configuration)) error {
		cfg := xms.Configuration()
		cfg.BaseURL, cfg.TLSConfig = node.URL+"/v1", &tls.Config{RootCAs: ca.pool(), MinVersion: tls.VersionTLS12}
		change(cfg)
		client, err := xmsclient.NewAPIClient(cfg)
		require.NoError(t, err)
		_, _, err = client.AccessTokensApi.GetAccessToken(t.Context(), 1)
		return err
	}
	err := get(func(cfg *xmsclient.Configuration) { cfg.TLSConfig.ServerName = "xms.example" })
	var refused *xmsclient.ApiError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusMisdirectedRequest, refused.StatusCode)
	require.NoError(t, get(func(cfg *xmsclient.Configuration) { sendHost(cfg, "xms.example") }))
}
