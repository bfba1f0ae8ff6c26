package xmstest

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// Option changes how [NewServer] and [Start] set up a [Server].
type Option func(*settings)

type settings struct {
	tls              bool
	listenAddr       string
	adminToken       string
	maxPage          int64
	withoutPaging    bool
	withoutRecording bool
	users            []credentials
}

// WithTLS serves https, with HTTP/2 for clients that ask for it. The certificate is made at start,
// for 127.0.0.1, ::1 and localhost. [Server.Configuration] trusts it. Other clients need
// [Server.CertificatePEM].
func WithTLS() Option {
	return func(s *settings) { s.tls = true }
}

// WithMaxPage limits every list answer to n tokens, as some clusters do. In the answer,
// paging.limit is the limit that was applied. Zero, the default, or less means no limit.
func WithMaxPage(n int64) Option {
	return func(s *settings) { s.maxPage = n }
}

// WithoutPaging leaves the paging object out of list answers, as older versions of XMS do.
func WithoutPaging() Option {
	return func(s *settings) { s.withoutPaging = true }
}

// WithAdminToken sets what [Server.AdminToken] returns. Empty, the default, means a random uuid.
// The server does not start if uuid is not printable ASCII without spaces.
func WithAdminToken(uuid string) Option {
	return func(s *settings) { s.adminToken = uuid }
}

// WithListenAddr sets the TCP address to listen on, as host:port. The default is 127.0.0.1:0, which
// is any free port on loopback. Without a host (":8051") the server listens on 127.0.0.1. The host
// 0.0.0.0 means all interfaces. Whoever has the admin token controls the server, so leave loopback
// only on a network that you trust.
func WithListenAddr(addr string) Option {
	return func(s *settings) { s.listenAddr = addr }
}

// WithoutRecording keeps no requests, so that [Server.Requests] stays empty. Use it in a process
// that runs for long. By default the server keeps every request with its body.
func WithoutRecording() Option {
	return func(s *settings) { s.withoutRecording = true }
}

// WithUser adds a user who can log in, with a name or an e-mail address and a password. It can be
// given for several users; the user admin is the one whom [Server.AdminToken] belongs to. With it
// the server also answers logins and logouts, as the package documentation says. Without it there
// is nothing at their paths. The server does not start if name or password is empty.
func WithUser(name, password string) Option {
	return func(s *settings) { s.users = append(s.users, credentials{name, password}) }
}

// Server is an XMS that lives in this process. [NewServer] and [Start] make one. It is safe for
// concurrent use. Call Close when you are done.
type Server struct {
	settings settings
	routes   []route
	accounts map[string]account // by name
	store    *store
	faults   faultQueue
	recorder recorder

	baseURL     string
	certificate *x509.Certificate // nil without TLS
	http        *http.Server
	served      chan struct{} // closed when http no longer accepts connections
	conns       sync.WaitGroup

	open      context.Context    // ended by Close
	shut      context.CancelFunc // ends open
	mu        sync.Mutex
	running   int        // handlers; a WaitGroup cannot count both in a synctest bubble and outside
	left      *sync.Cond // a handler has ended
	closeOnce sync.Once
}

// NewServer is [Start] for tests. It panics if the server cannot start.
func NewServer(opts ...Option) *Server {
	s, err := Start(opts...)
	if err != nil {
		panic(fmt.Sprintf("xmstest: %v", err))
	}
	return s
}

// Start starts an XMS without any tokens. Without options it listens on a free port of 127.0.0.1,
// speaks plain HTTP and has a random admin token. The error says which address it cannot listen on,
// or which option has an unusable value.
func Start(opts ...Option) (*Server, error) {
	s := &Server{served: make(chan struct{})}
	s.left = sync.NewCond(&s.mu)
	for _, opt := range opts {
		opt(&s.settings)
	}
	s.settings.adminToken = cmp.Or(s.settings.adminToken, newUUID())
	if strings.ContainsFunc(s.settings.adminToken, func(c rune) bool { return c <= ' ' || c > '~' }) {
		return nil, errors.New("the admin token must be printable ASCII without spaces")
	}
	s.routes = accessTokenRoutes
	if len(s.settings.users) > 0 {
		s.routes = slices.Concat(accessTokenRoutes, sessionRoutes)
	}
	if slices.ContainsFunc(s.settings.users, func(c credentials) bool { return c.name == "" || c.password == "" }) {
		return nil, errors.New("a user must have a name and a password")
	}
	s.accounts = newAccounts(s.settings.users)
	s.store = newStore(s.settings.adminToken)
	s.open, s.shut = context.WithCancel(context.Background())
	s.open.Done() // a channel that a handler made in a synctest bubble could not be closed outside it
	s.http = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: time.Minute,
		ConnState:         s.countConn,
		ErrorLog:          log.New(io.Discard, "", 0), // it would report each connection that a fault closes
	}
	if s.settings.tls {
		certificate, err := newCertificate()
		if err != nil {
			return nil, fmt.Errorf("cannot make a certificate: %w", err)
		}
		s.certificate = certificate.Leaf
		s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	listener, err := listen(s.settings.listenAddr)
	if err != nil {
		return nil, err
	}
	s.baseURL = baseURL(listener.Addr(), s.settings.tls)
	go s.acceptFrom(listener)
	return s, nil
}

func listen(addr string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(cmp.Or(addr, ":0"))
	if err != nil {
		return nil, err
	}
	addr = net.JoinHostPort(cmp.Or(host, "127.0.0.1"), port) // net takes no host for all interfaces
	return new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
}

func (s *Server) acceptFrom(listener net.Listener) {
	defer close(s.served)
	if s.settings.tls {
		_ = s.http.ServeTLS(listener, "", "")
		return
	}
	_ = s.http.Serve(listener)
}

func (s *Server) countConn(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.conns.Add(1)
	case http.StateClosed:
		s.conns.Done()
	}
}

// baseURL is the address for clients on this machine.
func baseURL(addr net.Addr, tls bool) string {
	host := netip.MustParseAddrPort(addr.String())
	if host.Addr().IsUnspecified() {
		host = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), host.Port())
	}
	scheme := "http"
	if tls {
		scheme = "https"
	}
	return scheme + "://" + host.String() + "/v1"
}

// newCertificate makes a self-signed certificate for loopback. Its Leaf is set.
func newCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(now.UnixNano()),
		Subject:               pkix.Name{CommonName: "xmstest"},
		NotBefore:             now.Add(-time.Hour), // for clients whose clock is behind
		NotAfter:              now.AddDate(0, 0, 30),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// BaseURL returns the root of the API, such as http://127.0.0.1:PORT/v1.
func (s *Server) BaseURL() string {
	return s.baseURL
}

// AdminToken returns a uuid that every call accepts until Close. It is a login session of the user
// admin, not an access token, so that no list shows it and no call can delete it.
func (s *Server) AdminToken() string {
	return s.settings.adminToken
}

// CertificatePEM returns the certificate that clients have to trust, PEM encoded. It returns nil
// without [WithTLS].
func (s *Server) CertificatePEM() []byte {
	if s.certificate == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate.Raw})
}

// Configuration returns a new configuration for a client of this server. It has the base URL, the
// admin token in the header, trust in the server's certificate, and waits between attempts of a few
// milliseconds, so that tests are quick.
func (s *Server) Configuration() *xmsclient.Configuration {
	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL = s.baseURL
	cfg.TokenInHeader = xmsclient.APIKey{Key: s.settings.adminToken}
	cfg.Retry.InitialInterval = time.Millisecond
	cfg.Retry.MaxInterval = 10 * time.Millisecond
	if s.certificate != nil {
		roots := x509.NewCertPool()
		roots.AddCert(s.certificate)
		cfg.TLSConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return cfg
}

// Client returns a new client of this server, made of [Server.Configuration]. To change a setting,
// change a Configuration and give it to [xmsclient.NewAPIClient].
func (s *Server) Client() *xmsclient.APIClient {
	client, err := xmsclient.NewAPIClient(s.Configuration())
	if err != nil {
		panic(fmt.Sprintf("xmstest: %v", err))
	}
	return client
}

// Handler returns the handler behind the server, with its faults and its recording, for use under
// another server or without one. Any address and any host name will do, but paths begin with /v1. A
// fault that closes the connection panics with [http.ErrAbortHandler], as net/http expects. After
// Close every request is answered with 503.
//
// In a bubble of testing/synctest, call the handler of a server that was started outside. Delays
// then pass in the bubble's time.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(s.serveHTTP)
}

// enter counts a handler, unless the server is closed. Who has entered has to leave.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open.Err() != nil {
		return false
	}
	s.running++
	return true
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	s.left.Broadcast()
}

// Close stops the server. It closes the listener and all connections, ends delays, and returns when
// no goroutine of the server is left. It can be called more than once. A handler of the server
// itself must not call it.
func (s *Server) Close() {
	s.closeOnce.Do(func() {
		s.mu.Lock()
		s.shut()
		s.mu.Unlock()
		_ = s.http.Close()
		<-s.served
		_ = s.http.Close() // for a connection that was accepted while the first was closing the others
		s.conns.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		for s.running > 0 {
			s.left.Wait()
		}
	})
}
