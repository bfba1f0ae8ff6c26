package xmsclient_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// tokenList is a server's list of tokens. It answers in the place of a transport.
type tokenList struct {
	ids      []int64
	lastID   int64
	most     int // tokens a page
	empty    string
	paging   func(tokens, limit, offset, total int) string
	deaf     bool   // ignores the offset
	before   func() // each request
	status   int    // other than 200; 0: none
	requests []string
}

func newTokenList(tokens, most int) *tokenList {
	l := &tokenList{most: most, empty: "[]"}
	for range tokens {
		l.insert(len(l.ids))
	}
	return l
}

func (l *tokenList) insert(at int) {
	l.lastID++
	l.ids = slices.Insert(l.ids, at, l.lastID)
}

func (l *tokenList) remove(id int64) {
	l.ids = slices.DeleteFunc(l.ids, func(other int64) bool { return other == id })
}

func (l *tokenList) RoundTrip(r *http.Request) (*http.Response, error) {
	l.requests = append(l.requests, r.URL.RawQuery)
	if l.before != nil {
		l.before()
	}
	if l.status != 0 {
		return response(l.status, ""), nil
	}
	limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
	offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
	if l.deaf {
		offset = 0
	}
	page := l.ids[min(offset, len(l.ids)):]
	page = page[:min(len(page), l.most)]
	if limit != -1 {
		page = page[:min(len(page), limit)]
	}
	tokens := make([]string, len(page))
	for i, id := range page {
		tokens[i] = fmt.Sprintf(`{"id":%d}`, id)
	}
	body := "[" + strings.Join(tokens, ",") + "]"
	if len(page) == 0 {
		body = l.empty
	}
	body = `{"access_tokens":` + body
	if l.paging != nil {
		body += `,"paging":` + l.paging(len(page), limit, offset, len(l.ids))
	}
	return response(http.StatusOK, body+"}"), nil
}

func response(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

func (l *tokenList) client(t *testing.T) *service {
	t.Helper()
	return newClient(t, &xmsclient.Configuration{BaseURL: mockURL, HTTPClient: &http.Client{Transport: l}}).AccessTokensApi
}

// walk ranges over all tokens and counts how often each is yielded.
func (l *tokenList) walk(
	t *testing.T, opts *xmsclient.ListAccessTokensOpts, body func(id int64),
) (yielded map[int64]int, err error) {
	t.Helper()
	yielded = map[int64]int{}
	for token, err := range l.client(t).AllAccessTokens(context.Background(), opts) {
		if err != nil {
			assert.Zero(t, token)
			return yielded, err
		}
		yielded[token.ID]++
		if body != nil {
			body(token.ID)
		}
	}
	return yielded, nil
}

func paging(count, limit, offset, total int) string {
	return fmt.Sprintf(`{"count":%d,"limit":%d,"offset":%d,"total_count":%d}`, count, limit, offset, total)
}

// pagings are what servers may say of a page, by how they say it.
func pagings(most int) []func(tokens, limit, offset, total int) string {
	granted := func(limit int) int {
		if limit == -1 && most == math.MaxInt {
			return -1
		}
		if limit == -1 {
			return most
		}
		return min(limit, most)
	}
	return []func(tokens, limit, offset, total int) string{
		nil,
		paging,
		func(n, limit, offset, total int) string { return paging(n, granted(limit), offset, total) },
		func(n, limit, offset, _ int) string { return paging(n, granted(limit), offset, n) },
		func(n, limit, offset, _ int) string { return paging(n, limit, offset, 0) },
		func(n, limit, offset, _ int) string { return paging(n, limit, offset, math.MaxInt) },
		func(n, limit, offset, _ int) string { return paging(n, limit, offset+1, n) },
		func(n, _, offset, _ int) string { return paging(n, 0, offset, n) },
		func(int, int, int, int) string { return "null" },
		func(int, int, int, int) string { return `{"total_count":"none"}` },
	}
}

func TestAllAccessTokens_YieldsWhatStaysExactlyOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1500) {
		random := rand.New(rand.NewPCG(seed, 0))
		pick := func(from ...int) int { return from[random.IntN(len(from))] }
		most := pick(2, 3, 5, 20, math.MaxInt)
		list := newTokenList(pick(0, 1, 2, random.IntN(10), random.IntN(80), random.IntN(150)), most)
		list.paging = pagings(most)[random.IntN(len(pagings(most)))]
		list.empty = []string{"[]", "null", "{}"}[random.IntN(3)]
		limit, start := pick(1, 2, 3, 100, -1), pick(0, 0, 0, random.IntN(20))
		stays := slices.Clone(list.ids[min(start, len(list.ids)):])
		eligible := map[int64]bool{} // at or behind start at some time
		look := func() {
			now := map[int64]bool{}
			for _, id := range list.ids[min(start, len(list.ids)):] {
				now[id], eligible[id] = true, true
			}
			stays = slices.DeleteFunc(stays, func(id int64) bool { return !now[id] })
		}
		look()
		changes := pick(0, 10, 100, 400)
		deletes := random.Float64()
		change := func(atOnce int) {
			if atOnce = min(atOnce, changes); atOnce == 0 {
				return
			}
			changes -= atOnce
			for range atOnce {
				if random.Float64() >= deletes {
					list.insert(pick(0, len(list.ids), random.IntN(len(list.ids)+1)))
				} else if len(list.ids) > 0 {
					i := random.IntN(len(list.ids))
					list.ids = slices.Delete(list.ids, i, i+1)
				}
			}
			look()
		}
		list.before = func() { change(pick(0, 0, 1, 3, random.IntN(80))) }
		dutiful := pick(0, 1) == 1
		opts := &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr(int64(limit)), Offset: xmsclient.Ptr(int64(start))}
		yielded, err := list.walk(t, opts, func(id int64) {
			if change(pick(0, 0, 0, 1)); dutiful && random.IntN(2) == 0 {
				list.remove(id)
				look()
			}
		})
		require.NoError(t, err, "seed %d", seed)
		for _, id := range stays {
			require.Positive(t, yielded[id], "seed %d: token %d stays", seed, id)
		}
		for id, times := range yielded {
			require.Equal(t, 1, times, "seed %d: token %d", seed, id)
			require.True(t, eligible[id], "seed %d: token %d was always before the offset", seed, id)
		}
	}
}

func TestAllAccessTokens_Requests(t *testing.T) {
	t.Parallel()
	const all = math.MaxInt
	for name, test := range map[string]struct {
		tokens, limit, most int
		paging              bool
		want                []string
	}{
		"empty":             {0, 100, all, false, []string{"0"}},
		"one":               {1, 100, all, false, []string{"0", "1"}},
		"one, with paging":  {1, 100, all, true, []string{"0"}},
		"short":             {99, 100, all, true, []string{"0"}},
		"full page":         {100, 100, all, true, []string{"0", "99"}},
		"short, no paging":  {99, 100, all, false, []string{"0", "98"}},
		"long":              {250, 100, all, true, []string{"0", "99", "198"}},
		"long, no paging":   {250, 100, all, false, []string{"0", "99", "198", "249"}},
		"capped":            {120, 100, 50, true, []string{"0", "49", "98"}},
		"all in one":        {250, -1, all, true, []string{"0"}},
		"all in one, alone": {250, -1, all, false, []string{"0", "249"}},
		"one at a time":     {3, 1, all, true, []string{"0", "1", "2"}},
		"capped at one":     {3, 100, 1, false, []string{"0", "1", "2", "3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := newTokenList(test.tokens, test.most)
			if test.paging {
				list.paging = paging
			}
			yielded, err := list.walk(t, &xmsclient.ListAccessTokensOpts{
				Limit: xmsclient.Ptr(int64(test.limit)), Role: xmsclient.Ptr("admin"),
			}, nil)
			require.NoError(t, err)
			assert.Len(t, yielded, test.tokens)
			for i, offset := range test.want {
				limit := test.limit
				if limit == 1 {
					limit = 2
				}
				test.want[i] = fmt.Sprintf("limit=%d&offset=%s&role=admin", limit, offset)
			}
			assert.Equal(t, test.want, list.requests)
		})
	}
}

func TestAllAccessTokens_LoopThatDeletes(t *testing.T) {
	t.Parallel()
	list := newTokenList(250, math.MaxInt)
	yielded, err := list.walk(t, nil, list.remove)
	require.NoError(t, err)
	assert.Len(t, yielded, 250)
	assert.Empty(t, list.ids)
	assert.LessOrEqual(t, len(list.requests), 8)
}

func TestAllAccessTokens_GoesBackNoFurtherThanItMust(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		limit, at, from int64 // when at is yielded, all tokens with an id from there to at are deleted
		requests        int
	}{
		{100, 1000, 1001, 12},
		{100, 595, 595, 14},                // the last of a page: one page back
		{10, 901, 1, 100 + 8 + 11},         // all so far: back in steps that double
		{3, 901, 386, 450 + 10 + 192 + 50}, // back over most of what stays
	} {
		list := newTokenList(1000, math.MaxInt)
		yielded, err := list.walk(t, &xmsclient.ListAccessTokensOpts{Limit: &test.limit}, func(id int64) {
			for gone := test.from; id == test.at && gone <= id; gone++ {
				list.remove(gone)
			}
		})
		require.NoError(t, err)
		assert.Len(t, yielded, 1000)
		assert.Len(t, list.requests, test.requests)
	}
}

func TestAllAccessTokens_ListThatKeepsChanging(t *testing.T) {
	t.Parallel()
	list := newTokenList(10_000, math.MaxInt)
	last := int64(0)
	list.before = func() { list.remove(last) }
	yielded, err := list.walk(t, nil, func(id int64) { last = id })
	require.NoError(t, err, "the last token of each page is deleted")
	assert.Len(t, yielded, 10_000)

	list = newTokenList(250, math.MaxInt)
	list.before = func() {
		for i := 0; i < 99 && 1 < len(list.requests) && len(list.requests) <= 40; i++ {
			list.insert(0)
		}
	}
	yielded, err = list.walk(t, nil, nil)
	require.NoError(t, err, "so many tokens are created that the same page comes again and again")
	for id := range int64(250) {
		assert.Equal(t, 1, yielded[id+1])
	}
}

func TestAllAccessTokens_ServerThatIgnoresTheOffset(t *testing.T) {
	t.Parallel()
	for _, tokens := range []int{1, 2, 10, 250} {
		list := newTokenList(tokens, math.MaxInt)
		list.deaf = true
		yielded, err := list.walk(t, nil, nil)
		var unusable *xmsclient.DecodeError
		require.ErrorAs(t, err, &unusable)
		assert.Equal(t, "AllAccessTokens", unusable.Operation)
		assert.Contains(t, err.Error(), "ignores the offset")
		assert.Len(t, yielded, min(tokens, 100))
		assert.LessOrEqual(t, len(list.requests), 1+50+2)
	}
}

func TestAllAccessTokens_ServerWithoutOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 1))
		list := newTokenList(1+random.IntN(250), 2+random.IntN(60))
		list.before = func() {
			random.Shuffle(len(list.ids), func(i, j int) { list.ids[i], list.ids[j] = list.ids[j], list.ids[i] })
		}
		yielded, _ := list.walk(t, nil, nil)
		for id, times := range yielded {
			require.Equal(t, 1, times, "seed %d: token %d", seed, id)
		}
	}
}

func TestAllAccessTokens_Offset(t *testing.T) {
	t.Parallel()
	for offset, want := range map[int64]int{0: 5, 3: 2, 5: 0, 9: 0, math.MaxInt64: 0} {
		yielded, err := newTokenList(5, math.MaxInt).walk(t, &xmsclient.ListAccessTokensOpts{Offset: &offset}, nil)
		require.NoError(t, err)
		assert.Len(t, yielded, want, "offset %d", offset)
	}
	list := newTokenList(5, math.MaxInt)
	list.deaf = true
	yielded, err := list.walk(t, &xmsclient.ListAccessTokensOpts{Offset: xmsclient.Ptr[int64](math.MaxInt64)}, nil)
	require.NoError(t, err)
	assert.Len(t, yielded, 5)
	assert.Len(t, list.requests, 1, "there is no offset behind the largest")
}

func TestAllAccessTokens_RefusesPages(t *testing.T) {
	t.Parallel()
	for argument, opts := range map[string]*xmsclient.ListAccessTokensOpts{
		"opts.Limit":  {Limit: xmsclient.Ptr[int64](0)},
		"opts.Limit ": {Limit: xmsclient.Ptr[int64](-2)},
		"opts.Offset": {Offset: xmsclient.Ptr[int64](-1)},
	} {
		list := newTokenList(5, math.MaxInt)
		yielded, err := list.walk(t, opts, nil)
		var refused *xmsclient.ArgumentError
		require.ErrorAs(t, err, &refused)
		assert.Equal(t, "AllAccessTokens", refused.Operation)
		assert.Equal(t, strings.TrimSpace(argument), refused.Argument)
		assert.Empty(t, yielded)
		assert.Empty(t, list.requests)
	}
}

func TestAllAccessTokens_IsLazyAndStartsAgain(t *testing.T) {
	t.Parallel()
	list := newTokenList(5, math.MaxInt)
	tokens := list.client(t).AllAccessTokens(t.Context(), &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](3)})
	assert.Empty(t, list.requests)
	for token, err := range tokens {
		require.NoError(t, err)
		if token.ID == 3 {
			break
		}
	}
	assert.Len(t, list.requests, 1)
	for range 2 {
		var ids []int64
		for token, err := range tokens {
			require.NoError(t, err)
			ids = append(ids, token.ID)
		}
		assert.Equal(t, []int64{1, 2, 3, 4, 5}, ids)
	}
}

func TestAllAccessTokens_YieldsAnErrorOnceAndStops(t *testing.T) {
	t.Parallel()
	list := newTokenList(250, math.MaxInt)
	list.before = func() {
		if len(list.requests) == 2 {
			list.status = http.StatusForbidden
		}
	}
	count, failures := 0, 0
	for token, err := range list.client(t).AllAccessTokens(t.Context(), nil) {
		if err != nil {
			failures++
			require.ErrorIs(t, err, xmsclient.ErrForbidden)
			assert.Zero(t, token)
			continue
		}
		count++
	}
	assert.Equal(t, 100, count)
	assert.Equal(t, 1, failures)
	assert.Len(t, list.requests, 2)
}
