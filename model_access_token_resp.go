package xmsclient

import (
	"fmt"
	"time"

	"github.com/xsky-storage/xms-client-go/internal/jsonread"
	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// AccessTokenResp is the answer of GetAccessToken, UpdateAccessToken and ValidateAccessToken.
type AccessTokenResp struct {
	AccessToken *AccessToken `json:"access_token"` // "access_token": the token; never nil if the call succeeded
}

var accessTokenResp = answer[AccessTokenResp]{
	fields: jsonread.Object[AccessTokenResp]{
		jsonread.Pointer("access_token", accessTokenFields, func(r *AccessTokenResp) **AccessToken { return &r.AccessToken }),
	},
	missing: func(r *AccessTokenResp) string {
		switch {
		case r.AccessToken == nil:
			return "access_token is missing"
		case r.AccessToken.ID == 0:
			return "access_token.id is missing or 0"
		}
		return ""
	},
}

var accessTokenRemoved = removed("access_token")

// Format prints the answer for every verb as JSON.
func (r AccessTokenResp) Format(f fmt.State, verb rune) { secret.Print(f, verb, string(encode(r))) }

// AccessToken is an access token without its uuid. A field that the server leaves out has its zero
// value. ID is set, except after a create or regenerate whose id the server left out or garbled.
type AccessToken struct {
	Create      time.Time     `json:"create,omitzero"` // "create": when it was created
	Update      time.Time     `json:"update,omitzero"` // "update": when it was last changed
	Description string        `json:"description"`     // "description": free text
	Name        string        `json:"name"`            // "name": its name, which XMS does not promise to be unique
	ID          int64         `json:"id"`              // "id": what the calls take as accessTokenID
	Roles       []string      `json:"roles,omitempty"` // "roles": what it may do
	Used        bool          `json:"used"`            // "used": whether a call was ever authenticated with it
	User        *UserNestview `json:"user,omitempty"`  // "user": its owner
}

var accessTokenFields = jsonread.Object[AccessToken]{
	jsonread.Time("create", func(t *AccessToken) *time.Time { return &t.Create }),
	jsonread.String("description", func(t *AccessToken) *string { return &t.Description }),
	jsonread.Int("id", func(t *AccessToken) *int64 { return &t.ID }),
	jsonread.String("name", func(t *AccessToken) *string { return &t.Name }),
	jsonread.Strings("roles", func(t *AccessToken) *[]string { return &t.Roles }),
	jsonread.Time("update", func(t *AccessToken) *time.Time { return &t.Update }),
	jsonread.Bool("used", func(t *AccessToken) *bool { return &t.Used }),
	jsonread.Pointer("user", userNestviewFields, func(t *AccessToken) **UserNestview { return &t.User }),
}

// UserNestview is the owner of an access token.
type UserNestview struct {
	ID        int64  `json:"id"`         // "id": what ListAccessTokensOpts.UserID filters by
	Name      string `json:"name"`       // "name": login name
	SkipGuide bool   `json:"skip_guide"` // "skip_guide": whether the owner has skipped the console's guide; 6.x sends it
}

var userNestviewFields = jsonread.Object[UserNestview]{
	jsonread.Int("id", func(u *UserNestview) *int64 { return &u.ID }),
	jsonread.Recurring("name", func(u *UserNestview) *string { return &u.Name }),
	jsonread.Bool("skip_guide", func(u *UserNestview) *bool { return &u.SkipGuide }),
}
