package xmsclient_test

import (
	"context"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

func TestAccessTokensApiService_OnTheWire(t *testing.T) {
	t.Parallel()
	for _, c := range calls() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			api, n := serve(t, answer(c.status, c.answer))
			got, response, err := c.do(t.Context(), api)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.status, response.StatusCode)
			assert.Equal(t, n.URL+"/v1", response.Server)
			assert.Equal(t, 1, response.Attempts)

			want := request{method: c.method, uri: "/v1" + c.path, body: c.body, header: http.Header{
				"Accept": {"application/json"}, "Accept-Encoding": {"gzip"},
				"User-Agent": {"xms-client-go/" + xmsclient.Version}, "Xms-Auth-Token": {aKey},
			}}
			if c.query != "" {
				want.uri += "?" + c.query
			}
			if c.body != "" {
				want.header.Set("Content-Type", "application/json")
			}
			if c.method == http.MethodPost || c.method == http.MethodPatch {
				want.header.Set("Content-Length", strconv.Itoa(len(c.body)))
			}
			assert.Equal(t, []request{want}, n.requests())
		})
	}
}

func TestAccessTokensApiService_ListOptions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts *xmsclient.ListAccessTokensOpts
		want string
	}{
		"nil":   {nil, ""},
		"empty": {&xmsclient.ListAccessTokensOpts{}, ""},
		"zero values are sent": {&xmsclient.ListAccessTokensOpts{
			Limit: xmsclient.Ptr[int64](0), Offset: xmsclient.Ptr[int64](0), UserID: xmsclient.Ptr[int64](0),
			Role: xmsclient.Ptr(""), All: xmsclient.Ptr(false),
		}, "?limit=0&offset=0&user_id=0&role=&all=false"},
		"the server judges": {&xmsclient.ListAccessTokensOpts{
			Limit: xmsclient.Ptr[int64](-1), Offset: xmsclient.Ptr[int64](math.MaxInt64), UserID: xmsclient.Ptr[int64](-7),
		}, "?limit=-1&offset=9223372036854775807&user_id=-7"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, n := serve(t, answer(200, `{"access_tokens":[]}`))
			_, _, err := api.ListAccessTokens(t.Context(), tt.opts)
			require.NoError(t, err)
			assert.Equal(t, "/v1/access-tokens/"+tt.want, n.requests()[0].uri)
		})
	}
}

func TestAccessTokensApiService_RefusesArguments(t *testing.T) {
	t.Parallel()
	type refusal struct {
		operation, argument, reason string
		call                        func(ctx context.Context, api *service) error
	}
	var tests []refusal
	for _, c := range calls() {
		tests = append(tests, refusal{c.name, "ctx", "nil", func(_ context.Context, api *service) error {
			var none context.Context
			_, _, err := c.do(none, api)
			return err
		}})
	}
	tests = append(tests, refusal{
		"ListAccessTokens", "opts.Offset", "must not be negative, not -1", func(ctx context.Context, api *service) error {
			_, _, err := api.ListAccessTokens(ctx, &xmsclient.ListAccessTokensOpts{Offset: xmsclient.Ptr[int64](-1)})
			return err
		},
	})
	for _, id := range []int64{0, -1, math.MinInt64} {
		add := func(operation string, call func(ctx context.Context, api *service) error) {
			tests = append(tests, refusal{operation, "accessTokenID", strconv.FormatInt(id, 10), call})
		}
		add("DeleteAccessToken", func(ctx context.Context, api *service) error {
			_, err := api.DeleteAccessToken(ctx, id)
			return err
		})
		add("GetAccessToken", func(ctx context.Context, api *service) error {
			_, _, err := api.GetAccessToken(ctx, id)
			return err
		})
		add("RegenerateAccessToken", func(ctx context.Context, api *service) error {
			_, _, err := api.RegenerateAccessToken(ctx, id)
			return err
		})
		add("UpdateAccessToken", func(ctx context.Context, api *service) error {
			_, _, err := api.UpdateAccessToken(ctx, id, renaming("a"))
			return err
		})
	}
	for _, tt := range []struct {
		body             xmsclient.AccessTokenCreateReq
		argument, reason string
	}{
		{xmsclient.AccessTokenCreateReq{}, "body.AccessToken", "nil"},
		{creation("", "", "admin"), "body.AccessToken.Name", "empty"},
		{creation("a\xff", "", "admin"), "body.AccessToken.Name", "UTF-8"},
		{creation("a", "\xc3", "admin"), "body.AccessToken.Description", "UTF-8"},
		{creation("a", ""), "body.AccessToken.Roles", "empty"},
		{creation("a", "", []string{}...), "body.AccessToken.Roles", "empty"},
		{creation("a", "", "admin", ""), "body.AccessToken.Roles[1]", "empty"},
		{creation("a", "", "\xed\xa0\x80"), "body.AccessToken.Roles[0]", "UTF-8"},
	} {
		tests = append(tests, refusal{"CreateAccessToken", tt.argument, tt.reason,
			func(ctx context.Context, api *service) error {
				_, _, err := api.CreateAccessToken(ctx, tt.body)
				return err
			}})
	}
	for _, tt := range []struct {
		body             xmsclient.AccessTokenUpdateReq
		argument, reason string
	}{
		{xmsclient.AccessTokenUpdateReq{}, "body.AccessToken", "nil"},
		{renaming(""), "body.AccessToken.Name", "empty"},
		{renaming("\x80"), "body.AccessToken.Name", "UTF-8"},
	} {
		tests = append(tests, refusal{"UpdateAccessToken", tt.argument, tt.reason,
			func(ctx context.Context, api *service) error {
				_, _, err := api.UpdateAccessToken(ctx, 42, tt.body)
				return err
			}})
	}
	for token, reason := range map[string]string{
		"": "empty", " ": "white space", "uuid\n": "white space", "\tuuid": "white space", "uuid\u00a0": "white space",
	} {
		tests = append(tests, refusal{"ValidateAccessToken", "subjectAccessToken", reason,
			func(ctx context.Context, api *service) error {
				_, _, err := api.ValidateAccessToken(ctx, token)
				return err
			}})
	}
	for key, reason := range map[xmsclient.APIKey]string{
		{}: "is empty", {Prefix: "Bearer"}: "no Key", {Key: "hunter2\n"}: "Key with control",
		{Key: "\u00a0hunter2"}: "white space", {Key: "hunter2", Prefix: "a\x00"}: "Prefix with control",
	} {
		tests = append(tests, refusal{"GetAccessToken", "ctx", reason, func(ctx context.Context, api *service) error {
			_, _, err := api.GetAccessToken(xmsclient.ContextWithAPIKey(ctx, key), 42)
			return err
		}})
	}

	api, transport := mock(t, httpmock.NewStringResponder(500, ""))
	for _, tt := range tests {
		t.Run(tt.operation+" "+tt.argument+" "+tt.reason, func(t *testing.T) {
			t.Parallel()
			err := tt.call(t.Context(), api)
			var refused *xmsclient.ArgumentError
			require.ErrorAs(t, err, &refused)
			assert.Equal(t, tt.operation, refused.Operation)
			assert.Equal(t, tt.argument, refused.Argument)
			assert.Contains(t, refused.Reason, tt.reason)
			assert.NotContains(t, err.Error(), "hunter2")
			assertSentinels(t, err)
			assert.Zero(t, transport.GetTotalCallCount(), "nothing is sent")
		})
	}
}

// Values that would change a URL if they were not escaped.
func TestAccessTokensApiService_ValuesCannotLeaveTheirPlace(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{
		"/../admin?role=root&all=true;limit=1#x", "&token=stolen", "%2F%26%3D%23%00", "a\r\nX-Injected: 1\r\n\r\nGET / b",
		"=+ \"\\<>{}|^`'[]\x00\x7fé\u2028\xff.", "//evil.test/", "[redacted]",
	} {
		t.Run(strconv.QuoteToASCII(hostile), func(t *testing.T) {
			t.Parallel()
			n := startNode(t, answer(403, ""))
			cfg := configuration(n)
			key := "k&limit=2#?/%2F;é\u2028=" // control characters are refused in keys
			cfg.TokenInHeader, cfg.TokenInQuery = xmsclient.APIKey{}, xmsclient.APIKey{Key: key, Prefix: "&?"}
			api := newClient(t, cfg).AccessTokensApi

			_, _, err := api.ListAccessTokens(t.Context(), &xmsclient.ListAccessTokensOpts{Role: &hostile})
			require.ErrorIs(t, err, xmsclient.ErrForbidden)
			_, _, err = api.ValidateAccessToken(t.Context(), hostile)
			require.ErrorIs(t, err, xmsclient.ErrForbidden)

			for i, want := range []struct{ path, name string }{
				{"/v1/access-tokens/", "role"}, {"/v1/access-tokens:validate", "subject_access_token"},
			} {
				got := n.requests()[i]
				path, raw, _ := strings.Cut(got.uri, "?")
				query, err := url.ParseQuery(raw)
				require.NoError(t, err)
				assert.Equal(t, want.path, path)
				assert.Equal(t, url.Values{want.name: {hostile}, "token": {"&? " + key}}, query)
				assert.NotContains(t, got.header, "X-Injected")
			}
		})
	}
}
