package xmsclient_test

import (
	"context"
	"fmt"
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
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestOperations_OnTheWire(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			rec := &recorder{}
			transport := httpmock.NewMockTransport()
			transport.RegisterResponder(op.method, mockURL+op.path, rec.before(answerJSON(op.success, op.answer)))
			got, resp, err := op.call(t.Context(), serviceOf(t, mockConfiguration(transport)))
			require.NoError(t, err)
			assert.Equal(t, op.want, got)
			assert.Equal(t, &xmsclient.Response{
				StatusCode: op.success, Header: http.Header{"Content-Type": {"application/json"}}, Server: mockURL, Attempts: 1,
			}, resp)

			header := http.Header{
				"Accept": {"application/json"}, "User-Agent": {"xms-client-go/" + xmsclient.Version}, "Xms-Auth-Token": {mockKey},
			}
			if op.body != "" {
				header.Set("Content-Type", "application/json")
			}
			assert.Equal(t, request{
				method: op.method, url: mockURL + op.path, body: op.body, header: header, length: int64(len(op.body)),
			}, rec.only(t))
		})
	}
}

// What a server receives is what net/http makes of a request, so it is looked at once more behind a real connection.
func TestOperations_AsReceived(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			body := op.answer
			srv.Inject(xmstest.Fault{StatusCode: op.success, Body: body})
			got, _, err := op.call(t.Context(), client(t, srv))
			require.NoError(t, err)
			assert.Equal(t, op.want, got)

			requests := srv.Requests()
			require.Len(t, requests, 1)
			received := requests[0]
			path, query, _ := strings.Cut(op.path, "?")
			assert.Equal(t, op.name, received.Operation)
			assert.Equal(t, op.method, received.Method)
			assert.Equal(t, "/v1"+path, received.Path)
			assert.Equal(t, query, received.RawQuery)
			assert.Equal(t, op.body, string(received.Body))
			want := http.Header{
				"Accept": {"application/json"}, "Accept-Encoding": {"gzip"},
				"User-Agent": {"xms-client-go/" + xmsclient.Version}, "Xms-Auth-Token": {srv.AdminToken()},
			}
			if op.body != "" {
				want.Set("Content-Type", "application/json")
			}
			if op.method != http.MethodGet && op.method != http.MethodDelete {
				want.Set("Content-Length", strconv.Itoa(len(op.body)))
			}
			assert.Equal(t, want, received.Header)
		})
	}
}

func TestOperations_Failures(t *testing.T) {
	t.Parallel()
	sentinel := map[int]error{
		400: xmsclient.ErrBadRequest, 401: xmsclient.ErrUnauthorized, 403: xmsclient.ErrForbidden, 404: xmsclient.ErrNotFound,
		409: xmsclient.ErrConflict, 429: xmsclient.ErrTooManyRequests, 500: xmsclient.ErrServer, 502: xmsclient.ErrServer,
		503: xmsclient.ErrServer, 504: xmsclient.ErrServer,
	}
	gateway := []int{418, 429, 502, 503, 504}
	for _, op := range operations() {
		for _, status := range append(op.failures, gateway...) {
			t.Run(fmt.Sprintf("%s/%d", op.name, status), func(t *testing.T) {
				t.Parallel()
				body := fmt.Sprintf(`{"code":"code-%d","message":"why %d"}`, status, status)
				api, rec := mocked(t, answerJSON(status, body))
				got, resp, err := op.call(t.Context(), api)
				assert.Nil(t, got)
				rec.only(t)

				var refused *xmsclient.ApiError
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, op.name, refused.Operation)
				assert.Equal(t, op.method, refused.Method)
				shown := mockURL + op.path
				if secret := strings.Index(shown, "subject_access_token="); secret >= 0 {
					shown = shown[:secret] + "subject_access_token=[redacted]"
				}
				assert.Equal(t, shown, refused.URL)
				assert.Equal(t, status, refused.StatusCode)
				assert.Equal(t, fmt.Sprintf("code-%d", status), refused.Code)
				assert.Equal(t, fmt.Sprintf("why %d", status), refused.Message)
				assert.Equal(t, body, string(refused.Body))
				assert.Equal(t, http.Header{"Content-Type": {"application/json"}}, refused.Header)
				assert.Equal(t, mockURL, refused.Server)
				assert.Equal(t, 1, refused.Attempts)
				assert.Zero(t, refused.RetryAfter)
				require.NotNil(t, resp)
				assert.Equal(t, status, resp.StatusCode)

				var want []error
				if s, ok := sentinel[status]; ok {
					want = append(want, s)
				}
				if op.unsafe && status >= 500 {
					want = append(want, xmsclient.ErrOutcomeUnknown)
				}
				assertSentinels(t, err, want...)
			})
		}
	}
}

func TestOperations_OtherSuccessStatus(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			api, _ := mocked(t, answerJSON(http.StatusAccepted, op.answer))
			got, resp, err := op.call(t.Context(), api)
			require.NoError(t, err)
			assert.Equal(t, op.want, got)
			assert.Equal(t, http.StatusAccepted, resp.StatusCode)
		})
	}
}

func TestOperations_Conversation(t *testing.T) {
	t.Parallel()
	srv := start(t)
	api := client(t, srv)

	created, resp, err := api.CreateAccessToken(t.Context(), creation("nightly", "backup", "admin", "viewer"))
	require.NoError(t, err)
	assert.Equal(t, http.StatusCreated, resp.StatusCode)
	assert.NotEmpty(t, created.AccessToken.UUID)
	want := created.AccessToken.AccessToken
	assert.Equal(t, "backup", want.Name)
	assert.Equal(t, "nightly", want.Description)
	assert.Equal(t, []string{"admin", "viewer"}, want.Roles)
	assert.False(t, want.Create.IsZero())

	_, _, err = api.CreateAccessToken(t.Context(), creation("", "backup", "admin"))
	assertSentinels(t, err, xmsclient.ErrConflict)

	got, _, err := api.GetAccessToken(t.Context(), want.ID)
	require.NoError(t, err)
	assert.Equal(t, want, *got.AccessToken)

	list, _, err := api.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, []xmsclient.AccessToken{want}, list.AccessTokens)

	valid, _, err := api.ValidateAccessToken(t.Context(), created.AccessToken.UUID)
	require.NoError(t, err)
	assert.Equal(t, want, *valid.AccessToken)

	updated, _, err := api.UpdateAccessToken(t.Context(), want.ID, renaming("archive"))
	require.NoError(t, err)
	assert.Equal(t, "archive", updated.AccessToken.Name)
	assert.True(t, updated.AccessToken.Update.After(want.Update))

	renewed, _, err := api.RegenerateAccessToken(t.Context(), want.ID)
	require.NoError(t, err)
	assert.Equal(t, want.ID, renewed.AccessToken.ID)
	assert.NotEqual(t, created.AccessToken.UUID, renewed.AccessToken.UUID)
	_, _, err = api.ValidateAccessToken(t.Context(), created.AccessToken.UUID)
	assertSentinels(t, err, xmsclient.ErrBadRequest)

	resp, err = api.DeleteAccessToken(t.Context(), want.ID)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNoContent, resp.StatusCode)
	_, _, err = api.GetAccessToken(t.Context(), want.ID)
	assertSentinels(t, err, xmsclient.ErrNotFound)
	_, err = api.DeleteAccessToken(t.Context(), want.ID)
	assertSentinels(t, err, xmsclient.ErrNotFound)
}

func TestOperations_LargestID(t *testing.T) {
	t.Parallel()
	api, rec := mocked(t, answerJSON(http.StatusOK, recordJSON))
	_, _, err := api.GetAccessToken(t.Context(), math.MaxInt64)
	require.NoError(t, err)
	_, _, err = api.RegenerateAccessToken(t.Context(), math.MaxInt64)
	require.NoError(t, err)
	_, _, err = api.UpdateAccessToken(t.Context(), 1, renaming("n"))
	require.NoError(t, err)
	requests := rec.all()
	assert.Equal(t, mockURL+"/access-tokens/9223372036854775807", requests[0].url)
	assert.Equal(t, mockURL+"/access-tokens/9223372036854775807:regenerate", requests[1].url)
	assert.Equal(t, mockURL+"/access-tokens/1", requests[2].url)
}

func TestListAccessTokens_Options(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts *xmsclient.ListAccessTokensOpts
		want string
	}{
		"nil":              {nil, ""},
		"none set":         {&xmsclient.ListAccessTokensOpts{}, ""},
		"limit":            {&xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](7)}, "limit=7"},
		"limit for all":    {&xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](-1)}, "limit=-1"},
		"limit zero":       {&xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](0)}, "limit=0"},
		"offset":           {&xmsclient.ListAccessTokensOpts{Offset: xmsclient.Ptr[int64](8)}, "offset=8"},
		"offset zero":      {&xmsclient.ListAccessTokensOpts{Offset: xmsclient.Ptr[int64](0)}, "offset=0"},
		"user":             {&xmsclient.ListAccessTokensOpts{UserID: xmsclient.Ptr[int64](9)}, "user_id=9"},
		"role":             {&xmsclient.ListAccessTokensOpts{Role: xmsclient.Ptr("admin")}, "role=admin"},
		"role empty":       {&xmsclient.ListAccessTokensOpts{Role: xmsclient.Ptr("")}, "role="},
		"role to escape":   {&xmsclient.ListAccessTokensOpts{Role: xmsclient.Ptr("a b&all=1#/?é+")}, "role=a+b%26all%3D1%23%2F%3F%C3%A9%2B"},
		"role not UTF-8":   {&xmsclient.ListAccessTokensOpts{Role: xmsclient.Ptr("\xff")}, "role=%FF"},
		"all":              {&xmsclient.ListAccessTokensOpts{All: xmsclient.Ptr(true)}, "all=true"},
		"all false":        {&xmsclient.ListAccessTokensOpts{All: xmsclient.Ptr(false)}, "all=false"},
		"first and last":   {&xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](1), All: xmsclient.Ptr(true)}, "limit=1&all=true"},
		"largest numbers":  {numbers(math.MaxInt64), "limit=9223372036854775807&offset=9223372036854775807&user_id=9223372036854775807"},
		"smallest numbers": {numbers(math.MinInt64), "limit=-9223372036854775808&offset=-9223372036854775808&user_id=-9223372036854775808"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, rec := mocked(t, answerJSON(http.StatusOK, listJSON))
			_, _, err := api.ListAccessTokens(t.Context(), test.opts)
			require.NoError(t, err)
			sent, err := url.Parse(rec.only(t).url)
			require.NoError(t, err)
			assert.Equal(t, "/v1/access-tokens/", sent.Path)
			assert.Equal(t, test.want, sent.RawQuery)
			assert.False(t, sent.ForceQuery, "no question mark without a query")
		})
	}
}

func numbers(n int64) *xmsclient.ListAccessTokensOpts {
	return &xmsclient.ListAccessTokensOpts{Limit: &n, Offset: &n, UserID: &n}
}

func TestListAccessTokens_Filters(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.Seed(2)
	srv.SeedUser(7, "operator", 3)
	api := client(t, srv)
	_, _, err := api.CreateAccessToken(t.Context(), creation("", "guest", "viewer"))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		opts *xmsclient.ListAccessTokensOpts
		want []int64
	}{
		"own":     {nil, []int64{1, 2, 6}},
		"all":     {&xmsclient.ListAccessTokensOpts{All: xmsclient.Ptr(true)}, []int64{1, 2, 3, 4, 5, 6}},
		"user":    {&xmsclient.ListAccessTokensOpts{UserID: xmsclient.Ptr[int64](7)}, []int64{3, 4, 5}},
		"role":    {&xmsclient.ListAccessTokensOpts{Role: xmsclient.Ptr("viewer")}, []int64{6}},
		"page":    {&xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](1), Offset: xmsclient.Ptr[int64](1)}, []int64{2}},
		"nothing": {&xmsclient.ListAccessTokensOpts{Role: xmsclient.Ptr("nobody")}, []int64{}},
	} {
		list, _, err := api.ListAccessTokens(t.Context(), test.opts)
		require.NoError(t, err, name)
		require.NotNil(t, list.AccessTokens, name)
		assert.Equal(t, test.want, idsOf(list.AccessTokens), name)
	}
	_, _, err = api.ListAccessTokens(t.Context(), &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](-2)})
	assertSentinels(t, err, xmsclient.ErrBadRequest)
}

func TestPtr(t *testing.T) {
	t.Parallel()
	n := int64(5)
	p, q := xmsclient.Ptr(n), xmsclient.Ptr(n)
	*p = 6
	assert.EqualValues(t, 5, n)
	assert.EqualValues(t, 5, *q)
}

func idsOf(tokens []xmsclient.AccessToken) []int64 {
	ids := []int64{}
	for _, token := range tokens {
		ids = append(ids, token.ID)
	}
	return ids
}

// collected is what ranging over an iterator yielded.
type collected struct {
	ids  []int64
	errs []error
}

func collect(ctx context.Context, api *service, opts *xmsclient.ListAccessTokensOpts) collected {
	c := collected{ids: []int64{}}
	for token, err := range api.AllAccessTokens(ctx, opts) {
		if err != nil {
			c.errs = append(c.errs, err)
			continue
		}
		c.ids = append(c.ids, token.ID)
	}
	return c
}

func upTo(n int64) []int64 {
	ids := []int64{}
	for id := int64(1); id <= n; id++ {
		ids = append(ids, id)
	}
	return ids
}

func queries(srv *xmstest.Server) []string {
	var all []string
	for _, r := range srv.Requests() {
		all = append(all, r.RawQuery)
	}
	return all
}

func TestAllAccessTokens_Pages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		tokens  int
		server  []xmstest.Option
		opts    *xmsclient.ListAccessTokensOpts
		queries []string
	}{
		"default page": {
			tokens: 101, queries: []string{"limit=100&offset=0", "limit=100&offset=100"},
		},
		"default page filled exactly": {
			tokens: 100, queries: []string{"limit=100&offset=0"},
		},
		"default page without paging": {
			tokens: 100, server: []xmstest.Option{xmstest.WithoutPaging()}, opts: &xmsclient.ListAccessTokensOpts{},
			queries: []string{"limit=100&offset=0", "limit=100&offset=100"},
		},
		"no tokens": {
			queries: []string{"limit=100&offset=0"},
		},
		"no tokens without paging": {
			server: []xmstest.Option{xmstest.WithoutPaging()}, queries: []string{"limit=100&offset=0"},
		},
		"one at a time": {
			tokens: 3, opts: &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](1)},
			queries: []string{"limit=1&offset=0", "limit=1&offset=1", "limit=1&offset=2"},
		},
		"last page not full": {
			tokens: 5, opts: &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](3)},
			queries: []string{"limit=3&offset=0", "limit=3&offset=3"},
		},
		"last page not full without paging": {
			tokens: 5, server: []xmstest.Option{xmstest.WithoutPaging()}, opts: &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](3)},
			queries: []string{"limit=3&offset=0", "limit=3&offset=3", "limit=3&offset=5"},
		},
		"server caps the page": {
			tokens: 5, server: []xmstest.Option{xmstest.WithMaxPage(2)}, opts: &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](3)},
			queries: []string{"limit=3&offset=0", "limit=3&offset=2", "limit=3&offset=4"},
		},
		"server caps the page without paging": {
			tokens: 5, server: []xmstest.Option{xmstest.WithMaxPage(2), xmstest.WithoutPaging()}, opts: &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](3)},
			queries: []string{"limit=3&offset=0", "limit=3&offset=2", "limit=3&offset=4", "limit=3&offset=5"},
		},
		"everything at once": {
			tokens: 250, opts: &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](-1)},
			queries: []string{"limit=-1&offset=0"},
		},
		"everything at once without paging": {
			tokens: 250, server: []xmstest.Option{xmstest.WithoutPaging()}, opts: &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](-1)},
			queries: []string{"limit=-1&offset=0", "limit=-1&offset=250"},
		},
		"server caps everything": {
			tokens: 5, server: []xmstest.Option{xmstest.WithMaxPage(3)}, opts: &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](-1)},
			queries: []string{"limit=-1&offset=0", "limit=-1&offset=3"},
		},
		"filters go with every page": {
			tokens: 3,
			opts: &xmsclient.ListAccessTokensOpts{
				Limit: xmsclient.Ptr[int64](2), UserID: xmsclient.Ptr[int64](1), Role: xmsclient.Ptr("admin"), All: xmsclient.Ptr(false),
			},
			queries: []string{
				"limit=2&offset=0&user_id=1&role=admin&all=false", "limit=2&offset=2&user_id=1&role=admin&all=false",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := start(t, test.server...)
			srv.Seed(test.tokens)
			got := collect(t.Context(), client(t, srv), test.opts)
			assert.Equal(t, collected{ids: upTo(int64(test.tokens))}, got)
			assert.Equal(t, test.queries, queries(srv))
		})
	}
}

func TestAllAccessTokens_FromOffset(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.Seed(6)
	opts := &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](3), Offset: xmsclient.Ptr[int64](2)}
	got := collect(t.Context(), client(t, srv), opts)
	assert.Equal(t, collected{ids: []int64{3, 4, 5, 6}}, got)
	assert.Equal(t, []string{"limit=3&offset=2", "limit=3&offset=5"}, queries(srv))
	assert.EqualValues(t, 2, *opts.Offset, "what the caller gave stays as it is")

	beyond := collect(t.Context(), client(t, srv), &xmsclient.ListAccessTokensOpts{Offset: xmsclient.Ptr[int64](6)})
	assert.Equal(t, collected{ids: []int64{}}, beyond)
}

// A server that repeats its first page must not make the loop go on forever. What the listing itself changes in a token does not
// hide the repetition.
func TestAllAccessTokens_ServerIgnoresOffset(t *testing.T) {
	t.Parallel()
	const twice = `{"access_tokens":[{"id":1,"name":"a","used":%t},{"id":2,"name":"b"}]%s}`
	const once = `{"access_tokens":[{"id":1,"name":"a","used":%t}]%s}`
	for name, test := range map[string]struct {
		page, paging string
		want         []int64
	}{
		"without paging":        {twice, "", []int64{1, 2}},
		"pages of one":          {once, "", []int64{1}},
		"with paging":           {twice, `,"paging":{"count":2,"limit":2,"offset":0,"total_count":9}`, []int64{1, 2}},
		"paging without total":  {twice, `,"paging":{"count":2,"limit":2}`, []int64{1, 2}},
		"paging with null only": {twice, `,"paging":{"total_count":null}`, []int64{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, rec := mocked(t, answerJSON(http.StatusOK, fmt.Sprintf(test.page, false, test.paging)).
				Then(answerJSON(http.StatusOK, fmt.Sprintf(test.page, true, test.paging))))
			got := collect(t.Context(), api, nil)
			assert.Equal(t, test.want, got.ids)
			require.Len(t, got.errs, 1)
			var unusable *xmsclient.DecodeError
			require.ErrorAs(t, got.errs[0], &unusable)
			assert.Equal(t, "ListAccessTokens", unusable.Operation)
			assert.Equal(t, http.StatusOK, unusable.StatusCode)
			assert.Equal(t, "application/json", unusable.ContentType)
			require.ErrorContains(t, unusable, "ignores the offset")
			assertSentinels(t, got.errs[0])
			assert.Len(t, rec.all(), 2)
		})
	}
}

// Everything in one answer is what was asked for, so a server that ignores the offset has nothing more.
func TestAllAccessTokens_EverythingAtOnce(t *testing.T) {
	t.Parallel()
	api, rec := mocked(t, answerJSON(http.StatusOK, `{"access_tokens":[{"id":1,"name":"a"},{"id":2,"name":"b"}]}`))
	got := collect(t.Context(), api, &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](-1)})
	assert.Equal(t, collected{ids: []int64{1, 2}}, got)
	assert.Len(t, rec.all(), 2)
}

// A total that says there is more outweighs that everything was asked for.
func TestAllAccessTokens_NotEverythingAtOnce(t *testing.T) {
	t.Parallel()
	api, _ := mocked(t, answerJSON(http.StatusOK, `{"access_tokens":[{"id":1,"name":"a"}],"paging":{"total_count":9}}`))
	got := collect(t.Context(), api, &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](-1)})
	assert.Equal(t, []int64{1}, got.ids)
	require.Len(t, got.errs, 1)
	require.ErrorContains(t, got.errs[0], "ignores the offset")
}

// Pages that have the length or one end in common with the page before are not repetitions.
func TestAllAccessTokens_SimilarPages(t *testing.T) {
	t.Parallel()
	for name, pages := range map[string][2]string{
		"same first": {`[{"id":1},{"id":2}]`, `[{"id":1},{"id":3}]`},
		"same last":  {`[{"id":1},{"id":3}]`, `[{"id":2},{"id":3}]`},
		"longer":     {`[{"id":1},{"id":3}]`, `[{"id":1},{"id":2},{"id":3}]`},
		"names":      {`[{"name":"a"}]`, `[{"name":"b"}]`},
		"times":      {`[{"create":"2024-01-02T03:04:05Z"}]`, `[{"create":"2024-01-02T03:04:06Z"}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, rec := mocked(t, answerJSON(http.StatusOK, `{"access_tokens":`+pages[0]+`}`).
				Then(answerJSON(http.StatusOK, `{"access_tokens":`+pages[1]+`}`)).
				Then(answerJSON(http.StatusOK, `{"access_tokens":[]}`)))
			got := collect(t.Context(), api, nil)
			assert.Empty(t, got.errs)
			assert.Len(t, got.ids, strings.Count(pages[0]+pages[1], "{"))
			assert.Len(t, rec.all(), 3)
		})
	}
}

func TestAllAccessTokens_ErrorOnPageThree(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.Seed(9)
	srv.Inject(xmstest.Fault{Times: 2}) // changes nothing
	srv.Inject(xmstest.Fault{StatusCode: http.StatusForbidden, Body: `{"message":"no longer"}`})
	api := client(t, srv)
	opts := &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](2)}
	var tokens []xmsclient.AccessToken
	var errs []error
	for token, err := range api.AllAccessTokens(t.Context(), opts) {
		tokens, errs = append(tokens, token), append(errs, err)
	}
	require.Len(t, errs, 5, "four tokens, then the error, once")
	for _, err := range errs[:4] {
		require.NoError(t, err)
	}
	assert.Equal(t, []int64{1, 2, 3, 4}, idsOf(tokens[:4]))
	assertSentinels(t, errs[4], xmsclient.ErrForbidden)
	require.ErrorContains(t, errs[4], "no longer")
	assert.Zero(t, tokens[4])
	assert.Len(t, srv.Requests(), 3)

	assert.Equal(t, collected{ids: upTo(9)}, collect(t.Context(), api, opts), "a later loop is not affected")
}

func TestAllAccessTokens_Lazy(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.Seed(6)
	opts := &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](2)}
	tokens := client(t, srv).AllAccessTokens(t.Context(), opts)
	assert.Empty(t, srv.Requests(), "nothing before the loop")
	for name, test := range map[string]struct {
		stopAt   int64
		requests int
	}{
		"in the first page":      {1, 1},
		"at the end of a page":   {2, 1},
		"at the start of a page": {3, 2},
		"at the very end":        {6, 3},
	} {
		before := len(srv.Requests())
		for token, err := range tokens {
			require.NoError(t, err, name)
			if token.ID == test.stopAt {
				break
			}
		}
		assert.Len(t, srv.Requests(), before+test.requests, name)
	}
}

func TestAllAccessTokens_RangedTwice(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.Seed(5)
	tokens := client(t, srv).AllAccessTokens(t.Context(), &xmsclient.ListAccessTokensOpts{
		Limit: xmsclient.Ptr[int64](2), Offset: xmsclient.Ptr[int64](1),
	})
	for range 2 {
		var outer, inner []int64
		for token, err := range tokens {
			require.NoError(t, err)
			outer = append(outer, token.ID)
			if token.ID != 3 {
				continue
			}
			for token, err := range tokens { // begins anew, and does not disturb the outer loop
				require.NoError(t, err)
				inner = append(inner, token.ID)
			}
		}
		assert.Equal(t, []int64{2, 3, 4, 5}, outer)
		assert.Equal(t, []int64{2, 3, 4, 5}, inner)
	}
}

func TestAllAccessTokens_CopiesOptions(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.Seed(3)
	opts := &xmsclient.ListAccessTokensOpts{
		Limit: xmsclient.Ptr[int64](1), Offset: xmsclient.Ptr[int64](1), UserID: xmsclient.Ptr[int64](1),
		Role: xmsclient.Ptr("admin"), All: xmsclient.Ptr(false),
	}
	tokens := client(t, srv).AllAccessTokens(t.Context(), opts)
	change := func() {
		*opts.Limit, *opts.Offset, *opts.UserID, *opts.Role, *opts.All = 50, 0, 9, "nobody", true
	}
	change()
	for _, err := range tokens {
		require.NoError(t, err)
		change()
		*opts = xmsclient.ListAccessTokensOpts{Limit: opts.Limit, Offset: opts.Offset, UserID: opts.UserID, Role: opts.Role, All: opts.All}
	}
	assert.Equal(t, []string{
		"limit=1&offset=1&user_id=1&role=admin&all=false", "limit=1&offset=2&user_id=1&role=admin&all=false",
	}, queries(srv))
}

func TestAllAccessTokens_ContextEndsBetweenPages(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.Seed(6)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ids []int64
	var errs []error
	for token, err := range client(t, srv).AllAccessTokens(ctx, &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](2)}) {
		if err != nil {
			errs = append(errs, err)
			continue
		}
		cancel() // the page at hand is still worth its tokens
		ids = append(ids, token.ID)
	}
	assert.Equal(t, []int64{1, 2}, ids)
	require.Len(t, errs, 1)
	require.ErrorIs(t, errs[0], context.Canceled)
	var failed *xmsclient.RequestError
	require.ErrorAs(t, errs[0], &failed)
	assert.Len(t, srv.Requests(), 1)
}

func TestAllAccessTokens_LimitOutOfRange(t *testing.T) {
	t.Parallel()
	for _, limit := range []int64{0, -2, math.MinInt64} {
		api, rec := mocked(t, answerJSON(http.StatusOK, listJSON))
		got := collect(t.Context(), api, &xmsclient.ListAccessTokensOpts{Limit: &limit})
		assert.Empty(t, got.ids)
		require.Len(t, got.errs, 1)
		assertArgument(t, got.errs[0], "AllAccessTokens", "opts.Limit")
		require.ErrorContains(t, got.errs[0], strconv.FormatInt(limit, 10))
		assert.Empty(t, rec.all())
	}
}

func TestAllAccessTokens_BadArguments(t *testing.T) {
	t.Parallel()
	api, rec := mocked(t, answerJSON(http.StatusOK, listJSON))
	got := collect(xmsclient.ContextWithAPIKey(t.Context(), xmsclient.APIKey{}), api, nil)
	require.Len(t, got.errs, 1)
	assertArgument(t, got.errs[0], "ListAccessTokens", "ctx")
	assert.Empty(t, rec.all())
}

func TestAllAccessTokens_ChangesMeanwhile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		server []xmstest.Option
		at     int64 // the change happens when this token is yielded
		change func(context.Context, *service) error
		want   []int64
	}{
		"deleting what was yielded shifts one out of sight": {at: 2, change: remove(1), want: []int64{1, 2, 4, 5, 6}},
		"deleting what is to come":                          {at: 2, change: remove(5, 6), want: []int64{1, 2, 3, 4}},
		"deleting all that is to come":                      {at: 2, change: remove(3, 4, 5, 6), want: []int64{1, 2}},
		"deleting all that is to come without paging": {
			server: []xmstest.Option{xmstest.WithoutPaging()}, at: 2, change: remove(3, 4, 5, 6), want: []int64{1, 2},
		},
		"deleting everything": {at: 2, change: remove(1, 2, 3, 4, 5, 6), want: []int64{1, 2}},
		"creating": {at: 2, want: []int64{1, 2, 3, 4, 5, 6, 7}, change: func(ctx context.Context, api *service) error {
			_, _, err := api.CreateAccessToken(ctx, creation("", "late", "admin"))
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := start(t, test.server...)
			srv.Seed(6)
			api := client(t, srv)
			var ids []int64
			for token, err := range api.AllAccessTokens(t.Context(), &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](2)}) {
				require.NoError(t, err)
				ids = append(ids, token.ID)
				if token.ID == test.at {
					require.NoError(t, test.change(t.Context(), api))
				}
			}
			assert.Equal(t, test.want, ids)
		})
	}
}

func remove(ids ...int64) func(context.Context, *service) error {
	return func(ctx context.Context, api *service) error {
		for _, id := range ids {
			if _, err := api.DeleteAccessToken(ctx, id); err != nil {
				return err
			}
		}
		return nil
	}
}
