package xmsclient

import "time"

// AccessTokenResp is the answer of GetAccessToken, UpdateAccessToken and ValidateAccessToken.
type AccessTokenResp struct {
	AccessToken *AccessToken `json:"access_token,omitempty"` // "access_token": the token; nil if the server left it out, which the API allows
}

// AccessToken is what XMS tells of an access token: everything but its secret. A server may leave out any field, which
// then has its zero value.
type AccessToken struct {
	Create      time.Time     `json:"create,omitzero"`       // "create": when it was made
	Update      time.Time     `json:"update,omitzero"`       // "update": when it was last changed
	Description string        `json:"description,omitempty"` // "description": free text
	Name        string        `json:"name,omitempty"`        // "name": unique among its owner's tokens
	ID          int64         `json:"id,omitempty"`          // "id": what the calls take as accessTokenID
	Roles       []string      `json:"roles,omitempty"`       // "roles": what it may do
	Used        bool          `json:"used,omitempty"`        // "used": whether a call was ever authenticated with it
	User        *UserNestview `json:"user,omitempty"`        // "user": its owner
}

// UserNestview is the owner of an access token.
type UserNestview struct {
	ID        int64  `json:"id,omitempty"`         // "id": what ListAccessTokensOpts.UserID filters by
	Name      string `json:"name,omitempty"`       // "name": login name
	SkipGuide bool   `json:"skip_guide,omitempty"` // "skip_guide": whether the owner has dismissed the console's guide; sent by 6.x
}

func (*AccessTokenResp) missing() string { return "" }
