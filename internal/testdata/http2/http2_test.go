// Package http2 tests the SDK over the transports of golang.org/x/net/http2 below 0.54, which send
// any request again after some resets, whatever Go builds them.
package http2

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// gateway is an HTTP/2 server that acts on every request, and resets some streams in place of an
// answer.
type gateway struct {
	streams uint32 // at a time on a connection
	resets  func() bool

	mu       sync.Mutex
	requests int
	acted    map[string]int // how often a body came
}

func (g *gateway) listen(t *testing.T, config *tls.Config) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if config != nil {
		l = tls.NewListener(l, config)
	}
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			go g.serve(conn)
		}
	}()
	return l.Addr().String()
}

func (g *gateway) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if _, err := io.CopyN(io.Discard, conn, int64(len(http2.ClientPreface))); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	_ = framer.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: g.streams})
	bodies := map[uint32]*bytes.Buffer{}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		stream, ended := frame.Header().StreamID, false
		switch f := frame.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = framer.WriteSettingsAck()
			}
		case *http2.HeadersFrame:
			bodies[stream] = &bytes.Buffer{}
			ended = f.StreamEnded()
		case *http2.DataFrame:
			bodies[stream].Write(f.Data())
			_ = framer.WriteWindowUpdate(0, uint32(max(1, len(f.Data()))))
			ended = f.StreamEnded()
		}
		if ended {
			g.act(framer, stream, bodies[stream].String())
			delete(bodies, stream)
		}
	}
}

func (g *gateway) act(framer *http2.Framer, stream uint32, body string) {
	g.mu.Lock()
	g.requests++
	g.acted[body]++
	g.mu.Unlock()
	if g.resets() {
		_ = framer.WriteRSTStream(stream, http2.ErrCodeProtocol)
		return
	}
	var header bytes.Buffer
	_ = hpack.NewEncoder(&header).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: header.Bytes(), EndHeaders: true})
	_ = framer.WriteData(stream, true, []byte(`{"access_token":{"id":7,"uuid":"u"}}`))
}

// transports are all by which a program gets HTTP/2, with the scheme of their URLs.
func transports(t *testing.T, config *tls.Config) map[string]http.RoundTripper {
	t.Helper()
	configured := &http.Transport{TLSClientConfig: config.Clone()}
	if err := http2.ConfigureTransport(configured); err != nil {
		t.Fatal(err)
	}
	return map[string]http.RoundTripper{
		"https net/http":            &http.Transport{TLSClientConfig: config.Clone(), ForceAttemptHTTP2: true},
		"https configured net/http": configured,
		"https http2.Transport":     &http2.Transport{TLSClientConfig: config.Clone()},
		"http http2.Transport": &http2.Transport{
			AllowHTTP: true,
			DialTLSContext: func(ctx context.Context, network, address string, _ *tls.Config) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, network, address)
			},
		},
	}
}

// certificates returns the configuration of a server, and of clients that trust it.
func certificates() (server, client *tls.Config) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	client = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	client.ServerName = "example.com"
	return &tls.Config{Certificates: s.TLS.Certificates, NextProtos: []string{"h2"}}, client
}

// onEach runs a test with a client of each transport, and a gateway of its own.
func onEach(t *testing.T, test func(t *testing.T, g *gateway, api *xmsclient.AccessTokensApiService)) {
	t.Helper()
	serverTLS, clientTLS := certificates()
	for name, transport := range transports(t, clientTLS) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := &gateway{streams: 8, resets: func() bool { return true }, acted: map[string]int{}}
			scheme, _, _ := strings.Cut(name, " ")
			config := map[string]*tls.Config{"https": serverTLS}[scheme]
			test(t, g, newAPI(t, scheme+"://"+g.listen(t, config)+"/v1", transport))
		})
	}
}

func newAPI(t *testing.T, base string, transport http.RoundTripper) *xmsclient.AccessTokensApiService {
	t.Helper()
	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL, cfg.HTTPClient = base, &http.Client{Transport: transport}
	cfg.Retry = xmsclient.RetryPolicy{InitialInterval: time.Millisecond, MaxInterval: time.Millisecond}
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return client.AccessTokensApi
}

func creation(name string) xmsclient.AccessTokenCreateReq {
	return xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: name, Roles: []string{"admin"}},
	}
}

func TestHTTP2_SendsNoMoreThanItsAttempts(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, g *gateway, api *xmsclient.AccessTokensApiService) {
		t.Helper()
		_, _, err := api.CreateAccessToken(t.Context(), creation("backup"))
		if !errors.Is(err, xmsclient.ErrOutcomeUnknown) || g.requests != 1 {
			t.Errorf("create: %v, %d requests", err, g.requests)
		}
		_, _, err = api.GetAccessToken(t.Context(), 7)
		if failed := (&xmsclient.RequestError{}); !errors.As(err, &failed) || failed.Attempts != 4 || g.requests != 1+4 {
			t.Errorf("get: %v, %d requests in all", err, g.requests)
		}
	})
}

const callers, calls = 64, 30

// Sixty-four callers at a stream limit of eight make net/http dial for each other.
func TestHTTP2_ActsOnceUnderLoad(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, g *gateway, api *xmsclient.AccessTokensApiService) {
		t.Helper()
		g.resets = func() bool { return rand.IntN(4) == 0 }
		var all sync.WaitGroup
		for caller := range callers {
			all.Go(func() { createMany(t, api, caller) })
		}
		all.Wait()
		for body, times := range g.acted {
			if times != 1 || !json.Valid([]byte(body)) {
				t.Errorf("acted %d times on %s", times, body)
			}
		}
		if len(g.acted) != callers*calls {
			t.Errorf("acted on %d of %d creates", len(g.acted), callers*calls)
		}
	})
}

func createMany(t *testing.T, api *xmsclient.AccessTokensApiService, caller int) {
	t.Helper()
	for call := range calls {
		_, _, err := api.CreateAccessToken(t.Context(), creation(fmt.Sprint(caller, " ", call)))
		if err != nil && !errors.Is(err, xmsclient.ErrOutcomeUnknown) {
			t.Error(err)
		}
	}
}
