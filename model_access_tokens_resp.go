package xmsclient

import (
	"fmt"

	"github.com/xsky-storage/xms-client-go/internal/jsonread"
	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// AccessTokensResp is the answer of ListAccessTokens.
type AccessTokensResp struct {
	AccessTokens []AccessToken `json:"access_tokens"`    // "access_tokens": the tokens of this page; empty, never nil
	Paging       *Paging       `json:"paging,omitempty"` // "paging": where this page stands; nil if it did not come
}

var accessTokensResp = answer[AccessTokensResp]{
	fields: jsonread.Object[AccessTokensResp]{
		jsonread.List("access_tokens", accessTokenFields,
			func(r *AccessTokensResp) *[]AccessToken { return &r.AccessTokens }),
		jsonread.OptionalPointer("paging", pagingFields, func(r *AccessTokensResp) **Paging { return &r.Paging }),
	},
	missing: func(r *AccessTokensResp) string {
		if r.AccessTokens == nil {
			return "access_tokens is missing"
		}
		for i := range r.AccessTokens {
			if r.AccessTokens[i].ID == 0 {
				return fmt.Sprintf("access_tokens[%d].id is missing or 0", i)
			}
		}
		return ""
	},
	mayHideError: func(r *AccessTokensResp) bool { return len(r.AccessTokens) == 0 },
}

// Format prints the answer for every verb as JSON.
func (r AccessTokensResp) Format(f fmt.State, verb rune) { secret.Print(f, verb, string(encode(r))) }

// Paging says where a page stands in a list. XMS documents it for other lists and sends it with
// this one too.
type Paging struct {
	Count      int64 `json:"count"`       // "count": tokens in this page
	Limit      int64 `json:"limit"`       // "limit": largest number of tokens in a page
	Offset     int64 `json:"offset"`      // "offset": tokens before this page
	TotalCount int64 `json:"total_count"` // "total_count": tokens in the whole list
}

var pagingFields = jsonread.Object[Paging]{
	jsonread.Int("count", func(p *Paging) *int64 { return &p.Count }),
	jsonread.Int("limit", func(p *Paging) *int64 { return &p.Limit }),
	jsonread.Int("offset", func(p *Paging) *int64 { return &p.Offset }),
	jsonread.Int("total_count", func(p *Paging) *int64 { return &p.TotalCount }),
}
