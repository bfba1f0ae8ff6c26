package xmsclient_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

const (
	redirectHeaderKey = "redirect-header-key"
	redirectQueryKey  = "redirect-query-key"
)

// redirectServer redirects requests below /v1 and answers all others well. It records what it gets.
type redirectServer struct {
	*httptest.Server
	mu       sync.Mutex
	requests []*http.Request
}

// newRedirectServer starts a server that redirects with status to what location makes of a request; "" sends no Location.
func newRedirectServer(t *testing.T, useTLS bool, status int, location func(*http.Request) string) *redirectServer {
	t.Helper()
	s := &redirectServer{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r)
		s.mu.Unlock()
		if strings.HasPrefix(r.URL.Path, "/v1/") {
			if target := location(r); target != "" {
				w.Header().Set("Location", target)
			}
			w.WriteHeader(status)
			return
		}
		w.Write([]byte(`{"access_token":{"id":7},"access_tokens":[]}`))
	}))
	if useTLS {
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	return s
}

func (s *redirectServer) received() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.requests...)
}

func redirectClient(t *testing.T, s *redirectServer, change func(*xmsclient.Configuration)) *xmsclient.APIClient {
	t.Helper()
	return faultClient(t, func(cfg *xmsclient.Configuration) {
		cfg.TokenInHeader.Key, cfg.TokenInQuery.Key = redirectHeaderKey, redirectQueryKey
		cfg.TLSConfig = &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
		if change != nil {
			change(cfg)
		}
	}, s.URL+"/v1")
}

var redirectStatuses = []int{301, 302, 303, 307, 308}

// requireNotFollowed fails unless the call ended with the redirect as an ApiError that names the origin pointed to and none of
// what else is in its URL.
func requireNotFollowed(t *testing.T, op faultOperation, status int, target string, out faultOutcome) {
	t.Helper()
	u, err := url.Parse(target)
	require.NoError(t, err)
	var api *xmsclient.ApiError
	require.ErrorAs(t, out.err, &api)
	require.Equal(t, status, api.StatusCode)
	require.Equal(t, status, out.resp.StatusCode)
	require.Contains(t, api.Message, u.Scheme+"://"+u.Host+" ", "the origin, and nothing behind it")
	for _, secret := range []string{redirectHeaderKey, redirectQueryKey, faultUUID, "user", "elsewhere"} {
		require.NotContains(t, out.err.Error(), secret)
	}
	requireFaultAttempts(t, 1, out)
	requireFaultOutcome(t, !op.idempotent && status < 307, out.err)
}

// No redirect to another origin is followed, by any operation, with any status: nothing at all arrives there.
func TestRedirectToAnotherOrigin(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		fromTLS, toTLS bool
		origin         func(here, there *url.URL) *url.URL
	}{
		"another port":                {origin: func(_, there *url.URL) *url.URL { return there }},
		"another name, same address":  {origin: func(_, there *url.URL) *url.URL { return redirectHost(there, "localhost") }},
		"another name, same port":     {origin: func(here, _ *url.URL) *url.URL { return redirectHost(here, "localhost") }},
		"https to http":               {fromTLS: true, origin: func(_, there *url.URL) *url.URL { return there }},
		"http to https":               {toTLS: true, origin: func(_, there *url.URL) *url.URL { return there }},
		"https to https":              {fromTLS: true, toTLS: true, origin: func(_, there *url.URL) *url.URL { return there }},
		"http to https, same address": {origin: func(here, _ *url.URL) *url.URL { return &url.URL{Scheme: "https", Host: here.Host} }},
		"with a user":                 {origin: func(here, _ *url.URL) *url.URL { return redirectUser(here) }},
		"with a user elsewhere":       {origin: func(_, there *url.URL) *url.URL { return redirectUser(there) }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there := newRedirectServer(t, tt.toTLS, 200, nil)
			thereURL, err := url.Parse(there.URL)
			require.NoError(t, err)
			for _, status := range redirectStatuses {
				var target string
				here := newRedirectServer(t, tt.fromTLS, status, func(r *http.Request) string {
					return target + "/elsewhere?" + r.URL.RawQuery + "&key=" + r.Header.Get("Xms-Auth-Token")
				})
				hereURL, err := url.Parse(here.URL)
				require.NoError(t, err)
				target = tt.origin(hereURL, thereURL).String()
				for i, op := range faultOperations() {
					out := op.call(t.Context(), redirectClient(t, here, nil))

					requireNotFollowed(t, op, status, target, out)
					require.Len(t, here.received(), i+1, "%s is asked once and not asked for %s", here.URL, target)
				}
			}
			require.Empty(t, there.received())
		})
	}
}

func redirectHost(u *url.URL, host string) *url.URL {
	return &url.URL{Scheme: u.Scheme, Host: host + ":" + u.Port()}
}

func redirectUser(u *url.URL) *url.URL {
	return &url.URL{Scheme: u.Scheme, Host: u.Host, User: url.UserPassword("user", "pass")}
}

// A redirect to the same origin is followed where the method is kept, with everything that belongs to the request, and
// without a Referer. Where net/http would make a GET of it, it is not.
func TestRedirectToTheSameOrigin(t *testing.T) {
	t.Parallel()
	locations := map[string]func(here string, r *http.Request) string{
		"absolute": func(here string, r *http.Request) string {
			return here + "/elsewhere" + r.URL.Path + "?" + r.URL.RawQuery
		},
		"in capitals": func(here string, r *http.Request) string {
			return strings.ToUpper(here[:len("http://")]) + here[len("http://"):] + "/elsewhere" + r.URL.Path + "?" + r.URL.RawQuery
		},
		"relative": func(_ string, r *http.Request) string { return "/elsewhere" + r.URL.Path + "?" + r.URL.RawQuery },
		"without a scheme": func(here string, r *http.Request) string {
			return strings.TrimPrefix(here, "http:") + "/elsewhere" + r.URL.Path + "?" + r.URL.RawQuery
		},
		"without a query": func(_ string, r *http.Request) string { return "/elsewhere" + r.URL.Path },
	}
	for name, location := range locations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range redirectStatuses {
				for _, op := range faultOperations() {
					var here *redirectServer
					here = newRedirectServer(t, false, status, func(r *http.Request) string { return location(here.URL, r) })
					method, path, _ := strings.Cut(op.request, " ")

					out := op.call(t.Context(), redirectClient(t, here, nil))

					requests := here.received()
					if status < 307 && method != http.MethodGet {
						requireNotFollowed(t, op, status, here.URL, out)
						require.Len(t, requests, 1)
						continue
					}
					require.Len(t, requests, 2)
					first, second := requests[0], requests[1]
					require.Equal(t, method, second.Method)
					require.Equal(t, "/elsewhere"+path, second.URL.Path)
					require.Equal(t, []string{redirectHeaderKey}, second.Header["Xms-Auth-Token"])
					require.Equal(t, []string{redirectQueryKey}, second.URL.Query()["token"], "exactly once")
					require.Equal(t, first.ContentLength, second.ContentLength, "the body goes along")
					require.Equal(t, first.Header["Content-Type"], second.Header["Content-Type"])
					require.NotContains(t, second.Header, "Referer")
					requireFaultAttempts(t, 1, out)
					require.NoError(t, out.err)
				}
			}
		})
	}
}

// A redirect that names no port means the same as one that names the usual one.
func TestRedirectPortsByDefault(t *testing.T) {
	t.Parallel()
	for from, to := range map[string]string{
		"http://node:80": "http://NODE", "http://node": "http://node:80", "https://node": "https://node:443", "https://node:443": "https://node",
	} {
		var hosts []string
		client := faultClient(t, func(cfg *xmsclient.Configuration) {
			cfg.HTTPClient = &http.Client{Transport: faultRoundTripper(func(r *http.Request) (*http.Response, error) {
				hosts = append(hosts, r.URL.Scheme+"://"+r.URL.Host)
				if strings.HasPrefix(r.URL.Path, "/v1/") {
					return &http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {to + "/v2/"}}, Body: http.NoBody}, nil
				}
				return &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody}, nil
			})}
		}, from+"/v1")

		out := faultOperationNamed(t, "CreateAccessToken").call(t.Context(), client)

		require.ErrorIs(t, out.err, xmsclient.ErrNotFound)
		require.Equal(t, []string{from, to}, hosts)
	}
}

// A chain that leads out of the origin is followed up to the way out.
func TestRedirectChainThatLeavesTheOrigin(t *testing.T) {
	t.Parallel()
	there := newRedirectServer(t, false, 200, nil)
	here := newRedirectServer(t, false, 308, func(r *http.Request) string {
		if strings.HasPrefix(r.URL.Path, "/v1/hop/") {
			return there.URL + "/elsewhere"
		}
		return "/v1/hop" + r.URL.Path
	})
	for _, op := range faultOperations() {
		out := op.call(t.Context(), redirectClient(t, here, nil))

		requireNotFollowed(t, op, 308, there.URL, out)
	}
	require.Len(t, here.received(), 2*len(faultOperations()))
	require.Empty(t, there.received())
}

// After ten redirects the next one is an error, not another request.
func TestRedirectWithoutEnd(t *testing.T) {
	t.Parallel()
	for _, op := range faultOperations() {
		here := newRedirectServer(t, false, 307, func(r *http.Request) string { return r.URL.Path + "x" })

		out := op.call(t.Context(), redirectClient(t, here, nil))

		requireNotFollowed(t, op, 307, here.URL, out)
		require.Len(t, here.received(), 11)
	}
}

// A 3xx that points nowhere is an error like another.
func TestRedirectToNowhere(t *testing.T) {
	t.Parallel()
	for _, status := range redirectStatuses {
		for _, op := range faultOperations() {
			here := newRedirectServer(t, false, status, func(*http.Request) string { return "" })

			out := op.call(t.Context(), redirectClient(t, here, nil))

			var api *xmsclient.ApiError
			require.ErrorAs(t, out.err, &api)
			require.Equal(t, status, api.StatusCode)
			require.Len(t, here.received(), 1)
		}
	}
}

// A Location that is no URL ends the attempt, and its text does not get into the error with the secrets in it.
func TestRedirectToNonsense(t *testing.T) {
	t.Parallel()
	for _, op := range faultOperations() {
		here := newRedirectServer(t, false, 307, func(r *http.Request) string {
			return "http://[::1/" + r.Header.Get("Xms-Auth-Token") + "?" + r.URL.RawQuery + "&new=" + faultUUID
		})

		out := op.call(t.Context(), redirectClient(t, here, func(cfg *xmsclient.Configuration) { cfg.Retry.MaxAttempts = 1 }))

		require.Error(t, out.err)
		for _, secret := range []string{redirectHeaderKey, redirectQueryKey, faultUUID} {
			require.NotContains(t, out.err.Error(), secret)
		}
		require.Len(t, here.received(), 1)
	}
}

// The caller's CheckRedirect has the last word on what ours lets pass, and is not asked about the rest. The caller's client
// itself is left alone.
func TestRedirectPolicyOfTheCaller(t *testing.T) {
	t.Parallel()
	errPolicy := errors.New("not on my watch")
	tests := map[string]struct {
		sameOrigin bool
		verdict    error
		asked      int
		requests   int
		want       func(*testing.T, error)
	}{
		"lets it pass": {true, nil, 1, 2, func(t *testing.T, err error) { t.Helper(); require.NoError(t, err) }},
		"refuses": {true, errPolicy, 1, 1, func(t *testing.T, err error) {
			t.Helper()
			require.ErrorIs(t, err, errPolicy)
			requireNoAnswer(t, err)
		}},
		"takes the redirect for the answer": {true, http.ErrUseLastResponse, 1, 1, func(t *testing.T, err error) {
			t.Helper()
			var api *xmsclient.ApiError
			require.ErrorAs(t, err, &api)
			require.Equal(t, 307, api.StatusCode)
		}},
		"is not asked": {false, nil, 0, 1, func(t *testing.T, err error) {
			t.Helper()
			var api *xmsclient.ApiError
			require.ErrorAs(t, err, &api)
			require.Equal(t, 307, api.StatusCode)
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there := newRedirectServer(t, false, 200, nil)
			here := newRedirectServer(t, false, 307, func(*http.Request) string {
				if tt.sameOrigin {
					return "/elsewhere"
				}
				return there.URL + "/elsewhere"
			})
			for _, op := range faultOperations() {
				asked, before := 0, len(here.received())
				mine := &http.Client{Transport: here.Client().Transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
					asked++
					require.Equal(t, "/elsewhere", r.URL.Path)
					require.NotContains(t, r.Header, "Referer", "ours has been there before")
					require.Len(t, via, 1)
					return tt.verdict
				}}
				kept := *mine
				client := redirectClient(t, here, func(cfg *xmsclient.Configuration) { cfg.HTTPClient = mine })

				out := op.call(t.Context(), client)

				tt.want(t, out.err)
				requireFaultOutcome(t, false, out.err)
				requireFaultAttempts(t, 1, out)
				require.Equal(t, tt.asked, asked)
				require.Len(t, here.received(), before+tt.requests)
				require.Empty(t, there.received())
				require.Equal(t, fmt.Sprintf("%#v", kept), fmt.Sprintf("%#v", *mine), "the caller's client is as it was")
			}
		})
	}
}

// A key of the context goes along to the same origin.
func TestRedirectKeyOfTheContext(t *testing.T) {
	t.Parallel()
	here := newRedirectServer(t, false, 308, func(*http.Request) string { return "/elsewhere" })
	ctx := xmsclient.ContextWithAPIKey(t.Context(), xmsclient.APIKey{Key: "context-key", Prefix: "Bearer"})

	out := faultOperationNamed(t, "GetAccessToken").call(ctx, redirectClient(t, here, nil))

	require.NoError(t, out.err)
	for _, r := range here.received() {
		require.Equal(t, []string{"Bearer context-key"}, r.Header["Xms-Auth-Token"])
	}
}
