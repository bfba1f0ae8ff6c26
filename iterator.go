package xmsclient

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
)

const (
	defaultPageSize = 100 // how many tokens AllAccessTokens asks for at a time
	everything      = -1  // the limit that asks for all tokens in one answer
	maxFruitless    = 50  // pages in a row without a new token, besides those that walk over known ones
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
	limit, offset := int64(defaultPageSize), int64(0)
	if filter.Limit != nil {
		limit = *filter.Limit
	}
	if filter.Offset != nil {
		offset = *filter.Offset
	}
	return func(yield func(AccessToken, error) bool) {
		if err := checkPages(limit, offset); err != nil {
			err.Operation = "AllAccessTokens"
			yield(AccessToken{}, err)
			return
		}
		w := walk{service: s, filter: filter, limit: limit, start: offset, offset: offset, seen: map[int64]bool{}}
		if limit == 1 {
			w.limit = 2 // one token that is known, and one that may be new
		}
		for !w.ended {
			tokens, err := w.next(ctx)
			if err != nil {
				yield(AccessToken{}, err)
				return
			}
			for _, token := range tokens {
				if !yield(token, nil) {
					return
				}
			}
		}
	}
}

func checkPages(limit, offset int64) *ArgumentError {
	if limit < 1 && limit != everything {
		reason := fmt.Sprintf("must be positive, or -1 for all tokens in one answer, not %d", limit)
		return &ArgumentError{Argument: "opts.Limit", Reason: reason}
	}
	return checkOffset(&offset)
}

// walk goes through a list that may change under it. It asks for each page from the last token of
// the page before. If a page begins with a known token, nothing lies between the two. If not, the
// list has shrunk, and the walk goes back.
type walk struct {
	service       *AccessTokensApiService
	filter        ListAccessTokensOpts
	limit         int64
	start, offset int64
	seen          map[int64]bool
	longest       int   // tokens in the longest page so far
	back          int64 // how far the next way back leads
	fruitless     int   // pages since the last new token
	ended         bool
}

// next asks for a page and returns its new tokens.
func (w *walk) next(ctx context.Context) (tokens []AccessToken, err error) {
	w.filter.Limit, w.filter.Offset = &w.limit, &w.offset
	list, _, err := w.service.ListAccessTokens(ctx, &w.filter)
	if err != nil {
		return nil, err
	}
	page := list.AccessTokens
	overlaps := w.longest > 1 // until a page had two tokens, the next one starts behind the last token
	known := len(page) > 0 && w.seen[page[0].ID]
	w.longest = max(w.longest, len(page))
	if overlaps && !known && w.offset > w.start {
		w.offset = max(w.start, w.offset-w.back)
		w.back *= 2
		return nil, w.noFruit()
	}
	for _, token := range page {
		if !w.seen[token.ID] {
			w.seen[token.ID] = true
			tokens = append(tokens, token)
		}
	}
	step := int64(len(page))
	if w.longest > 1 {
		step--
	}
	w.ended = len(page) == 0 || overlaps && known && len(page) == 1 || w.isLast(list) || w.offset > math.MaxInt64-step
	w.offset += step
	w.back = int64(max(w.longest-1, 1))
	if len(tokens) > 0 || w.ended {
		w.fruitless = 0
		return tokens, nil
	}
	return nil, w.noFruit()
}

// isLast reports whether a page says plainly that it is the last one.
func (w *walk) isLast(list *AccessTokensResp) bool {
	tokens, paging := int64(len(list.AccessTokens)), list.Paging
	return paging != nil && (tokens < w.limit || w.limit == everything) &&
		paging.Limit == w.limit && paging.Offset == w.offset &&
		paging.TotalCount > 0 && w.offset+tokens >= paging.TotalCount
}

// noFruit counts a page without a new token. Walking over the known tokens takes some. Further ones
// mean that the list has no end.
func (w *walk) noFruit() error {
	w.fruitless++
	if w.fruitless < maxFruitless+len(w.seen)/max(w.longest-1, 1) {
		return nil
	}
	return &DecodeError{
		Operation: "AllAccessTokens", StatusCode: listAccessTokens.success,
		Err: errors.New("the server sends the same tokens again and again: it ignores the offset, or its list has no order"),
	}
}
