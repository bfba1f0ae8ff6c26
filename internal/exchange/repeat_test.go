package exchange

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// http2Conn is the server's end of an HTTP/2 connection.
type http2Conn struct {
	net.Conn
	onSettings func() // the client has read our settings
	onRequest  func(stream uint32)
}

const http2Headers, http2RstStream, http2Settings = 1, 3, 4

func (c http2Conn) write(kind, flags byte, stream uint32, payload ...byte) {
	head := []byte{0, 0, byte(len(payload)), kind, flags, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(head[5:], stream)
	_, _ = c.Conn.Write(append(head, payload...))
}

// reset ends a stream with PROTOCOL_ERROR.
func (c http2Conn) reset(stream uint32) { c.write(http2RstStream, 0, stream, 0, 0, 0, 1) }

// serve reads frames until the connection ends.
func (c http2Conn) serve(settings ...byte) {
	const preface, ack = 24, 1
	_, _ = io.CopyN(io.Discard, c, preface)
	c.write(http2Settings, 0, 0, settings...)
	for head := make([]byte, 9); ; {
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		_, _ = io.CopyN(io.Discard, c, int64(head[0])<<16|int64(head[1])<<8|int64(head[2]))
		switch kind, isAck := head[3], head[4] == ack; {
		case kind == http2Settings && isAck && c.onSettings != nil:
			c.onSettings()
		case kind == http2Settings && !isAck:
			c.write(http2Settings, ack, 0)
		case kind == http2Headers:
			c.onRequest(binary.BigEndian.Uint32(head[5:]))
		}
	}
}

func http2TLS(conn net.Conn) net.Conn {
	return tls.Server(conn, &tls.Config{Certificates: serverTLS.Certificates, NextProtos: []string{"h2"}})
}

// https is the URL of a node that speaks TLS.
func https(base string) string { return "https" + base[len("http"):] }

// Before Go 1.27 net/http repeats such a request without end.
func TestClient_SendsNoMoreThanItsAttemptsOverHTTP2(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	resets := func(conn net.Conn) {
		c := http2Conn{Conn: conn}
		c.onRequest = func(stream uint32) {
			requests.Add(1)
			c.reset(stream)
		}
		c.serve()
	}
	resetsTLS := func(conn net.Conn) { resets(http2TLS(conn)) }
	plain := new(http.Protocols)
	plain.SetUnencryptedHTTP2(true)
	for _, cfg := range []Config{
		{Nodes: []string{https(listen(t, resetsTLS)), https(listen(t, resetsTLS))}, HTTPClient: &http.Client{
			Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: trust.Clone()},
		}},
		{Nodes: []string{listen(t, resets), listen(t, resets)}, HTTPClient: &http.Client{
			Transport: &http.Transport{Protocols: plain},
		}},
	} {
		whole := config(cfg.Nodes...)
		whole.HTTPClient = cfg.HTTPClient
		client := newClient(t, whole)
		for attempts, req := range map[int]Request{1: create, whole.MaxAttempts: get} {
			requests.Store(0)
			out := do(t.Context(), client, req)
			require.Error(t, out.Err)
			assert.True(t, out.MayHaveActed)
			assert.Equal(t, attempts, out.Attempts, cfg.Nodes)
			assert.EqualValues(t, attempts, requests.Load(), cfg.Nodes)
		}
	}
}

// twoConnections is a node that acts on requests over a first connection with a stream limit of 1,
// whose streams it resets when told to, and over a second one that takes long to be had.
type twoConnections struct {
	accepted, acted                       atomic.Int64
	arrived, dialling, shake, ready, stop chan bool
}

func (n *twoConnections) serve(conn net.Conn) {
	if n.accepted.Add(1) == 1 {
		n.first(http2Conn{Conn: http2TLS(conn)})
		return
	}
	close(n.dialling)
	<-n.shake
	n.second(http2Conn{Conn: http2TLS(conn)})
}

func (n *twoConnections) first(c http2Conn) {
	c.onSettings = func() { n.arrived <- true }
	c.onRequest = func(stream uint32) {
		n.acted.Add(1)
		n.arrived <- true
		go func() {
			<-n.stop
			c.reset(stream)
		}()
	}
	c.serve([]byte("\x00\x03\x00\x00\x00\x01")...)
}

func (n *twoConnections) second(c http2Conn) {
	c.onSettings = func() { close(n.ready) }
	c.onRequest = func(stream uint32) {
		n.acted.Add(1)
		c.write(http2Headers, 5, stream, 0x88) // 200, and the end of header and stream
	}
	c.serve()
}

// net/http dials a second connection for a call that gives up, and hands it to the first taker
// without asking whether it wants one: to the create, whose stream is reset after it took effect.
func TestClient_NeverRepeatsACreateOnAConnectionOfAnother(t *testing.T) {
	t.Parallel()
	for range 10 { // the connection is had a moment after its settings are read
		n := &twoConnections{arrived: make(chan bool, 2), dialling: make(chan bool), shake: make(chan bool),
			ready: make(chan bool), stop: make(chan bool)}
		cfg := config(https(listen(t, n.serve)))
		cfg.MaxAttempts = 1
		cfg.HTTPClient = &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: trust.Clone()}}
		client := newClient(t, cfg)
		outcome := make(chan Outcome, 1)
		go func() { outcome <- do(t.Context(), client, create) }()
		<-n.arrived
		<-n.arrived
		ctx, giveUp := context.WithCancel(t.Context())
		go func() { <-n.dialling; giveUp() }()
		require.Error(t, do(ctx, client, get).Err)
		close(n.shake)
		<-n.ready
		close(n.stop)
		out := <-outcome
		require.Error(t, out.Err)
		assert.True(t, out.MayHaveActed)
		require.EqualValues(t, 1, n.acted.Load())
	}
}

// addsKey is middleware that adds an idempotency key, with which net/http repeats a POST.
func addsKey(name string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.Header[name] = []string{"7"}
			return next.RoundTrip(r)
		})
	}
}

// actsAndCloses answers GETs when as many have come as connections are to be kept. It acts on a
// POST, and closes its connection in place of an answer.
func actsAndCloses(kept int, acted *atomic.Int64) func(conn net.Conn) {
	var gets atomic.Int64
	all := make(chan bool)
	return func(conn net.Conn) {
		requests := bufio.NewReader(conn)
		for {
			request, err := http.ReadRequest(requests)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, request.Body)
			if request.Method == http.MethodPost {
				acted.Add(1)
				return
			}
			if gets.Add(1) == int64(kept) {
				close(all)
			}
			<-all
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		}
	}
}

func TestClient_NeverRepeatsARequestWithAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		name    string
		header  string
		beneath bool // the middleware stands in the caller's client
		kept    int  // connections; at the second one net/http need not dial
	}{
		{name: "the repeat has a connection", header: "Idempotency-Key", kept: 2},
		{name: "the repeat has a connection, other header", header: "X-Idempotency-Key", kept: 2},
		{name: "the repeat cannot dial", header: "Idempotency-Key", kept: 1},
		{name: "beneath, the repeat has a connection", header: "Idempotency-Key", beneath: true, kept: 2},
		{name: "beneath, the repeat cannot dial", header: "X-Idempotency-Key", beneath: true, kept: 1},
	} {
		for range 10 { // a repeat may look at its context before it writes
			var acted atomic.Int64
			l, base := startListening(t, actsAndCloses(line.kept, &acted))
			cfg := config(base, listen(t, actsAndCloses(1, &acted)))
			cfg.WrapTransport = addsKey(line.header)
			if line.beneath {
				cfg.HTTPClient, cfg.WrapTransport = &http.Client{Transport: cfg.WrapTransport(&http.Transport{})}, nil
			}
			client := newClient(t, cfg)
			atOnce(line.kept, func() { assert.NoError(t, do(t.Context(), client, get).Err) })
			_ = l.Close()
			out := do(t.Context(), client, create)
			require.Error(t, out.Err)
			require.EqualValues(t, 1, acted.Load(), line.name)
			assert.True(t, out.MayHaveActed, line.name)
			assert.Equal(t, 1, out.Attempts, line.name)
		}
	}
}
