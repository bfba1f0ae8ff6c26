package xmsclient_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// transportServer counts the connections made to a handler.
type transportServer struct {
	*httptest.Server
	dials atomic.Int64
}

func newTransportServer(t *testing.T, handler http.Handler, change func(*httptest.Server)) *transportServer {
	t.Helper()
	s := &transportServer{Server: httptest.NewUnstartedServer(handler)}
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.dials.Add(1)
		}
	}
	if change != nil {
		change(s.Server)
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *transportServer) client(t *testing.T, change func(*xmsclient.Configuration)) *xmsclient.APIClient {
	t.Helper()
	return faultClient(t, func(cfg *xmsclient.Configuration) {
		if s.Certificate() != nil {
			cfg.TLSConfig = s.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
			cfg.TLSConfig.NextProtos = nil
		}
		if change != nil {
			change(cfg)
		}
	}, s.URL+"/v1")
}

// Many goroutines keep as many connections, and use them again for everything that follows.
func TestTransportKeepsItsConnections(t *testing.T) {
	t.Parallel()
	const goroutines, calls, most = 64, 6, 72
	tests := map[string]struct {
		start func(*httptest.Server)
		body  func(http.ResponseWriter)
	}{
		"plain":       {(*httptest.Server).Start, transportLength},
		"TLS":         {(*httptest.Server).StartTLS, transportLength},
		"TLS, chunks": {(*httptest.Server).StartTLS, transportChunks},
		"errors":      {(*httptest.Server).Start, transportError},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var arrived atomic.Int64
			all := make(chan struct{})
			server := newTransportServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				// The first request of each goroutine waits for all the others', so that it takes a connection for each.
				if arrived.Add(1) == goroutines {
					close(all)
				}
				<-all
				tt.body(w)
			}), tt.start)
			client := server.client(t, nil)
			op := faultOperationNamed(t, "ListAccessTokens")
			var failures atomic.Int64
			var group sync.WaitGroup
			for range goroutines {
				group.Go(func() {
					for range calls {
						if out := op.call(t.Context(), client); out.resp == nil {
							failures.Add(1)
						}
					}
				})
			}
			group.Wait()

			require.Zero(t, failures.Load())
			require.EqualValues(t, goroutines*calls, arrived.Load())
			require.GreaterOrEqual(t, server.dials.Load(), int64(goroutines), "the test itself: all were under way at once")
			require.LessOrEqual(t, server.dials.Load(), int64(most))
		})
	}
}

func transportLength(w http.ResponseWriter) { w.Write([]byte(faultListBody)) }

// transportChunks sends the end of the chunks later than their content.
func transportChunks(w http.ResponseWriter) {
	w.Write([]byte(faultListBody))
	w.(http.Flusher).Flush()
}

func transportError(w http.ResponseWriter) {
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprint(w, strings.Repeat(`{"message":"no such token"}`, 400))
}

// Whatever an answer is like, as long as it is whole, its connection serves the next call of any operation.
func TestTransportOneConnection(t *testing.T) {
	t.Parallel()
	answers := map[string]func(http.ResponseWriter){
		"well": func(w http.ResponseWriter) {
			w.Write([]byte(`{"access_token":{"id":7},"access_tokens":[]}`))
		},
		"chunks": func(w http.ResponseWriter) {
			w.Write([]byte(`{"access_token":{"id":7},`))
			w.(http.Flusher).Flush()
			w.Write([]byte(`"access_tokens":[]}`))
		},
		"no content":   func(w http.ResponseWriter) { w.WriteHeader(http.StatusNoContent) },
		"not JSON":     func(w http.ResponseWriter) { w.Write([]byte("surprise")) },
		"empty error":  func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"error":        func(w http.ResponseWriter) { http.Error(w, "no", http.StatusNotFound) },
		"long error":   transportError,
		"busy":         func(w http.ResponseWriter) { http.Error(w, "busy", http.StatusTooManyRequests) },
		"unauthorized": func(w http.ResponseWriter) { http.Error(w, "who are you", http.StatusUnauthorized) },
		"redirect": func(w http.ResponseWriter) {
			w.Header().Set("Location", "http://elsewhere.invalid/")
			http.Error(w, "moved", http.StatusFound)
		},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTransportServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w) }), nil)
			client := server.client(t, nil)

			for range 3 {
				for _, op := range faultOperations() {
					out := op.call(t.Context(), client)
					require.NotNil(t, out.resp)
				}
			}

			require.EqualValues(t, 1, server.dials.Load())
		})
	}
}

// A delete that is done already leaves its connection usable too.
func TestTransportOneConnectionAfterADelete(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := newTransportServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		status := http.StatusBadGateway
		if requests.Add(1)%2 == 0 {
			status = http.StatusNotFound
		}
		http.Error(w, strings.Repeat("no ", 1000), status)
	}), nil)
	client := server.client(t, nil)

	for range 5 {
		_, err := client.AccessTokensApi.DeleteAccessToken(t.Context(), 7)
		require.NoError(t, err)
	}

	require.EqualValues(t, 10, requests.Load())
	require.EqualValues(t, 1, server.dials.Load())
}

func TestTransportHTTP2(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer(xmstest.WithTLS())
	t.Cleanup(xms.Close)
	var protocols sync.Map
	server := newTransportServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		protocols.Store(r.Proto, true)
		xms.Handler().ServeHTTP(w, r)
	}), func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.StartTLS()
	})
	client := server.client(t, func(cfg *xmsclient.Configuration) {
		cfg.TokenInHeader.Key = xms.AdminToken()
		cfg.Retry.MaxAttempts = 1
	})
	api := client.AccessTokensApi
	create := xmsclient.AccessTokenCreateReq{AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "ci", Roles: []string{"admin"}}}

	created, _, err := api.CreateAccessToken(t.Context(), create)
	require.NoError(t, err)
	require.NotEmpty(t, created.AccessToken.UUID)
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() {
			_, _, err := api.GetAccessToken(t.Context(), created.AccessToken.ID)
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	xms.Inject(xmstest.Fault{Operation: "RegenerateAccessToken", DropAfter: true})
	_, _, err = api.RegenerateAccessToken(t.Context(), created.AccessToken.ID)
	require.ErrorIs(t, err, xmsclient.ErrOutcomeUnknown, "a stream that is reset")
	regenerated := 0
	for _, r := range xms.Requests() {
		if r.Operation == "RegenerateAccessToken" {
			regenerated++
		}
	}
	require.Equal(t, 1, regenerated)
	_, err = api.DeleteAccessToken(t.Context(), created.AccessToken.ID)
	require.NoError(t, err)

	_, onlyHTTP2 := protocols.Load("HTTP/2.0")
	protocols.Delete("HTTP/2.0")
	protocols.Range(func(proto, _ any) bool {
		onlyHTTP2 = false
		t.Errorf("a request came over %s", proto)
		return true
	})
	require.True(t, onlyHTTP2)
	require.EqualValues(t, 1, server.dials.Load(), "one connection carries all streams")
}

// TLS before 1.2 is not spoken, unless the caller's TLSConfig says so.
func TestTransportTLSVersion(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		most    uint16 // that the server speaks
		least   uint16 // that the caller asks for
		success bool
	}{
		"1.3":                  {tls.VersionTLS13, 0, true},
		"1.2":                  {tls.VersionTLS12, 0, true},
		"1.1":                  {tls.VersionTLS11, 0, false},
		"1.0":                  {tls.VersionTLS10, 0, false},
		"1.1 by the caller":    {tls.VersionTLS11, tls.VersionTLS10, true},
		"only 1.3 by the call": {tls.VersionTLS12, tls.VersionTLS13, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			server := newTransportServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				transportLength(w)
			}), func(s *httptest.Server) {
				s.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tt.most}
				s.StartTLS()
			})
			client := server.client(t, func(cfg *xmsclient.Configuration) { cfg.TLSConfig.MinVersion = tt.least })

			out := faultOperationNamed(t, "ListAccessTokens").call(t.Context(), client)

			if tt.success {
				require.NoError(t, out.err)
				require.EqualValues(t, 1, requests.Load())
				return
			}
			requireNoAnswer(t, out.err)
			require.Zero(t, requests.Load())
		})
	}
}

// The caller's TLSConfig and HTTPClient are used and not changed, and so is http.DefaultClient.
func TestTransportLeavesTheCallersAlone(t *testing.T) {
	t.Parallel()
	server := newTransportServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { transportLength(w) }),
		(*httptest.Server).StartTLS)
	mine := &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	op := faultOperationNamed(t, "ListAccessTokens")

	out := op.call(t.Context(), server.client(t, func(cfg *xmsclient.Configuration) { cfg.TLSConfig = mine }))

	require.NoError(t, out.err)
	require.Zero(t, mine.MinVersion)
	require.Nil(t, mine.NextProtos)
	require.Nil(t, http.DefaultClient.CheckRedirect)
	require.Nil(t, http.DefaultClient.Transport)

	client := server.Client()
	out = op.call(t.Context(), server.client(t, func(cfg *xmsclient.Configuration) { cfg.HTTPClient = client }))

	require.NoError(t, out.err)
	require.Nil(t, client.CheckRedirect)
}

// The default client goes through the proxy that the environment names. net/http reads that once a process, so this takes a
// process of its own.
func TestTransportProxyFromEnvironment(t *testing.T) {
	t.Parallel()
	op := faultOperationNamed(t, "GetAccessToken")
	if proxied := os.Getenv("XMSCLIENT_TEST_PROXIED"); proxied != "" {
		out := op.call(t.Context(), faultClient(t, nil, proxied))
		require.NoError(t, out.err)
		return
	}
	var asked sync.Map
	proxy := newTransportServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(r.URL.String(), true)
		w.Header().Set("Connection", "close") // or the child would end with a connection that is still open
		w.Write([]byte(faultTokenBody))
	}), nil)
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	child.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(strings.ToUpper(v), "NO_PROXY=")
	}), "HTTP_PROXY="+proxy.URL, "http_proxy="+proxy.URL, "XMSCLIENT_TEST_PROXIED=http://node.invalid:8051/v1")

	output, err := child.CombinedOutput()

	require.NoError(t, err, string(bytes.TrimSpace(output)))
	_, ok := asked.Load("http://node.invalid:8051/v1/access-tokens/7")
	require.True(t, ok)
}

// The header that a caller adds goes with every request, and cannot take the place of what the client or net/http sets.
func TestTransportDefaultHeader(t *testing.T) {
	t.Parallel()
	const secret = "Basic-c2VjcmV0OnByb3h5"
	for _, name := range []string{
		"Xms-Auth-Token", "xms-auth-token", "XMS-AUTH-TOKEN", "Host", "host", "Content-Length", "Transfer-Encoding", "Connection",
		"Idempotency-Key", "x-idempotency-key", // net/http would send a create with one of these again
		"Content-Type", "User-Agent", "Accept", "Accept-Encoding", "Referer", "Upgrade", "Trailer", "TE", "Keep-Alive", "Proxy-Connection",
		"", "With Space", "With\nNewline", "Wíth-Accent",
	} {
		cfg := xmsclient.NewConfiguration()
		cfg.DefaultHeader = http.Header{"X-Fine": {"fine"}, name: {secret}}

		client, err := xmsclient.NewAPIClient(cfg)

		var argument *xmsclient.ArgumentError
		require.ErrorAs(t, err, &argument, "%q", name)
		require.Equal(t, "DefaultHeader", argument.Argument)
		require.NotContains(t, err.Error(), secret)
		require.Nil(t, client)
	}
	for _, value := range []string{secret + "\r\nXms-Auth-Token: mine", secret + "\x00", " " + secret} {
		_, err := xmsclient.NewAPIClient(&xmsclient.Configuration{DefaultHeader: http.Header{"X-Mine": {"fine", value}}})

		require.ErrorContains(t, err, "X-Mine")
		require.NotContains(t, err.Error(), secret)
	}
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		node := newFaultNode(t, op.answer)
		client := faultClient(t, func(cfg *xmsclient.Configuration) {
			cfg.DefaultHeader = http.Header{"authorization": {secret}, "X-Two": {"1", "2"}}
		}, node.url)

		out := op.call(t.Context(), client)

		require.NoError(t, out.err)
		node.requireReceived(t, op, 1)
		require.Equal(t, []string{secret}, node.received()[0].header["Authorization"])
		require.Equal(t, []string{"1", "2"}, node.received()[0].header["X-Two"])
	})
}
