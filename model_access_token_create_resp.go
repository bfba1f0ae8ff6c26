package xmsclient

import (
	"fmt"
	"log/slog"

	"github.com/xsky-storage/xms-client-go/internal/jsonread"
	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// AccessTokenCreateResp is the answer of CreateAccessToken and RegenerateAccessToken.
//
// Package fmt, slog and String hide the uuid. Encoders such as encoding/json write it.
type AccessTokenCreateResp struct {
	AccessToken *AccessTokenCreateRecord `json:"access_token"` // "access_token": the token; never nil on success
}

var accessTokenCreateResp = answer[AccessTokenCreateResp]{
	fields: jsonread.Object[AccessTokenCreateResp]{
		jsonread.Pointer("access_token", accessTokenCreateRecordFields,
			func(r *AccessTokenCreateResp) **AccessTokenCreateRecord { return &r.AccessToken }),
	},
	missing: func(r *AccessTokenCreateResp) string {
		switch {
		case r.AccessToken == nil:
			return "access_token is missing"
		case r.AccessToken.UUID == "":
			return "access_token.uuid is missing or empty"
		}
		return ""
	},
	secret: "uuid",
}

// String returns the answer as JSON, with the uuid replaced.
func (r AccessTokenCreateResp) String() string {
	return string(encode(AccessTokenCreateResp{r.AccessToken.withoutUUID()}))
}

// Format prints String for every verb.
func (r AccessTokenCreateResp) Format(f fmt.State, verb rune) { secret.Print(f, verb, r.String()) }

// LogValue makes slog record String.
func (r AccessTokenCreateResp) LogValue() slog.Value { return slog.StringValue(r.String()) }

// AccessTokenCreateRecord is an access token together with its secret. XMS shows the secret only
// this once, so store UUID before the value goes out of scope.
//
// Package fmt, slog and String hide UUID, of a value and of a pointer. Encoders such as
// encoding/json write it. So does slog's JSON handler if the record stands inside another struct or
// slice, and package fmt if it stands in an unexported field: log the record itself. slog logs a
// nil pointer to a record or to an AccessTokenCreateResp as a panic; it does not crash.
type AccessTokenCreateRecord struct {
	AccessToken
	UUID string `json:"uuid"` // "uuid": the credential, which programs send as Xms-Auth-Token
}

var accessTokenCreateRecordFields = append(
	jsonread.Embed(accessTokenFields, func(r *AccessTokenCreateRecord) *AccessToken { return &r.AccessToken }),
	jsonread.String("uuid", func(r *AccessTokenCreateRecord) *string { return &r.UUID }),
)

func (r *AccessTokenCreateRecord) withoutUUID() *AccessTokenCreateRecord {
	if r == nil || r.UUID == "" {
		return r
	}
	return &AccessTokenCreateRecord{AccessToken: r.AccessToken, UUID: redacted}
}

// String returns the record as JSON, with UUID replaced.
func (r AccessTokenCreateRecord) String() string { return string(encode(r.withoutUUID())) }

// Format prints String for every verb.
func (r AccessTokenCreateRecord) Format(f fmt.State, verb rune) { secret.Print(f, verb, r.String()) }

// LogValue makes slog record String.
func (r AccessTokenCreateRecord) LogValue() slog.Value { return slog.StringValue(r.String()) }
