package xmsclient_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// answered returns what a call makes of a success with this body.
func answered(t *testing.T, c call, body string) (any, error) {
	t.Helper()
	api, _ := mock(t, func(*http.Request) (*http.Response, error) { return response(c.bodyStatus(), body), nil })
	value, _, err := c.do(t.Context(), api)
	return value, err
}

// held is what each call makes of the body of a success: the words of its error, or "" if it
// succeeds.
type held struct{ body, token, record, list, remove string }

func (h held) by(c call) (words string) {
	switch c.name {
	case "CreateAccessToken", "RegenerateAccessToken":
		return h.record
	case "ListAccessTokens":
		return h.list
	case "DeleteAccessToken":
		return h.remove
	}
	return h.token
}

func TestDecode_WhatAnAnswerMustHold(t *testing.T) {
	t.Parallel()
	const (
		empty     = "the body is empty"
		noToken   = "access_token is missing"
		noID      = "access_token.id is missing or 0"
		noUUID    = "access_token.uuid is missing or empty"
		noList    = "access_tokens is missing"
		kept      = "it is not empty and has no access_token"
		says      = "; the server says: license expired"
		expired   = "the server reports an error: license expired"
		isArray   = "an array is not an object"
		isNull    = "null is not an object"
		isText    = `"" is not an object`
		notObject = "not an object"
		page      = aProxy + ": Welcome"
		cut       = "unexpected end of JSON"
	)
	for _, test := range []held{
		{body: "", token: empty, record: empty, list: empty},
		{body: " \n", token: empty, record: empty, list: empty},
		{body: "{}", token: noToken, record: noToken, list: noList},
		{body: " { \n} ", token: noToken, record: noToken, list: noList},
		{body: "null", token: isNull, record: notObject, list: isNull},
		{
			body:  "nul",
			token: "invalid literal", record: "invalid literal", list: "invalid literal", remove: "invalid literal",
		},
		{body: "{", token: cut, record: cut, list: cut, remove: cut},
		{body: "[}", token: "character '}'", record: "character '}'", list: "character '}'", remove: "character '}'"},
		{body: "[]", token: isArray, record: notObject, list: isArray, remove: isArray},
		{body: `""`, token: isText, record: notObject, list: isText, remove: isText},
		{body: "true", token: "true is", record: notObject, list: "true is", remove: "true is not an object"},
		{
			body:  "ok",
			token: "unexpected character 'o' at offset 0", record: "unexpected", list: "unexpected", remove: "unexpected",
		},
		{body: aPage, token: page, record: page, list: page, remove: page},
		{
			body:  `{"code":403,"message":"license expired"}`,
			token: noToken + says, record: noToken + says, list: noList + says, remove: kept + says,
		},
		{
			body:  `{"error":{"message":"license expired"}}`,
			token: noToken + says, record: noToken + says, list: noList + says, remove: kept + says,
		},
		{
			body:  `{"errors":["license expired"]}`,
			token: noToken + says, record: noToken + says, list: noList + says, remove: kept + says,
		},
		{body: `{"success":false}`, token: noToken, record: noToken, list: noList, remove: kept},
		{body: `{"errcode":40001}`, token: noToken, record: noToken, list: noList, remove: kept},
		{
			body:  `{"access_token":null,"code":403,"message":"license expired"}`,
			token: noToken + says, record: noToken + says, list: noList + says, remove: kept + says,
		},
		{body: `{"access_token":null,"success":false}`, token: noToken, record: noToken, list: noList, remove: kept},
		{body: `{"error":7}`, token: noToken, record: noToken, list: noList, remove: kept},
		{body: `{"error":"","errors":[]}`, token: noToken, record: noToken, list: noList, remove: kept},
		{body: `{"access_token":{}}`, token: noID, record: noUUID, list: noList},
		{body: `{"access_token":null}`, token: noToken, record: noToken, list: noList},
		{
			body:  `{"access_token":[]}`,
			token: "access_token: " + isArray, record: "access_token: not an object", list: noList, remove: kept,
		},
		{body: `{"access_token":{"id":0,"uuid":""}}`, token: noID, record: noUUID, list: noList},
		{body: `{"access_token":{"id":null,"uuid":null}}`, token: noID, record: noUUID, list: noList},
		{body: `{"access_token":{"id":7}}`, record: noUUID, list: noList},
		{body: `{"access_token":{"uuid":"f0e1"}}`, token: noID, list: noList},
		{
			body:  `{"access_token":{"id":"7","uuid":7}}`,
			token: `access_token.id: "7" is not an int64`, record: "access_token.uuid: not a string", list: noList,
		},
		{body: `{"access_token":{"create":"now"}}`, token: "RFC 3339", record: "RFC 3339 time; " + noUUID, list: noList},
		{
			body: "\ufeff" + `{"access_token":{"id":7,"uuid":"f0e1"},"error":"license expired"}`,
			list: noList, remove: expired,
		},
		{
			body: `{"access_token":{"id":7,"uuid":"f0e1"},"errors":{"a":["b"]}}`,
			list: noList, remove: `{"errors":{"a":["b"]}}`,
		},
		{body: `{"access_token":{"id":7,"uuid":"f0e1"},"error":" ","errors":[]}`, list: noList},
		{body: `{"access_token":{"id":7,"uuid":"f0e1"},"error":null,"errors":{}}`, list: noList},
		{body: `{"access_token":{"id":7,"uuid":"f0e1"},"error":false,"errors":0}`, list: noList},
		{body: `{"access_token":{"id":7,"uuid":"f0e1"}`, token: cut, record: cut, list: cut, remove: cut},
		{
			body:  `{"access_token":{"id":7,"uuid":"f0e1"}} x`,
			token: "unexpected character 'x'", record: "unexpected", list: "unexpected", remove: "unexpected",
		},
		{body: `{"access_tokens":null}`, token: noToken, record: noToken, remove: kept},
		{body: `{"access_tokens":{}}`, token: noToken, record: noToken, remove: kept},
		{body: `{"access_tokens":[],"error":"","errors":{}}`, token: noToken, record: noToken, remove: kept},
		{
			body:  `{"access_tokens":null,"error":"license expired"}`,
			token: noToken, record: noToken, list: expired, remove: kept,
		},
		{
			body:  `{"access_tokens":{},"errors":"license expired"}`,
			token: noToken, record: noToken, list: expired, remove: kept,
		},
		{
			body:  `{"access_tokens":[],"errors":{"a":["b"]}}`,
			token: noToken, record: noToken, list: `error: {"errors":{"a":["b"]}}`, remove: kept,
		},
		{body: `{"access_tokens":[{"id":1}],"error":"license expired"}`, token: noToken, record: noToken, remove: kept},
		{
			body:  `{"access_tokens":{"id":1}}`,
			token: noToken, record: noToken, list: "access_tokens: an object is not an array", remove: kept,
		},
		{
			body:  `{"access_tokens":[{"id":1},null]}`,
			token: noToken, record: noToken, list: "access_tokens[1]: " + isNull, remove: kept,
		},
		{
			body:  `{"access_tokens":[{"id":1},{"id":0}]}`,
			token: noToken, record: noToken, list: "access_tokens[1].id is missing or 0", remove: kept,
		},
		{
			body:  `{"access_tokens":[{}]}`,
			token: noToken, record: noToken, list: "access_tokens[0].id is missing or 0", remove: kept,
		},
		{body: `{"access_tokens":[{"id":1}],"paging":{"limit":"no"}}`, token: noToken, record: noToken, remove: kept},
	} {
		for _, c := range calls() {
			assertHeld(t, c, test.body, test.by(c))
		}
	}
}

// assertHeld checks that a call succeeds with this body, or fails with these words.
func assertHeld(t *testing.T, c call, body, words string) {
	t.Helper()
	value, err := answered(t, c, body)
	if words == "" {
		require.NoError(t, err, "%s: %s", c.name, body)
		assert.Equal(t, c.want != nil, value != nil, "%s: %s", c.name, body)
		return
	}
	require.Nil(t, value, "%s: %s", c.name, body)
	var failed *xmsclient.DecodeError
	require.ErrorAs(t, err, &failed, "%s: %s", c.name, body)
	assert.Contains(t, err.Error(), words, "%s: %s", c.name, body)
	assert.LessOrEqual(t, strings.Count(err.Error(), "license expired"), 1, "said once")
	assert.Equal(t, body, string(failed.Body), "Body")
	assert.Equal(t, c.name, failed.Operation, "Operation")
	assert.Equal(t, c.bodyStatus(), failed.StatusCode, "StatusCode")
	assert.Equal(t, mockURL, failed.Server, "Server")
	assert.Equal(t, 1, failed.Attempts, "Attempts")
	assertSentinels(t, err, c.unknown()...)
}

func TestDecode_NamesThePlace(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"access_token":{"id":7,"user":7},"msg":"not ready"}`: `access_token.user: 7 is not an object; ` +
			`the server says: not ready`,
		`{"access_token":{"id":"` + aKey + `"}}`: `access_token.id: "[redacted]" is not an int64`,
	} {
		_, err := answered(t, callNamed(t, "GetAccessToken"), body)
		var unusable *xmsclient.DecodeError
		require.ErrorAs(t, err, &unusable)
		assert.EqualError(t, unusable.Err, want)
	}
}

func TestDecode_QuotesNothingThatCouldBeANewSecret(t *testing.T) {
	t.Parallel()
	const canary = "zq7-canary-k3"
	for _, body := range []string{
		canary, `"` + canary + `"`, `["` + canary + `"]`, `{"access_token":"` + canary + `"}`, `{"token":"` + canary + `"}`,
		`{"access_token":{"uuid":["` + canary + `"]}}`, `{"access_token":{"id":"` + canary + `"}}`,
		`{"access_token":{"uuid":{"message":"` + canary + `"}}}`, `{"access_token":{"` + canary + `":1},}`,
		`{"access_token":{"uuid":"` + canary,
	} {
		for _, c := range calls() {
			if c.name != "CreateAccessToken" && c.name != "RegenerateAccessToken" {
				continue
			}
			_, err := answered(t, c, body)
			var unusable *xmsclient.DecodeError
			require.ErrorAs(t, err, &unusable, body)
			assert.Equal(t, body, string(unusable.Body))
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v %v", err, err, err, unusable.Err), canary)
		}
	}
}

func TestDecode_ReadableUUIDIsEnough(t *testing.T) {
	t.Parallel()
	for _, c := range calls() {
		if c.name != "CreateAccessToken" && c.name != "RegenerateAccessToken" {
			continue
		}
		var log bytes.Buffer
		n := startNode(t, answer(c.status, `{"access_token":{"create":"soon","id":"x","roles":{"a":1},"name":7,`+
			`"description":"d","used":"no","user":["u"],"uuid":"f0e1"}}`))
		cfg := configuration(n)
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		value, _, err := c.do(t.Context(), newClient(t, cfg).AccessTokensApi)
		require.NoError(t, err)
		assert.Equal(t, &xmsclient.AccessTokenCreateResp{AccessToken: &xmsclient.AccessTokenCreateRecord{
			UUID: "f0e1", AccessToken: xmsclient.AccessToken{Description: "d"},
		}}, value)
		for _, text := range []string{
			"access_token.create: not an RFC 3339 time", "access_token.id: not an int64", "access_token.name: not a string",
			"access_token.roles: not an array", "access_token.used: not a boolean", "access_token.user: not an object",
		} {
			assert.Contains(t, log.String(),
				fmt.Sprintf("level=WARN msg=\"xms answer is partly unreadable\" operation=%s error=%q", c.name, text))
		}
	}
}

func TestDecode_OddPagingIsNoPaging(t *testing.T) {
	t.Parallel()
	list := callNamed(t, "ListAccessTokens")
	for _, paging := range []string{`null`, `"none"`, `[]`, `{"limit":{}}`, `{"count":1,"total_count":1.5}`} {
		value, err := answered(t, list, `{"paging":`+paging+`,"access_tokens":[{"id":1}]}`)
		require.NoError(t, err)
		assert.Equal(t, &xmsclient.AccessTokensResp{AccessTokens: []xmsclient.AccessToken{{ID: 1}}}, value)
	}
}

func zipped(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, text)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.String()
}

func TestDecode_NamesAnEncodingThatItCannotRead(t *testing.T) {
	t.Parallel()
	const token = `{"access_token":{"id":7}}`
	for _, test := range []struct{ encoding, body, want string }{
		{"gzip", zipped(t, token), ""},
		{"identity", token, ""},
		{"br", "\x0b\x0c\x80" + token + "\x03", `"br"`},
		{"zstd", "\x28\xb5\x2f\xfd\x04" + token, `"zstd"`},
		{"gzip, gzip", zipped(t, zipped(t, token)), `"gzip"`},
		{"gzip", zipped(t, zipped(t, token)), `"gzip"`},
	} {
		api, _ := serve(t, answer(http.StatusOK, test.body, "Content-Encoding", test.encoding))
		_, _, err := api.GetAccessToken(t.Context(), 7)
		if test.want == "" {
			require.NoError(t, err)
			continue
		}
		assert.ErrorContains(t, err, "the body is encoded as "+test.want+", which the client cannot read")
	}
}

func TestDecode_BoundsMemory(t *testing.T) {
	t.Parallel()
	list := func(tokens int) string {
		return `{"access_tokens":[` + strings.TrimSuffix(strings.Repeat(`{"id":1},`, tokens), ",") + `]}`
	}
	get := func(maxBytes int64, body string) (*xmsclient.AccessTokensResp, error) {
		n := startNode(t, answer(http.StatusOK, zipped(t, body), "Content-Encoding", "gzip"))
		cfg := configuration(n)
		cfg.MaxResponseBytes = maxBytes
		value, _, err := newClient(t, cfg).AccessTokensApi.ListAccessTokens(context.Background(), nil)
		return value, err
	}
	value, err := get(64<<10, list(2000))
	require.NoError(t, err, "1 MiB is always fine")
	assert.Equal(t, 2000, len(value.AccessTokens)) //nolint:testifylint // Len would print them all
	_, err = get(1<<20, list(10_000))
	require.NoError(t, err, "less than 4 MiB")
	for name, bomb := range map[string]string{
		"tokens, just too many": list(29_000),
		"tokens":                list(100_000),
		"tokens and spaces":     list(100_000) + strings.Repeat(" ", 50_000),
		"larger than allowed":   list(1_000_000),
		"roles":                 `{"access_tokens":[{"id":1,"roles":[` + strings.Repeat(`"",`, 300_000) + `""]}]}`,
	} {
		_, err = get(1<<20, bomb)
		assertSentinels(t, err, xmsclient.ErrResponseTooLarge)
		var unusable *xmsclient.DecodeError
		require.ErrorAs(t, err, &unusable, name)
		assert.Equal(t, bomb[:64<<10], string(unusable.Body))
		assert.Equal(t, 64<<10, cap(unusable.Body), "the rest is let go")
		assert.Contains(t, err.Error(), "Configuration.MaxResponseBytes")
	}
}

//nolint:paralleltest // it counts allocations
func TestDecode_LeavesUnreadWhatIsNoError(t *testing.T) {
	large := `{"access_tokens":[],"extension":[` + strings.Repeat(`[],`,
		100_000) + `[]],"errors":[` + strings.Repeat(`{},`, 100_000) + `7]}`
	api, _ := mock(t, func(*http.Request) (*http.Response, error) { return response(http.StatusOK, large), nil })
	var err error
	allocations := testing.AllocsPerRun(1, func() { _, _, err = api.ListAccessTokens(context.Background(), nil) })
	require.ErrorContains(t, err, "the server reports an error: a text of 300003 bytes")
	assert.Less(t, allocations, 1000.0)
}

func TestDecode_BrokenOffAnswerKeepsWhatCame(t *testing.T) {
	t.Parallel()
	for _, c := range calls() {
		if c.answer == "" {
			continue
		}
		came := c.answer[:len(c.answer)-1]
		api, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(came)+1))
			w.WriteHeader(c.status)
			io.WriteString(w, came)
		})
		_, _, err := c.do(t.Context(), api)
		var unusable *xmsclient.DecodeError
		require.ErrorAs(t, err, &unusable)
		assert.Equal(t, came, string(unusable.Body))
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.NotContains(t, err.Error(), "f0e1")
		assert.Equal(t, c.writes, errors.Is(err, xmsclient.ErrOutcomeUnknown))
	}
}

// A value is cleaned before it is cut, or the cut would hide that it is a secret.
func TestDecode_CleansValuesBeforeCuttingThem(t *testing.T) {
	t.Parallel()
	const uuid = "5eccade0a11d4eadbeefc0ffee5ec4e7"
	api, _ := serve(t, answer(200, `{"access_token":{"id":1,"create":"`+strings.Repeat("x", 32)+" "+uuid+`"}}`))
	_, _, err := api.GetAccessToken(t.Context(), 7)
	require.ErrorContains(t, err, "access_token.create: ")
	assert.NotContains(t, err.Error(), uuid[:16])
}

// The new secret is no part of an error, whatever its form and wherever the server repeats it.
func TestDecode_NewSecretIsWithheld(t *testing.T) {
	t.Parallel()
	const made = "tok-abcdefghijklmnopqrst"
	for _, body := range []string{
		`{"access_token":{"uuid":"` + made + `"},"message":"created ` + made + `"`,
		`{"data":{ "uuid" : "` + made + `"},"message":"created ` + made + `"}`,
		`{"access_token":{"uuid":null,"description":"x"},"error":"the description is too long"}`,
	} {
		api, _ := serve(t, answer(201, body))
		_, _, err := api.CreateAccessToken(t.Context(), creation("backup", "", "admin"))
		var unusable *xmsclient.DecodeError
		require.ErrorAs(t, err, &unusable)
		assert.NotContains(t, err.Error(), "abcdefghij")
		assert.Equal(t, strings.Contains(body, made), strings.Contains(err.Error(), "repeats a credential"))
		assert.Equal(t, body, string(unusable.Body))
	}
}
