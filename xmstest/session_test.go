package xmstest_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

const (
	loginBody    = `{"auth":{"name":"ops@example.com","password":"p:\"w\\&"}}`
	identityBody = `{"auth":{"identity":{"password":{"user":{"name":"ops@example.com","password":"p:\"w\\&"}}}}}`
)

// withOps lets the user of the bodies above log in, with the id 2.
func withOps() xmstest.Option { return xmstest.WithUser("ops@example.com", `p:"w\&`) }

type sessionJSON struct {
	UUID    string          `json:"uuid"`
	Create  time.Time       `json:"create"`
	Expires time.Time       `json:"expires"`
	Valid   bool            `json:"valid"`
	Roles   json.RawMessage `json:"roles"`
	User    map[string]any  `json:"user"`
}

func (r reply) session() sessionJSON {
	r.t.Helper()
	require.Equal(r.t, http.StatusCreated, r.status, r.body)
	var v map[string]sessionJSON
	require.NoError(r.t, json.Unmarshal([]byte(r.body), &v), r.body)
	return v["token"]
}

// logIn sends a login without a credential.
func (c *client) logIn(path, body string) reply {
	c.t.Helper()
	return c.as("").send(http.MethodPost, path, body)
}

func TestSession_LoginToLogout(t *testing.T) {
	t.Parallel()
	for path, body := range map[string]string{"/auth/tokens:login": loginBody, "/auth/tokens": identityBody} {
		c := start(t, withOps(), xmstest.WithUser("admin", "root"))
		before := time.Now()
		opened := c.logIn(path, body).session()
		assert.Regexp(t, uuidForm, opened.UUID, path)
		assert.WithinRange(t, opened.Create, before, time.Now(), path)
		assert.Equal(t, time.Hour, opened.Expires.Sub(opened.Create), path)
		assert.True(t, opened.Valid, path)
		assert.Equal(t, "null", string(opened.Roles), path)
		assert.Equal(t, map[string]any{"id": 2.0, "name": "ops@example.com", "roles": nil}, opened.User, path)

		ops := c.as(opened.UUID)
		created := ops.create("backup")
		assert.Equal(t, int64(2), created.User.ID, path)
		assert.Equal(t, []int64{created.ID}, ops.list("").page().ids(), path)
		assert.Equal(t, "ops@example.com session", c.validate(opened.UUID).token().Name, path)

		out := c.as("Bearer "+opened.UUID).send(http.MethodPost, "/auth/tokens:logout", "")
		assert.Equal(t, http.StatusNoContent, out.status, path)
		assert.Empty(t, out.body, path)
		ops.list("").requireError(http.StatusUnauthorized, "unauthorized")
		ops.send(http.MethodPost, "/auth/tokens:logout", "").requireError(http.StatusUnauthorized, "unauthorized")
		assert.Equal(t, http.StatusOK, c.as(created.UUID).get(created.ID).status, "an access token outlives the session")

		requests := c.server.Requests()
		assert.Equal(t, "Login", requests[0].Operation, path)
		assert.Equal(t, body, string(requests[0].Body), path)
		assert.Equal(t, "Logout", requests[4].Operation, path)
	}
}

func TestSession_AdminLogsInAsAdmin(t *testing.T) {
	t.Parallel()
	c := start(t, withOps(), xmstest.WithUser("admin", "old"), xmstest.WithUser("admin", "new"))
	c.logIn("/auth/tokens:login", `{"auth":{"name":"admin","password":"old"}}`).
		requireError(http.StatusUnauthorized, "unauthorized")
	opened := c.logIn("/auth/tokens:login", `{"auth":{"name":"admin","password":"new"}}`).session()
	assert.Equal(t, int64(1), c.as(opened.UUID).create("backup").User.ID)
}

func TestSession_LoginRefuses(t *testing.T) {
	t.Parallel()
	c := start(t, withOps())
	unauthorized, badRequest := http.StatusUnauthorized, http.StatusBadRequest
	for name, test := range map[string]struct {
		path, body string
		status     int
	}{
		"a wrong password": {"/auth/tokens:login", `{"auth":{"name":"ops@example.com","password":"P:"}}`, unauthorized},
		"a wrong name":     {"/auth/tokens:login", `{"auth":{"name":"ops","password":"p:\"w\\&"}}`, unauthorized},
		"no password":      {"/auth/tokens:login", `{"auth":{"name":"ops@example.com"}}`, badRequest},
		"null":             {"/auth/tokens:login", `{"auth":{"name":"ops@example.com","password":null}}`, badRequest},
		"no name":          {"/auth/tokens:login", `{"auth":{"password":"x"}}`, badRequest},
		"a number":         {"/auth/tokens:login", `{"auth":{"name":1,"password":"x"}}`, badRequest},
		"nothing":          {"/auth/tokens:login", ``, badRequest},
		"an empty object":  {"/auth/tokens:login", `{}`, badRequest},
		"the longer form":  {"/auth/tokens:login", identityBody, badRequest},
		"the shorter form": {"/auth/tokens", loginBody, badRequest},
	} {
		r := c.logIn(test.path, test.body)
		require.Equal(t, test.status, r.status, name)
		r.requireError(test.status, map[int]string{unauthorized: "unauthorized", badRequest: "bad_request"}[test.status])
		assert.NotContains(t, r.body, "p:", name)
		assert.NotContains(t, r.body, "ops", name)
	}
	for _, path := range []string{"/auth/tokens:login", "/auth/tokens", "/auth/tokens:logout"} {
		c.send(http.MethodGet, path, "").requireError(http.StatusMethodNotAllowed, "method_not_allowed")
	}
	c.send(http.MethodPost, "/auth/tokens:refresh", "").requireError(http.StatusNotFound, "not_found")
}

func TestSession_ForgetSessionsLeavesEverythingElse(t *testing.T) {
	t.Parallel()
	c := start(t, withOps())
	first := c.logIn("/auth/tokens:login", loginBody).session()
	access := c.as(first.UUID).create("backup")
	c.server.ForgetSessions()
	c.as(first.UUID).list("").requireError(http.StatusUnauthorized, "unauthorized")
	second := c.as(first.UUID).send(http.MethodPost, "/auth/tokens:login", loginBody).session()
	assert.NotEqual(t, first.UUID, second.UUID)
	for _, valid := range []string{second.UUID, access.UUID, c.server.AdminToken()} {
		assert.Equal(t, http.StatusOK, c.as(valid).list("").status)
	}
	for _, other := range []string{access.UUID, c.server.AdminToken()} {
		c.as(other).send(http.MethodPost, "/auth/tokens:logout", "").requireError(http.StatusNotFound, "not_found")
		assert.Equal(t, http.StatusOK, c.as(other).list("").status, "a logout that is none")
	}
}

func TestSession_EndsAfterAnHour(t *testing.T) {
	t.Parallel()
	server := start(t, withOps()).server
	synctest.Test(t, func(t *testing.T) {
		w, err := serve(t.Context(), server, newRequest(server, http.MethodPost, "/v1/auth/tokens:login", loginBody))
		require.NoError(t, err)
		uuid := reply{t: t, status: w.Code, body: w.Body.String()}.session().UUID
		list := newRequest(server, http.MethodGet, "/v1/access-tokens/", "")
		list.Header.Set("Xms-Auth-Token", uuid)
		for _, step := range []struct {
			wait time.Duration
			want int
		}{{time.Hour - 1, http.StatusOK}, {1, http.StatusUnauthorized}} {
			time.Sleep(step.wait)
			w, err := serve(t.Context(), server, list)
			require.NoError(t, err)
			assert.Equal(t, step.want, w.Code)
		}
	})
}

func TestSession_FaultsHaveItsOperations(t *testing.T) {
	t.Parallel()
	c := start(t, withOps())
	c.server.Inject(xmstest.Fault{Operation: "Login", StatusCode: 503, Times: 2})
	c.server.Inject(xmstest.Fault{Operation: "Logout", DropAfter: true})
	assert.Equal(t, 503, c.logIn("/auth/tokens:login", loginBody).status)
	assert.Equal(t, 503, c.logIn("/auth/tokens", identityBody).status)
	opened := c.as(c.logIn("/auth/tokens:login", loginBody).session().UUID)
	_, err := opened.try(t.Context(), http.MethodPost, "/auth/tokens:logout", "")
	require.Error(t, err)
	opened.list("").requireError(http.StatusUnauthorized, "unauthorized")
}
