package xmstest_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var uuidForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

func TestCreate(t *testing.T) {
	t.Parallel()
	c := start(t)
	before := time.Now()
	r := c.send(http.MethodPost, "/access-tokens/",
		`{"access_token":{"name":"backup","description":"nightly","roles":["admin","viewer"],"future":1}}`)
	require.Equal(t, http.StatusCreated, r.status, r.body)
	assert.Equal(t, "application/json", r.header.Get("Content-Type"))
	created := r.token()
	assert.Equal(t, int64(1), created.ID)
	assert.Equal(t, "backup", created.Name)
	assert.Equal(t, "nightly", created.Description)
	assert.Equal(t, []string{"admin", "viewer"}, created.Roles)
	assert.False(t, created.Used)
	assert.Equal(t, int64(1), created.User.ID)
	assert.Equal(t, "admin", created.User.Name)
	assert.Regexp(t, uuidForm, created.UUID)
	assert.Equal(t, created.Create, created.Update)
	assert.False(t, created.Create.Before(before))
	assert.Equal(t, time.UTC, created.Create.Location())

	second := c.create("restore")
	assert.Equal(t, int64(2), second.ID)
	assert.NotEqual(t, created.UUID, second.UUID)
}

func TestOnlyCreateAndRegenerateTellTheUUID(t *testing.T) {
	t.Parallel()
	c := start(t)
	created := c.create("backup")
	for name, r := range map[string]reply{
		"get":      c.get(created.ID),
		"list":     c.list(""),
		"update":   c.send(http.MethodPatch, "/access-tokens/1", `{"access_token":{"name":"other"}}`),
		"validate": c.send(http.MethodPost, "/access-tokens:validate?subject_access_token="+created.UUID, ""),
	} {
		assert.Equal(t, http.StatusOK, r.status, name)
		assert.NotContains(t, r.body, created.UUID, name)
		assert.NotContains(t, r.body, "uuid", name)
	}
}

func TestCreateAndUpdateRefuseUnusableBodies(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.create("backup")
	shared := map[string]string{
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
		"too large":               `{"access_token":{"name":"x","roles":["admin"]}}` + strings.Repeat(" ", 1<<20),
	}
	for name, body := range shared {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, c.server, &http.Transport{})
			c.send(http.MethodPost, "/access-tokens/", body).requireError(http.StatusBadRequest, "bad_request")
			c.send(http.MethodPatch, "/access-tokens/1", body).requireError(http.StatusBadRequest, "bad_request")
		})
	}
	for name, body := range map[string]string{
		"roles missing":       `{"access_token":{"name":"x"}}`,
		"roles null":          `{"access_token":{"name":"x","roles":null}}`,
		"roles empty":         `{"access_token":{"name":"x","roles":[]}}`,
		"roles not a list":    `{"access_token":{"name":"x","roles":"admin"}}`,
		"roles not of string": `{"access_token":{"name":"x","roles":[1]}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t, c.server, &http.Transport{})
			c.send(http.MethodPost, "/access-tokens/", body).requireError(http.StatusBadRequest, "bad_request")
		})
	}
	t.Cleanup(func() { assert.Len(t, listNames(c), 1, "a refused body took effect") })
}

func listNames(c *client) []string {
	recorder := serve(c.server, http.MethodGet, "/v1/access-tokens/?all=true&token="+c.server.AdminToken())
	var page pageJSON
	if err := json.Unmarshal(recorder.Body.Bytes(), &page); err != nil {
		return nil
	}
	names := []string{}
	for _, token := range page.AccessTokens {
		names = append(names, token.Name)
	}
	return names
}

func TestNamesAreUniquePerOwner(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.create("backup")
	c.create("restore")
	taken := `{"access_token":{"name":"backup","roles":["viewer"]}}`
	c.send(http.MethodPost, "/access-tokens/", taken).requireError(http.StatusConflict, "conflict")
	c.send(http.MethodPatch, "/access-tokens/2", taken).requireError(http.StatusBadRequest, "bad_request")

	c.server.SeedUser(7, "eve", 1)
	eve := c.as(c.send(http.MethodPost, "/access-tokens/3:regenerate", "").token().UUID)
	assert.Equal(t, int64(7), eve.create("backup").User.ID, "another owner's name is free")

	c.send(http.MethodDelete, "/access-tokens/1", "")
	c.create("backup")
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	c := start(t)
	created := c.create("backup")
	r := c.send(http.MethodPatch, "/access-tokens/1", `{"access_token":{"name":"nightly"}}`)
	require.Equal(t, http.StatusOK, r.status, r.body)
	updated := r.token()
	assert.Equal(t, created.ID, updated.ID)
	assert.Equal(t, "nightly", updated.Name)
	assert.Equal(t, created.Create, updated.Create)
	assert.True(t, updated.Update.After(created.Update))
	assert.Equal(t, updated, c.get(1).token())

	r = c.send(http.MethodPatch, "/access-tokens/1", `{"access_token":{"name":"nightly"}}`)
	assert.Equal(t, http.StatusOK, r.status, "the same name again")
	c.create("backup") // the old name is free again
	r = c.send(http.MethodGet, "/access-tokens/", "")
	assert.Equal(t, http.StatusOK, c.as(created.UUID).get(1).status, "the uuid is unchanged")
	require.Equal(t, http.StatusOK, r.status)
}

func TestRegenerate(t *testing.T) {
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
	validate := "/access-tokens:validate?subject_access_token="
	c.send(http.MethodPost, validate+created.UUID, "").requireError(http.StatusBadRequest, "bad_request")
	assert.Equal(t, http.StatusOK, c.as(renewed.UUID).get(1).status)
}

func TestDelete(t *testing.T) {
	t.Parallel()
	c := start(t)
	first, second, third := c.create("a"), c.create("b"), c.create("c")
	r := c.send(http.MethodDelete, "/access-tokens/2", "")
	assert.Equal(t, http.StatusNoContent, r.status)
	assert.Empty(t, r.body)
	assert.Empty(t, r.header.Get("Content-Type"))
	c.as(second.UUID).get(1).requireError(http.StatusUnauthorized, "unauthorized")
	left := c.list("").page().AccessTokens
	require.Len(t, left, 2)
	assert.Equal(t, []int64{first.ID, third.ID}, []int64{left[0].ID, left[1].ID})
	assert.Equal(t, int64(4), c.create("d").ID, "ids are not used again")
}

func TestUnknownID(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.create("gone")
	c.send(http.MethodDelete, "/access-tokens/1", "")
	c.get(1).requireError(http.StatusNotFound, "not_found")
	c.send(http.MethodDelete, "/access-tokens/1", "").requireError(http.StatusNotFound, "not_found")
	c.send(http.MethodPost, "/access-tokens/1:regenerate", "").requireError(http.StatusNotFound, "not_found")
	rename := `{"access_token":{"name":"x"}}`
	c.send(http.MethodPatch, "/access-tokens/1", rename).requireError(http.StatusNotFound, "not_found")
	c.get(9223372036854775807).requireError(http.StatusNotFound, "not_found")
}

func TestValidate(t *testing.T) {
	t.Parallel()
	c := start(t)
	created := c.create("backup")
	r := c.send(http.MethodPost, "/access-tokens:validate?subject_access_token="+created.UUID, "")
	require.Equal(t, http.StatusOK, r.status, r.body)
	assert.Equal(t, created.ID, r.token().ID)
	assert.Equal(t, "backup", r.token().Name)
	assert.False(t, r.token().Used)
	assert.False(t, c.get(1).token().Used, "the subject has not authenticated anything")

	self := c.as(created.UUID).send(http.MethodPost, "/access-tokens:validate?subject_access_token="+created.UUID, "")
	assert.True(t, self.token().Used)

	r = c.send(http.MethodPost, "/access-tokens:validate?subject_access_token="+c.server.AdminToken(), "")
	require.Equal(t, http.StatusOK, r.status, r.body)
	assert.Equal(t, "admin session", r.token().Name)
	assert.True(t, r.token().Used)
	assert.Equal(t, "admin", r.token().User.Name)
	assert.NotContains(t, r.body, `"id":0`)
	assert.NotContains(t, r.body, c.server.AdminToken())

	for _, query := range []string{"", "?subject_access_token=", "?subject_access_token=ffffffffffffffffffffffffffffffff"} {
		r := c.send(http.MethodPost, "/access-tokens:validate"+query, "")
		r.requireError(http.StatusBadRequest, "bad_request")
		assert.NotContains(t, r.body, "ffffffff")
	}
}
