package xmsclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fastPath reports whether body is read without encoding/json.
func fastPath[T any, M responseModel[T]](body []byte) bool {
	c := cursor{data: body}
	return M(new(T)).parse(&c) && c.atEnd()
}

// assertLikeJSON checks that decode and encoding/json agree on body for T: the same verdict, value and error text.
func assertLikeJSON[T any, M responseModel[T]](t *testing.T, body []byte) {
	t.Helper()
	var want, got T
	wantErr := json.Unmarshal(body, &want)
	gotErr := decode(&cursor{data: body}, M(&got))
	field := M(&want).missing()
	switch {
	case wantErr == nil && field == "":
		require.NoError(t, gotErr, "%q", body)
		require.Equal(t, want, got, "%q", body)
	case wantErr == nil:
		require.EqualError(t, gotErr, fmt.Sprintf("required field %q is missing", field), "%q", body)
	case len(bytes.TrimSpace(body)) == 0:
		require.EqualError(t, gotErr, "the body is empty", "%q", body)
	case isHTML("", body):
		require.ErrorContains(t, gotErr, "HTML", "%q", body)
	default:
		require.EqualError(t, gotErr, wantErr.Error(), "%q", body)
	}
}

// assertModelsLikeJSON is assertLikeJSON for each model of an answer.
func assertModelsLikeJSON(t *testing.T, body []byte) {
	t.Helper()
	assertLikeJSON[AccessTokenResp](t, body)
	assertLikeJSON[AccessTokenCreateResp](t, body)
	assertLikeJSON[AccessTokensResp](t, body)
}

const (
	plainToken = `{"create":"2024-05-06T07:08:09.123456+08:00","description":"Nightly backup","id":7,"name":"backup",` +
		`"roles":["admin","viewer"],"update":"2024-06-07T08:09:10Z","used":true,"user":{"id":1,"name":"admin","skip_guide":false}}`
	plainRecord = `{"create":"2024-05-06T07:08:09Z","description":"","id":7,"name":"备份","roles":[],"update":null,"used":false,` +
		`"user":null,"uuid":"6f1d2a64-1b1c-4c57-9d0e-2f6a54a3b9d1"}`
	plainPaging = `{"count":2,"limit":-1,"offset":0,"total_count":2}`
)

// plainBodies are answers as servers send them, one of each kind.
func plainBodies() map[string]string {
	return map[string]string{
		"token":  `{"access_token":` + plainToken + `}`,
		"record": `{"access_token":` + plainRecord + `}`,
		"list":   `{"access_tokens":[` + plainToken + `,` + plainToken + `],"paging":` + plainPaging + `}`,
	}
}

func TestDecode_FastPathTakesWhatServersSend(t *testing.T) {
	t.Parallel()
	plain := plainBodies()
	for name, body := range map[string]string{
		"plain":           plain["token"],
		"record":          plain["record"],
		"unknown members": `{"revision":-12,"access_token":{"etag":"x","id":1,"hidden":true,"note":null},"ok":false}`,
		"white space":     " {\r\n\t\"access_token\" : { \"id\" : 1 , \"roles\" : [ \"a\" , \"b\" ] } } \n",
		"empty objects":   `{"access_token":{"user":{}}}`,
		"null token":      `{"access_token":null}`,
		"null":            `null`,
		"empty":           `{}`,
		"18 digits":       `{"access_token":{"id":-999999999999999999}}`,
		"multi-byte text": `{"access_token":{"name":"ключ 😀 ` + "\u2028" + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.True(t, fastPath[AccessTokenResp]([]byte(body)))
			assertModelsLikeJSON(t, []byte(body))
		})
	}
	assert.True(t, fastPath[AccessTokenCreateResp]([]byte(plain["record"])))
	assert.True(t, fastPath[AccessTokensResp]([]byte(plain["list"])))
	for _, file := range []string{"sds42_token.json", "eos6_token.json"} {
		assert.True(t, fastPath[AccessTokenResp](readTestdata(t, file)), file)
	}
	for _, file := range []string{"sds42_record.json", "eos6_record.json"} {
		assert.True(t, fastPath[AccessTokenCreateResp](readTestdata(t, file)), file)
	}
	for _, file := range []string{"sds42_list.json"} {
		assert.True(t, fastPath[AccessTokensResp](readTestdata(t, file)), file)
	}
}

func readTestdata(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return content
}

// TestDecode_FastPathGivesUp holds surprises, none of which the fast path may judge by itself.
func TestDecode_FastPathGivesUp(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]string{
		"escape in a value":          `{"name":"a\nb"}`,
		"escaped quote":              `{"name":"a\"b"}`,
		"surrogates":                 `{"name":"\ud83d\ude00"}`,
		"lone surrogate":             `{"name":"\ud83d"}`,
		"escape in a key":            `{"n\u0061me":"x"}`,
		"key in upper case":          `{"NAME":"x"}`,
		"key that folds to another":  `{"u` + "\u017f" + `ed":true}`,
		"key with other characters":  `{"x-name":"x"}`,
		"repeated key":               `{"name":"x","name":"y"}`,
		"repeated key, then null":    `{"user":{"id":1},"user":null}`,
		"repeated list":              `{"roles":["a","b"],"roles":["c"]}`,
		"repeated object":            `{"user":{"id":1},"user":{"name":"n"}}`,
		"key of another type":        `{"name":7}`,
		"text for a number":          `{"id":"7"}`,
		"number for a list":          `{"roles":7}`,
		"text for an object":         `{"user":"admin"}`,
		"list for a flag":            `{"used":[]}`,
		"fraction":                   `{"id":1.0}`,
		"exponent":                   `{"id":1e2}`,
		"19 digits":                  `{"id":9223372036854775807}`,
		"too large":                  `{"id":9223372036854775808}`,
		"leading zero":               `{"id":07}`,
		"minus alone":                `{"id":-}`,
		"minus and space":            `{"id":- 1}`,
		"plus":                       `{"id":+1}`,
		"two zeros":                  `{"id":00}`,
		"number in a list":           `{"roles":["a",1]}`,
		"unknown object":             `{"tenant":{"id":1}}`,
		"unknown list":               `{"tags":["a"]}`,
		"unknown fraction":           `{"quota":1.5}`,
		"not a time":                 `{"create":"yesterday"}`,
		"empty time":                 `{"create":""}`,
		"time without seconds":       `{"create":"2024-05-06T07:08Z"}`,
		"time with a comma":          `{"create":"2024-05-06T07:08:09,5Z"}`,
		"time with one digit":        `{"create":"2024-05-06T7:08:09Z"}`,
		"time with a wild offset":    `{"create":"2024-05-06T07:08:09+25:00"}`,
		"30th of February":           `{"create":"2024-02-30T07:08:09Z"}`,
		"number for a time":          `{"create":0}`,
		"control character":          "{\"name\":\"a\tb\"}",
		"invalid UTF-8":              "{\"name\":\"a\xc3(\"}",
		"invalid UTF-8 in a key":     "{\"n\xff\":\"a\"}",
		"encoded surrogate":          "{\"name\":\"\xed\xa0\x80\"}",
		"trailing comma":             `{"id":1,}`,
		"trailing comma in a list":   `{"roles":["a",]}`,
		"two commas":                 `{"id":1,,"used":true}`,
		"missing colon":              `{"id" 1}`,
		"missing comma":              `{"id":1 "used":true}`,
		"missing value":              `{"id":}`,
		"bare key":                   `{id:1}`,
		"single quotes":              `{'id':1}`,
		"capital literal":            `{"used":True}`,
		"cut literal":                `{"used":tru}`,
		"literal that goes on":       `{"used":truex}`,
		"null that goes on":          `{"name":nullx}`,
		"comment":                    `{"id":1/* one */}`,
		"other white space":          "{\"id\":1\f}",
		"no-break space":             "{\"id\":1\u00a0}",
		"NUL":                        "{\"id\":1}\x00",
		"wrong bracket":              `{"roles":["a"}}`,
		"list for the token":         `[]`,
		"text for the token":         `"x"`,
		"second value":               `{} {}`,
		"unterminated":               `{"name":"x`,
		"unterminated after a slash": `{"name":"x\`,
		"not JSON":                   `nope`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, body := range [][]byte{
				[]byte(`{"access_token":` + token + `}`),
				[]byte(`{"access_tokens":[` + plainToken + `,` + token + `]}`),
			} {
				assert.False(t, fastPath[AccessTokenResp](body) && fastPath[AccessTokensResp](body))
				assertModelsLikeJSON(t, body)
			}
		})
	}
}

func TestDecode_WholeBodies(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"nothing":           "",
		"white space":       " \n",
		"byte order mark":   "\ufeff{}",
		"text":              "ok",
		"string":            `"ok"`,
		"list":              `[]`,
		"HTML":              "<html><title>Sign in</title></html>",
		"null list":         `{"access_tokens":null}`,
		"empty list":        `{"access_tokens":[]}`,
		"list of nulls":     `{"access_tokens":[null,{},null]}`,
		"repeated list":     `{"access_tokens":[{"id":1,"name":"a"}],"access_tokens":[{"id":2}]}`,
		"repeated token":    `{"access_token":{"id":1,"name":"a"},"access_token":{"id":2}}`,
		"token, then null":  `{"access_token":{"id":1},"access_token":null}`,
		"list without end":  `{"access_tokens":[{"id":1},`,
		"trailing bracket":  `{"access_token":{"id":1}}}`,
		"deep nesting":      strings.Repeat(`{"access_token":`, 10_001),
		"deep lists":        `{"x":` + strings.Repeat(`[`, 10_001),
		"embedded struct":   `{"access_token":{"AccessToken":{"id":1},"uuid":"x"}}`,
		"half of a token":   plainBodies()["token"][:60],
		"long unknown text": `{"x":"` + strings.Repeat("y", 1<<16) + `","access_token":{"id":1}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertModelsLikeJSON(t, []byte(body))
		})
	}
}

// TestDecode_Prefixes cuts an answer off at each byte.
func TestDecode_Prefixes(t *testing.T) {
	t.Parallel()
	for name, body := range plainBodies() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for end := range len(body) + 1 {
				assertModelsLikeJSON(t, []byte(body[:end]))
			}
		})
	}
}

func TestDecode_LongList(t *testing.T) {
	t.Parallel()
	const count = 10_000
	var body bytes.Buffer
	body.WriteString(`{"access_tokens":[`)
	for i := range count {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"create":"2024-05-06T07:08:09.%06dZ","id":%d,"name":"backup-%06d","roles":["admin","role-%d"],`+
			`"used":%t,"user":{"id":%d,"name":"user-%d"}}`, i, i, i, i%40, i%2 == 0, i%30, i%30)
	}
	body.WriteString(`]}`)
	assert.True(t, fastPath[AccessTokensResp](body.Bytes()))
	var want, got AccessTokensResp
	require.NoError(t, json.Unmarshal(body.Bytes(), &want))
	require.NoError(t, decode(&cursor{data: body.Bytes()}, &got))
	require.Len(t, got.AccessTokens, count)
	for i := range want.AccessTokens {
		require.Equal(t, want.AccessTokens[i], got.AccessTokens[i])
	}
	assert.LessOrEqual(t, cap(got.AccessTokens), count*5/4, "room for tokens that did not come")
}

// TestDecode_Mutants holds the fast path to encoding/json on answers with a few random changes. XMS_MUTANTS sets how many.
func TestDecode_Mutants(t *testing.T) {
	t.Parallel()
	count := 20_000
	if setting := os.Getenv("XMS_MUTANTS"); setting != "" {
		var err error
		count, err = strconv.Atoi(setting)
		require.NoError(t, err, "XMS_MUTANTS")
	}
	m := newMutator(t)
	fast := 0
	for range count {
		body := m.next()
		if fastPath[AccessTokenResp](body) || fastPath[AccessTokenCreateResp](body) || fastPath[AccessTokensResp](body) {
			fast++
		}
		assertModelsLikeJSON(t, body)
	}
	t.Logf("%d mutants, %d of them on the fast path", count, fast)
	assert.Greater(t, fast, count/10, "mutants must reach the fast path to test it")
	assert.Less(t, fast, count*9/10, "mutants must leave the fast path to test it")
}

// mutator makes mutants of valid answers, the same ones in each run.
type mutator struct {
	random  *rand.Rand
	parents [][]byte
	scraps  []string // what is worth putting somewhere
}

func newMutator(t *testing.T) *mutator {
	t.Helper()
	m := &mutator{
		random: rand.New(rand.NewPCG(8051, 8056)),
		scraps: []string{
			"\"", "\\", "{", "}", "[", "]", ",", ":", " ", "\n", "\x00", "\x1f", "\x7f", "\x80", "\xff", "\xc3", "\xed\xa0\x80", "é", "\u2028",
			"0", "-", "+", ".", "e", "1.5", "9223372036854775807", "9223372036854775808", "-0", "null", "true", "false", "nul",
			`\n`, `\u0041`, `\ud800`, `"id":2,`, `"ID":2,`, `"x":{},`, `"x":[],`, `"x":"y",`, `"roles":["a"],`, `"user":null,`,
			`"uuid":"u",`, `"create":"2024-05-06T07:08:09Z",`, "T24:", "+24:00", "Z", `{"access_token":`, `{}`, `[]`, `""`,
		},
	}
	for _, body := range plainBodies() {
		m.parents = append(m.parents, []byte(body))
	}
	for _, pattern := range []string{"*_token.json", "*_record.json", "*_list.json"} {
		files, err := filepath.Glob(filepath.Join("testdata", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			m.parents = append(m.parents, readTestdata(t, filepath.Base(file)))
		}
	}
	slices.SortFunc(m.parents, bytes.Compare)
	return m
}

// next returns another mutant.
func (m *mutator) next() []byte {
	body := bytes.Clone(m.parents[m.random.IntN(len(m.parents))])
	for range 1 + m.random.IntN(2) {
		body = m.change(body)
	}
	return body
}

func (m *mutator) change(body []byte) []byte {
	from := m.random.IntN(len(body) + 1)
	to := min(len(body), from+m.random.IntN(12))
	scrap := m.scraps[m.random.IntN(len(m.scraps))]
	switch m.random.IntN(12) {
	case 0:
		return slices.Insert(body, from, []byte(scrap)...)
	case 1:
		return slices.Replace(body, from, to, []byte(scrap)...)
	case 2:
		return slices.Delete(body, from, to)
	case 3:
		return slices.Insert(body, from, bytes.Clone(body[from:to])...)
	case 4:
		return body[:from]
	case 5:
		if from < len(body) {
			body[from] ^= 1 << m.random.IntN(8)
		}
		return body
	}
	// The others stay close to JSON: they change a letter or a digit.
	for i := from; i < len(body); i++ {
		switch b := body[i]; {
		case b >= '0' && b <= '9':
			body[i] = byte('0' + m.random.IntN(10))
			return body
		case b >= 'a' && b <= 'z':
			body[i] = byte('a' + m.random.IntN(26))
			return body
		}
	}
	return body
}
