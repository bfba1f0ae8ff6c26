package jsonread_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/internal/jsonread"
)

func read(t *testing.T, data string) *tokens {
	t.Helper()
	value, problems, err := jsonread.Read([]byte(data), tokensObject, math.MaxInt64)
	require.NoError(t, err)
	require.Empty(t, problems)
	return value
}

func TestProblem_NamesPlaceAndValue(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 1022)
	for data, want := range map[string]string{
		`{"access_tokens":[{},{"create":"2020-12-30"}]}`: `access_tokens[1].create: "2020-12-30" is not an RFC 3339 time`,
		`{"access_token":{"user":{"name":[ 1 ]}}}`:       `access_token.user.name: an array is not a string`,
		`{"access_tokens":[{"ROLES":["a",{"b":1}]}]}`:    `access_tokens[0].roles[1]: an object is not a string`,
		`{"access_token":{"id":1.0}}`:                    `access_token.id: 1.0 is not an int64`,
		`{"access_token":{"used":"\u0061\u8bbf"}}`:       `access_token.used: "a访" is not a boolean`,
		`{"access_token":{"id":"` + long + `é"}}`:        `access_token.id: "` + long + "\ufffd is not an int64",
		`{"access_token":{"id":"` + "\xff" + `"}}`:       "access_token.id: \"\ufffd\" is not an int64",
		`{"access_token": true}`:                         `access_token: true is not an object`,
		`{"access_tokens":{"a": 1}}`:                     `access_tokens: an object is not an array`,
		`{"access_tokens":[null]}`:                       `access_tokens[0]: null is not an object`,
		` null `:                                         `null is not an object`,
		`["secret"]`:                                     `an array is not an object`,
	} {
		_, problems, err := jsonread.Read([]byte(data), tokensObject, math.MaxInt64)
		require.NoError(t, err, data)
		require.Len(t, problems, 1, data)
		require.EqualError(t, problems[0], want, data)
		assert.Equal(t, strings.Replace(want, problems[0].Value+" is ", "", 1), problems[0].WithoutValue(), data)
	}
}

func TestRead_GoesOnBehindProblems(t *testing.T) {
	t.Parallel()
	data := `{"access_token":{"create":1,"id":"x","user":{"id":{},"name":"admin"},"uuid":"6f1d2a64"},` +
		`"access_tokens":[` + strings.Repeat(`{"id":true},`, 20) + `{"id":7}],"paging":{"count":3}}`
	value, problems, err := jsonread.Read([]byte(data), tokensObject, math.MaxInt64)
	require.NoError(t, err)
	assert.Equal(t, &record{token: token{User: &user{Name: "admin"}}, UUID: "6f1d2a64"}, value.AccessToken)
	assert.Equal(t, int64(7), value.AccessTokens[20].ID)
	assert.Equal(t, &paging{Count: 3}, value.Paging)
	require.Len(t, problems, 8)
	assert.Equal(t, "access_tokens[4].id", problems[7].Place)
}

func TestRead_SaysWhereTextIsNotJSON(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 10_000)
	for data, want := range map[string]string{
		``:                                   `unexpected end of JSON at offset 0`,
		`{"access_tokens":[{"id":1},{"id":1`: `access_tokens[1]: unexpected end of JSON at offset 34`,
		`{"access_token":{"create":"2020`:    `access_token.create: unexpected end of JSON at offset 31`,
		`{"access_token":{"name":"a` + "\n":  `access_token.name: unexpected character '\n' at offset 26`,
		`{"access_token":{"name":"a\x"}}`:    `access_token.name: invalid escape at offset 26`,
		`{"a":1}é`:                           `unexpected character 'é' at offset 7`,
		`{"a":nul}`:                          `invalid literal at offset 5`,
		`{"access_token":{"id":01}}`:         `access_token: unexpected character '1' at offset 23`,
		`{"a":` + deep:                       `nested more than 10000 levels deep at offset 10004`,
	} {
		_, _, err := jsonread.Read([]byte(data), tokensObject, math.MaxInt64)
		require.EqualError(t, err, want)
	}
	read(t, `{"a":`+deep[1:]+strings.Repeat("]", 9_999)+`}`)
}

func TestRead_LaterValueReplacesEarlier(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]tokens{
		`{"access_token":{"id":1,"name":"a"},"access_token":{"Name":"b"}}`: {AccessToken: &record{token: token{Name: "b"}}},
		`{"access_token":{"id":1},"access_token":null}`:                    {},
		`{"access_tokens":[{"id":1},{"id":2}],"access_tokens":[{}]}`:       {AccessTokens: []token{{}}},
		`{"access_tokens":[{"id":1}],"access_tokens":null}`:                {AccessTokens: []token{}},
		`{"access_tokens":[{"id":1}],"access_tokens":{}}`:                  {AccessTokens: []token{}},
		`{"paging":{"count":1},"paging":{"count":"x"}}`:                    {},
		`{"access_token":{"create":"2020-12-30T10:30:51Z","create":"","description":"a","description":null,` +
			`"id":1,"id":null,"roles":["a","b"],"roles":null,"used":true,"used":null,"user":{"name":"a","name":null}}}`: {
			AccessToken: &record{token: token{User: &user{}}},
		},
		`{"access_token":{"roles":["a","b"],"roles":["c"]}}`: {AccessToken: &record{token: token{Roles: []string{"c"}}}},
		`{"access_token":{"roles":["a","b"],"roles":{}}}`:    {AccessToken: &record{token: token{Roles: []string{}}}},
	} {
		assert.Equal(t, &want, read(t, data), data)
	}
}

func TestRead_SharesNoMemoryWithData(t *testing.T) {
	t.Parallel()
	data := []byte(`{"access_token":{"description":"a\tb","name":"plain","roles":["r","r\t"],` +
		`"user":{"name":"admin"},"uuid":"6f1d2a64"}}`)
	value, _, err := jsonread.Read(data, tokensObject, math.MaxInt64)
	require.NoError(t, err)
	clear(data)
	assert.Equal(t, &record{
		token: token{Description: "a\tb", Name: "plain", Roles: []string{"r", "r\t"}, User: &user{Name: "admin"}},
		UUID:  "6f1d2a64",
	}, value.AccessToken)
}

// allocated returns how many bytes and objects f allocates.
func allocated(f func()) (size, objects uint64) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, after.Mallocs - before.Mallocs
}

func TestRead_KeepsToMemoryLimit(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	const limit = 1 << 20
	const slack = 64 << 10 // problems and what does not grow with data
	many := func(part string) string { return strings.Repeat(part+",", 1<<20/len(part)) + part }
	var distinct strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&distinct, `"role-%06d",`, i)
	}
	for name, data := range map[string]string{
		"small elements": `{"access_tokens":[` + many(`{}`) + `]}`,
		"elements":       `{"access_tokens":[` + many(`{"id":1}`) + `]}`,
		"owners":         `{"access_token":{` + many(`"user":{}`) + `}}`,
		"repeated lists": `{` + many(`"access_tokens":[`+strings.Repeat(`{},`, 20)+`{}]`) + `}`,
		"empty roles":    `{"access_token":{"roles":[` + many(`""`) + `]}}`,
		"roles":          `{"access_token":{"roles":[` + distinct.String() + `""]}}`,
		"short strings":  `{"access_token":{` + many(`"name":"a"`) + `}}`,
		"escapes":        `{"access_token":{"name":"` + strings.Repeat(`\n`, 1<<20) + `"}}`,
		"not UTF-8":      `{"access_token":{"name":"` + strings.Repeat("\xff", 200<<10) + `"}}`,
		"zones":          `{"access_token":{` + many(`"create":"2020-12-30T10:30:51+05:31"`) + `}}`,
		"problems":       `{"access_token":{` + many(`"id":"x"`) + `}}`,
		"a long number":  `{"access_token":{"id":` + strings.Repeat("1", 1<<20) + `}}`,
		"a wrong guess": `{"access_tokens":[` + strings.Repeat(`{},`, 1_100) + `{"x":"` + strings.Repeat("x",
			1<<20) + `"}]}`,
		"unknown keys":           `{` + many(`"\u0061cces_token":{"roles":["a"]}`) + `}`,
		"a list just too long":   `{"access_tokens":[` + strings.Repeat(`{},`, 7_500) + `{}]}`,
		"optional that is wrong": `{` + many(`"paging":{"count":"x"}`) + `}`,
	} {
		size, _ := allocated(func() {
			_, _, err := jsonread.Read([]byte(data), tokensObject, limit)
			if err != nil {
				require.ErrorIs(t, err, jsonread.ErrTooLarge, name)
			}
			fits := []string{"a long number", "a wrong guess", "problems", "short strings", "unknown keys"}
			require.Equal(t, slices.Contains(fits, name), err == nil, name)
		})
		// What lists have outgrown counts here too, and the copy of data.
		assert.LessOrEqual(t, size, uint64(2*limit+slack+len(data)), name)
	}
}

func TestRead_TakesFewAllocations(t *testing.T) { //nolint:paralleltest // it counts what the process allocates
	const n = 10_000
	for _, shape := range shapes() {
		data := shape.list(n)
		var value *tokens
		size, objects := allocated(func() {
			var err error
			value, _, err = jsonread.Read(data, tokensObject, int64(4*len(data)))
			require.NoError(t, err)
		})
		assert.Less(t, objects, uint64(4.1*n), shape.name)
		assert.Less(t, size, uint64(1.2*float64(len(data))), shape.name)
		assert.LessOrEqual(t, 2*cap(value.AccessTokens), 3*n, shape.name)
	}
	value := read(t, `{"access_tokens":[`+strings.Repeat(`{},`, 40)+`{"x":"`+strings.Repeat("x", 1<<20)+`"}]}`)
	assert.LessOrEqual(t, cap(value.AccessTokens), 60)
}
