package xmsclient

import (
	"fmt"
	"log/slog"

	"github.com/xsky-storage/xms-client-go/internal/jsonread"
)

// AccessTokenCreateResp is the answer of CreateAccessToken and RegenerateAccessToken.
//
// Printing it with package fmt or logging it with slog hides the uuid. Encoding it as JSON keeps
// it.
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

// Format prints the answer for every verb as JSON, with the uuid replaced.
func (r AccessTokenCreateResp) Format(f fmt.State, verb rune) {
	if r.AccessToken != nil {
		hidden := r.AccessToken.withoutUUID()
		r.AccessToken = &hidden
	}
	formatJSON(f, verb, r)
}

// LogValue makes slog record what Format prints.
func (r AccessTokenCreateResp) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// AccessTokenCreateRecord is an access token together with its secret. XMS shows the secret only
// this once, so store UUID before the value goes out of scope.
//
// No verb of package fmt and no slog handler shows UUID of a value or of a pointer. Encoding as
// JSON keeps it. So does slog's JSON handler if the record stands inside another struct or slice,
// and package fmt if it stands in an unexported field: log the record itself. To log a nil pointer
// to a record or to an AccessTokenCreateResp makes slog complain of a panic; it does no other harm.
type AccessTokenCreateRecord struct {
	AccessToken
	UUID string `json:"uuid"` // "uuid": the credential, which programs send as Xms-Auth-Token
}

var accessTokenCreateRecordFields = append(
	jsonread.Embed(accessTokenFields, func(r *AccessTokenCreateRecord) *AccessToken { return &r.AccessToken }),
	jsonread.String("uuid", func(r *AccessTokenCreateRecord) *string { return &r.UUID }),
)

func (r AccessTokenCreateRecord) withoutUUID() AccessTokenCreateRecord {
	if r.UUID != "" {
		r.UUID = redacted
	}
	return r
}

// Format prints the record for every verb as JSON, with UUID replaced.
func (r AccessTokenCreateRecord) Format(f fmt.State, verb rune) { formatJSON(f, verb, r.withoutUUID()) }

// LogValue makes slog record what Format prints.
func (r AccessTokenCreateRecord) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }
