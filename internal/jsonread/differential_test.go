package jsonread_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/internal/jsonread"
)

// The reference types are the models with the package's exceptions to encoding/json written out.
type (
	referenceTime   time.Time
	referenceRoles  []string
	referencePaging struct{ value *paging }
	referenceList   []token
	referenceToken  struct {
		Create      referenceTime  `json:"create"`
		Update      referenceTime  `json:"update"`
		Description string         `json:"description"`
		Name        string         `json:"name"`
		ID          int64          `json:"id"`
		Roles       referenceRoles `json:"roles"`
		Used        bool           `json:"used"`
		User        *user          `json:"user"`
	}
	reference struct {
		AccessToken *struct {
			referenceToken

			UUID string `json:"uuid"`
		} `json:"access_token"`
		AccessTokens referenceList   `json:"access_tokens"`
		Paging       referencePaging `json:"paging"`
	}
)

func (t *referenceTime) UnmarshalJSON(data []byte) error {
	var text string
	err := json.Unmarshal(data, &text)
	*t = referenceTime{}
	if err == nil && text != "" {
		err = (*time.Time)(t).UnmarshalText([]byte(text))
	}
	return err
}

func isEmptyObject(data []byte) bool {
	data = bytes.TrimSpace(data)
	return data[0] == '{' && len(bytes.TrimSpace(data[1:])) == 1
}

func (s *referenceRoles) UnmarshalJSON(data []byte) error {
	if isEmptyObject(data) {
		data = []byte("[]")
	}
	return json.Unmarshal(data, (*[]string)(s))
}

func (p *referencePaging) UnmarshalJSON(data []byte) error {
	if json.Unmarshal(data, &p.value) != nil {
		p.value = nil
	}
	return nil
}

func (l *referenceList) UnmarshalJSON(data []byte) error {
	*l = referenceList{}
	if isEmptyObject(data) {
		return nil
	}
	var list []*referenceToken
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	for _, t := range list {
		if t == nil {
			return errors.New("null")
		}
		*l = append(*l, t.plain())
	}
	return nil
}

func (t referenceToken) plain() token {
	return token{time.Time(t.Create), time.Time(t.Update), t.Description, t.Name, t.ID, t.Roles, t.Used, t.User}
}

func (r reference) plain() *tokens {
	t := &tokens{AccessTokens: r.AccessTokens, Paging: r.Paging.value}
	if r.AccessToken != nil {
		t.AccessToken = &record{r.AccessToken.plain(), r.AccessToken.UUID}
	}
	return t
}

// hasRepeatedKeys reports whether a key occurs twice in one object, where only the verdicts can be
// compared.
func hasRepeatedKeys(data []byte) bool {
	type frame struct {
		keys  map[string]bool
		isKey bool
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	stack := []frame{{}}
	for {
		read, err := decoder.Token()
		if err != nil {
			return false
		}
		top := &stack[len(stack)-1]
		if key, isText := read.(string); isText && top.isKey {
			key = strings.ToLower(strings.ToUpper(key))
			if top.keys[key] {
				return true
			}
			top.keys[key], top.isKey = true, false
			continue
		}
		switch top.isKey = top.keys != nil; read {
		case json.Delim('{'):
			stack = append(stack, frame{map[string]bool{}, true})
		case json.Delim('['):
			stack = append(stack, frame{})
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
		}
	}
}

func requireLikeEncodingJSON(t *testing.T, data []byte) {
	t.Helper()
	got, problems, err := jsonread.Read(data, tokensObject, math.MaxInt64)
	text := bytes.TrimPrefix(data, []byte("\ufeff"))
	require.Equal(t, json.Valid(text), err == nil, "%q: %v", data, err)
	if err != nil {
		return
	}
	var want reference
	if wantErr := json.Unmarshal(text, &want); wantErr != nil || bytes.TrimSpace(text)[0] != '{' {
		require.NotEmpty(t, problems, "%q: %v", data, wantErr)
		return
	}
	require.Empty(t, problems, "%q", data)
	if !hasRepeatedKeys(text) {
		if want.AccessTokens == nil && got.AccessTokens != nil {
			want.AccessTokens = referenceList{} // null: encoding/json does not ask UnmarshalJSON of a slice
		}
		require.Equal(t, want.plain(), got, "%q", data)
	}
}

const wholeToken = `{"create":"2020-12-30T10:30:51.675098636+08:00","description":"a \u0026 \ud83d\ude00 \"b\"",` +
	`"id":-71,"name":"备份","roles":["admin","",null],"update":"2021-01-02T03:04:05+05:30","used":true,` +
	`"user":{"id":1,"name":"admin","skip_guide":false,"more":[1.5e-3,{"a":[]}]}}`

func documents() []string {
	return []string{
		`{"access_tokens":[` + wholeToken + `, {"id" : 0, "ROLES":{},"update":"", "user":null } ],` +
			`"paging":{"count":1,"limit":-1}}`,
		`{"access_token":{"uuid":"6f1d2a64","new":{"id":"x","list":[true,false,null,-0.0E+7]},` +
			`"id":9223372036854775807}}` + "\n",
		`{"access_tokens":{},"paging":{"total_count":"many"},` +
			`"access_token":{"user":{"ſkip_guide":true},"create":null,"roles":null}}`,
		"\ufeff" + `{"access_tokens":null,"access_token":null,"paging":null}`,
		`{"access_token":{"\u006eame":"n","u\u017fer":{"NAME":"\ud800\udc00\ud800\n\/\b\f\r\t\\"},` +
			`"create":"2021-01-02T03:04:05\u005a"}}`,
	}
}

func fragments() []string {
	return []string{
		`null`, `{}`, `[]`, `""`, `"x"`, `true`, `false`, `0`, `-`, `-0`, `01`, `1.`, `1.5`, `1e2`,
		`9223372036854775808`,
		`-9223372036854775808`, `"2021-01-02T3:04:05Z"`, `"2021-01-02T03:04:05,5+24:61"`,
		`"2021-02-30T00:00:00Z"`, `{ }`,
		`,`, `:`, `"`, `{`, `}`, `[`, `]`, ` `, "\t", "\x00", "\x1f", "\x7f", "\xff", "\xed\xa0\x80",
		"é", "ſ", "K", `\`, `\u`,
		`\ud800`, `\udc00`, `\u00E9`, `\x`, `"id":1,`, `"roles":["a"],`, `"user":{"id":2},`, `"Create":"",`, "\ufeff",
	}
}

// mutate makes a few changes to a document.
func mutate(random *rand.Rand, document string) []byte {
	data := []byte(document)
	for range 1 + random.IntN(3) {
		from := random.IntN(len(data) + 1)
		to := min(len(data), from+random.IntN(8))
		switch random.IntN(5) {
		case 0:
			data = slices.Delete(data, from, to)
		case 1:
			data = slices.Insert(data, from, data[from:to]...)
		case 2: // another value in the place of one
			if i := bytes.IndexAny(data[from:], `:[,`); i >= 0 {
				from += i + 1
				to = max(from, from+bytes.IndexAny(data[from:], `,]}`))
				data = slices.Replace(data, from, to, []byte(fragments()[random.IntN(len(fragments()))])...)
			}
		case 3:
			copy(data[from:to], bytes.ToUpper(data[from:to]))
		default:
			data = slices.Insert(data, from, []byte(fragments()[random.IntN(len(fragments()))])...)
		}
	}
	return data
}

func TestRead_AgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, document := range documents() {
		requireLikeEncodingJSON(t, []byte(document))
		for i := range len(document) {
			requireLikeEncodingJSON(t, []byte(document[:i]))
		}
		random := rand.New(rand.NewPCG(1, 2))
		for range 4_000 {
			requireLikeEncodingJSON(t, mutate(random, document))
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, document := range documents() {
		f.Add([]byte(document))
	}
	for _, fragment := range fragments() {
		f.Add([]byte(`{"access_tokens":[{"id":` + fragment + `}]}`))
	}
	f.Fuzz(requireLikeEncodingJSON)
}
