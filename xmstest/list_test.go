package xmstest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

// crowd is a server with tokens of three users: admin has 1, 2 and 6, eve (7) has 3 and 4, mallory (8) has 5. Token 6
// has the role viewer.
func crowd(t *testing.T, opts ...xmstest.Option) *client {
	t.Helper()
	c := start(t, opts...)
	c.server.Seed(2)
	c.server.SeedUser(7, "eve", 2)
	c.server.SeedUser(8, "mallory", 1)
	r := c.send(http.MethodPost, "/access-tokens/", `{"access_token":{"name":"look","roles":["viewer"]}}`)
	require.Equal(t, http.StatusCreated, r.status, r.body)
	return c
}

func ids(page pageJSON) []int64 {
	all := []int64{}
	for _, token := range page.AccessTokens {
		all = append(all, token.ID)
	}
	return all
}

func TestListFilters(t *testing.T) {
	t.Parallel()
	c := crowd(t)
	eve := c.as(c.send(http.MethodPost, "/access-tokens/3:regenerate", "").token().UUID)
	for query, want := range map[string]struct{ admin, eve []int64 }{
		"":                           {[]int64{1, 2, 6}, []int64{3, 4}},
		"?all=false":                 {[]int64{1, 2, 6}, []int64{3, 4}},
		"?all=true":                  {[]int64{1, 2, 3, 4, 5, 6}, []int64{1, 2, 3, 4, 5, 6}},
		"?all=True":                  {[]int64{1, 2, 3, 4, 5, 6}, []int64{1, 2, 3, 4, 5, 6}},
		"?user_id=7":                 {[]int64{3, 4}, []int64{3, 4}},
		"?user_id=1":                 {[]int64{1, 2, 6}, []int64{1, 2, 6}},
		"?user_id=8&all=true":        {[]int64{5}, []int64{5}},
		"?user_id=99":                {[]int64{}, []int64{}},
		"?role=viewer":               {[]int64{6}, []int64{}},
		"?role=admin":                {[]int64{1, 2}, []int64{3, 4}},
		"?role=viewer&all=true":      {[]int64{6}, []int64{6}},
		"?role=adm":                  {[]int64{}, []int64{}},
		"?role=":                     {[]int64{}, []int64{}},
		"?role=viewer&user_id=7":     {[]int64{}, []int64{}},
		"?unknown=x&user_id=8&z=%20": {[]int64{5}, []int64{5}},
	} {
		assert.Equal(t, want.admin, ids(c.list(query).page()), "admin %s", query)
		assert.Equal(t, want.eve, ids(eve.list(query).page()), "eve %s", query)
	}
}

func TestListPages(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		maxPage int64
		query   string
		want    []int64
		limit   int64
		offset  int64
	}{
		"no limit":            {query: "?all=true", want: []int64{1, 2, 3, 4, 5, 6}, limit: -1},
		"limit -1":            {query: "?all=true&limit=-1", want: []int64{1, 2, 3, 4, 5, 6}, limit: -1},
		"limit -1, offset":    {query: "?all=true&limit=-1&offset=4", want: []int64{5, 6}, limit: -1, offset: 4},
		"limit 0":             {query: "?all=true&limit=0", want: []int64{}},
		"first page":          {query: "?all=true&limit=4", want: []int64{1, 2, 3, 4}, limit: 4},
		"last page":           {query: "?all=true&limit=4&offset=4", want: []int64{5, 6}, limit: 4, offset: 4},
		"behind the end":      {query: "?all=true&limit=4&offset=6", want: []int64{}, limit: 4, offset: 6},
		"largest numbers":     {query: "?all=true&limit=9223372036854775807&offset=1", want: []int64{2, 3, 4, 5, 6}, limit: 9223372036854775807, offset: 1},
		"largest offset":      {query: "?all=true&limit=9&offset=9223372036854775807", want: []int64{}, limit: 9, offset: 9223372036854775807},
		"capped, no limit":    {maxPage: 2, query: "?all=true", want: []int64{1, 2}, limit: 2},
		"capped, limit -1":    {maxPage: 2, query: "?all=true&limit=-1&offset=1", want: []int64{2, 3}, limit: 2, offset: 1},
		"capped, limit above": {maxPage: 2, query: "?all=true&limit=3", want: []int64{1, 2}, limit: 2},
		"capped, limit below": {maxPage: 2, query: "?all=true&limit=1", want: []int64{1}, limit: 1},
		"capped, limit 0":     {maxPage: 2, query: "?all=true&limit=0", want: []int64{}},
		"negative cap":        {maxPage: -1, query: "?all=true", want: []int64{1, 2, 3, 4, 5, 6}, limit: -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page := crowd(t, xmstest.WithMaxPage(test.maxPage)).list(test.query).page()
			assert.Equal(t, test.want, ids(page))
			require.NotNil(t, page.Paging)
			assert.Equal(t, int64(len(test.want)), page.Paging.Count)
			assert.Equal(t, test.limit, page.Paging.Limit)
			assert.Equal(t, test.offset, page.Paging.Offset)
			assert.Equal(t, int64(6), page.Paging.TotalCount)
		})
	}
}

func TestListCountsWhatPassesTheFilter(t *testing.T) {
	t.Parallel()
	page := crowd(t).list("?user_id=7&limit=1&offset=1").page()
	assert.Equal(t, []int64{4}, ids(page))
	assert.Equal(t, int64(2), page.Paging.TotalCount)
}

func TestListRefusesMalformedValues(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, query := range []string{
		"?limit=-2", "?limit=x", "?limit=", "?limit=1.5", "?limit=9223372036854775808", "?offset=-1", "?offset=x", "?offset=",
		"?user_id=x", "?user_id=", "?all=maybe", "?all=", "?all=2", "?role=%zz", "?limit=1;offset=2",
	} {
		r := c.list(query)
		assert.Equal(t, http.StatusBadRequest, r.status, query)
		r.requireError(http.StatusBadRequest, "bad_request")
	}
}

func TestListIsNeverNull(t *testing.T) {
	t.Parallel()
	c := start(t)
	assert.JSONEq(t, `{"access_tokens":[],"paging":{"count":0,"limit":-1,"offset":0,"total_count":0}}`, c.list("").body)
}

func TestWithoutPaging(t *testing.T) {
	t.Parallel()
	c := start(t, xmstest.WithoutPaging())
	assert.JSONEq(t, `{"access_tokens":[]}`, c.list("?limit=5").body)
	c.server.Seed(3)
	assert.Equal(t, []int64{1, 2}, ids(c.list("?limit=2").page()))
}

func TestSeed(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(0)
	c.server.Seed(-1)
	assert.Empty(t, c.list("").page().AccessTokens)
	c.create("token-000002")
	c.server.Seed(2)
	c.server.Seed(1)
	c.server.SeedUser(7, "eve", 1)
	page := c.list("?all=true").page()
	require.Len(t, page.AccessTokens, 5)
	names := []string{}
	for _, token := range page.AccessTokens {
		names = append(names, token.User.Name+"/"+token.Name)
	}
	assert.Equal(t, []string{
		"admin/token-000002", "admin/token-000001", "admin/token-000003", "admin/token-000004", "eve/token-000001",
	}, names)
	assert.Equal(t, []string{"admin"}, page.AccessTokens[1].Roles)
	assert.NotEmpty(t, page.AccessTokens[1].Description)
}

func TestSeedManyIsListedWhole(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(5_000)
	page := c.list("").page()
	require.Len(t, page.AccessTokens, 5_000)
	uuid := c.send(http.MethodPost, "/access-tokens/5000:regenerate", "").token().UUID
	assert.Equal(t, int64(5_000), c.as(uuid).list("?limit=1&offset=4999").page().AccessTokens[0].ID)
}
