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
	api, _ := mock(t, func(*http.Request) (*http.Response, error) { return response(c.status, body), nil })
	value, _, err := c.do(t.Context(), api)
	return value, err
}

func TestDecode_WhatAnAnswerMustHold(t *testing.T) {
	t.Parallel()
	const (
		noToken = "access_token is missing"
		noID    = "access_token.id is missing or 0"
		noUUID  = "access_token.uuid is missing or empty"
		noList  = "access_tokens is missing"
		expired = "the server reports an error: license expired"
	)
	// What each call says of a body; "": it succeeds.
	type row struct{ body, token, record, list, remove string }
	for _, test := range []row{
		{"", "the body is empty", "the body is empty", "the body is empty", ""},
		{" \n", "the body is empty", "the body is empty", "the body is empty", ""},
		{"{}", noToken, noToken, noList, ""},
		{"null", "null is not an object", "not an object", "null is not an object", ""},
		{"[]", "an array is not an object", "not an object", "an array is not an object", ""},
		{`""`, `"" is not an object`, "not an object", `"" is not an object`, ""},
		{"pong", "unexpected character 'p' at offset 0", "unexpected character 'p'", "unexpected character 'p'", ""},
		{aPage, aProxy + ": Welcome", aProxy + ": Welcome", aProxy + ": Welcome", aProxy + ": Welcome"},
		{
			`{"code":403,"message":"invalid token"}`, noToken + "; the server says: invalid token",
			noToken + "; the server says: invalid token", noList + "; the server says: invalid token", "",
		},
		{
			`{"error":{"message":"license expired"}}`, noToken + "; the server says: license expired",
			noToken + "; the server says: license expired", noList + "; the server says: license expired", expired,
		},
		{`{"errors":["license expired"]}`, noToken, noToken, noList, expired},
		{`{"error":7}`, noToken, noToken, noList, `the server reports an error: {"error":7}`},
		{`{"error":"","errors":[]}`, noToken, noToken, noList, ""},
		{`{"error":" ","errors":[]}`, noToken, noToken, noList, ""},
		{`{"error":null,"errors":{}}`, noToken, noToken, noList, ""},
		{`{"error":false,"errors":0}`, noToken, noToken, noList, ""},
		{`{"access_token":{}}`, noID, noUUID, noList, ""},
		{`{"access_token":null}`, noToken, noToken, noList, ""},
		{`{"access_token":[]}`, "access_token: an array is not an object", "access_token: not an object", noList, ""},
		{`{"access_token":{"id":0,"uuid":""}}`, noID, noUUID, noList, ""},
		{`{"access_token":{"id":null,"uuid":null}}`, noID, noUUID, noList, ""},
		{`{"access_token":{"id":7}}`, "", noUUID, noList, ""},
		{`{"access_token":{"uuid":"f0e1"}}`, noID, "", noList, ""},
		{`{"access_token":{"id":"7","uuid":7}}`, `access_token.id: "7" is not an int64`, "access_token.uuid: not a string",
			noList, ""},
		{`{"access_token":{"create":"now"}}`, "RFC 3339", "RFC 3339 time; " + noUUID, noList, ""},
		{"\ufeff" + `{"access_token":{"id":7,"uuid":"f0e1"},"error":"license expired"}`, "", "", noList, expired},
		{`{"access_token":{"id":7,"uuid":"f0e1"}`, "unexpected end", "unexpected end", "unexpected end", ""},
		{`{"access_token":{"id":7,"uuid":"f0e1"}} x`, "unexpected character 'x'", "unexpected", "unexpected", ""},
		{`{"access_tokens":null}`, noToken, noToken, "", ""},
		{`{"access_tokens":{}}`, noToken, noToken, "", ""},
		{`{"access_tokens":[],"error":"","errors":{}}`, noToken, noToken, "", ""},
		{`{"access_tokens":null,"error":"license expired"}`, noToken, noToken, expired, expired},
		{`{"access_tokens":{},"errors":"license expired"}`, noToken, noToken, expired, expired},
		{`{"access_tokens":[],"errors":{"a":["b"]}}`, noToken, noToken, `error: {"errors":{"a":["b"]}}`,
			`{"errors":{"a":["b"]}}`},
		{`{"access_tokens":[{"id":1}],"error":"license expired"}`, noToken, noToken, "", expired},
		{`{"access_tokens":{"id":1}}`, noToken, noToken, "access_tokens: an object is not an array", ""},
		{`{"access_tokens":[{"id":1},null]}`, noToken, noToken, "access_tokens[1]: null is not an object", ""},
		{`{"access_tokens":[{"id":1},{"id":0}]}`, noToken, noToken, "access_tokens[1].id is missing or 0", ""},
		{`{"access_tokens":[{}]}`, noToken, noToken, "access_tokens[0].id is missing or 0", ""},
		{`{"access_tokens":[{"id":1}],"paging":{"limit":"no"}}`, noToken, noToken, "", ""},
	} {
		for _, c := range calls() {
			want := map[string]string{
				"CreateAccessToken": test.record, "RegenerateAccessToken": test.record,
				"ListAccessTokens": test.list, "DeleteAccessToken": test.remove,
			}
			text, ok := want[c.name]
			if !ok {
				text = test.token
			}
			value, err := answered(t, c, test.body)
			if text == "" {
				require.NoError(t, err, "%s: %s", c.name, test.body)
				if c.want != nil {
					require.NotNil(t, value, "%s: %s", c.name, test.body)
				}
				continue
			}
			require.Nil(t, value, "%s: %s", c.name, test.body)
			var unusable *xmsclient.DecodeError
			require.ErrorAs(t, err, &unusable, "%s: %s", c.name, test.body)
			assert.Contains(t, err.Error(), text, "%s: %s", c.name, test.body)
			assert.LessOrEqual(t, strings.Count(err.Error(), "license expired"), 1, "said once")
			assert.Equal(t, test.body, string(unusable.Body))
			assert.Equal(t, c.name, unusable.Operation)
			assert.Equal(t, c.status, unusable.StatusCode)
			if c.writes {
				assertSentinels(t, err, xmsclient.ErrOutcomeUnknown)
			} else {
				assertSentinels(t, err)
			}
		}
	}
}

func TestDecode_NamesThePlace(t *testing.T) {
	t.Parallel()
	list, get := callNamed(t, "ListAccessTokens"), callNamed(t, "GetAccessToken")
	for _, test := range []struct {
		c          call
		body, want string
	}{
		{get, `{"access_token":{"id":7,"create":"2020-12-30 10:30:51"}}`,
			`access_token.create: "2020-12-30 10:30:51" is not an RFC 3339 time`},
		{get, `{"access_token":{"id":1.0}}`, `access_token.id: 1.0 is not an int64`},
		{get, `{"access_token":{"user":{"id":[1]}}}`, `access_token.user.id: an array is not an int64`},
		{get, `{"access_token":{"roles":"admin"}}`, `access_token.roles: "admin" is not an array`},
		{get, `{"access_token":{"name":"a","used":1}}`, `access_token.used: 1 is not a boolean`},
		{get, `{"access_token":{"name":"a` + "\n" + `"}}`, `access_token.name: unexpected character '\n' at offset 26`},
		{get, `{"access_token":{"id":7,"user":7},"msg":"not ready"}`,
			`access_token.user: 7 is not an object; the server says: not ready`},
		{get, `{"access_token":{"id":"` + aKey + `"}}`, `access_token.id: "[redacted]" is not an int64`},
		{list, `{"access_tokens":[{"id":1},{"id":2,"update":7}]}`, `access_tokens[1].update: 7 is not an RFC 3339 time`},
		{list, `{"access_tokens":[{"id":1,"roles":["a",{}]}]}`, `access_tokens[0].roles[1]: an object is not a string`},
		{list, `{"access_tokens":[{"id":1},{"id":2]}`, `access_tokens[1]: unexpected character ']' at offset 34`},
	} {
		_, err := answered(t, test.c, test.body)
		var unusable *xmsclient.DecodeError
		require.ErrorAs(t, err, &unusable)
		assert.EqualError(t, unusable.Err, test.want)
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
