package xmstest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

type operation struct {
	id     string
	method string
	path   string
	body   string
	status int
}

// operations has one request for each, which succeeds in this order on a server with one token, id 1.
func operations() []operation {
	return []operation{
		{"GetAccessToken", http.MethodGet, "/access-tokens/1", "", 200},
		{"ListAccessTokens", http.MethodGet, "/access-tokens/", "", 200},
		{"UpdateAccessToken", http.MethodPatch, "/access-tokens/1", `{"access_token":{"name":"renamed"}}`, 200},
		{"CreateAccessToken", http.MethodPost, "/access-tokens/", `{"access_token":{"name":"new","roles":["admin"]}}`, 201},
		{"RegenerateAccessToken", http.MethodPost, "/access-tokens/1:regenerate", "", 200},
		{"ValidateAccessToken", http.MethodPost, "/access-tokens:validate?subject_access_token=" + adminToken, "", 200},
		{"DeleteAccessToken", http.MethodDelete, "/access-tokens/1", "", 204},
	}
}

// serve asks the handler itself, past any client that would tidy the request.
func serve(s *xmstest.Server, method, target string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	s.Handler().ServeHTTP(recorder, httptest.NewRequest(method, target, http.NoBody))
	return recorder
}

func TestEveryOperationHasItsRouteAndStatus(t *testing.T) {
	t.Parallel()
	c := start(t, xmstest.WithAdminToken(adminToken))
	c.server.Seed(1)
	for _, op := range operations() {
		r := c.send(op.method, op.path, op.body)
		assert.Equal(t, op.status, r.status, "%s: %s", op.id, r.body)
		requests := c.server.Requests()
		assert.Equal(t, op.id, requests[len(requests)-1].Operation)
		if op.status != http.StatusNoContent {
			assert.Equal(t, "application/json", r.header.Get("Content-Type"), op.id)
		}
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(12)
	for _, path := range []string{
		"/v1/access-tokens", "/v1//access-tokens/", "/v1/access-tokens//", "/v1/access-tokens/1/", "/access-tokens/", "/v1/", "/",
		"/v1/access-tokensx", "/v2/access-tokens/", "/v1/Access-Tokens/", "/v1/access-tokens/../access-tokens/",
		"/v1/access-tokens/x", "/v1/access-tokens/0", "/v1/access-tokens/-1", "/v1/access-tokens/+1", "/v1/access-tokens/01",
		"/v1/access-tokens/1.0", "/v1/access-tokens/%31", "/v1/access-tokens/9223372036854775808", "/v1/access-tokens/1%20",
		"/v1/access-tokens/1:renew", "/v1/access-tokens/1%3Aregenerate", "/v1/access-tokens/x:regenerate",
		"/v1/access-tokens/:regenerate", "/v1/access-tokens/0:regenerate", "/v1/access-tokens/1:regenerate/",
		"/v1/access-tokens%3Avalidate", "/v1/access-tokens/:validate", "/v1/access-tokens:validate/", "/v1/access-tokens:check",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodDelete} {
			recorder := serve(c.server, method, path+"?token="+c.server.AdminToken())
			assert.Equal(t, http.StatusNotFound, recorder.Code, "%s %s", method, path)
			assert.Contains(t, recorder.Body.String(), `"code":"not_found"`)
		}
	}
	for _, request := range c.server.Requests() {
		assert.Empty(t, request.Operation, request.Path)
	}
}

func TestWrongMethods(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(1)
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
	for path, allow := range map[string]string{
		"/v1/access-tokens/":             "GET, POST",
		"/v1/access-tokens/1":            "DELETE, GET, PATCH",
		"/v1/access-tokens/1:regenerate": "POST",
		"/v1/access-tokens:validate":     "POST",
	} {
		for _, method := range methods {
			if strings.Contains(allow, method) {
				continue
			}
			recorder := serve(c.server, method, path)
			assert.Equal(t, http.StatusMethodNotAllowed, recorder.Code, "%s %s", method, path)
			assert.Equal(t, allow, recorder.Header().Get("Allow"), path)
			assert.Contains(t, recorder.Body.String(), `"code":"method_not_allowed"`)
		}
	}
}
