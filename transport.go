package xmsclient

import (
	"bytes"
	"crypto/tls"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"time"
)

// newHTTPClient returns a copy of the caller's client, or a client of our own, with the redirect policy in place.
func newHTTPClient(cfg *Configuration, auth authenticator) *http.Client {
	client := http.Client{}
	if cfg.HTTPClient != nil {
		client = *cfg.HTTPClient
	} else {
		client.Transport = newDefaultTransport(cfg.TLSConfig)
	}
	client.CheckRedirect = auth.redirectPolicy(client.CheckRedirect)
	return &client
}

// maxConnsPerNode bounds the connections that one client makes to a node, all of which are kept for the next calls. Further calls
// wait for one: without the bound, a burst of calls makes more connections than it uses, since those that wait for a new
// one are served first by those that come back.
const maxConnsPerNode = 64

// newDefaultTransport returns a transport for many calls at once to the few nodes of one cluster. http.DefaultTransport keeps two
// idle connections a host and dials anew for everything beyond. How long an answer may take is bounded per attempt, by
// Configuration.Timeout.
func newDefaultTransport(tlsConfig *tls.Config) *http.Transport {
	if tlsConfig == nil {
		tlsConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	tlsConfig = tlsConfig.Clone()
	if tlsConfig.MinVersion == 0 {
		tlsConfig.MinVersion = tls.VersionTLS12
	}
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:     tlsConfig,
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 15 * time.Second},
		MaxConnsPerHost:     maxConnsPerNode,
		MaxIdleConnsPerHost: maxConnsPerNode,
		IdleConnTimeout:     90 * time.Second,
	}
}

// maxPooled is the capacity above which a buffer is left to the garbage collector, so that one long list does not hold its
// memory forever.
const maxPooled = 1 << 20

// maxPresized is how much memory is set aside on the word of a Content-Length alone.
const maxPresized = defaultMaxResponseBytes

// bodyPool reads bodies into buffers that it uses again. Nothing that leaves the package may refer to their memory.
type bodyPool struct{ pool sync.Pool }

// body is a read body. The nil body is empty.
type body struct {
	buffer  bytes.Buffer
	limited io.LimitedReader
	reader  cursor
}

// Bytes returns the body, which is valid until put.
func (b *body) Bytes() []byte {
	if b == nil {
		return nil
	}
	return b.buffer.Bytes()
}

// cursor returns a cursor at the beginning of the body, which is valid until put.
func (b *body) cursor(contentType string) *cursor {
	b.reader = cursor{data: b.Bytes(), contentType: contentType}
	return &b.reader
}

// read reads r to its end, at most limit bytes of it. length is the Content-Length, or -1. With an error the body is
// what came until then, of a too large one the beginning.
func (p *bodyPool) read(r io.Reader, length, limit int64) (*body, error) {
	b, ok := p.pool.Get().(*body)
	if !ok {
		b = &body{}
	}
	keep := limit
	if length > limit {
		keep = min(limit, maxErrorBody)
	}
	b.limited = io.LimitedReader{R: r, N: min(keep, math.MaxInt64-1) + 1}
	if length >= 0 {
		// ReadFrom wants this much room beyond the end, or it grows the buffer to find out that there is nothing more.
		b.buffer.Grow(int(min(length, keep, maxPresized)) + bytes.MinRead)
	}
	_, err := b.buffer.ReadFrom(&b.limited)
	b.limited.R = nil
	if int64(b.buffer.Len()) > keep {
		b.buffer.Truncate(int(min(keep, maxErrorBody)))
		return b, ErrResponseTooLarge
	}
	return b, err
}

// put takes a body back.
func (p *bodyPool) put(b *body) {
	if b == nil || b.buffer.Cap() > maxPooled {
		return
	}
	b.buffer.Reset()
	b.reader = cursor{}
	p.pool.Put(b)
}

// answer is an answer of a server: with 2xx its body too, which belongs to the pool.
type answer struct {
	response *Response
	body     *body
}

func (a answer) contentType() string {
	if a.response == nil {
		return ""
	}
	return a.response.Header.Get("Content-Type")
}
