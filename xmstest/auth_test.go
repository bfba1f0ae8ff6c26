package xmstest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

const adminToken = "0123456789abcdef0123456789abcdef"

func TestCredentials(t *testing.T) {
	t.Parallel()
	c := start(t, xmstest.WithAdminToken(adminToken))
	const wrong = "fedcba9876543210fedcba9876543210"
	tests := map[string]struct {
		header string
		query  string
		want   int
	}{
		"none":                           {want: http.StatusUnauthorized},
		"header":                         {header: adminToken, want: http.StatusOK},
		"header with prefix":             {header: "Bearer " + adminToken, want: http.StatusOK},
		"header with prefix of words":    {header: "Xms Token " + adminToken, want: http.StatusOK},
		"header with key before":         {header: adminToken + " Bearer", want: http.StatusUnauthorized},
		"wrong header":                   {header: wrong, want: http.StatusUnauthorized},
		"part of it":                     {header: adminToken[:31], want: http.StatusUnauthorized},
		"upper case":                     {header: "0123456789ABCDEF0123456789ABCDEF", want: http.StatusUnauthorized},
		"query":                          {query: "?token=" + adminToken, want: http.StatusOK},
		"query with prefix":              {query: "?token=Bearer%20" + adminToken, want: http.StatusOK},
		"query with prefix and plus":     {query: "?token=Bearer+" + adminToken, want: http.StatusOK},
		"wrong query":                    {query: "?token=" + wrong, want: http.StatusUnauthorized},
		"empty query":                    {query: "?token=", want: http.StatusUnauthorized},
		"wrong header, right query":      {header: wrong, query: "?token=" + adminToken, want: http.StatusUnauthorized},
		"right header, wrong query":      {header: adminToken, query: "?token=" + wrong, want: http.StatusOK},
		"other parameter of the query":   {query: "?subject_access_token=" + adminToken, want: http.StatusUnauthorized},
		"malformed query, right header":  {header: adminToken, query: "?limit=%zz", want: http.StatusBadRequest},
		"malformed query, no credential": {query: "?limit=%zz", want: http.StatusUnauthorized},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, c.server, &http.Transport{}).as(test.header)
			r := c.list(test.query)
			assert.Equal(t, test.want, r.status, r.body)
			assert.NotContains(t, r.body, adminToken)
			assert.NotContains(t, r.body, wrong)
			if test.want == http.StatusUnauthorized {
				r.requireError(http.StatusUnauthorized, "unauthorized")
			}
		})
	}
}

func TestEmptyHeaderIsAHeader(t *testing.T) {
	t.Parallel()
	c := start(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet,
		c.server.BaseURL()+"/access-tokens/?token="+c.server.AdminToken(), http.NoBody)
	require.NoError(t, err)
	req.Header["Xms-Auth-Token"] = []string{""}
	resp, err := c.http.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
}

func TestEveryOperationNeedsACredential(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(1)
	for _, op := range operations() {
		c.as("").send(op.method, op.path, op.body).requireError(http.StatusUnauthorized, "unauthorized")
		c.as("Bearer wrong").send(op.method, op.path, op.body).requireError(http.StatusUnauthorized, "unauthorized")
	}
	page := c.list("").page()
	require.Len(t, page.AccessTokens, 1)
	assert.Equal(t, "token-000001", page.AccessTokens[0].Name)
	assert.True(t, page.AccessTokens[0].Create.Equal(page.AccessTokens[0].Update), "nothing took effect")
}

func TestTokenAuthenticatesAndIsUsedThen(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(c *client, uuid string) reply{
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
			require.NotEqual(t, http.StatusUnauthorized, call(c, created.UUID).status)
			assert.True(t, c.get(created.ID).token().Used)
			assert.False(t, c.get(created.ID+1).token().Used)
		})
	}
}

func TestTokensBelongToTheOwnerOfTheCredential(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.SeedUser(7, "eve", 1)
	eve := c.as(c.send(http.MethodPost, "/access-tokens/1:regenerate", "").token().UUID)
	created := eve.create("backup")
	assert.Equal(t, int64(7), created.User.ID)
	assert.Equal(t, "eve", created.User.Name)
	assert.Equal(t, int64(7), eve.as(created.UUID).create("child").User.ID)
}

func TestAdminTokenIsRandomUnlessGiven(t *testing.T) {
	t.Parallel()
	first, second := start(t), start(t)
	assert.Regexp(t, uuidForm, first.server.AdminToken())
	assert.NotEqual(t, first.server.AdminToken(), second.server.AdminToken())
	assert.Equal(t, adminToken, start(t, xmstest.WithAdminToken(adminToken)).server.AdminToken())
}
