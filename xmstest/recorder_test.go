package xmstest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestRequestsAreWhatWasReceived(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(1)
	assert.Empty(t, c.server.Requests())

	c.server.Inject(xmstest.Fault{Operation: "UpdateAccessToken", StatusCode: 500})
	c.send(http.MethodPatch, "/access-tokens/1", `{"access_token":{"name":"x"}}`)
	c.as("").list("?limit=1&role=a%20b")
	c.send(http.MethodPost, "/access-tokens/1:regenerate", "")
	c.send(http.MethodPost, "/access-tokens/1%3Aregenerate", "")
	c.send(http.MethodPut, "/access-tokens/1", "put")

	requests := c.server.Requests()
	require.Len(t, requests, 5)
	for i, want := range []xmstest.Request{
		{Operation: "UpdateAccessToken", Method: "PATCH", Path: "/v1/access-tokens/1", Body: []byte(`{"access_token":{"name":"x"}}`)},
		{Operation: "ListAccessTokens", Method: "GET", Path: "/v1/access-tokens/", RawQuery: "limit=1&role=a%20b"},
		{Operation: "RegenerateAccessToken", Method: "POST", Path: "/v1/access-tokens/1:regenerate"},
		{Operation: "", Method: "POST", Path: "/v1/access-tokens/1%3Aregenerate"},
		{Operation: "", Method: "PUT", Path: "/v1/access-tokens/1", Body: []byte("put")},
	} {
		got := requests[i]
		assert.NotNil(t, got.Header)
		if i == 1 {
			assert.Empty(t, got.Header.Values("Xms-Auth-Token"))
		} else {
			assert.Equal(t, []string{c.server.AdminToken()}, got.Header.Values("Xms-Auth-Token"))
		}
		got.Header = nil
		if len(got.Body) == 0 {
			got.Body = nil
		}
		assert.Equal(t, want, got)
	}
}

func TestRequestsMayBeChanged(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.send(http.MethodPut, "/x", "body")
	first := c.server.Requests()
	first[0].Header.Set("Xms-Auth-Token", "changed")
	first[0].Body[0] = 'B'
	first[0].Method = "changed"
	second := c.server.Requests()
	assert.Equal(t, c.server.AdminToken(), second[0].Header.Get("Xms-Auth-Token"))
	assert.Equal(t, "body", string(second[0].Body))
	assert.Equal(t, "PUT", second[0].Method)
}

func TestDroppedRequestsAreRecorded(t *testing.T) {
	t.Parallel()
	c := cold(t)
	c.server.Inject(xmstest.Fault{Drop: true})
	c.server.Inject(xmstest.Fault{DropAfter: true})
	for range 2 {
		_, err := c.try(t.Context(), http.MethodPost, "/access-tokens/", createBody)
		require.Error(t, err)
	}
	assert.Len(t, c.server.Requests(), 2)
}

func TestWithoutRecording(t *testing.T) {
	t.Parallel()
	c := start(t, xmstest.WithoutRecording())
	c.list("")
	assert.Empty(t, c.server.Requests())
}
