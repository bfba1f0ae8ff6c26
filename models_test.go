package xmsclient_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

func fixture(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(content)
}

// utc brings the times of tokens into one zone, in which those of the same instant are equal.
func utc(tokens ...*xmsclient.AccessToken) {
	for _, token := range tokens {
		if token != nil {
			token.Create, token.Update = token.Create.UTC(), token.Update.UTC()
		}
	}
}

func TestModels_Token(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]*xmsclient.AccessToken{
		"sds42_token.json": {
			Create: time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC), Update: time.Date(2021, 3, 5, 6, 7, 8, 0, time.UTC),
			Description: "nightly backup", ID: 3, Name: "backup", Roles: []string{"admin"}, Used: true,
			User: &xmsclient.UserNestview{ID: 1, Name: "admin"},
		},
		"eos6_token.json": {
			Create: time.Date(2024, 5, 5, 23, 8, 9, 0, time.UTC), Update: time.Date(2024, 5, 5, 23, 8, 9, 0, time.UTC),
			ID: 71, Name: "备份", Roles: []string{"admin", "viewer"},
			User: &xmsclient.UserNestview{ID: 1, Name: "admin", SkipGuide: true},
		},
		"future_token.json": {
			Create:      time.Date(2031, 12, 31, 18, 14, 59, 123456789, time.UTC),
			Update:      time.Date(2032, 1, 1, 3, 30, 0, 500000000, time.UTC),
			Description: "line one\nline two ü 😀 /", ID: math.MaxInt64, Name: "future", Roles: []string{"admin", "quota:read"}, Used: true,
			User: &xmsclient.UserNestview{ID: math.MaxInt64, Name: "admin", SkipGuide: true},
		},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			api, _ := mocked(t, answerJSON(http.StatusOK, fixture(t, file)))
			got, _, err := api.GetAccessToken(t.Context(), 1)
			require.NoError(t, err)
			updated, _, err := api.UpdateAccessToken(t.Context(), 1, renaming("n"))
			require.NoError(t, err)
			validated, _, err := api.ValidateAccessToken(t.Context(), "subject")
			require.NoError(t, err)
			for _, resp := range []*xmsclient.AccessTokenResp{got, updated, validated} {
				utc(resp.AccessToken)
				assert.Equal(t, want, resp.AccessToken)
			}
		})
	}
}

func TestModels_TimesKeepTheirOffset(t *testing.T) {
	t.Parallel()
	api, _ := mocked(t, answerJSON(http.StatusOK, fixture(t, "future_token.json")))
	got, _, err := api.GetAccessToken(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, "2031-12-31T23:59:59.123456789+05:45", got.AccessToken.Create.Format(time.RFC3339Nano))
	assert.Equal(t, "2032-01-01T00:00:00.5-03:30", got.AccessToken.Update.Format(time.RFC3339Nano))
}

func TestModels_List(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]*xmsclient.AccessTokensResp{
		"sds42_list.json": {AccessTokens: []xmsclient.AccessToken{
			{
				Create: time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC), Update: time.Date(2021, 3, 5, 6, 7, 8, 0, time.UTC),
				Description: "nightly backup", ID: 3, Name: "backup", Roles: []string{"admin"}, Used: true,
				User: &xmsclient.UserNestview{ID: 1, Name: "admin"},
			},
			{
				Create: time.Date(2021, 4, 4, 5, 6, 7, 0, time.UTC), Update: time.Date(2021, 4, 4, 5, 6, 7, 0, time.UTC),
				ID: 4, Name: "monitoring", Roles: []string{}, User: &xmsclient.UserNestview{ID: 2, Name: "operator"},
			},
		}},
		"eos6_list.json": {
			AccessTokens: []xmsclient.AccessToken{
				{
					Create: time.Date(2024, 5, 5, 23, 8, 9, 0, time.UTC), Update: time.Date(2024, 5, 5, 23, 8, 9, 0, time.UTC),
					ID: 71, Name: "备份", Roles: []string{"admin", "viewer"},
					User: &xmsclient.UserNestview{ID: 1, Name: "admin", SkipGuide: true},
				},
				{
					Create: time.Date(2024, 6, 5, 23, 8, 9, 0, time.UTC), Update: time.Date(2024, 7, 5, 23, 8, 9, 0, time.UTC),
					Description: `<S3> "gateway"`, ID: 72, Name: "gateway", Roles: []string{"viewer"}, Used: true,
					User: &xmsclient.UserNestview{ID: 2, Name: "operator"},
				},
			},
			Paging: &xmsclient.Paging{Count: 2, Limit: 2, Offset: 4, TotalCount: 9},
		},
		"future_list.json": {
			AccessTokens: []xmsclient.AccessToken{
				{},
				{ID: math.MaxInt64 - 1, Name: "never changed", User: &xmsclient.UserNestview{}},
				{},
				{
					Create: time.Date(2031, 12, 31, 23, 59, 59, 1000, time.UTC), ID: 5, Roles: []string{"admin"},
					User: &xmsclient.UserNestview{ID: 8},
				},
			},
			Paging: &xmsclient.Paging{Count: 4, Limit: math.MaxInt64, Offset: math.MaxInt64 - 4, TotalCount: math.MaxInt64},
		},
		"future_list_paging_null.json": {AccessTokens: []xmsclient.AccessToken{}, Paging: &xmsclient.Paging{}},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			api, _ := mocked(t, answerJSON(http.StatusOK, fixture(t, file)))
			got, _, err := api.ListAccessTokens(t.Context(), nil)
			require.NoError(t, err)
			for i := range got.AccessTokens {
				utc(&got.AccessTokens[i])
			}
			assert.Equal(t, want, got)
		})
	}
}

func TestModels_Record(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]*xmsclient.AccessTokenCreateRecord{
		"sds42_record.json": {UUID: "00000000000000000000000000005d42", AccessToken: xmsclient.AccessToken{
			Create: time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC), Update: time.Date(2021, 3, 4, 5, 6, 7, 0, time.UTC),
			Description: "nightly backup", ID: 3, Name: "backup", Roles: []string{"admin"},
			User: &xmsclient.UserNestview{ID: 1, Name: "admin"},
		}},
		"eos6_record.json": {UUID: "00000000-0000-0000-0000-000000000e06", AccessToken: xmsclient.AccessToken{
			Create: time.Date(2024, 5, 5, 23, 8, 9, 0, time.UTC), Update: time.Date(2024, 5, 5, 23, 8, 9, 0, time.UTC),
			ID: 71, Name: "备份", Roles: []string{"admin", "viewer"},
			User: &xmsclient.UserNestview{ID: 1, Name: "admin", SkipGuide: true},
		}},
		"future_record.json": {UUID: "00000000-0000-0000-0000-00000000f070", AccessToken: xmsclient.AccessToken{
			Create: time.Date(2031, 12, 31, 23, 59, 59, 900000000, time.UTC), ID: math.MaxInt64, User: &xmsclient.UserNestview{ID: 1},
		}},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			api, _ := mocked(t, answerJSON(http.StatusCreated, fixture(t, file)))
			created, _, err := api.CreateAccessToken(t.Context(), creation("", "n", "r"))
			require.NoError(t, err)
			regenerated, _, err := api.RegenerateAccessToken(t.Context(), 1)
			require.NoError(t, err)
			for _, resp := range []*xmsclient.AccessTokenCreateResp{created, regenerated} {
				utc(&resp.AccessToken.AccessToken)
				assert.Equal(t, want.AccessToken, resp.AccessToken.AccessToken)
				assert.Equal(t, want.UUID, resp.AccessToken.UUID)
			}
		})
	}
}

// Texts that recur in a list may share memory, those that only look alike must not.
func TestModels_AlikeTexts(t *testing.T) {
	t.Parallel()
	const tokens = 300
	var items, want []string
	for i := range tokens {
		role, user := fmt.Sprintf("role-%03d", i%150), fmt.Sprintf("user-%03d", i%70)
		items = append(items, fmt.Sprintf(`{"roles":[%q,"admin",%q],"user":{"name":%q}}`, role, user, user))
		want = append(want, fmt.Sprint([]string{role, "admin", user}, user))
	}
	api, _ := mocked(t, answerJSON(http.StatusOK, `{"access_tokens":[`+strings.Join(items, ",")+`]}`))
	list, _, err := api.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	var got []string
	for _, token := range list.AccessTokens {
		got = append(got, fmt.Sprint(token.Roles, token.User.Name))
	}
	assert.Equal(t, want, got)
}

// The models are plain structs: encoding/json alone reads a stored answer as the client does.
func TestModels_DecodedByEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"sds42", "eos6", "future"} {
		raw := fixture(t, version+"_list.json")
		api, _ := mocked(t, answerJSON(http.StatusOK, raw))
		got, _, err := api.ListAccessTokens(t.Context(), nil)
		require.NoError(t, err)
		var decoded xmsclient.AccessTokensResp
		require.NoError(t, json.Unmarshal([]byte(raw), &decoded))
		assert.Equal(t, &decoded, got)

		raw = fixture(t, version+"_record.json")
		api, _ = mocked(t, answerJSON(http.StatusCreated, raw))
		created, _, err := api.CreateAccessToken(t.Context(), creation("", "n", "r"))
		require.NoError(t, err)
		var record xmsclient.AccessTokenCreateResp
		require.NoError(t, json.Unmarshal([]byte(raw), &record))
		assert.Equal(t, record.AccessToken.AccessToken, created.AccessToken.AccessToken)
		assert.Equal(t, record.AccessToken.UUID, created.AccessToken.UUID)
	}
}

func TestModels_CreateRequest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body xmsclient.AccessTokenCreateReq
		want string
	}{
		"everything":     {creation("d", "n", "r"), `{"access_token":{"description":"d","name":"n","roles":["r"]}}`},
		"no description": {creation("", "n", "r"), `{"access_token":{"name":"n","roles":["r"]}}`},
		"roles in order": {creation("", "n", "b", "a", "b"), `{"access_token":{"name":"n","roles":["b","a","b"]}}`},
		"not ASCII":      {creation("ü", "备份 😀", "é"), `{"access_token":{"description":"ü","name":"备份 😀","roles":["é"]}}`},
		"to escape": {
			creation("\n\t\x00", `"\`, "<&>"),
			`{"access_token":{"description":"\n\t\u0000","name":"\"\\","roles":["\u003c\u0026\u003e"]}}`,
		},
		"replacement character": {creation("", "\uFFFD", "r"), `{"access_token":{"name":"\uFFFD","roles":["r"]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, rec := mocked(t, answerJSON(http.StatusCreated, recordJSON))
			_, _, err := api.CreateAccessToken(t.Context(), test.body)
			require.NoError(t, err)
			sent := rec.only(t)
			assert.JSONEq(t, test.want, sent.body)
			assert.EqualValues(t, len(sent.body), sent.length)
			encoded, err := json.Marshal(test.body)
			require.NoError(t, err)
			assert.JSONEq(t, test.want, string(encoded))
		})
	}
}

func TestModels_UpdateRequest(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"n":     `{"access_token":{"name":"n"}}`,
		"备份 😀":  `{"access_token":{"name":"备份 😀"}}`,
		"\"<\n": `{"access_token":{"name":"\"\u003c\n"}}`,
		" ":     `{"access_token":{"name":" "}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, rec := mocked(t, answerJSON(http.StatusOK, tokenJSON))
			_, _, err := api.UpdateAccessToken(t.Context(), 1, renaming(name))
			require.NoError(t, err)
			assert.JSONEq(t, want, rec.only(t).body)
		})
	}
}

func TestModels_EncodedResponses(t *testing.T) {
	t.Parallel()
	create := time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC)
	token := xmsclient.AccessToken{
		Create: create, Update: create, Description: "d", Name: "n", ID: 1, Roles: []string{"r"}, Used: true,
		User: &xmsclient.UserNestview{ID: 2, Name: "u", SkipGuide: true},
	}
	const tokenText = `"create":"2024-05-06T07:08:09.00000001Z","update":"2024-05-06T07:08:09.00000001Z","description":"d","name":"n",` +
		`"id":1,"roles":["r"],"used":true,"user":{"id":2,"name":"u","skip_guide":true}`
	for want, value := range map[string]any{
		`{"access_token":{` + tokenText + `}}`: xmsclient.AccessTokenResp{AccessToken: &token},
		`{}`:                                   xmsclient.AccessTokenResp{},
		`{"access_token":{}}`:                  xmsclient.AccessTokenResp{AccessToken: &xmsclient.AccessToken{}},
		`{"access_token":{` + tokenText + `,"uuid":"f0e1d2c3"}}`: record(token, "f0e1d2c3"),
		`{"access_token":{"uuid":"f0e1d2c3"}}`:                   *record(xmsclient.AccessToken{}, "f0e1d2c3"),
		`{"access_token":null}`:                                  xmsclient.AccessTokenCreateResp{},
		`{"access_tokens":[{` + tokenText + `}],"paging":{"count":1,"limit":2,"offset":3,"total_count":4}}`: xmsclient.AccessTokensResp{
			AccessTokens: []xmsclient.AccessToken{token}, Paging: &xmsclient.Paging{Count: 1, Limit: 2, Offset: 3, TotalCount: 4},
		},
		`{"access_tokens":[]}`: xmsclient.AccessTokensResp{AccessTokens: []xmsclient.AccessToken{}},
	} {
		encoded, err := json.Marshal(value)
		require.NoError(t, err)
		assert.Equal(t, want, string(encoded))
	}
}

func record(token xmsclient.AccessToken, uuid string) *xmsclient.AccessTokenCreateResp {
	return &xmsclient.AccessTokenCreateResp{AccessToken: &xmsclient.AccessTokenCreateRecord{AccessToken: token, UUID: uuid}}
}

// Storing a new token as JSON needs its uuid; printing or logging it must not show it.
func TestModels_UUID(t *testing.T) {
	t.Parallel()
	const uuid = "f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f"
	resp := record(xmsclient.AccessToken{ID: 42, Name: "backup"}, uuid)
	encoded, err := json.Marshal(resp)
	require.NoError(t, err)
	assert.JSONEq(t, `{"access_token":{"id":42,"name":"backup","uuid":"`+uuid+`"}}`, string(encoded))

	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%300v", "%t"} {
		for _, value := range []any{*resp.AccessToken, resp.AccessToken, *resp, resp, []any{*resp}, map[string]any{"r": resp.AccessToken}} {
			text := fmt.Sprintf(verb, value)
			assert.NotContains(t, text, uuid, "%s of %T", verb, value)
			assert.NotContains(t, text, fmt.Sprintf("%x", uuid), "%s of %T", verb, value)
			assert.NotContains(t, text, fmt.Sprintf("%X", uuid), "%s of %T", verb, value)
		}
	}
	assert.Regexp(t, `^\{.* backup 42 .*\[redacted\]\}$`, fmt.Sprint(*resp.AccessToken))
	assert.Contains(t, fmt.Sprintf("%+v", resp.AccessToken), "UUID:[redacted]")
	assert.NotContains(t, fmt.Sprint(record(xmsclient.AccessToken{}, "").AccessToken), "redacted", "there is nothing to hide")
	assert.Equal(t, uuid, resp.AccessToken.UUID, "printing changes nothing")
}

func TestModels_UUIDInLog(t *testing.T) {
	t.Parallel()
	const uuid = "f0e1d2c3-b4a5-4697-8879-6a5b4c3d2e1f"
	resp := record(xmsclient.AccessToken{ID: 42, Name: "backup"}, uuid)
	for name, value := range map[string]any{"record": *resp.AccessToken, "*record": resp.AccessToken, "resp": *resp, "*resp": resp} {
		for format, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		} {
			var out bytes.Buffer
			slog.New(handler(&out)).Info("created", slog.Any("token", value))
			assert.NotContains(t, out.String(), uuid, "%s as %s", name, format)
			assert.Contains(t, out.String(), "[redacted]", "%s as %s", name, format)
			assert.Contains(t, out.String(), "backup", "%s as %s", name, format)
		}
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("nothing", slog.Any("token", xmsclient.AccessTokenCreateResp{}))
	assert.Contains(t, out.String(), `"token":null`)
}
