package xmsclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestAuth_Schemes(t *testing.T) {
	t.Parallel()
	fromSource := xmsclient.TokenSourceFunc(func(context.Context) (string, error) { return "from-source", nil })
	inContext := func(key, prefix string) context.Context {
		return xmsclient.ContextWithAPIKey(t.Context(), xmsclient.APIKey{Key: key, Prefix: prefix})
	}
	for name, test := range map[string]struct {
		header, query xmsclient.APIKey
		source        xmsclient.TokenSource
		ctx           context.Context
		wantHeader    []string
		wantQuery     []string
	}{
		"none":               {},
		"header":             {header: xmsclient.APIKey{Key: "h"}, wantHeader: []string{"h"}},
		"header with prefix": {header: xmsclient.APIKey{Key: "h", Prefix: "Bearer"}, wantHeader: []string{"Bearer h"}},
		"query":              {query: xmsclient.APIKey{Key: "q"}, wantQuery: []string{"q"}},
		"query with prefix":  {query: xmsclient.APIKey{Key: "q", Prefix: "Bearer"}, wantQuery: []string{"Bearer q"}},
		"query to escape":    {query: xmsclient.APIKey{Key: "a&limit=1+b=c%d#e/ü"}, wantQuery: []string{"a&limit=1+b=c%d#e/ü"}},
		"both": {
			header: xmsclient.APIKey{Key: "h"}, query: xmsclient.APIKey{Key: "q"},
			wantHeader: []string{"h"}, wantQuery: []string{"q"},
		},
		"source": {source: fromSource, wantHeader: []string{"from-source"}},
		"source wins over header": {
			header: xmsclient.APIKey{Key: "h", Prefix: "Bearer"}, source: fromSource, wantHeader: []string{"from-source"},
		},
		"source leaves query alone": {
			query: xmsclient.APIKey{Key: "q"}, source: fromSource, wantHeader: []string{"from-source"}, wantQuery: []string{"q"},
		},
		"source with prefix": {
			source:     xmsclient.TokenSourceFunc(func(context.Context) (string, error) { return "Bearer s", nil }),
			wantHeader: []string{"Bearer s"},
		},
		"context": {ctx: inContext("c", ""), wantHeader: []string{"c"}},
		"context wins over header": {
			header: xmsclient.APIKey{Key: "h"}, ctx: inContext("c", "Bearer"), wantHeader: []string{"Bearer c"},
		},
		"context wins over source": {
			header: xmsclient.APIKey{Key: "h"}, ctx: inContext("c", ""), wantHeader: []string{"c"},
			source: xmsclient.TokenSourceFunc(func(context.Context) (string, error) { return "", errors.New("must not be asked") }),
		},
		"context leaves query alone": {
			query: xmsclient.APIKey{Key: "q"}, ctx: inContext("c", ""), wantHeader: []string{"c"}, wantQuery: []string{"q"},
		},
		"inner context wins": {
			ctx:        xmsclient.ContextWithAPIKey(inContext("outer", ""), xmsclient.APIKey{Key: "inner"}),
			wantHeader: []string{"inner"},
		},
	} {
		for _, op := range operations() {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				api, rec := mocked(t, answerJSON(op.success, op.answer), func(cfg *xmsclient.Configuration) {
					cfg.TokenInHeader, cfg.TokenInQuery, cfg.TokenSource = test.header, test.query, test.source
				})
				ctx := test.ctx
				if ctx == nil {
					ctx = t.Context()
				}
				_, _, err := op.call(ctx, api)
				require.NoError(t, err)
				sent := rec.only(t)
				assert.Equal(t, test.wantHeader, sent.header["Xms-Auth-Token"])
				want, err := url.Parse(mockURL + op.path)
				require.NoError(t, err)
				got, err := url.Parse(sent.url)
				require.NoError(t, err)
				assert.Equal(t, want.Path, got.Path)
				values := want.Query()
				if test.wantQuery != nil {
					values["token"] = test.wantQuery
				}
				assert.Equal(t, values, got.Query())
			})
		}
	}
}

func TestAuth_AgainstServer(t *testing.T) {
	t.Parallel()
	srv := start(t)
	admin := xmsclient.APIKey{Key: srv.AdminToken()}
	bearer := xmsclient.APIKey{Key: srv.AdminToken(), Prefix: "Bearer"}
	wrong := xmsclient.APIKey{Key: "wrong"}
	for name, test := range map[string]struct {
		header, query xmsclient.APIKey
		ctx           context.Context
		refused       bool
	}{
		"header":             {header: admin},
		"header with prefix": {header: bearer},
		"query":              {query: admin},
		"query with prefix":  {query: bearer},
		"context":            {header: wrong, ctx: xmsclient.ContextWithAPIKey(t.Context(), admin)},
		"none":               {refused: true},
		"wrong header":       {header: wrong, refused: true},
		"wrong query":        {query: wrong, refused: true},
		"wrong context":      {header: admin, ctx: xmsclient.ContextWithAPIKey(t.Context(), wrong), refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api := client(t, srv, func(cfg *xmsclient.Configuration) { cfg.TokenInHeader, cfg.TokenInQuery = test.header, test.query })
			ctx := test.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			_, resp, err := api.ListAccessTokens(ctx, nil)
			if !test.refused {
				require.NoError(t, err)
				return
			}
			assertSentinels(t, err, xmsclient.ErrUnauthorized)
			assert.Equal(t, 1, resp.Attempts, "a wrong key does not become right by trying again")
		})
	}
}

func TestContextWithAPIKey_Unusable(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]xmsclient.APIKey{
		"zero":             {},
		"prefix alone":     {Prefix: "Bearer"},
		"key with newline": {Key: "hunter2\n"},
		"key with NUL":     {Key: "hunter2\x00"},
		"prefix with tab":  {Key: "hunter2", Prefix: "a\tb"},
	} {
		for _, op := range operations() {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				api, rec := mocked(t, answerJSON(op.success, op.answer))
				_, _, err := op.call(xmsclient.ContextWithAPIKey(t.Context(), key), api)
				assertArgument(t, err, op.name, "ctx")
				assert.NotContains(t, err.Error(), "hunter2")
				assert.Empty(t, rec.all(), "no other identity is used in its place")
			})
		}
	}
}

func TestTokenSource_AskedForEachAttempt(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.Inject(xmstest.Fault{StatusCode: http.StatusServiceUnavailable})
	asked := 0
	api := client(t, srv, func(cfg *xmsclient.Configuration) {
		cfg.TokenSource = xmsclient.TokenSourceFunc(func(context.Context) (string, error) {
			asked++
			return fmt.Sprint("Token-", asked, " ", srv.AdminToken()), nil
		})
	})
	for range 2 {
		_, _, err := api.ListAccessTokens(t.Context(), nil)
		require.NoError(t, err)
	}
	var sent []string
	for _, r := range srv.Requests() {
		prefix, _, _ := strings.Cut(r.Header.Get("Xms-Auth-Token"), " ")
		sent = append(sent, prefix)
	}
	assert.Equal(t, []string{"Token-1", "Token-2", "Token-3"}, sent)
}

func TestTokenSource_Context(t *testing.T) {
	t.Parallel()
	type contextKey struct{}
	ctx := context.WithValue(t.Context(), contextKey{}, "the caller's")
	deadline, hasDeadline := time.Time{}, false
	source := xmsclient.TokenSourceFunc(func(ctx context.Context) (string, error) {
		assert.Equal(t, "the caller's", ctx.Value(contextKey{}))
		deadline, hasDeadline = ctx.Deadline()
		return "token", nil
	})
	respond := answerJSON(http.StatusOK, listJSON)

	api, _ := mocked(t, respond, func(cfg *xmsclient.Configuration) { cfg.TokenSource, cfg.Timeout = source, time.Hour })
	before := time.Now()
	_, _, err := api.ListAccessTokens(ctx, nil)
	require.NoError(t, err)
	require.True(t, hasDeadline, "that of the attempt")
	assert.False(t, deadline.Before(before.Add(time.Hour)))
	assert.False(t, deadline.After(time.Now().Add(time.Hour)))

	api, _ = mocked(t, respond, func(cfg *xmsclient.Configuration) { cfg.TokenSource, cfg.Timeout = source, -1 })
	_, _, err = api.ListAccessTokens(ctx, nil)
	require.NoError(t, err)
	assert.False(t, hasDeadline)
}

func TestTokenSource_Failures(t *testing.T) {
	t.Parallel()
	broken := errors.New("the vault is sealed")
	for name, test := range map[string]struct {
		token string
		err   error
		text  string
	}{
		"error":             {"", broken, "TokenSource: the vault is sealed"},
		"error and a token": {"token", broken, "TokenSource: the vault is sealed"},
		"a timeout":         {"", os.ErrDeadlineExceeded, "TokenSource: i/o timeout"},
		"empty":             {"", nil, "empty token"},
		"newline":           {"hunter2\n", nil, "newline"},
		"blank before":      {" hunter2", nil, "white space"},
		"header injection":  {"hunter2\r\nX-Evil: 1", nil, "control characters"},
	} {
		for _, op := range operations() {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				asked := 0
				api, rec := mocked(t, answerJSON(op.success, op.answer), func(cfg *xmsclient.Configuration) {
					cfg.TokenInHeader, cfg.TokenInQuery = xmsclient.APIKey{Key: "other"}, xmsclient.APIKey{Key: "other"}
					cfg.Retry = xmsclient.RetryPolicy{MaxAttempts: 3, InitialInterval: 1}
					cfg.FailoverURLs = []string{"http://node2.test/v1"}
					cfg.TokenSource = xmsclient.TokenSourceFunc(func(context.Context) (string, error) {
						asked++
						return test.token, test.err
					})
				})
				got, resp, err := op.call(t.Context(), api)
				assert.Nil(t, got)
				assert.Nil(t, resp)
				var failed *xmsclient.RequestError
				require.ErrorAs(t, err, &failed)
				assert.Equal(t, op.name, failed.Operation)
				assert.Zero(t, failed.Attempts)
				if test.err != nil {
					require.ErrorIs(t, err, test.err)
				}
				require.ErrorContains(t, err, test.text)
				assert.NotContains(t, err.Error(), "hunter2")
				assertSentinels(t, err)
				assert.Equal(t, 1, asked, "it is not tried again")
				assert.Empty(t, rec.all(), "no other credential is used in its place")
			})
		}
	}
}

func TestAPIKey_Printed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		key  xmsclient.APIKey
		want string
	}{
		{xmsclient.APIKey{}, "[none]"},
		{xmsclient.APIKey{Prefix: "Bearer"}, "[none]"},
		{xmsclient.APIKey{Key: "hunter2"}, "[redacted]"},
		{xmsclient.APIKey{Key: "hunter2", Prefix: "Bearer"}, "[redacted]"},
	} {
		assert.Equal(t, test.want, test.key.String())
		assert.Equal(t, test.want, test.key.GoString())
		assert.Equal(t, test.want, fmt.Sprintf("%v", test.key))
		assert.Equal(t, test.want, fmt.Sprintf("%+s", &test.key))
		assert.Equal(t, test.want, test.key.LogValue().String())
		encoded, err := json.Marshal(test.key)
		require.NoError(t, err)
		assert.Equal(t, `"`+test.want+`"`, string(encoded))
	}
}

// replace puts content at path as one should: by a rename, so that no reader sees half of it.
func replace(t *testing.T, path, content string) {
	t.Helper()
	beside := path + ".new"
	require.NoError(t, os.WriteFile(beside, []byte(content), 0o600))
	require.NoError(t, os.Rename(beside, path))
}

func TestTokenFromFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	api, rec := mocked(t, answerJSON(http.StatusOK, listJSON), func(cfg *xmsclient.Configuration) {
		cfg.TokenSource = xmsclient.TokenFromFile(path) // which need not exist yet
	})
	contents := []string{"first\n", "  second\r\n\r\n", "Bearer third", "first", strings.Repeat("x", 64<<10), "\n\nlast"}
	for _, content := range contents {
		replace(t, path, content)
		_, _, err := api.ListAccessTokens(t.Context(), nil)
		require.NoError(t, err)
	}
	require.NoError(t, os.WriteFile(path, []byte("in place"), 0o600))
	_, _, err := api.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)

	var sent []string
	for _, r := range rec.all() {
		sent = append(sent, r.header.Get("Xms-Auth-Token"))
	}
	assert.Equal(t, []string{"first", "second", "Bearer third", "first", contents[4], "last", "in place"}, sent)
}

func TestTokenFromFile_Link(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(directory, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	link := filepath.Join(directory, "token")
	require.NoError(t, os.Symlink(write("v1", "one"), link))
	source := xmsclient.TokenFromFile(link)
	token, err := source.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "one", token)

	require.NoError(t, os.Symlink(write("v2", "two"), link+".new"))
	require.NoError(t, os.Rename(link+".new", link))
	token, err = source.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "two", token)
}

func TestTokenFromFile_Failures(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	for name, test := range map[string]struct {
		content *string
		text    string
		is      error
	}{
		"missing":       {nil, "no such file", fs.ErrNotExist},
		"empty":         {xmsclient.Ptr(""), "is empty", nil},
		"blank":         {xmsclient.Ptr(" \n\t"), "is empty", nil},
		"huge":          {xmsclient.Ptr(strings.Repeat("x", 64<<10+1)), "too large", nil},
		"huge by blank": {xmsclient.Ptr("hunter2" + strings.Repeat("\n", 64<<10)), "too large", nil},
		"two lines":     {xmsclient.Ptr("hunter2\nhunter3"), "control characters", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(directory, name)
			if test.content != nil {
				require.NoError(t, os.WriteFile(path, []byte(*test.content), 0o600))
			}
			err := listWithTokenFile(t, path)
			require.ErrorContains(t, err, test.text)
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			if name != "two lines" { // of which the file is not the judge
				require.ErrorContains(t, err, path)
				assert.Equal(t, 1, strings.Count(err.Error(), path))
			}
			assert.NotContains(t, err.Error(), "hunter")
		})
	}
	t.Run("directory", func(t *testing.T) {
		t.Parallel()
		err := listWithTokenFile(t, directory)
		require.ErrorContains(t, err, directory)
		require.ErrorContains(t, err, "is a directory")
	})
}

// listWithTokenFile makes a call with the token in a file and returns why it failed.
func listWithTokenFile(t *testing.T, path string) error {
	t.Helper()
	api, rec := mocked(t, answerJSON(http.StatusOK, listJSON), func(cfg *xmsclient.Configuration) {
		cfg.TokenSource = xmsclient.TokenFromFile(path)
	})
	_, _, err := api.ListAccessTokens(t.Context(), nil)
	var failed *xmsclient.RequestError
	require.ErrorAs(t, err, &failed)
	assert.Empty(t, rec.all())
	return err
}
