package xmsclient

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
)

const (
	defaultPageSize = 100 // how many items an iterator asks for at a time
	everything      = -1  // the limit that asks for all items in one answer
	maxIdlePages    = 50  // pages in a row without a new item, besides those that walk over known ones
	maxRepeats      = 10  // pages in a row that are empty or the first one again
)

var errNoOrder = errors.New(
	"the server sends the same items again and again: it ignores the offset, or its list has no order")

// AllAccessTokens returns an iterator over all access tokens. It asks for page after page, as
// ListAccessTokens does:
//
//	for token, err := range client.AccessTokensApi.AllAccessTokens(ctx, nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(token.ID, token.Name)
//	}
//
// It yields every token that exists throughout the iteration exactly once, whatever is created or
// deleted meanwhile, also by the loop itself. That holds if the server keeps the list in one order.
// A loop that changes what the list is sorted by, such as names, collects the tokens first.
//
// opts may be nil. Limit is the size of a page: nil means 100, and -1 asks for all tokens in one
// answer. Offset is where the iteration begins. Another Limit below 1, or a negative Offset, is an
// *ArgumentError. The iterator asks for a page when the loop needs it. Pages overlap by one token,
// so a mock that ignores limit and offset gets further requests: 12 in all, unless its paging says
// that the list has ended.
//
// The iterator yields an error once, with the zero AccessToken, and then stops. The error is a
// *DecodeError if the server sends the same tokens again and again, because its list has no order.
// Other errors are those of ListAccessTokens. The iterator can be ranged over again. It holds one
// page and the ids that it has yielded.
func (s *AccessTokensApiService) AllAccessTokens(
	ctx context.Context, opts *ListAccessTokensOpts,
) iter.Seq2[AccessToken, error] {
	var filter ListAccessTokensOpts
	if opts != nil {
		filter = *opts
	}
	list := pagedList[AccessToken]{
		operation: "AllAccessTokens",
		id:        func(token *AccessToken) int64 { return token.ID },
		page: func(ctx context.Context, limit, offset int64) (page[AccessToken], error) {
			asked := filter
			asked.Limit, asked.Offset = &limit, &offset
			list, response, err := s.ListAccessTokens(ctx, &asked)
			if err != nil {
				return page[AccessToken]{}, err
			}
			return page[AccessToken]{list.AccessTokens, list.Paging, response}, nil
		},
	}
	return list.all(ctx, filter.Limit, filter.Offset)
}

// pagedList is what an iterator must know of the list of a resource.
type pagedList[T any] struct {
	operation string // name of the iterator, for errors
	id        func(*T) int64
	page      func(ctx context.Context, limit, offset int64) (page[T], error)
}

type page[T any] struct {
	items    []T
	paging   *Paging // nil: the server sent none
	response *Response
}

// all returns an iterator over the list. size is the size of a page and from is where it begins,
// nil for the defaults.
func (l pagedList[T]) all(ctx context.Context, size, from *int64) iter.Seq2[T, error] {
	limit, offset := int64(defaultPageSize), int64(0)
	if size != nil {
		limit = *size
	}
	if from != nil {
		offset = *from
	}
	return func(yield func(T, error) bool) {
		if err := checkPages(limit, offset); err != nil {
			err.Operation = l.operation
			yield(*new(T), err)
			return
		}
		w := walk[T]{list: l, limit: limit, start: offset, offset: offset, seen: map[int64]bool{}}
		if limit == 1 {
			w.limit = 2 // one item that is known, and one that may be new
		}
		w.yieldAll(ctx, yield)
	}
}

func checkPages(limit, offset int64) *ArgumentError {
	if limit < 1 && limit != everything {
		reason := fmt.Sprintf("must be positive, or -1 for all in one answer, not %d", limit)
		return &ArgumentError{Argument: "opts.Limit", Reason: reason}
	}
	return checkOffset(&offset)
}

// walk goes through a list that may change meanwhile. It asks for each page from the last item of
// the page before. If a page begins with a known item, nothing lies between the two. If not, the
// list has shrunk, and the walk goes back.
type walk[T any] struct {
	list          pagedList[T]
	limit         int64
	start, offset int64
	seen          map[int64]bool
	longest       int     // items in the longest page so far
	back          int64   // how far the next way back leads
	idle          int     // pages since the last new item
	first         []int64 // ids of the first page if that may be the whole list; else nil
	total         int64   // largest total_count so far
	repeats       int     // pages since the last that was not empty and not the first one again
	ended         bool
}

func (w *walk[T]) yieldAll(ctx context.Context, yield func(T, error) bool) {
	for !w.ended {
		items, err := w.nextPage(ctx)
		if err != nil {
			yield(*new(T), err)
			return
		}
		for _, item := range items {
			if !yield(item, nil) {
				return
			}
		}
	}
}

// nextPage asks for a page and returns its new items.
func (w *walk[T]) nextPage(ctx context.Context) (fresh []T, err error) {
	p, err := w.list.page(ctx, w.limit, w.offset)
	if err != nil {
		return nil, err
	}
	length, isFirst := len(p.items), len(w.seen) == 0
	overlaps := w.longest > 1 // until a page had two items, the next one starts behind the last item
	known := length > 0 && w.seen[w.list.id(&p.items[0])]
	w.longest = max(w.longest, length)
	if p.paging != nil {
		w.total = max(w.total, p.paging.TotalCount)
	}
	if overlaps && !known && w.offset > w.start {
		w.offset = max(w.start, w.offset-w.back)
		w.back *= 2
		return nil, w.noProgress(p)
	}
	for i := range p.items {
		id := w.list.id(&p.items[i])
		if isFirst && w.isShort(p) {
			w.first = append(w.first, id)
		}
		if !w.seen[id] {
			w.seen[id] = true
			fresh = append(fresh, p.items[i])
		}
	}
	step := int64(length)
	if w.longest > 1 {
		step--
	}
	w.ended = length == 0 || overlaps && known && length == 1 || w.isLast(p) || w.offset > math.MaxInt64-step
	w.offset += step
	w.back = int64(max(w.longest-1, 1))
	if len(fresh) > 0 || w.ended {
		w.idle, w.repeats = 0, 0
		return fresh, nil
	}
	return nil, w.noProgress(p)
}

// isShort reports whether a page is shorter than was asked for. With -1 every page is.
func (w *walk[T]) isShort(p page[T]) bool {
	return int64(len(p.items)) < w.limit || w.limit == everything
}

// isLast reports whether a page says plainly that it is the last one.
func (w *walk[T]) isLast(p page[T]) bool {
	return p.paging != nil && w.isShort(p) && p.paging.Limit == w.limit && p.paging.Offset == w.offset &&
		p.paging.TotalCount > 0 && w.offset+int64(len(p.items)) >= p.paging.TotalCount
}

// noProgress counts a page that brought nothing new. After ten pages that were each empty or the
// first page again, one page is asked for from the start. If that is the same again, the list has
// ended. After about 50 the list has no order: an error.
func (w *walk[T]) noProgress(p page[T]) error {
	w.idle++
	w.repeats++
	isSame := slices.EqualFunc(p.items, w.first, func(item T, id int64) bool { return w.list.id(&item) == id })
	if len(w.first) == 0 || len(p.items) > 0 && !isSame || w.total-w.start > int64(len(w.seen)) {
		w.repeats = 0
	}
	switch {
	case w.repeats > maxRepeats:
		w.ended = true
	case w.repeats == maxRepeats:
		w.offset = w.start
	case w.idle >= maxIdlePages+len(w.seen)/max(w.longest-1, 1): // walking over known items takes some
		return &DecodeError{
			Operation: w.list.operation, StatusCode: p.response.StatusCode,
			Server: p.response.Server, Attempts: p.response.Attempts, Err: errNoOrder,
		}
	}
	return nil
}
