package xmsclient

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
)

const (
	defaultPageSize = 100 // how many items an iterator asks for at a time
	everything      = -1  // the limit that asks for all items in one answer
	maxFruitless    = 50  // pages in a row without a new item, besides those that walk over known ones
)

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
// *ArgumentError. The iterator asks for a page when the loop needs it. It yields an error once,
// with the zero AccessToken, and then stops. It can be ranged over again. It holds one page and the
// ids that it has yielded.
func (s *AccessTokensApiService) AllAccessTokens(
	ctx context.Context, opts *ListAccessTokensOpts,
) iter.Seq2[AccessToken, error] {
	var filter ListAccessTokensOpts
	if opts != nil {
		filter = *opts
	}
	list := pagedList[AccessToken]{
		operation: "AllAccessTokens",
		status:    listAccessTokens.success,
		id:        func(token *AccessToken) int64 { return token.ID },
		page: func(ctx context.Context, limit, offset int64) ([]AccessToken, *Paging, error) {
			asked := filter
			asked.Limit, asked.Offset = &limit, &offset
			page, _, err := s.ListAccessTokens(ctx, &asked)
			if err != nil {
				return nil, nil, err
			}
			return page.AccessTokens, page.Paging, nil
		},
	}
	return list.all(ctx, filter.Limit, filter.Offset)
}

// pagedList is what an iterator must know of the list of a resource.
type pagedList[T any] struct {
	operation string // name of the iterator, for errors
	status    int    // of a page
	id        func(*T) int64
	page      func(ctx context.Context, limit, offset int64) ([]T, *Paging, error)
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
		var zero T
		if err := checkPages(limit, offset); err != nil {
			err.Operation = l.operation
			yield(zero, err)
			return
		}
		w := walk[T]{list: l, limit: limit, start: offset, offset: offset, seen: map[int64]bool{}}
		if limit == 1 {
			w.limit = 2 // one item that is known, and one that may be new
		}
		for !w.ended {
			items, err := w.next(ctx)
			if err != nil {
				yield(zero, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

func checkPages(limit, offset int64) *ArgumentError {
	if limit < 1 && limit != everything {
		reason := fmt.Sprintf("must be positive, or -1 for all in one answer, not %d", limit)
		return &ArgumentError{Argument: "opts.Limit", Reason: reason}
	}
	return checkOffset(&offset)
}

// walk goes through a list that may change under it. It asks for each page from the last item of
// the page before. If a page begins with a known item, nothing lies between the two. If not, the
// list has shrunk, and the walk goes back.
type walk[T any] struct {
	list          pagedList[T]
	limit         int64
	start, offset int64
	seen          map[int64]bool
	longest       int   // items in the longest page so far
	back          int64 // how far the next way back leads
	fruitless     int   // pages since the last new item
	ended         bool
}

// next asks for a page and returns its new items.
func (w *walk[T]) next(ctx context.Context) (items []T, err error) {
	page, paging, err := w.list.page(ctx, w.limit, w.offset)
	if err != nil {
		return nil, err
	}
	overlaps := w.longest > 1 // until a page had two items, the next one starts behind the last item
	known := len(page) > 0 && w.seen[w.list.id(&page[0])]
	w.longest = max(w.longest, len(page))
	if overlaps && !known && w.offset > w.start {
		w.offset = max(w.start, w.offset-w.back)
		w.back *= 2
		return nil, w.noFruit()
	}
	for i := range page {
		if id := w.list.id(&page[i]); !w.seen[id] {
			w.seen[id] = true
			items = append(items, page[i])
		}
	}
	step := int64(len(page))
	if w.longest > 1 {
		step--
	}
	w.ended = len(page) == 0 || overlaps && known && len(page) == 1 ||
		w.isLast(len(page), paging) || w.offset > math.MaxInt64-step
	w.offset += step
	w.back = int64(max(w.longest-1, 1))
	if len(items) > 0 || w.ended {
		w.fruitless = 0
		return items, nil
	}
	return nil, w.noFruit()
}

// isLast reports whether a page says plainly that it is the last one.
func (w *walk[T]) isLast(length int, paging *Paging) bool {
	items := int64(length)
	return paging != nil && (items < w.limit || w.limit == everything) &&
		paging.Limit == w.limit && paging.Offset == w.offset &&
		paging.TotalCount > 0 && w.offset+items >= paging.TotalCount
}

// noFruit counts a page without a new item. Walking over the known items takes some. Further ones
// mean that the list has no end.
func (w *walk[T]) noFruit() error {
	w.fruitless++
	if w.fruitless < maxFruitless+len(w.seen)/max(w.longest-1, 1) {
		return nil
	}
	return &DecodeError{
		Operation: w.list.operation, StatusCode: w.list.status,
		Err: errors.New("the server sends the same items again and again: it ignores the offset, or its list has no order"),
	}
}
