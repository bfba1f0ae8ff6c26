package xmsclient_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// fill gives every field in v a value of its own.
func fill(t *testing.T, v reflect.Value, next *int64) {
	t.Helper()
	*next++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(1e9+*next, *next).UTC()))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), next)
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), next)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(t, v.Index(0), next)
		fill(t, v.Index(1), next)
	case v.Kind() == reflect.String:
		v.SetString("text " + strconv.FormatInt(*next, 10))
	case v.Kind() == reflect.Int64:
		v.SetInt(*next)
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	default:
		require.FailNow(t, "a field of a new kind", "%v", v.Type())
	}
}

func TestModels_EveryFieldIsReadAndWritten(t *testing.T) {
	t.Parallel()
	for _, c := range calls() {
		if c.want == nil {
			continue
		}
		want := reflect.New(reflect.TypeOf(c.want).Elem())
		fill(t, want.Elem(), new(int64))
		body, err := json.Marshal(want.Interface())
		require.NoError(t, err)
		got, err := answered(t, c, string(body))
		require.NoError(t, err)
		assert.Equal(t, want.Interface(), got, c.name)
	}
}

func TestModels_ZeroValuesAreWritten(t *testing.T) {
	t.Parallel()
	token := xmsclient.AccessToken{User: &xmsclient.UserNestview{}}
	const want = `"description":"","name":"","id":0,"used":false,"user":{"id":0,"name":"","skip_guide":false}`
	for _, test := range []struct {
		model any
		want  string
	}{
		{xmsclient.AccessTokenResp{AccessToken: &token}, `{"access_token":{` + want + `}}`},
		{
			xmsclient.AccessTokenCreateResp{AccessToken: &xmsclient.AccessTokenCreateRecord{AccessToken: token}},
			`{"access_token":{` + want + `,"uuid":""}}`,
		},
		{
			xmsclient.AccessTokensResp{AccessTokens: []xmsclient.AccessToken{token}, Paging: &xmsclient.Paging{}},
			`{"access_tokens":[{` + want + `}],"paging":{"count":0,"limit":0,"offset":0,"total_count":0}}`,
		},
	} {
		got, err := json.Marshal(test.model)
		require.NoError(t, err)
		assert.Equal(t, test.want, string(got))
	}
}

func fixture(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return string(content)
}

func TestModels_ReadRealAnswers(t *testing.T) {
	t.Parallel()
	created := time.Date(2020, 12, 30, 10, 30, 51, 675098636, time.FixedZone("", 8*3600))
	token := xmsclient.AccessToken{
		Create: created, Update: time.Date(2021, 1, 4, 2, 0, 0, 0, time.UTC), Description: "R&D <nightly>", ID: 7,
		Name: "备份 权限", Roles: []string{"admin", "viewer"}, Used: true, User: &xmsclient.UserNestview{ID: 1, Name: "admin"},
	}
	got, err := answered(t, callNamed(t, "GetAccessToken"), fixture(t, "token.json"))
	require.NoError(t, err)
	assertSame(t, &xmsclient.AccessTokenResp{AccessToken: &token}, got)

	got, err = answered(t, callNamed(t, "CreateAccessToken"), fixture(t, "record.json"))
	require.NoError(t, err)
	assertSame(t, &xmsclient.AccessTokenCreateResp{AccessToken: &xmsclient.AccessTokenCreateRecord{
		AccessToken: xmsclient.AccessToken{Create: created, ID: 8, Name: "gateway"}, UUID: "d1cf1bd8b52c4e1fa47a8c4e1a2b3c4d",
	}}, got)

	got, err = answered(t, callNamed(t, "ListAccessTokens"), fixture(t, "list.json"))
	require.NoError(t, err)
	token.User.SkipGuide = true
	assertSame(t, &xmsclient.AccessTokensResp{
		AccessTokens: []xmsclient.AccessToken{token, {
			ID: math.MaxInt64, Name: "monitoring", Roles: []string{},
			Update: time.Date(2021, 1, 4, 2, 0, 0, 5e8, time.FixedZone("", 5*3600+45*60)),
		}},
		Paging: &xmsclient.Paging{Count: 2, Limit: 2, Offset: 4, TotalCount: 9},
	}, got)
}

// assertSame compares models, the times in them by what they show: a zone has no identity.
func assertSame(t *testing.T, want, got any) {
	t.Helper()
	assert.IsType(t, want, got)
	wantJSON, err := json.Marshal(want)
	require.NoError(t, err)
	gotJSON, err := json.Marshal(got)
	require.NoError(t, err)
	assert.JSONEq(t, string(wantJSON), string(gotJSON))
}

func TestModels_PrintWhatTheyHold(t *testing.T) {
	t.Parallel()
	const uuid = "d1cf1bd8b52c4e1fa47a8c4e1a2b3c4d"
	token := xmsclient.AccessToken{ID: 7, Name: "a&b", User: &xmsclient.UserNestview{ID: 1}}
	record := xmsclient.AccessTokenCreateRecord{AccessToken: token, UUID: uuid}
	created := xmsclient.AccessTokenCreateResp{AccessToken: &record}
	single := xmsclient.AccessTokenResp{AccessToken: &token}
	list := xmsclient.AccessTokensResp{AccessTokens: []xmsclient.AccessToken{token}}
	const shown = `"description":"","name":"a&b","id":7,"used":false,"user":{"id":1,"name":"","skip_guide":false}`
	for want, models := range map[string][]any{
		`{` + shown + `,"uuid":"[redacted]"}`:                  {record, &record},
		`{"access_token":{` + shown + `,"uuid":"[redacted]"}}`: {created, &created},
		`{"access_token":{` + shown + `}}`:                     {single, &single},
		`{"access_tokens":[{` + shown + `}]}`:                  {list, &list},
		`{"access_token":null}`: {xmsclient.AccessTokenCreateResp{},
			xmsclient.AccessTokenResp{}},
		`{"access_tokens":null}`:                                     {xmsclient.AccessTokensResp{}},
		`{"description":"","name":"","id":0,"used":false,"uuid":""}`: {xmsclient.AccessTokenCreateRecord{}},
		"<nil>": {(*xmsclient.AccessTokenCreateResp)(nil), (*xmsclient.AccessTokensResp)(nil)},
	} {
		for _, model := range models {
			for _, verb := range []string{"%v", "%+v", "%s"} {
				assert.Equal(t, want, fmt.Sprintf(verb, model), "%s of %T", verb, model)
			}
			for _, verb := range []string{"%#v", "%q", "%x", "%d", "%10.300v"} {
				assert.NotContains(t, fmt.Sprintf(verb, model), uuid, "%s of %T", verb, model)
				assert.NotContains(t, fmt.Sprintf(verb, []any{model}), fmt.Sprintf("%x", uuid), "%s of %T", verb, model)
			}
		}
	}
	for _, model := range []fmt.Stringer{record, &record, created, &created} { // which zap, logr and spew ask
		assert.Equal(t, fmt.Sprint(model), model.String(), "%T", model)
	}
	assert.Equal(t, uuid, created.AccessToken.UUID, "printing changes nothing")
	late := xmsclient.AccessTokenResp{AccessToken: &xmsclient.AccessToken{Create: time.Date(10000, 1, 1, 0, 0, 0, 0,
		time.UTC)}}
	assert.Contains(t, fmt.Sprint(late), "year outside of range")
	text, err := json.Marshal(created)
	require.NoError(t, err)
	assert.Contains(t, string(text), uuid, "JSON keeps it")
}
