package xmstest

import "time"

// These types are the package's own on purpose: the SDK's models are checked against what this server sends, so they
// must not be what it is made of.

type createRequest struct {
	AccessToken *struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Roles       []string `json:"roles"`
	} `json:"access_token"`
}

type updateRequest struct {
	AccessToken *struct {
		Name string `json:"name"`
	} `json:"access_token"`
}

type user struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// token keeps its uuid unexported so that no answer carries it unless it is put into a record.
type token struct {
	ID          int64     `json:"id,omitempty"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Roles       []string  `json:"roles"`
	Used        bool      `json:"used"`
	User        user      `json:"user"`
	Create      time.Time `json:"create"`
	Update      time.Time `json:"update"`
	uuid        string
}

type record struct {
	token
	UUID string `json:"uuid"`
}

type recordResponse struct {
	AccessToken record `json:"access_token"`
}

type tokenResponse struct {
	AccessToken token `json:"access_token"`
}

type listResponse struct {
	AccessTokens []token `json:"access_tokens"`
	Paging       *paging `json:"paging,omitempty"`
}

type paging struct {
	Count      int64 `json:"count"`
	Limit      int64 `json:"limit"`
	Offset     int64 `json:"offset"`
	TotalCount int64 `json:"total_count"`
}

type errorResponse struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func newRecordResponse(t token) recordResponse {
	return recordResponse{AccessToken: record{token: t, UUID: t.uuid}}
}
