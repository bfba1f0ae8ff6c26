package jsonread_test

import (
	"time"

	"github.com/xsky-storage/xms-client-go/internal/jsonread"
)

type user struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	SkipGuide bool   `json:"skip_guide"`
}

var userObject = jsonread.Object[user]{
	jsonread.Int("id", func(u *user) *int64 { return &u.ID }),
	jsonread.Recurring("name", func(u *user) *string { return &u.Name }),
	jsonread.Bool("skip_guide", func(u *user) *bool { return &u.SkipGuide }),
}

type token struct {
	Create      time.Time `json:"create"`
	Update      time.Time `json:"update"`
	Description string    `json:"description"`
	Name        string    `json:"name"`
	ID          int64     `json:"id"`
	Roles       []string  `json:"roles"`
	Used        bool      `json:"used"`
	User        *user     `json:"user"`
}

var tokenObject = jsonread.Object[token]{
	jsonread.Time("create", func(t *token) *time.Time { return &t.Create }),
	jsonread.String("description", func(t *token) *string { return &t.Description }),
	jsonread.Int("id", func(t *token) *int64 { return &t.ID }),
	jsonread.String("name", func(t *token) *string { return &t.Name }),
	jsonread.Strings("roles", func(t *token) *[]string { return &t.Roles }),
	jsonread.Time("update", func(t *token) *time.Time { return &t.Update }),
	jsonread.Bool("used", func(t *token) *bool { return &t.Used }),
	jsonread.Pointer("user", userObject, func(t *token) **user { return &t.User }),
}

type record struct {
	token

	UUID string `json:"uuid"`
}

type paging struct {
	Count      int64 `json:"count"`
	Limit      int64 `json:"limit"`
	Offset     int64 `json:"offset"`
	TotalCount int64 `json:"total_count"`
}

var pagingObject = jsonread.Object[paging]{
	jsonread.Int("count", func(p *paging) *int64 { return &p.Count }),
	jsonread.Int("limit", func(p *paging) *int64 { return &p.Limit }),
	jsonread.Int("offset", func(p *paging) *int64 { return &p.Offset }),
	jsonread.Int("total_count", func(p *paging) *int64 { return &p.TotalCount }),
}

// tokens stands for every answer: each has some of these members.
type tokens struct {
	AccessToken  *record `json:"access_token"`
	AccessTokens []token `json:"access_tokens"`
	Paging       *paging `json:"paging"`
}

var recordObject = append(
	jsonread.Embed(tokenObject, func(r *record) *token { return &r.token }),
	jsonread.String("uuid", func(r *record) *string { return &r.UUID }),
)

var tokensObject = jsonread.Object[tokens]{
	jsonread.Pointer("access_token", recordObject, func(t *tokens) **record { return &t.AccessToken }),
	jsonread.List("access_tokens", tokenObject, func(t *tokens) *[]token { return &t.AccessTokens }),
	jsonread.OptionalPointer("paging", pagingObject, func(t *tokens) **paging { return &t.Paging }),
}
