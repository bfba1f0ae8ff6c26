package xmsclient_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

type service = xmsclient.AccessTokensApiService

const (
	mockURL = "http://xms.test/v1"
	mockKey = "the-key-of-the-mock"
)

// start starts an XMS that ends with the test.
func start(t *testing.T, opts ...xmstest.Option) *xmstest.Server {
	t.Helper()
	srv := xmstest.NewServer(opts...)
	t.Cleanup(srv.Close)
	return srv
}

// client returns a client of srv over real HTTP. Its idle connections end with srv.
func client(t *testing.T, srv *xmstest.Server, changes ...func(*xmsclient.Configuration)) *service {
	t.Helper()
	return serviceOf(t, srv.Configuration(), changes...)
}

// mocked returns a client whose requests are all answered by respond and never leave the process, and what records them.
// It makes one attempt a call.
func mocked(t *testing.T, respond httpmock.Responder, changes ...func(*xmsclient.Configuration)) (*service, *recorder) {
	t.Helper()
	rec := &recorder{}
	return serviceOf(t, mockConfiguration(rec.transport(respond)), changes...), rec
}

func mockConfiguration(transport http.RoundTripper) *xmsclient.Configuration {
	return &xmsclient.Configuration{
		BaseURL:       mockURL,
		TokenInHeader: xmsclient.APIKey{Key: mockKey},
		HTTPClient:    &http.Client{Transport: transport},
		Retry:         xmsclient.RetryPolicy{MaxAttempts: 1},
	}
}

func serviceOf(t *testing.T, cfg *xmsclient.Configuration, changes ...func(*xmsclient.Configuration)) *service {
	t.Helper()
	for _, change := range changes {
		change(cfg)
	}
	c, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	return c.AccessTokensApi
}

// answer is the responder of one answer.
func answer(status int, contentType, body string) httpmock.Responder {
	header := http.Header{}
	if contentType != "" {
		header.Set("Content-Type", contentType)
	}
	return httpmock.NewStringResponder(status, body).HeaderSet(header)
}

func answerJSON(status int, body string) httpmock.Responder {
	return answer(status, "application/json", body)
}

// request is a request as a transport got it.
type request struct {
	method, url, body string
	header            http.Header
	length            int64
}

type recorder struct {
	mu       sync.Mutex
	requests []request
}

// transport returns one that answers every request by respond.
func (rec *recorder) transport(respond httpmock.Responder) http.RoundTripper {
	transport := httpmock.NewMockTransport()
	transport.RegisterNoResponder(rec.before(respond))
	return transport
}

func (rec *recorder) before(respond httpmock.Responder) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		seen := request{method: r.Method, url: r.URL.String(), header: r.Header.Clone(), length: r.ContentLength}
		if r.Body != nil {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			seen.body = string(body)
		}
		rec.mu.Lock()
		rec.requests = append(rec.requests, seen)
		rec.mu.Unlock()
		return respond(r)
	}
}

func (rec *recorder) all() []request {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	return append([]request(nil), rec.requests...)
}

func (rec *recorder) only(t *testing.T) request {
	t.Helper()
	all := rec.all()
	require.Len(t, all, 1)
	return all[0]
}

// operation is what the documentation of the API says of one operation, and one call of it.
type operation struct {
	name     string
	method   string
	path     string // below the base URL, as on the wire, with the query
	body     string // "": none
	success  int
	answer   string
	want     any   // what the call makes of answer; nil: it returns nothing
	failures []int // documented statuses, and 401
	unsafe   bool  // not to be repeated without looking
	call     func(context.Context, *service) (any, *xmsclient.Response, error)
}

const (
	tokenJSON  = `{"access_token":{"id":42,"name":"backup","roles":["admin"],"user":{"id":1,"name":"admin"}}}`
	recordJSON = `{"access_token":{"id":42,"name":"backup","roles":["admin"],"user":{"id":1,"name":"admin"},"uuid":"f0e1"}}`
	listJSON   = `{"access_tokens":[{"id":42,"name":"backup","roles":["admin"],"user":{"id":1,"name":"admin"}}],` +
		`"paging":{"count":1,"limit":10,"offset":20,"total_count":21}}`
)

func operations() []operation {
	token := xmsclient.AccessToken{
		ID: 42, Name: "backup", Roles: []string{"admin"}, User: &xmsclient.UserNestview{ID: 1, Name: "admin"},
	}
	one := &xmsclient.AccessTokenResp{AccessToken: &token}
	record := &xmsclient.AccessTokenCreateResp{AccessToken: &xmsclient.AccessTokenCreateRecord{AccessToken: token, UUID: "f0e1"}}
	return []operation{
		{
			name: "CreateAccessToken", method: "POST", path: "/access-tokens/",
			body:    `{"access_token":{"description":"nightly","name":"backup","roles":["admin","viewer"]}}`,
			success: 201, answer: recordJSON, want: record, failures: []int{400, 401, 403, 409, 500}, unsafe: true,
			call: func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
				return s.CreateAccessToken(ctx, creation("nightly", "backup", "admin", "viewer"))
			},
		},
		{
			name: "DeleteAccessToken", method: "DELETE", path: "/access-tokens/42",
			success: 204, failures: []int{401, 403, 404, 500},
			call: func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
				resp, err := s.DeleteAccessToken(ctx, 42)
				return nil, resp, err
			},
		},
		{
			name: "GetAccessToken", method: "GET", path: "/access-tokens/42",
			success: 200, answer: tokenJSON, want: one, failures: []int{401, 403, 404, 500},
			call: func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
				return s.GetAccessToken(ctx, 42)
			},
		},
		{
			name: "ListAccessTokens", method: "GET", path: "/access-tokens/?limit=10&offset=20&user_id=1&role=admin&all=true",
			success: 200, answer: listJSON, failures: []int{401, 403, 500},
			want: &xmsclient.AccessTokensResp{
				AccessTokens: []xmsclient.AccessToken{token},
				Paging:       &xmsclient.Paging{Count: 1, Limit: 10, Offset: 20, TotalCount: 21},
			},
			call: func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
				return s.ListAccessTokens(ctx, &xmsclient.ListAccessTokensOpts{
					Limit: xmsclient.Ptr[int64](10), Offset: xmsclient.Ptr[int64](20), UserID: xmsclient.Ptr[int64](1),
					Role: xmsclient.Ptr("admin"), All: xmsclient.Ptr(true),
				})
			},
		},
		{
			name: "RegenerateAccessToken", method: "POST", path: "/access-tokens/42:regenerate",
			success: 200, answer: recordJSON, want: record, failures: []int{401, 404, 409, 500}, unsafe: true,
			call: func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
				return s.RegenerateAccessToken(ctx, 42)
			},
		},
		{
			name: "UpdateAccessToken", method: "PATCH", path: "/access-tokens/42", body: `{"access_token":{"name":"renamed"}}`,
			success: 200, answer: tokenJSON, want: one, failures: []int{400, 401, 404, 500},
			call: func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
				return s.UpdateAccessToken(ctx, 42, renaming("renamed"))
			},
		},
		{
			name: "ValidateAccessToken", method: "POST", path: "/access-tokens:validate?subject_access_token=a%26b%3D+c%2F%C3%A9",
			success: 200, answer: tokenJSON, want: one, failures: []int{400, 401, 403, 500},
			call: func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
				return s.ValidateAccessToken(ctx, "a&b= c/é")
			},
		},
	}
}

func creation(description, name string, roles ...string) xmsclient.AccessTokenCreateReq {
	return xmsclient.AccessTokenCreateReq{AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{
		Description: description, Name: name, Roles: roles,
	}}
}

func renaming(name string) xmsclient.AccessTokenUpdateReq {
	return xmsclient.AccessTokenUpdateReq{AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: name}}
}

// sentinels are the errors that errors.Is may find in what the client returns.
func sentinels() []error {
	return []error{
		xmsclient.ErrBadRequest, xmsclient.ErrUnauthorized, xmsclient.ErrForbidden, xmsclient.ErrNotFound, xmsclient.ErrConflict,
		xmsclient.ErrTooManyRequests, xmsclient.ErrServer, xmsclient.ErrOutcomeUnknown, xmsclient.ErrResponseTooLarge,
	}
}

// assertSentinels checks that err is each of want and no other sentinel.
func assertSentinels(t *testing.T, err error, want ...error) {
	t.Helper()
	var found []error
	for _, sentinel := range sentinels() {
		if errors.Is(err, sentinel) {
			found = append(found, sentinel)
		}
	}
	assert.ElementsMatch(t, want, found)
}
