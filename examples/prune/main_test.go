package main

import (
	"bytes"
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// newServer starts a server that run talks to, with two tokens that are old and unused, 2 and 4.
func newServer(t *testing.T) *xmstest.Server {
	t.Helper()
	server := xmstest.NewServer()
	t.Cleanup(server.Close)
	t.Setenv("XMS_BASE_URL", server.BaseURL())
	t.Setenv("XMS_AUTH_TOKEN", server.AdminToken())
	t.Setenv("XMS_CA_FILE", "")
	old := time.Now().Add(-91 * day)
	server.AddToken(xmsclient.AccessToken{Name: "used", Create: old, Used: true})
	server.AddToken(xmsclient.AccessToken{Name: "trial", Create: old})
	server.AddToken(xmsclient.AccessToken{Name: "young", Create: old.Add(2 * day)})
	server.AddToken(xmsclient.AccessToken{Name: "forgotten", Create: old})
	return server
}

func ids(t *testing.T, server *xmstest.Server) []int64 {
	t.Helper()
	var ids []int64
	for token, err := range server.Client().AccessTokensApi.AllAccessTokens(t.Context(), nil) {
		require.NoError(t, err)
		ids = append(ids, token.ID)
	}
	return ids
}

func TestPrune_Embedded(t *testing.T) {
	t.Setenv("XMS_BASE_URL", "")
	t.Setenv("XMS_AUTH_TOKEN", "")
	var out, failures bytes.Buffer
	assert.Equal(t, 0, run(t.Context(), nil, &out, &failures))
	assert.Empty(t, failures.String())
	assert.Contains(t, out.String(), `token 3 "forgotten", 100 days old`)
	assert.Contains(t, out.String(), "4 tokens: 2 old and never used, 0 deleted\nrun again with -delete")
}

func TestPrune_DeletesOnlyWhenAsked(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		left []int64
		want string
	}{
		"list":             {nil, []int64{1, 2, 3, 4}, "2 old and never used, 0 deleted\nrun again"},
		"delete":           {[]string{"-delete"}, []int64{1, 3}, "2 old and never used, 2 deleted\n"},
		"a greater age":    {[]string{"-delete", "-older-than", "92d"}, []int64{1, 2, 3, 4}, "0 old and never used"},
		"an age in Go":     {[]string{"-delete", "-older-than", "24h30m"}, []int64{1}, "3 old and never used, 3 deleted\n"},
		"exactly that old": {[]string{"-delete", "-older-than=91d"}, []int64{1, 3}, "2 old and never used, 2 deleted\n"},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			var out, failures bytes.Buffer
			assert.Equal(t, 0, run(t.Context(), test.args, &out, &failures), failures.String())
			assert.Contains(t, out.String(), test.want)
			assert.Equal(t, test.left, ids(t, server))
		})
	}
}

func TestPrune_UnknownAgeIsNeverOld(t *testing.T) {
	server := newServer(t)
	server.Inject(xmstest.Fault{Operation: "ListAccessTokens", Body: `{
		"access_tokens": [
			{"id": 2}, {"id": 3, "create": "0001-01-01T00:00:00Z"}, {"id": 4, "create": null},
			{"id": 5, "used": true}
		],
		"paging": {"count": 4, "limit": 100, "offset": 0, "total_count": 4}}`})
	var out bytes.Buffer
	assert.Equal(t, 0, run(t.Context(), []string{"-delete"}, &out, &out))
	assert.Contains(t, out.String(), "4 tokens: 0 old and never used, 0 deleted, 3 skipped because their age is not known")
	assert.Equal(t, []int64{1, 2, 3, 4}, ids(t, server))
}

func TestPrune_ReportsWhatFails(t *testing.T) {
	const deleteOperation = "DeleteAccessToken"
	for name, test := range map[string]struct {
		fault xmstest.Fault
		code  int
		want  []string
	}{
		"gone already": {
			xmstest.Fault{Operation: deleteOperation, StatusCode: http.StatusNotFound}, 0,
			[]string{"2 old and never used, 2 deleted"},
		},
		"deleted, and the answer lost": {
			xmstest.Fault{Operation: deleteOperation, DropAfter: true}, 0,
			[]string{"2 old and never used, 2 deleted"},
		},
		"refused": {
			xmstest.Fault{Operation: deleteOperation, StatusCode: http.StatusForbidden}, 1,
			[]string{"token 2 is not deleted: ", "1 deleted", "FAILED: 1 of 2 old tokens"},
		},
		"unknown": {
			xmstest.Fault{Operation: deleteOperation, StatusCode: http.StatusInternalServerError}, 1,
			[]string{"token 2 may be deleted or not; ", "1 deleted", "FAILED: 1 of 2 old tokens"},
		},
		"a list that fails": {
			xmstest.Fault{Operation: "ListAccessTokens", StatusCode: http.StatusForbidden}, 1,
			[]string{"0 tokens: ", "FAILED: xmsclient: ListAccessTokens"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			server.Inject(test.fault)
			var out bytes.Buffer
			assert.Equal(t, test.code, run(t.Context(), []string{"-delete"}, &out, &out))
			for _, want := range test.want {
				assert.Contains(t, out.String(), want)
			}
		})
	}
}

// onToken calls do when a token is printed.
type onToken struct {
	bytes.Buffer
	do func()
}

func (w *onToken) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("token ")) {
		w.do()
	}
	return w.Buffer.Write(p)
}

func TestPrune_EndsWhenInterrupted(t *testing.T) {
	server := newServer(t)
	ctx, interrupt := context.WithCancel(t.Context())
	out := &onToken{do: interrupt}
	assert.Equal(t, 1, run(ctx, []string{"-delete"}, out, out))
	assert.Contains(t, out.String(), "2 tokens: 1 old and never used, 0 deleted\nFAILED: context canceled")
	assert.Equal(t, []int64{1, 2, 3, 4}, ids(t, server))
}

func TestPrune_RefusesWrongFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-older-than", "90"}, {"-older-than", "d"}, {"-older-than", "0d"}, {"-older-than", "-1h"},
		{"-older-than", "1.5d"}, {"-older-than", "99999d"}, {"-older-than", "2w"},
	} {
		var out bytes.Buffer
		assert.Equal(t, 2, run(t.Context(), args, &out, &out), args)
		assert.Contains(t, out.String(), "want a whole number of days", args)
	}
	var out bytes.Buffer
	assert.Equal(t, 2, run(t.Context(), []string{"delete"}, &out, &out))
	assert.Contains(t, out.String(), `unexpected argument "delete"`)
}

func TestPrune_HalfAConfiguration(t *testing.T) {
	t.Setenv("XMS_BASE_URL", "")
	t.Setenv("XMS_AUTH_TOKEN", "some token")
	var out bytes.Buffer
	assert.Equal(t, 1, run(t.Context(), nil, &out, &out))
	assert.Contains(t, out.String(), "set both")
}
