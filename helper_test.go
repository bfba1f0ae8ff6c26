package xmsclient_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

type service = xmsclient.AccessTokensApiService

// call is one of the seven calls with usual arguments, and what is known of it.
type call struct {
	name     string
	method   string
	path     string // below the base URL, as it is sent
	query    string // as it is sent, without credentials
	template string // CallInfo.PathTemplate
	body     string // as it is sent; "": none
	status   int    // documented success
	answer   string // a body that goes with status
	want     any    // what the call makes of answer; nil: nothing
	advice   string // what to do if the outcome is unknown; "": it never is
	writes   bool
	safe     bool // safe to repeat
	hasID    bool
	do       func(ctx context.Context, api *service) (any, *xmsclient.Response, error)
}

const (
	aToken  = `"id":42,"name":"backup","roles":["admin"],"user":{"id":1,"name":"admin","skip_guide":true}`
	aRecord = `{"access_token":{` + aToken + `,"uuid":"f0e1"}}`
	aPage   = `<html><head><title>Welcome</title></head><body>nginx</body></html>`
	aKey    = "6f9619ff8b86d011b42d00c04fc964ff"
	subject = "d9428888122b11e1b85c61cd3cbb3210"
)

func calls() []call {
	token := xmsclient.AccessToken{
		ID: 42, Name: "backup", Roles: []string{"admin"},
		User: &xmsclient.UserNestview{ID: 1, Name: "admin", SkipGuide: true},
	}
	record := &xmsclient.AccessTokenCreateResp{
		AccessToken: &xmsclient.AccessTokenCreateRecord{AccessToken: token, UUID: "f0e1"},
	}
	return []call{
		{
			name: "CreateAccessToken", method: "POST", path: "/access-tokens/", template: "/access-tokens/",
			body:   `{"access_token":{"description":"a<b>&c","name":"backup","roles":["admin","viewer"]}}`,
			status: 201, answer: aRecord, want: record, writes: true,
			advice: "look for its name with AllAccessTokens",
			do: func(ctx context.Context, api *service) (any, *xmsclient.Response, error) {
				return api.CreateAccessToken(ctx, creation("backup", "a<b>&c", "admin", "viewer"))
			},
		},
		{
			name: "DeleteAccessToken", method: "DELETE", path: "/access-tokens/42",
			template: "/access-tokens/{access_token_id}",
			status:   204, writes: true, safe: true, hasID: true,
			advice: "get it to see whether it is there",
			do: func(ctx context.Context, api *service) (any, *xmsclient.Response, error) {
				response, err := api.DeleteAccessToken(ctx, 42)
				return nil, response, err
			},
		},
		{
			name: "GetAccessToken", method: "GET", path: "/access-tokens/42",
			template: "/access-tokens/{access_token_id}",
			status:   200, answer: `{"access_token":{` + aToken + `}}`, safe: true, hasID: true,
			want: &xmsclient.AccessTokenResp{AccessToken: &token},
			do: func(ctx context.Context, api *service) (any, *xmsclient.Response, error) {
				return api.GetAccessToken(ctx, 42)
			},
		},
		{
			name: "ListAccessTokens", method: "GET", path: "/access-tokens/", template: "/access-tokens/",
			query:  "limit=10&offset=20&user_id=1&role=admin&all=true",
			status: 200, safe: true,
			answer: `{"access_tokens":[{` + aToken + `}],"paging":{"count":1,"limit":10,"offset":20,"total_count":21}}`,
			want: &xmsclient.AccessTokensResp{
				AccessTokens: []xmsclient.AccessToken{token},
				Paging:       &xmsclient.Paging{Count: 1, Limit: 10, Offset: 20, TotalCount: 21},
			},
			do: func(ctx context.Context, api *service) (any, *xmsclient.Response, error) {
				return api.ListAccessTokens(ctx, &xmsclient.ListAccessTokensOpts{
					Limit: xmsclient.Ptr[int64](10), Offset: xmsclient.Ptr[int64](20), UserID: xmsclient.Ptr[int64](1),
					Role: xmsclient.Ptr("admin"), All: xmsclient.Ptr(true),
				})
			},
		},
		{
			name: "RegenerateAccessToken", method: "POST", path: "/access-tokens/42:regenerate",
			template: "/access-tokens/{access_token_id}:regenerate",
			status:   200, answer: aRecord, want: record, writes: true, hasID: true,
			advice: "regenerate again",
			do: func(ctx context.Context, api *service) (any, *xmsclient.Response, error) {
				return api.RegenerateAccessToken(ctx, 42)
			},
		},
		{
			name: "UpdateAccessToken", method: "PATCH", path: "/access-tokens/42",
			template: "/access-tokens/{access_token_id}", body: `{"access_token":{"name":"a&b <c>"}}`,
			status: 200, answer: `{"access_token":{` + aToken + `}}`, writes: true, safe: true, hasID: true,
			advice: "get it to see its name",
			want:   &xmsclient.AccessTokenResp{AccessToken: &token},
			do: func(ctx context.Context, api *service) (any, *xmsclient.Response, error) {
				return api.UpdateAccessToken(ctx, 42, renaming("a&b <c>"))
			},
		},
		{
			name: "ValidateAccessToken", method: "POST", path: "/access-tokens:validate",
			template: "/access-tokens:validate", query: "subject_access_token=" + subject,
			status: 200, answer: `{"access_token":{` + aToken + `}}`, safe: true,
			want: &xmsclient.AccessTokenResp{AccessToken: &token},
			do: func(ctx context.Context, api *service) (any, *xmsclient.Response, error) {
				return api.ValidateAccessToken(ctx, subject)
			},
		},
	}
}

// bodyStatus is a success with which a body may come: 200 in place of 204.
func (c call) bodyStatus() int {
	if c.status == http.StatusNoContent {
		return http.StatusOK
	}
	return c.status
}

// unknown are the sentinels of a failure after which the server may have acted.
func (c call) unknown() []error {
	if c.writes {
		return []error{xmsclient.ErrOutcomeUnknown}
	}
	return nil
}

func creation(name, description string, roles ...string) xmsclient.AccessTokenCreateReq {
	return xmsclient.AccessTokenCreateReq{AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{
		Name: name, Description: description, Roles: roles,
	}}
}

func renaming(name string) xmsclient.AccessTokenUpdateReq {
	return xmsclient.AccessTokenUpdateReq{AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: name}}
}

// node is a management node on a real socket. It answers as its handler says and keeps what it got.
type node struct {
	*httptest.Server
	mu       sync.Mutex
	received []request
}

// request is a request as a node got it.
type request struct {
	method, uri, body string
	header            http.Header
}

func startNode(t *testing.T, handler http.HandlerFunc) *node {
	t.Helper()
	n := &node{}
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		n.mu.Lock()
		n.received = append(n.received, request{r.Method, r.RequestURI, string(body), r.Header})
		n.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(n.Close)
	return n
}

func (n *node) requests() []request {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.received
}

// answers returns a handler that gives the answers in turn, and the last one again and again.
func answers(list ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		answer := list[0]
		list = list[min(1, len(list)-1):]
		mu.Unlock()
		answer(w, r)
	}
}

// answer returns a handler for one answer. The header is given as name, value, name, value.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// lost is an answer that never comes: the connection ends.
func lost(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// configuration is for a client of the nodes that hardly waits between attempts.
func configuration(nodes ...*node) *xmsclient.Configuration {
	cfg := &xmsclient.Configuration{
		TokenInHeader: xmsclient.APIKey{Key: aKey},
		Retry:         xmsclient.RetryPolicy{InitialInterval: time.Millisecond, MaxInterval: time.Millisecond},
	}
	for i, n := range nodes {
		if i == 0 {
			cfg.BaseURL = n.URL + "/v1"
		} else {
			cfg.FailoverURLs = append(cfg.FailoverURLs, n.URL+"/v1")
		}
	}
	return cfg
}

func newClient(t *testing.T, cfg *xmsclient.Configuration) *xmsclient.APIClient {
	t.Helper()
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	return client
}

// serve returns a client of one node that answers as handler says.
func serve(t *testing.T, handler http.HandlerFunc) (*service, *node) {
	t.Helper()
	n := startNode(t, handler)
	return newClient(t, configuration(n)).AccessTokensApi, n
}

const mockURL = "http://xms.test/v1"

// mock returns a client whose requests never leave the process. transport counts them.
func mock(t *testing.T, responder httpmock.Responder) (api *service, transport *httpmock.MockTransport) {
	t.Helper()
	transport = httpmock.NewMockTransport()
	transport.RegisterNoResponder(responder)
	cfg := configuration()
	cfg.BaseURL, cfg.HTTPClient = mockURL, &http.Client{Transport: transport}
	return newClient(t, cfg).AccessTokensApi, transport
}

// assertSentinels checks that err is each of want and no other sentinel.
func assertSentinels(t *testing.T, err error, want ...error) {
	t.Helper()
	var found []error
	for _, sentinel := range []error{
		xmsclient.ErrBadRequest, xmsclient.ErrUnauthorized, xmsclient.ErrForbidden, xmsclient.ErrNotFound,
		xmsclient.ErrConflict, xmsclient.ErrTooManyRequests, xmsclient.ErrServer, xmsclient.ErrOutcomeUnknown,
		xmsclient.ErrResponseTooLarge,
	} {
		if errors.Is(err, sentinel) {
			found = append(found, sentinel)
		}
	}
	assert.ElementsMatch(t, want, found, "sentinels of: %v", err)
}

// callNamed returns one of the seven calls.
func callNamed(t *testing.T, name string) call {
	t.Helper()
	for _, c := range calls() {
		if c.name == name {
			return c
		}
	}
	require.FailNow(t, "no such call", name)
	return call{}
}

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

// roundTripper is a function as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// before returns middleware that looks at each request.
func before(look func(*http.Request)) func(http.RoundTripper) http.RoundTripper {
	return func(inner http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			look(r)
			return inner.RoundTrip(r)
		})
	}
}
