package xmsclient_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

func source(tokens ...string) xmsclient.TokenSourceFunc {
	var mu sync.Mutex
	return func(context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		token := tokens[0]
		tokens = tokens[min(1, len(tokens)-1):]
		return token, nil
	}
}

func TestAPIKey_WhichCredentialIsSent(t *testing.T) {
	t.Parallel()
	key := func(key string) xmsclient.APIKey { return xmsclient.APIKey{Key: key} }
	bearer := func(key string) xmsclient.APIKey { return xmsclient.APIKey{Key: key, Prefix: "Bearer"} }
	for name, test := range map[string]struct {
		header, query xmsclient.APIKey
		source        xmsclient.TokenSource
		ctx           []xmsclient.APIKey // from the outside in
		wantHeader    []string
		wantQuery     string
	}{
		"none":               {},
		"header":             {header: key("h"), wantHeader: []string{"h"}},
		"header with prefix": {header: bearer("h"), wantHeader: []string{"Bearer h"}},
		"query":              {query: key("q"), wantQuery: "token=q"},
		"query with prefix":  {query: bearer("q"), wantQuery: "token=Bearer+q"},
		"query to escape":    {query: key("a&b=c%d#e/ü?+ f"), wantQuery: "token=a%26b%3Dc%25d%23e%2F%C3%BC%3F%2B+f"},
		"both":               {header: key("h"), query: key("q"), wantHeader: []string{"h"}, wantQuery: "token=q"},
		"source":             {source: source("s"), wantHeader: []string{"s"}},
		"source wins": {
			header: bearer("h"), query: key("q"), source: source("T s"), wantHeader: []string{"T s"}, wantQuery: "token=q",
		},
		"context wins": {
			header: key("h"), query: key("q"), ctx: []xmsclient.APIKey{bearer("c")},
			wantHeader: []string{"Bearer c"}, wantQuery: "token=q",
		},
		"inner context wins":    {ctx: []xmsclient.APIKey{key("outer"), key("inner")}, wantHeader: []string{"inner"}},
		"context beside source": {ctx: []xmsclient.APIKey{key("c")}, source: source(""), wantHeader: []string{"c"}},
	} {
		ctx := t.Context()
		for _, key := range test.ctx {
			ctx = xmsclient.ContextWithAPIKey(ctx, key) //nolint:fatcontext // two at most
		}
		for _, c := range calls() {
			n := startNode(t, answer(c.status, c.answer))
			cfg := configuration(n)
			cfg.TokenInHeader, cfg.TokenInQuery, cfg.TokenSource = test.header, test.query, test.source
			_, _, err := c.do(ctx, newClient(t, cfg).AccessTokensApi)
			require.NoError(t, err, name)
			require.Len(t, n.requests(), 1, name)
			assert.Equal(t, test.wantHeader, n.requests()[0].header["Xms-Auth-Token"], name)
			_, query, _ := strings.Cut(n.requests()[0].uri, "?")
			assert.Equal(t, strings.Trim(c.query+"&"+test.wantQuery, "&"), query, name)
		}
	}
}

// How often a TokenSource is asked, and what is sent of what it gives.
func TestTokenSource_Attempts(t *testing.T) {
	t.Parallel()
	ok, busy, unauthorized := answer(200, `{"access_tokens":[]}`), answer(503, ""), answer(401, "")
	for name, test := range map[string]struct {
		answers []http.HandlerFunc
		tokens  string // that the TokenSource gives; the last one again and again
		asked   int
		sent    string
		err     error
	}{
		"one attempt":        {[]http.HandlerFunc{ok}, "a b", 1, "a", nil},
		"afresh":             {[]http.HandlerFunc{busy, busy, ok}, "a b c d", 3, "a b c", nil},
		"renewed":            {[]http.HandlerFunc{unauthorized, ok}, "a b c", 2, "a b", nil},
		"renewed once":       {[]http.HandlerFunc{unauthorized}, "a b c d", 2, "a b", xmsclient.ErrUnauthorized},
		"not renewed":        {[]http.HandlerFunc{unauthorized}, "a a b", 2, "a", xmsclient.ErrUnauthorized},
		"renewed, then busy": {[]http.HandlerFunc{unauthorized, busy, ok}, "a b c d", 3, "a b c", nil},
		"busy, then renewed": {[]http.HandlerFunc{busy, unauthorized, ok}, "a b c d", 3, "a b c", nil},
		"renewed, busy, refused": {
			[]http.HandlerFunc{unauthorized, busy, unauthorized}, "a b c d", 3, "a b c", xmsclient.ErrUnauthorized,
		},
		"renewal is empty": {[]http.HandlerFunc{unauthorized}, "a  b", 2, "a", xmsclient.ErrUnauthorized},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := startNode(t, answers(test.answers...))
			cfg, asked, next := configuration(n), 0, source(strings.Split(test.tokens, " ")...)
			cfg.TokenSource = xmsclient.TokenSourceFunc(func(ctx context.Context) (string, error) {
				asked++
				return next(ctx)
			})
			_, _, err := newClient(t, cfg).AccessTokensApi.ListAccessTokens(t.Context(), nil)
			require.ErrorIs(t, err, test.err)
			var sent []string
			for _, r := range n.requests() {
				sent = append(sent, r.header.Get("Xms-Auth-Token"))
			}
			assert.Equal(t, test.sent, strings.Join(sent, " "))
			assert.Equal(t, test.asked, asked)
		})
	}
}

func TestRefusedTokenFromContext(t *testing.T) {
	t.Parallel()
	n := startNode(t, answers(answer(401, ""), answer(503, ""), answer(401, "")))
	var outer, inner []string // what each question of a client's source finds
	remember := func(refused *[]string, tokens ...string) func(ctx context.Context) (string, error) {
		next := source(tokens...)
		return func(ctx context.Context) (string, error) {
			*refused = append(*refused, xmsclient.RefusedTokenFromContext(ctx))
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v", ctx, ctx, ctx), "Bearer a")
			return next(ctx)
		}
	}
	cfg := configuration(startNode(t, answer(200, `{"access_tokens":[]}`)))
	cfg.TokenSource = xmsclient.TokenSourceFunc(remember(&inner, "i"))
	login := newClient(t, cfg)
	ask := remember(&outer, "Bearer a", "b")
	cfg = configuration(n)
	cfg.TokenSource = xmsclient.TokenSourceFunc(func(ctx context.Context) (string, error) {
		_, _, err := login.AccessTokensApi.ListAccessTokens(ctx, nil) // inside the question of another client
		require.NoError(t, err)
		return ask(ctx)
	})
	_, _, err := newClient(t, cfg).AccessTokensApi.ListAccessTokens(t.Context(), nil)
	require.ErrorIs(t, err, xmsclient.ErrUnauthorized)
	assert.Equal(t, []string{"", "Bearer a", ""}, outer, "the second 401 of a call asks nobody")
	assert.Equal(t, []string{"", "", ""}, inner)
	assert.Empty(t, xmsclient.RefusedTokenFromContext(t.Context()))
}

// failingSource is a TokenSource that fails, and what the error of the call says.
type failingSource struct {
	name  string
	token func(ctx context.Context, cancel context.CancelCauseFunc) (string, error)
	text  string
	is    []error
}

func failingSources(cause error) []failingSource {
	type cancel = context.CancelCauseFunc
	sealed := errors.New("the vault is sealed")
	returns := func(token string, err error) func(context.Context, cancel) (string, error) {
		return func(context.Context, cancel) (string, error) { return token, err }
	}
	waits := func(ctx context.Context, _ cancel) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}
	cancelled := func(then func(context.Context, cancel) (string, error)) func(context.Context, cancel) (string, error) {
		return func(ctx context.Context, cancel cancel) (string, error) {
			cancel(cause)
			return then(ctx, cancel)
		}
	}
	return []failingSource{
		{name: "error", token: returns("hunter2", sealed), text: "TokenSource: the vault is sealed", is: []error{sealed}},
		{name: "empty", token: returns("", nil), text: "empty token"},
		{name: "newline", token: returns("hunter2\n", nil), text: "newline"},
		{name: "two headers", token: returns("hunter2\r\nX: 1", nil), text: "control characters"},
		{
			name: "Timeout", token: waits,
			text: "TokenSource: context deadline exceeded", is: []error{context.DeadlineExceeded},
		},
		{
			name: "cancelled", token: cancelled(waits),
			text: "TokenSource: context canceled", is: []error{context.Canceled, cause},
		},
		{
			name: "an error of its own", token: cancelled(returns("", sealed)),
			text: "TokenSource: the vault is sealed", is: []error{context.Canceled, cause, sealed},
		},
		{
			name: "ignores that", token: cancelled(returns("token", nil)),
			text: "TokenSource: context canceled", is: []error{context.Canceled, cause},
		},
	}
}

func TestTokenSource_TokenThatComesWithAnErrorIsASecret(t *testing.T) {
	t.Parallel()
	cfg := configuration(startNode(t, answer(200, "")))
	cfg.TokenSource = xmsclient.TokenSourceFunc(func(context.Context) (string, error) {
		return aKey, errors.New("cannot refresh " + strings.ToUpper(aKey))
	})
	_, _, err := newClient(t, cfg).AccessTokensApi.GetAccessToken(t.Context(), 42)
	require.EqualError(t, err, "xmsclient: GetAccessToken: nothing was sent: not shown: it repeats a credential")
}

// A delete of which nothing was sent must not say that there is no such token.
func TestTokenSource_ErrorsOfTheSDKAreNotThoseOfTheCall(t *testing.T) {
	t.Parallel()
	login := newClient(t, configuration(startNode(t, answer(404, ""))))
	cfg := configuration(startNode(t, answer(204, "")))
	cfg.TokenSource = xmsclient.TokenSourceFunc(func(ctx context.Context) (string, error) {
		_, _, err := login.AccessTokensApi.RegenerateAccessToken(ctx, 7)
		return "", err
	})
	_, err := newClient(t, cfg).AccessTokensApi.DeleteAccessToken(t.Context(), 42)
	require.ErrorContains(t, err, "TokenSource: xmsclient: RegenerateAccessToken")
	assertSentinels(t, err)
	var inner *xmsclient.ApiError
	found := errors.As(err, &inner)
	assert.False(t, found)
}

func TestTokenSource_TellsWhyThereIsNoOtherToken(t *testing.T) {
	t.Parallel()
	var logged records
	cfg := configuration(startNode(t, answer(401, `{"message":"token expired"}`)))
	cfg.Logger = logged.logger()
	cfg.TokenSource = xmsclient.TokenSourceFunc(func(ctx context.Context) (string, error) {
		if xmsclient.RefusedTokenFromContext(ctx) != "" {
			return "", errors.New("login service is down")
		}
		return "a", nil
	})
	_, _, err := newClient(t, cfg).AccessTokensApi.GetAccessToken(t.Context(), 42)
	require.ErrorIs(t, err, xmsclient.ErrUnauthorized)
	const why = "TokenSource: login service is down"
	require.ErrorContains(t, err, "401 Unauthorized: token expired; no other token: "+why)
	assert.Equal(t, why, logged.all(t)[0]["no_other_token"])
}

func TestTokenSource_Failures(t *testing.T) {
	t.Parallel()
	for _, source := range failingSources(errors.New("shutting down")) {
		for _, c := range calls() {
			synctest.Test(t, func(t *testing.T) { source.check(t, c) })
		}
	}
}

// check makes a call with the failing source. Nothing is sent, with no other credential either.
func (f failingSource) check(t *testing.T, c call) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	asked, sent, began := 0, 0, time.Now()
	cfg := configuration()
	cfg.BaseURL, cfg.FailoverURLs = mockURL, []string{"http://node2.test/v1"}
	cfg.TokenInQuery.Key, cfg.Timeout = "other", time.Minute
	cfg.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		sent++
		return nil, errors.New("reached")
	})}
	cfg.TokenSource = xmsclient.TokenSourceFunc(func(ctx context.Context) (string, error) {
		asked++
		return f.token(ctx, cancel)
	})
	_, response, err := c.do(ctx, newClient(t, cfg).AccessTokensApi)
	var failed *xmsclient.RequestError
	require.ErrorAs(t, err, &failed, f.name)
	assert.Nil(t, response, f.name)
	assert.Zero(t, failed.Attempts, "Attempts: %s", f.name)
	assert.Equal(t, c.name, failed.Operation, "Operation: %s", f.name)
	require.ErrorContains(t, err, f.text)
	assert.NotContains(t, err.Error(), "hunter2", f.name)
	assertSentinels(t, err)
	for _, target := range f.is {
		require.ErrorIs(t, err, target, f.name)
	}
	assert.Equal(t, 1, asked, "a failed TokenSource is not asked again: %s", f.name)
	assert.Zero(t, sent, "no other credential takes its place: %s", f.name)
	if f.name == "Timeout" {
		assert.Equal(t, time.Minute, time.Since(began))
	}
}

func TestTokenSource_PanicsAndDeadline(t *testing.T) {
	t.Parallel()
	n := startNode(t, answer(200, `{"access_tokens":[]}`))
	cfg, bounded := configuration(n), false
	cfg.Timeout = -1
	cfg.TokenSource = xmsclient.TokenSourceFunc(func(ctx context.Context) (string, error) {
		if _, bounded = ctx.Deadline(); ctx.Value(t) == nil {
			panic("no value")
		}
		return "token", nil
	})
	api := newClient(t, cfg).AccessTokensApi
	for range 65 { // one more than there are places at a node
		assert.PanicsWithValue(t, "no value", func() { _, _, _ = api.ListAccessTokens(t.Context(), nil) })
	}
	_, _, err := api.ListAccessTokens(context.WithValue(t.Context(), t, 1), nil)
	require.NoError(t, err, "the caller's values are in the context, and panics keep no place")
	assert.False(t, bounded, "a negative Timeout bounds nothing")
}

// goodTokens are what people put into token files and variables, and the token in it.
var goodTokens = map[string]string{
	"abc": "abc", " \tabc\r\n\r\n": "abc", "\ufeffabc\n": "abc", "\n\ufeff abc": "abc", "user:pass": "user:pass",
	"Bearer abc": "Bearer abc", "Token token=abc": "Token token=abc", "aHVudGVyMg==": "aHVudGVyMg==",
	"Bearer aHVudGVyMg==\n": "Bearer aHVudGVyMg==", "ab_cd=": "ab_cd=", "eyJhbG.eyJzdW.c2_-n": "eyJhbG.eyJzdW.c2_-n",
	strings.Repeat("x", 64<<10): strings.Repeat("x", 64<<10),
}

// badTokens are what is no token, by the words with which it is refused.
var badTokens = map[string][]string{
	"printable ASCII on one line: no zero-width space, no curly quotes, no UTF-16": {
		"hunter2\nhunter2", "hunter2\rhunter2", "hunter2\thunter2", "\u200bhunter2", "hunter2\u00adhunter2", "hüntér2",
		"hunter2\x7f", "“hunter2”", "«hunter2»", "\xff\xfeh\x00u\x00n\x00", "h\x00u\x00n\x00", "\ufeff\ufeffhunter2",
	},
	"without quotes": {`"hunter2"`, "'hunter2'\n", "`hunter2`", `hunter2"`, "XMS_AUTH_TOKEN='hunter2'"},
	"without NAME= or NAME:": {
		"T=hunter2", "export T = hunter2", "T=hunter2=", "token: hunter2", "X-Token: hunter2", "x-t=hunter2",
		"XMS_AUTH_TOKEN=", "xms.auth.token=hunter2", "set XMS_AUTH_TOKEN=hunter2", "${XMS_AUTH_TOKEN}",
	},
	"the token alone, not JSON": {`{"token":"hunter2"}`, `["hunter2", 1 ]`},
}

func TestTokenFromFile_Texts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	tokens := xmsclient.TokenFromFile(path) // the file need not exist yet
	_, err := tokens.Token(t.Context())
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.Equal(t, 1, strings.Count(err.Error(), path))
	replace := func(text string) {
		require.NoError(t, os.WriteFile(path+".new", []byte(text), 0o600))
		require.NoError(t, os.Rename(path+".new", path))
	}
	for text, want := range goodTokens {
		replace(text)
		token, err := tokens.Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, want, token)
	}
	bad := maps.Clone(badTokens)
	bad["is empty"] = []string{"", " \ufeff \n"}
	bad["is too large"] = []string{strings.Repeat("x", 64<<10+1), "hunter2" + strings.Repeat("\n", 64<<10)}
	for words, texts := range bad {
		for _, text := range texts {
			replace(text)
			token, err := tokens.Token(t.Context())
			assert.Empty(t, token)
			require.ErrorContains(t, err, words, "%.40q", text)
			assert.Equal(t, 1, strings.Count(err.Error(), path))
			assert.NotContains(t, err.Error(), "hunter2")
		}
	}
}

// A token in place of the path, as TokenFromFile(os.Getenv("XMS_AUTH_TOKEN")) gives, stays out of
// the error.
func TestTokenFromFile_TokenAsPath(t *testing.T) {
	t.Parallel()
	for _, path := range []string{strangersUUID, "/run/" + strangersUUID + "/token"} {
		_, err := xmsclient.TokenFromFile(path).Token(t.Context())
		require.ErrorIs(t, err, fs.ErrNotExist)
		require.ErrorContains(t, err, "token file "+strings.Replace(path, strangersUUID, "[redacted]", 1)+": ")
		assertNoSecret(t, err)
	}
}

func TestTokenFromFile_Files(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	link := filepath.Join(directory, "token")
	tokens := xmsclient.TokenFromFile(link)
	for _, name := range []string{"one", "two"} { // as Kubernetes replaces a secret
		require.NoError(t, os.WriteFile(filepath.Join(directory, name), []byte(name), 0o600))
		require.NoError(t, os.Symlink(name, link+".new"))
		require.NoError(t, os.Rename(link+".new", link))
		token, err := tokens.Token(t.Context())
		require.NoError(t, err)
		assert.Equal(t, name, token)
	}
	irregular := []string{directory, os.DevNull}
	if fifo := filepath.Join(directory, "fifo"); exec.CommandContext(t.Context(), "mkfifo", fifo).Run() == nil {
		irregular = append(irregular, fifo)
	}
	for _, path := range irregular {
		_, err := xmsclient.TokenFromFile(path).Token(t.Context())
		require.ErrorContains(t, err, path+": is not a regular file")
	}
}
