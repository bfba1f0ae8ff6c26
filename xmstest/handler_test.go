package xmstest_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestHandler_EveryOperationHasItsRouteAndStatus(t *testing.T) {
	t.Parallel()
	c := start(t, xmstest.WithAdminToken(adminToken))
	c.server.Seed(1)
	for _, op := range samples() {
		c.as("").send(op.method, op.path, op.body).requireError(http.StatusUnauthorized, "unauthorized")
		c.as("Bearer wrong").send(op.method, op.path, op.body).requireError(http.StatusUnauthorized, "unauthorized")
		r := c.send(op.method, op.path, op.body)
		assert.Equal(t, op.status, r.status, "%s: %s", op.operation, r.body)
		requests := c.server.Requests()
		assert.Equal(t, op.operation, requests[len(requests)-1].Operation)
		if op.status != http.StatusNoContent {
			assert.Equal(t, "application/json", r.header.Get("Content-Type"), op.operation)
		}
	}
}

func TestHandler_PathsAreMatchedAsSent(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(12)
	for _, path := range []string{
		"/v1/access-tokens", "/v1//access-tokens/", "/v1/access-tokens//", "/v1/access-tokens/1/", "/access-tokens/",
		"/v1/", "/", "/v1/access-tokensx", "/v2/access-tokens/", "/v1/Access-Tokens/", "/1", "/:validate",
		"/v1/access-tokens/../access-tokens/", "/v1/access-tokens/x", "/v1/access-tokens/0", "/v1/access-tokens/-1",
		"/v1/access-tokens/+1", "/v1/access-tokens/01", "/v1/access-tokens/1.0", "/v1/access-tokens/%31",
		"/v1/access-tokens/9223372036854775808", "/v1/access-tokens/1%20", "/v1/access-tokens1", "/v1/access-tokens/1:renew",
		"/v1/access-tokens/1%3Aregenerate", "/v1/access-tokens/x:regenerate", "/v1/access-tokens/:regenerate",
		"/v1/access-tokens/0:regenerate", "/v1/access-tokens/1:regenerate/", "/v1/access-tokens%3Avalidate",
		"/v1/access-tokens/:validate", "/v1/access-tokens:validate/", "/v1/access-tokens:check", "/v1/access-tokens/{id}",
		"/v1/auth/tokens", "/v1/auth/tokens:login", "/v1/auth/tokens:logout",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
			w, err := serve(t.Context(), c.server, newRequest(c.server, method, path, ""))
			require.NoError(t, err)
			assert.Equal(t, http.StatusNotFound, w.Code, "%s %s", method, path)
			assert.Contains(t, w.Body.String(), `"code":"not_found"`)
		}
	}
	for _, request := range c.server.Requests() {
		assert.Empty(t, request.Operation, request.Path)
	}
}

func TestHandler_WrongMethodsAreToldTheRightOnes(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(1)
	for path, allow := range map[string]string{
		"/v1/access-tokens/":             "GET, POST",
		"/v1/access-tokens/1":            "DELETE, GET, PATCH",
		"/v1/access-tokens/1:regenerate": "POST",
		"/v1/access-tokens:validate":     "POST",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			if strings.Contains(allow, method) {
				continue
			}
			w, err := serve(t.Context(), c.server, newRequest(c.server, method, path, ""))
			require.NoError(t, err)
			assert.Equal(t, http.StatusMethodNotAllowed, w.Code, "%s %s", method, path)
			assert.Equal(t, allow, w.Header().Get("Allow"), path)
			assert.Contains(t, w.Body.String(), `"code":"method_not_allowed"`)
		}
	}
}

func TestHandler_Credentials(t *testing.T) {
	t.Parallel()
	c := start(t, xmstest.WithAdminToken(adminToken))
	const wrong = "fedcba9876543210fedcba9876543210"
	for name, test := range map[string]struct {
		header string
		query  string
		want   int
	}{
		"none":                           {want: http.StatusUnauthorized},
		"header":                         {header: adminToken, want: http.StatusOK},
		"header with prefix":             {header: "Bearer " + adminToken, want: http.StatusOK},
		"header with prefix of words":    {header: "Xms Token " + adminToken, want: http.StatusOK},
		"header with key before":         {header: adminToken + " Bearer", want: http.StatusUnauthorized},
		"part of it":                     {header: adminToken[:31], want: http.StatusUnauthorized},
		"upper case":                     {header: strings.ToUpper(adminToken), want: http.StatusUnauthorized},
		"query":                          {query: "?token=" + adminToken, want: http.StatusOK},
		"query with prefix":              {query: "?token=Bearer%20" + adminToken, want: http.StatusOK},
		"query with prefix and plus":     {query: "?token=Bearer+" + adminToken, want: http.StatusOK},
		"wrong query":                    {query: "?token=" + wrong, want: http.StatusUnauthorized},
		"empty query":                    {query: "?token=", want: http.StatusUnauthorized},
		"wrong header, right query":      {header: wrong, query: "?token=" + adminToken, want: http.StatusUnauthorized},
		"blank header, right query":      {header: " ", query: "?token=" + adminToken, want: http.StatusUnauthorized},
		"right header, wrong query":      {header: adminToken, query: "?token=" + wrong, want: http.StatusOK},
		"other parameter of the query":   {query: "?subject_access_token=" + adminToken, want: http.StatusUnauthorized},
		"malformed query, right header":  {header: adminToken, query: "?limit=%zz", want: http.StatusBadRequest},
		"malformed query, no credential": {query: "?limit=%zz", want: http.StatusUnauthorized},
	} {
		r := c.as(test.header).list(test.query)
		assert.Equal(t, test.want, r.status, "%s: %s", name, r.body)
		assert.NotContains(t, r.body, adminToken, name)
		assert.NotContains(t, r.body, wrong, name)
	}
}

func TestHandler_TokenIsUsedOnceItAuthenticates(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(c *client, uuid string) reply{
		"header":       func(c *client, uuid string) reply { return c.as(uuid).list("") },
		"query":        func(c *client, uuid string) reply { return c.as("").list("?token=" + uuid) },
		"failing call": func(c *client, uuid string) reply { return c.as(uuid).get(99) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			created := c.create("backup")
			c.create("bystander")
			require.False(t, c.get(created.ID).token().Used)
			require.NotEqual(t, http.StatusUnauthorized, use(c, created.UUID).status)
			assert.True(t, c.get(created.ID).token().Used)
			assert.False(t, c.get(created.ID+1).token().Used)
		})
	}
}

func TestHandler_AnswersHaveEveryMemberAndOnlyTwoTheUUID(t *testing.T) {
	t.Parallel()
	c := start(t)
	created := c.create("backup")
	members := []string{"create", "description", "id", "name", "roles", "update", "used", "user"}
	check := func(name, body string, withUUID bool) {
		t.Helper()
		var v struct {
			AccessToken map[string]json.RawMessage `json:"access_token"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &v), name)
		assert.Subset(t, slices.Collect(maps.Keys(v.AccessToken)), members, name)
		assert.Equal(t, withUUID, v.AccessToken["uuid"] != nil, name)
		assert.JSONEq(t, `{"id":1,"name":"admin","skip_guide":false}`, string(v.AccessToken["user"]), name)
	}
	check("create", c.send(http.MethodPost, "/access-tokens/", createBody).body, true)
	check("get", c.get(1).body, false)
	check("update", c.send(http.MethodPatch, "/access-tokens/1", `{"access_token":{"name":"other"}}`).body, false)
	check("validate", c.validate(created.UUID).body, false)
	check("validate the admin token", c.validate(c.server.AdminToken()).body, false)
	page := c.list("?limit=1").body
	check("list", `{"access_token":`+strings.TrimPrefix(strings.Split(page, "]")[0], `{"access_tokens":[`)+`]`+
		strings.Split(page, "]")[1]+`}`, false)
	check("regenerate", c.send(http.MethodPost, "/access-tokens/1:regenerate", "").body, true)
}

func TestHandler_Create(t *testing.T) {
	t.Parallel()
	c := start(t)
	before := time.Now()
	r := c.send(http.MethodPost, "/access-tokens/",
		`{"access_token":{"name":"backup","description":"nightly","roles":["admin","viewer"]}}`)
	require.Equal(t, http.StatusCreated, r.status, r.body)
	created := r.token()
	assert.Equal(t, int64(1), created.ID)
	assert.Equal(t, "backup", created.Name)
	assert.Equal(t, "nightly", created.Description)
	assert.Equal(t, []string{"admin", "viewer"}, created.Roles)
	assert.False(t, created.Used)
	assert.Regexp(t, uuidForm, created.UUID)
	assert.Equal(t, created.Create, created.Update)
	assert.False(t, created.Create.Before(before))
	assert.Equal(t, time.UTC, created.Create.Location())

	second := c.create("restore")
	assert.Equal(t, int64(2), second.ID)
	assert.NotEqual(t, created.UUID, second.UUID)

	eve := c.as(c.server.AddToken(tokenOf(7, "eve"))).create("backup") // another owner's name is free
	assert.Equal(t, int64(7), eve.User.ID)
	assert.Equal(t, "eve", eve.User.Name)
	assert.Equal(t, int64(7), c.as(eve.UUID).create("child").User.ID)
}

func TestHandler_CreateAndUpdateRefuseUnusableBodies(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.create("backup")
	for name, body := range map[string]string{
		"no body":                 "",
		"not JSON":                "name=x",
		"cut short":               `{"access_token":{"name":"x","roles":["admin"]}`,
		"something after":         `{"access_token":{"name":"x","roles":["admin"]}} x`,
		"a list":                  `[]`,
		"null":                    `null`,
		"no access_token":         `{"name":"x","roles":["admin"]}`,
		"access_token null":       `{"access_token":null}`,
		"access_token not object": `{"access_token":"x"}`,
		"name missing":            `{"access_token":{"roles":["admin"]}}`,
		"name empty":              `{"access_token":{"name":"","roles":["admin"]}}`,
		"name not a string":       `{"access_token":{"name":7,"roles":["admin"]}}`,
		"a member misspelt":       `{"access_token":{"name":"x","desciption":"d","roles":["admin"]}}`,
		"a member capitalised":    `{"access_token":{"Name":"x","roles":["admin"]}}`,
		"a member too many":       `{"access_token":{"name":"x","roles":["admin"]},"token":{}}`,
		"too large":               `{"access_token":{"name":"x","roles":["admin"]}}` + strings.Repeat(" ", 1<<20),
		"roles missing":           `{"access_token":{"name":"x"}}`,
		"roles null":              `{"access_token":{"name":"x","roles":null}}`,
		"roles empty":             `{"access_token":{"name":"x","roles":[]}}`,
		"roles not a list":        `{"access_token":{"name":"x","roles":"admin"}}`,
		"roles not of string":     `{"access_token":{"name":"x","roles":[1]}}`,
	} {
		r, err := newClient(t, c.server, &http.Transport{}).try(t.Context(), http.MethodPost, "/access-tokens/", body)
		require.NoError(t, err, name)
		r.requireError(http.StatusBadRequest, "bad_request")
		if !strings.HasPrefix(name, "roles") {
			newClient(t, c.server, &http.Transport{}).send(http.MethodPatch, "/access-tokens/1", body).
				requireError(http.StatusBadRequest, "bad_request")
		}
	}
	left := c.list("").page().AccessTokens
	require.Len(t, left, 1, "a refused body took effect")
	assert.Equal(t, "backup", left[0].Name)
}

func TestHandler_Update(t *testing.T) {
	t.Parallel()
	c := start(t)
	created := c.create("backup")
	c.create("restore")
	rename := func(name string) reply {
		return c.send(http.MethodPatch, "/access-tokens/1", `{"access_token":{"name":"`+name+`"}}`)
	}
	r := rename("nightly")
	require.Equal(t, http.StatusOK, r.status, r.body)
	updated := r.token()
	assert.Equal(t, created.ID, updated.ID)
	assert.Equal(t, "nightly", updated.Name)
	assert.Equal(t, created.Create, updated.Create)
	assert.True(t, updated.Update.After(created.Update))
	assert.Equal(t, updated, c.get(1).token())
	assert.Equal(t, http.StatusOK, c.as(created.UUID).get(1).status, "the uuid is unchanged")

	assert.Equal(t, http.StatusOK, rename("nightly").status, "the same name again")
	rename("restore").requireError(http.StatusBadRequest, "bad_request")
	c.send(http.MethodPost, "/access-tokens/", `{"access_token":{"name":"nightly","roles":["a"]}}`).
		requireError(http.StatusConflict, "conflict")
	c.create("backup") // the old name is free again
}

func TestHandler_Regenerate(t *testing.T) {
	t.Parallel()
	c := start(t)
	created := c.create("backup")
	require.Equal(t, http.StatusOK, c.as(created.UUID).get(1).status)
	require.True(t, c.get(1).token().Used)

	r := c.send(http.MethodPost, "/access-tokens/1:regenerate", "")
	require.Equal(t, http.StatusOK, r.status, r.body)
	renewed := r.token()
	assert.Equal(t, created.ID, renewed.ID)
	assert.Equal(t, created.Name, renewed.Name)
	assert.Regexp(t, uuidForm, renewed.UUID)
	assert.NotEqual(t, created.UUID, renewed.UUID)
	assert.False(t, renewed.Used)
	assert.Equal(t, created.Create, renewed.Create)
	assert.True(t, renewed.Update.After(created.Update))

	c.as(created.UUID).get(1).requireError(http.StatusUnauthorized, "unauthorized")
	c.validate(created.UUID).requireError(http.StatusBadRequest, "bad_request")
	assert.Equal(t, http.StatusOK, c.as(renewed.UUID).get(1).status)
}

func TestHandler_Delete(t *testing.T) {
	t.Parallel()
	c := start(t)
	first, second, third := c.create("a"), c.create("b"), c.create("c")
	r := c.send(http.MethodDelete, "/access-tokens/2", "")
	assert.Equal(t, http.StatusNoContent, r.status)
	assert.Empty(t, r.body)
	assert.Empty(t, r.header.Get("Content-Type"))
	c.as(second.UUID).get(1).requireError(http.StatusUnauthorized, "unauthorized")
	assert.Equal(t, []int64{first.ID, third.ID}, c.list("").page().ids())
	assert.Equal(t, int64(4), c.create("b").ID, "ids are not given out again, names are")

	for _, op := range samples() {
		if strings.Contains(op.path, "/1") {
			path := strings.Replace(op.path, "/1", "/2", 1)
			c.send(op.method, path, op.body).requireError(http.StatusNotFound, "not_found")
		}
	}
}

func TestHandler_Validate(t *testing.T) {
	t.Parallel()
	c := start(t)
	created := c.create("backup")
	r := c.validate(created.UUID)
	require.Equal(t, http.StatusOK, r.status, r.body)
	assert.Equal(t, created.ID, r.token().ID)
	assert.Equal(t, "backup", r.token().Name)
	assert.False(t, c.get(1).token().Used, "the subject has not authenticated anything")
	assert.True(t, c.as(created.UUID).validate(created.UUID).token().Used)

	session := c.validate(c.server.AdminToken())
	require.Equal(t, http.StatusOK, session.status, session.body)
	assert.Equal(t, "admin session", session.token().Name)
	assert.True(t, session.token().Used)
	assert.Positive(t, session.token().ID)
	c.get(session.token().ID).requireError(http.StatusNotFound, "not_found")

	for _, unknown := range []string{"", "ffffffffffffffffffffffffffffffff"} {
		r := c.validate(unknown)
		r.requireError(http.StatusBadRequest, "bad_request")
		assert.NotContains(t, r.body, "ffffffff")
	}
}

// crowd is a server with tokens of three users: admin has 1, 2 and 6, eve (7) has 3 and 4, mallory
// (8) has 5. Token 6 has the role viewer.
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

func TestHandler_ListFilters(t *testing.T) {
	t.Parallel()
	c := crowd(t)
	eve := c.as(c.send(http.MethodPost, "/access-tokens/3:regenerate", "").token().UUID)
	for query, want := range map[string]struct{ admin, eve []int64 }{
		"":                           {[]int64{1, 2, 6}, []int64{3, 4}},
		"?all=false":                 {[]int64{1, 2, 6}, []int64{3, 4}},
		"?all=True":                  {[]int64{1, 2, 3, 4, 5, 6}, []int64{1, 2, 3, 4, 5, 6}},
		"?user_id=7":                 {[]int64{3, 4}, []int64{3, 4}},
		"?user_id=8&all=true":        {[]int64{5}, []int64{5}},
		"?user_id=99":                {[]int64{}, []int64{}},
		"?role=viewer":               {[]int64{6}, []int64{}},
		"?role=admin":                {[]int64{1, 2}, []int64{3, 4}},
		"?role=viewer&all=true":      {[]int64{6}, []int64{6}},
		"?role=":                     {[]int64{}, []int64{}},
		"?role=viewer&user_id=7":     {[]int64{}, []int64{}},
		"?unknown=x&user_id=8&z=%20": {[]int64{5}, []int64{5}},
	} {
		assert.Equal(t, want.admin, c.list(query).page().ids(), "admin %s", query)
		assert.Equal(t, want.eve, eve.list(query).page().ids(), "eve %s", query)
	}
}

func TestHandler_ListPages(t *testing.T) {
	t.Parallel()
	const largest = 9223372036854775807
	whole, capped := crowd(t, xmstest.WithMaxPage(-1)), crowd(t, xmstest.WithMaxPage(2))
	for _, test := range []struct {
		c                    *client
		query                string
		want                 []int64
		limit, offset, total int64
	}{
		{whole, "?all=true", []int64{1, 2, 3, 4, 5, 6}, -1, 0, 6},
		{whole, "?all=true&limit=-1&offset=4", []int64{5, 6}, -1, 4, 6},
		{whole, "?all=true&limit=0", []int64{}, 0, 0, 6},
		{whole, "?all=true&limit=4", []int64{1, 2, 3, 4}, 4, 0, 6},
		{whole, "?all=true&limit=4&offset=4", []int64{5, 6}, 4, 4, 6},
		{whole, "?all=true&limit=4&offset=6", []int64{}, 4, 6, 6},
		{whole, "?all=true&limit=9223372036854775807&offset=1", []int64{2, 3, 4, 5, 6}, largest, 1, 6},
		{whole, "?all=true&limit=9&offset=9223372036854775807", []int64{}, 9, largest, 6},
		{whole, "?user_id=7&limit=1&offset=1", []int64{4}, 1, 1, 2},
		{capped, "?all=true", []int64{1, 2}, 2, 0, 6},
		{capped, "?all=true&limit=-1&offset=1", []int64{2, 3}, 2, 1, 6},
		{capped, "?all=true&limit=3", []int64{1, 2}, 2, 0, 6},
		{capped, "?all=true&limit=1", []int64{1}, 1, 0, 6},
		{capped, "?all=true&limit=0", []int64{}, 0, 0, 6},
	} {
		page := test.c.list(test.query).page()
		assert.Equal(t, test.want, page.ids(), test.query)
		assert.Equal(t, map[string]int64{
			"count": int64(len(test.want)), "limit": test.limit, "offset": test.offset, "total_count": test.total,
		}, page.Paging, test.query)
	}
}

func TestHandler_ListRefusesMalformedValues(t *testing.T) {
	t.Parallel()
	c := start(t)
	for query, word := range map[string]string{
		"?limit=-2": "limit", "?limit=x": "limit", "?limit=": "limit", "?limit=1.5": "limit",
		"?limit=9223372036854775808": "limit", "?offset=-1": "offset", "?offset=x": "offset", "?offset=": "offset",
		"?user_id=x": "user_id", "?user_id=": "user_id", "?all=maybe": "all", "?all=": "all", "?all=2": "all",
		"?role=%zz": "query", "?limit=1;offset=2": "query",
	} {
		r := c.list(query)
		r.requireError(http.StatusBadRequest, "bad_request")
		assert.Contains(t, r.body, word, query)
	}
}

func TestHandler_ListIsNeverNull(t *testing.T) {
	t.Parallel()
	assert.JSONEq(t, `{"access_tokens":[],"paging":{"count":0,"limit":-1,"offset":0,"total_count":0}}`,
		start(t).list("").body)
	assert.JSONEq(t, `{"access_tokens":[]}`, start(t, xmstest.WithoutPaging()).list("?limit=5").body)
}
