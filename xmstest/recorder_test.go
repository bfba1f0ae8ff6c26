package xmstest_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestServer_RequestsAreWhatWasReceived(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(1)
	assert.Empty(t, c.server.Requests())

	const rename = `{"access_token":{"name":"x"}}`
	c.server.Inject(xmstest.Fault{Operation: "UpdateAccessToken", StatusCode: 500})
	c.send(http.MethodPatch, "/access-tokens/1", rename)
	c.as("").list("?limit=1&role=a%20b")
	c.send(http.MethodPost, "/access-tokens/1:regenerate", "")
	c.send(http.MethodPost, "/access-tokens/1%3Aregenerate", "")
	c.send(http.MethodPut, "/access-tokens/1", "put")

	requests := c.server.Requests()
	wants := []xmstest.Request{
		{Operation: "UpdateAccessToken", Method: "PATCH", Path: "/v1/access-tokens/1", Body: []byte(rename)},
		{Operation: "ListAccessTokens", Method: "GET", Path: "/v1/access-tokens/", RawQuery: "limit=1&role=a%20b"},
		{Operation: "RegenerateAccessToken", Method: "POST", Path: "/v1/access-tokens/1:regenerate"},
		{Operation: "", Method: "POST", Path: "/v1/access-tokens/1%3Aregenerate"},
		{Operation: "", Method: "PUT", Path: "/v1/access-tokens/1", Body: []byte("put")},
	}
	require.Len(t, requests, len(wants))
	for i, want := range wants {
		got := requests[i]
		assert.Equal(t, i != 1, got.Header.Get("Xms-Auth-Token") == c.server.AdminToken())
		got.Header = nil
		got.Body = append([]byte(nil), got.Body...) // nil if it is empty
		assert.Equal(t, want, got)
	}
}

func TestServer_RequestsCanBeChanged(t *testing.T) {
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

func TestServer_WithoutRecording(t *testing.T) {
	t.Parallel()
	c := start(t, xmstest.WithoutRecording())
	c.list("")
	assert.Empty(t, c.server.Requests())
}
