package xmsclient

// AccessTokensResp is the answer of ListAccessTokens.
type AccessTokensResp struct {
	AccessTokens []AccessToken `json:"access_tokens"`    // "access_tokens": the tokens of this page; empty, never nil, when there are none
	Paging       *Paging       `json:"paging,omitempty"` // "paging": where this page stands; nil if the server does not send it
}

// Paging says where a page stands in a list. XMS sends it without documenting it.
type Paging struct {
	Count      int64 `json:"count,omitempty"`       // "count": tokens in this page
	Limit      int64 `json:"limit,omitempty"`       // "limit": largest number of tokens in a page
	Offset     int64 `json:"offset,omitempty"`      // "offset": tokens before this page
	TotalCount int64 `json:"total_count,omitempty"` // "total_count": tokens in the whole list
}

func (r *AccessTokensResp) missing() string {
	if r.AccessTokens == nil {
		return "access_tokens"
	}
	return ""
}
