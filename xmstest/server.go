package xmstest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// Server is an XMS that lives in this process. [NewServer] or [Start] make one; it is safe for concurrent use, and
// whoever made it calls Close.
type Server struct {
	settings settings
	store    *store
	routes   routeTable
	faults   faultQueue
	recorder recorder
	gate     gate

	baseURL     string
	certificate *x509.Certificate // nil without TLS
	http        *http.Server
	conns       sync.WaitGroup
	served      chan struct{} // closed when http no longer accepts
	closing     chan struct{} // closed when Close begins
	closeOnce   sync.Once
}

// NewServer is [Start] for tests: it panics when the server cannot start.
func NewServer(opts ...Option) *Server {
	s, err := Start(opts...)
	if err != nil {
		panic(fmt.Sprintf("xmstest: %v", err))
	}
	return s
}

// Start starts an XMS without any tokens. Without options it listens on a free port of 127.0.0.1, speaks plain HTTP and
// has a random admin token. It fails when it cannot listen or an option's value is unusable.
func Start(opts ...Option) (*Server, error) {
	settings, err := newSettings(opts)
	if err != nil {
		return nil, err
	}
	s := &Server{
		settings: settings,
		store:    newStore(settings.adminToken),
		served:   make(chan struct{}),
		closing:  make(chan struct{}),
	}
	s.routes = newRouteTable(s)
	s.http = &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: time.Minute,
		ConnState:         s.countConn,
		ErrorLog:          log.New(io.Discard, "", 0), // connections closed by faults are no news
	}
	if settings.tls {
		if err := s.useTLS(); err != nil {
			return nil, err
		}
	}
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", settings.listenAddr)
	if err != nil {
		return nil, err
	}
	s.baseURL = baseURL(listener.Addr(), settings.tls)
	go s.listenAndServe(listener)
	return s, nil
}

func (s *Server) useTLS() error {
	certificate, err := newCertificate()
	if err != nil {
		return err
	}
	s.certificate = certificate.Leaf
	s.http.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	return nil
}

func (s *Server) listenAndServe(listener net.Listener) {
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

// baseURL names the server as its clients on this machine reach it.
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

// BaseURL returns the root of the API, such as http://127.0.0.1:PORT/v1.
func (s *Server) BaseURL() string {
	return s.baseURL
}

// AdminToken returns a uuid that every call accepts: that of a login session of the user admin, which is in no list.
// It stays valid until Close.
func (s *Server) AdminToken() string {
	return s.settings.adminToken
}

// CertificatePEM returns the certificate that clients have to trust, PEM encoded, or nil without [WithTLS].
func (s *Server) CertificatePEM() []byte {
	if s.certificate == nil {
		return nil
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.certificate.Raw})
}

// Configuration returns a new configuration for a client of this server: its base URL, the admin token in the header,
// trust in its certificate, and waits between attempts so short that tests do not notice them.
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

// Seed adds n more tokens of the user admin, with the role admin, named token-000001 and so on. Names that are taken are
// skipped. Their uuids are random; regenerate one to learn its uuid.
func (s *Server) Seed(n int) {
	s.store.seed(administrator(), n)
}

// SeedUser is Seed for another user, known by userID. The tokens show the user with this name.
func (s *Server) SeedUser(userID int64, name string, n int) {
	s.store.seed(user{ID: userID, Name: name}, n)
}

// Handler returns what the server answers with, faults and recording included, to be served by other means, below
// any address. A fault that closes the connection panics with [http.ErrAbortHandler], as net/http wants it. Once the
// server is closed everything is answered with 503.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(s.serveHTTP)
}

// Close stops the server: it closes the listener and all connections, ends delays, and returns when everything the
// server had running has ended. It may be called more than once, but not by a handler of the server itself.
func (s *Server) Close() {
	s.closeOnce.Do(func() {
		close(s.closing)
		_ = s.http.Close()
		<-s.served
		_ = s.http.Close() // for a connection that was accepted while the first was closing the others
		s.conns.Wait()
		s.gate.shutAndWait()
	})
}
