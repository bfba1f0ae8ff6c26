package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
)

// newHTTPClient returns a copy of the caller's client, or one with a transport of our own. It
// follows no redirect.
func newHTTPClient(cfg Config) (*http.Client, *wire) {
	client, w := &http.Client{}, &wire{}
	if cfg.HTTPClient != nil {
		*client = *cfg.HTTPClient
		w.base = client.Transport
		if w.base == nil {
			w.base = http.DefaultTransport
		}
	} else {
		w.own = newTransport(cfg.TLS)
		w.base = w.own
	}
	client.Transport = w
	if cfg.WrapTransport != nil {
		client.Transport = cfg.WrapTransport(w)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return client, w
}

// newTransport returns a transport for many calls at once to the few nodes of one cluster.
//
// It speaks HTTP/1.1 only: before Go 1.27 net/http sends any HTTP/2 request again after some
// resets. Idle connections are closed before load balancers drop them.
func newTransport(config *tls.Config) *http.Transport {
	if config == nil {
		config = &tls.Config{}
	}
	config = config.Clone()
	config.NextProtos = []string{"http/1.1"}
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: checkProxy,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    10 * time.Second,
		Protocols:              new(http.Protocols),
		MaxIdleConnsPerHost:    maxPlaces,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
	t.Protocols.SetHTTP1(true)
	if runtime.GOOS != "js" { // in a browser, only a transport without a dialer uses fetch
		t.DialContext = (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	}
	return t
}

// checkProxy names the proxy, whose status net/http would report as if XMS had said it.
func checkProxy(_ context.Context, proxy *url.URL, _ *http.Request, answer *http.Response) error {
	if answer.StatusCode == http.StatusOK {
		return nil
	}
	return fmt.Errorf("the proxy %s refused to connect: %s", proxy.Host, answer.Status)
}

// wire stands innermost, beneath WrapTransport: it knows whether a request was sent.
type wire struct {
	base  http.RoundTripper
	own   *http.Transport // base, if it is ours
	blind atomic.Bool     // a request has come without its context: nobody can tell any more
}

// trip is what is noted of the request of one attempt. It travels in the request's context.
type trip struct {
	info       Info
	cancel     context.CancelCauseFunc
	share      time.Duration // that getting a connection may take
	connecting *time.Timer   // runs that long while a connection is asked for; nil: nothing ends that

	reached     atomic.Bool  // the request has come to the wire
	asked       atomic.Bool  // a connection was asked for
	connections atomic.Int64 // had, without those over which surely nothing went
	fresh       atomic.Bool  // the last one had not been used before
}

// RoundTrip sends the request, and notes its connections in its trip.
func (w *wire) RoundTrip(request *http.Request) (*http.Response, error) {
	t, ok := request.Context().Value(tripKey{}).(*trip)
	if !ok {
		w.blind.Store(true)
		return w.base.RoundTrip(request)
	}
	t.reached.Store(true)
	var connected atomic.Bool // middleware may send several requests at a time
	trace := &httptrace.ClientTrace{
		GetConn: func(string) {
			t.asked.Store(true)
			if w.asksOnce() && connected.Swap(false) {
				t.connections.Add(-1)
			}
			if t.connecting != nil && t.connections.Load() == 0 {
				t.connecting.Reset(t.share)
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			connected.Store(true)
			t.connections.Add(1)
			t.fresh.Store(!info.Reused)
			if t.connecting != nil {
				t.connecting.Stop()
			}
		},
	}
	endBeforeRepeat(t, trace)
	return w.base.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
}

// asksOnce reports whether the base asks for another connection only if nothing of the request went
// over the one before. net/http does, except in a browser, where it has no connections.
func (w *wire) asksOnce() bool {
	_, ok := w.base.(*http.Transport)
	return ok && runtime.GOOS != "js"
}

// connected reports whether a server may have seen the request of t, which failed with err.
func (w *wire) connected(t *trip, err error) bool {
	switch {
	case w.blind.Load(), t.connections.Load() > 0:
		return true
	case t.reached.Load() && (w.asksOnce() || t.asked.Load()):
		return false
	}
	var op *net.OpError
	return !errors.As(err, &op) || op.Op != "dial"
}

// places returns how many requests at a time a node gets.
func (w *wire) places() int {
	if t, ok := w.base.(*http.Transport); ok && t.MaxConnsPerHost > 0 {
		return min(maxPlaces, t.MaxConnsPerHost)
	}
	return maxPlaces
}

// checkEmpty closes idle connections after a 204 that announces a body: net/http would take it for
// the answer to the next request.
func (w *wire) checkEmpty(response *http.Response) {
	announced := response.Header.Get("Content-Length")
	if response.StatusCode == http.StatusNoContent &&
		(announced != "" && announced != "0" || len(response.TransferEncoding) > 0) {
		w.closeOwnIdle()
	}
}

// closeOwnIdle closes the idle connections of our own transport. Those of a caller's are the
// caller's.
func (w *wire) closeOwnIdle() {
	if w.own != nil {
		w.own.CloseIdleConnections()
	}
}

// CloseIdleConnections passes on what http.Client and middleware ask of a RoundTripper.
func (w *wire) CloseIdleConnections() {
	(&http.Client{Transport: w.base}).CloseIdleConnections()
}

// tlsRefused reports whether either side refused TLS before a request of t was answered. A server
// that refuses the client's certificate under TLS 1.3 says so in place of the first answer, by an
// alert for which net/http and crypto/tls export no type.
func (w *wire) tlsRefused(t *trip, err error) bool {
	connected := w.connected(t, err)
	var alert *net.OpError
	if errors.As(err, &alert) && (alert.Op == "remote error" || alert.Op == "local error") {
		first := t.connections.Load() == 1 && t.fresh.Load() && !w.blind.Load()
		return !connected || first && alert.Op == "remote error" && strings.Contains(alert.Err.Error(), "certificate")
	}
	var unverified *tls.CertificateVerificationError
	return !connected && errors.As(err, &unverified)
}
