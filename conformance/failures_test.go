package conformance

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/conformance/internal/script"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// provokeFailures makes xmstest refuse calls of its own accord, each with the status that the API has for it.
func provokeFailures(t *testing.T, i *inspector, doc document) {
	t.Helper()
	provokeUnauthorized(t, i, doc)
	provokeConflicts(t, i)
	provokeBadRequests(t, i)
}

func provokeUnauthorized(t *testing.T, i *inspector, doc document) {
	t.Helper()
	_, api := inspected(t, i, func(cfg *xmsclient.Configuration) { cfg.TokenInHeader.Key = "not-a-token" })
	for _, op := range doc.operations() {
		assert.ErrorIs(t, call(t, api, op.OperationID), xmsclient.ErrUnauthorized, "%s with a wrong token", op.OperationID)
	}
}

func provokeConflicts(t *testing.T, i *inspector) {
	t.Helper()
	_, api := inspected(t, i, nil)
	ctx := t.Context()
	first, second := script.Creations()[0], script.Creations()[1]
	_, _, err := api.CreateAccessToken(ctx, first)
	require.NoError(t, err)
	_, _, err = api.CreateAccessToken(ctx, first)
	require.ErrorIs(t, err, xmsclient.ErrConflict, "creating a token with a name that is taken")
	created, _, err := api.CreateAccessToken(ctx, second)
	require.NoError(t, err)
	_, _, err = api.UpdateAccessToken(ctx, created.AccessToken.ID, script.Renaming(first.AccessToken.Name))
	require.ErrorIs(t, err, xmsclient.ErrBadRequest, "renaming a token to a name that is taken")
}

// provokeBadRequests sends what the SDK itself would refuse, though the document's types allow it.
func provokeBadRequests(t *testing.T, i *inspector) {
	t.Helper()
	server, _ := inspected(t, i, nil)
	server.Seed(1)
	client := http.Client{Transport: i}
	for _, request := range []struct{ method, path, body string }{
		{http.MethodPost, "/access-tokens/", `{}`},
		{http.MethodPost, "/access-tokens/", `{"access_token":{"name":"","roles":["admin"]}}`},
		{http.MethodPost, "/access-tokens/", `{"access_token":{"name":"a","roles":[]}}`},
		{http.MethodPatch, "/access-tokens/1", `{}`},
		{http.MethodPatch, "/access-tokens/1", `{"access_token":{"name":""}}`},
		{http.MethodPost, "/access-tokens:validate?subject_access_token=", ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), request.method, server.BaseURL()+request.path, strings.NewReader(request.body))
		require.NoError(t, err)
		req.Header.Set("Xms-Auth-Token", server.AdminToken())
		if request.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		resp, err := client.Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		assert.Equal(t, http.StatusBadRequest, resp.StatusCode, "%s %s with the body %s", request.method, request.path, request.body)
	}
}

// injectFailures makes every operation fail with every status that the document has for it, in every form that the document
// allows: the SDK must take each for an answer of that status.
func injectFailures(t *testing.T, i *inspector, doc document) {
	t.Helper()
	server, api := inspected(t, i, nil)
	for _, op := range doc.operations() {
		for _, status := range op.failures() {
			for _, fault := range failuresWith(op, status) {
				server.Inject(fault)
				var failed *xmsclient.ApiError
				if assert.ErrorAs(t, call(t, api, op.OperationID), &failed, "%s, answered with %d", op.OperationID, status) {
					assert.Equal(t, status, failed.StatusCode, op.OperationID)
				}
			}
		}
	}
}

// failuresWith returns answers with a status: of each documented media type, or of any if none is documented.
func failuresWith(op operation, status int) []xmstest.Fault {
	contents := op.Responses.Status(status).Value.Content
	var faults []xmstest.Fault
	for mediaType := range contents {
		for _, body := range []string{
			`{}`, `{"message":"no"}`, `{"error":{"code":17,"message":"no"}}`, `{"title":"no","status":400,"errors":[{"msg":"no"}]}`,
		} {
			faults = append(faults, xmstest.Fault{StatusCode: status, Body: body, Header: http.Header{"Content-Type": {mediaType}}})
		}
	}
	if len(contents) > 0 {
		return faults
	}
	retry := http.Header{"Retry-After": {"7"}}
	return []xmstest.Fault{
		{StatusCode: status},
		{StatusCode: status, Header: retry, Body: "<html><title>no</title></html>"},
		{StatusCode: status, Header: retry, Body: `{"message":"no"}`},
		{StatusCode: status, Body: "upstream gone"},
	}
}
