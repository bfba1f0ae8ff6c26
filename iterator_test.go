package xmsclient_test

import (
	"context"
	"fmt"
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
	only     bool   // has nothing but its first page
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
	if l.only && offset > 0 {
		offset = len(l.ids)
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

// history is an iteration over a list that changes at random.
type history struct {
	*tokenList
	random   *rand.Rand
	start    int
	changes  int            // still to come
	deletes  float64        // their share
	stays    []int64        // at or behind start all the time
	eligible map[int64]bool // at or behind start at some time
}

func newHistory(seed uint64) *history {
	h := &history{random: rand.New(rand.NewPCG(seed, 0)), eligible: map[int64]bool{}}
	most := h.pick(2, 3, 5, 20, math.MaxInt)
	h.tokenList = newTokenList(h.pick(0, 1, 2, h.random.IntN(10), h.random.IntN(80), h.random.IntN(150)), most)
	h.paging = pagings(most)[h.random.IntN(len(pagings(most)))]
	h.empty = []string{"[]", "null", "{}"}[h.random.IntN(3)]
	h.start = h.pick(0, 0, 0, h.random.IntN(20))
	h.stays = slices.Clone(h.ids[min(h.start, len(h.ids)):])
	h.changes, h.deletes = h.pick(0, 10, 100, 400), h.random.Float64()
	h.before = func() { h.change(h.pick(0, 0, 1, 3, h.random.IntN(80))) }
	h.look()
	return h
}

func (h *history) pick(from ...int) int { return from[h.random.IntN(len(from))] }

// look notes which tokens are there.
func (h *history) look() {
	now := map[int64]bool{}
	for _, id := range h.ids[min(h.start, len(h.ids)):] {
		now[id], h.eligible[id] = true, true
	}
	h.stays = slices.DeleteFunc(h.stays, func(id int64) bool { return !now[id] })
}

func (h *history) change(atOnce int) {
	atOnce = min(atOnce, h.changes)
	h.changes -= atOnce
	for range atOnce {
		if h.random.Float64() >= h.deletes {
			h.insert(h.pick(0, len(h.ids), h.random.IntN(len(h.ids)+1)))
		} else if len(h.ids) > 0 {
			h.remove(h.ids[h.random.IntN(len(h.ids))])
		}
	}
	h.look()
}

func TestAllAccessTokens_YieldsWhatStaysExactlyOnce(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1500) {
		h := newHistory(seed)
		limit, dutiful := h.pick(1, 2, 3, 100, -1), h.pick(0, 1) == 1
		opts := &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr(int64(limit)), Offset: xmsclient.Ptr(int64(h.start))}
		yielded, err := h.walk(t, opts, func(id int64) {
			if h.change(h.pick(0, 0, 0, 1)); dutiful && h.random.IntN(2) == 0 {
				h.remove(id)
				h.look()
			}
		})
		require.NoError(t, err, "seed %d", seed)
		for _, id := range h.stays {
			require.Positive(t, yielded[id], "seed %d: token %d stays", seed, id)
		}
		for id, times := range yielded {
			require.Equal(t, 1, times, "seed %d: token %d", seed, id)
			require.True(t, h.eligible[id], "seed %d: token %d was always before the offset", seed, id)
		}
	}
}

func TestAllAccessTokens_Requests(t *testing.T) {
	t.Parallel()
	const all = math.MaxInt
	for name, test := range map[string]struct {
		tokens, limit, most int
		asked               int // limit that is sent
		paging              func(tokens, limit, offset, total int) string
		offsets             []int // that are asked for
	}{
		"empty":             {tokens: 0, limit: 100, asked: 100, most: all, offsets: []int{0}},
		"one":               {tokens: 1, limit: 100, asked: 100, most: all, offsets: []int{0, 1}},
		"one, with paging":  {tokens: 1, limit: 100, asked: 100, most: all, paging: paging, offsets: []int{0}},
		"short":             {tokens: 99, limit: 100, asked: 100, most: all, paging: paging, offsets: []int{0}},
		"full page":         {tokens: 100, limit: 100, asked: 100, most: all, paging: paging, offsets: []int{0, 99}},
		"short, no paging":  {tokens: 99, limit: 100, asked: 100, most: all, offsets: []int{0, 98}},
		"long":              {tokens: 250, limit: 100, asked: 100, most: all, paging: paging, offsets: []int{0, 99, 198}},
		"long, no paging":   {tokens: 250, limit: 100, asked: 100, most: all, offsets: []int{0, 99, 198, 249}},
		"capped":            {tokens: 120, limit: 100, asked: 100, most: 50, paging: paging, offsets: []int{0, 49, 98}},
		"all in one":        {tokens: 250, limit: -1, asked: -1, most: all, paging: paging, offsets: []int{0}},
		"all in one, alone": {tokens: 250, limit: -1, asked: -1, most: all, offsets: []int{0, 249}},
		"one at a time":     {tokens: 3, limit: 1, asked: 2, most: all, paging: paging, offsets: []int{0, 1, 2}},
		"capped at one":     {tokens: 3, limit: 100, asked: 100, most: 1, offsets: []int{0, 1, 2, 3}},
	} {
		list := newTokenList(test.tokens, test.most)
		list.paging = test.paging
		opts := &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr(int64(test.limit)), Role: xmsclient.Ptr("admin")}
		yielded, err := list.walk(t, opts, nil)
		require.NoError(t, err, name)
		assert.Len(t, yielded, test.tokens, name)
		var want []string
		for _, offset := range test.offsets {
			want = append(want, fmt.Sprintf("limit=%d&offset=%d&role=admin", test.asked, offset))
		}
		assert.Equal(t, want, list.requests, name)
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

// A mock that people write first: it answers every query with the same list, or any but the first
// with an empty one.
func TestAllAccessTokens_MockThatIgnoresTheOffset(t *testing.T) {
	t.Parallel()
	for _, tokens := range []int{1, 2, 3, 10, 99} {
		for _, limit := range []int64{100, -1} {
			list, once := newTokenList(tokens, math.MaxInt), newTokenList(tokens, math.MaxInt)
			list.deaf, once.only = true, true
			assertMock(t, list, limit)
			assertMock(t, once, limit)
			list.requests, list.paging = nil, func(int, int, int, int) string { return paging(tokens, 0, 0, tokens) }
			assertMock(t, list, limit)
		}
	}
}

func assertMock(t *testing.T, list *tokenList, limit int64) {
	t.Helper()
	yielded, err := list.walk(t, &xmsclient.ListAccessTokensOpts{Limit: &limit}, nil)
	require.NoError(t, err)
	assert.Len(t, yielded, len(list.ids))
	assert.LessOrEqual(t, len(list.requests), 12)
}

// A server where tokens may be missing behind those that it repeats.
func TestAllAccessTokens_ServerThatRepeatsItself(t *testing.T) {
	t.Parallel()
	total := func(n int) func(int, int, int, int) string {
		return func(int, int, int, int) string { return paging(0, 0, 0, n) }
	}
	says := 12
	fewer := func(int, int, int, int) string {
		says = max(says-1, 10)
		return paging(0, 0, 0, says)
	}
	for name, test := range map[string]struct {
		tokens, most, yielded int
		reverses              bool
		paging                func(tokens, limit, offset, total int) string
	}{
		"a full page":                {tokens: 250, most: math.MaxInt, yielded: 100},
		"total_count says more":      {tokens: 10, most: math.MaxInt, yielded: 10, paging: total(11)},
		"each time the other way":    {tokens: 10, most: math.MaxInt, yielded: 10, reverses: true},
		"the first page said more":   {tokens: 10, most: math.MaxInt, yielded: 10, paging: fewer},
		"capped, says there is more": {tokens: 50, most: 20, yielded: 20, paging: total(50)},
	} {
		list := newTokenList(test.tokens, test.most)
		list.deaf, list.paging = true, test.paging
		list.before = func() {
			if test.reverses {
				slices.Reverse(list.ids)
			}
		}
		yielded, err := list.walk(t, nil, nil)
		var failed *xmsclient.DecodeError
		require.ErrorAs(t, err, &failed, name)
		assert.Equal(t, "AllAccessTokens", failed.Operation, "Operation")
		assert.Equal(t, http.StatusOK, failed.StatusCode, "StatusCode")
		assert.Equal(t, mockURL, failed.Server, "Server")
		assert.Equal(t, 1, failed.Attempts, "Attempts")
		assert.Contains(t, err.Error(), "ignores the offset", name)
		assert.Len(t, yielded, test.yielded, name)
		assert.LessOrEqual(t, len(list.requests), 1+50+2, name)
	}
}

// The list grows in front as fast as the walk goes on, so that the first page comes again and again
// though tokens are missing behind it.
func TestAllAccessTokens_FirstPageThatOnlySeemsToRepeat(t *testing.T) {
	t.Parallel()
	for _, most := range []int{2, 3, 10} {
		list := newTokenList(50, most)
		list.before = func() {
			for i := 0; i < most-1 && 1 < len(list.requests) && len(list.requests) <= 12; i++ {
				list.insert(0)
			}
		}
		yielded, err := list.walk(t, nil, nil)
		require.NoError(t, err)
		for id := range int64(50) {
			assert.Equal(t, 1, yielded[id+1], "token %d in pages of %d", id+1, most)
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

func TestAllAccessTokens_TotalCountIsMeasuredFromOffset(t *testing.T) {
	t.Parallel()
	list := newTokenList(2, 100)
	list.deaf = true
	list.paging = func(n, _, _, _ int) string { return paging(n, 7, 0, 5) }
	yielded, err := list.walk(t, &xmsclient.ListAccessTokensOpts{Offset: xmsclient.Ptr[int64](3)}, nil)
	require.NoError(t, err)
	assert.Len(t, yielded, 2)
}
