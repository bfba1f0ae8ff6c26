package xmstest

import "errors"

// Option changes how [NewServer] and [Start] set up a [Server].
type Option func(*settings)

type settings struct {
	tls              bool
	listenAddr       string
	adminToken       string
	maxPage          int64
	withoutPaging    bool
	withoutRecording bool
}

func newSettings(opts []Option) (settings, error) {
	s := settings{listenAddr: "127.0.0.1:0"}
	for _, opt := range opts {
		opt(&s)
	}
	if s.adminToken == "" {
		s.adminToken = newUUID()
	}
	if !isHeaderWord(s.adminToken) {
		return s, errors.New("the admin token must be printable ASCII without spaces")
	}
	return s, nil
}

// isHeaderWord tells whether a credential survives the header and is not taken for a prefix and a key.
func isHeaderWord(token string) bool {
	for _, c := range []byte(token) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// WithTLS serves https, HTTP/2 included, with a certificate made at start for 127.0.0.1, ::1 and localhost.
// [Server.Configuration] trusts it; other clients need [Server.CertificatePEM].
func WithTLS() Option {
	return func(s *settings) { s.tls = true }
}

// WithMaxPage limits every list answer to n tokens, whatever limit asks for, as clusters with a page cap do. The
// answer's paging.limit is the limit that was applied. Zero or less means no cap, the default.
func WithMaxPage(n int64) Option {
	return func(s *settings) { s.maxPage = n }
}

// WithoutPaging leaves the paging object out of list answers, as older versions of XMS do.
func WithoutPaging() Option {
	return func(s *settings) { s.withoutPaging = true }
}

// WithAdminToken sets what [Server.AdminToken] returns. It must be printable ASCII without spaces, otherwise the server
// does not start. Empty, the default, means a random one.
func WithAdminToken(uuid string) Option {
	return func(s *settings) { s.adminToken = uuid }
}

// WithListenAddr sets the TCP address to listen on as host:port; the default is 127.0.0.1:0, any free port on loopback.
// Think twice before leaving loopback: the server is a toy that anyone holding the admin token controls.
func WithListenAddr(addr string) Option {
	return func(s *settings) { s.listenAddr = addr }
}

// WithoutRecording keeps no requests, so that [Server.Requests] stays empty. It is for processes that run for long:
// by default every request, its body included, is held until the server is garbage.
func WithoutRecording() Option {
	return func(s *settings) { s.withoutRecording = true }
}
