package xmsclient

import (
	"fmt"
	"log/slog"
)

// AccessTokenCreateResp is the answer of CreateAccessToken and RegenerateAccessToken.
//
// Printing it with package fmt or logging it with slog hides the uuid, like AccessTokenCreateRecord.
type AccessTokenCreateResp struct {
	AccessToken *AccessTokenCreateRecord `json:"access_token"` // "access_token": the token with its secret; never nil when the call succeeded
}

// LogValue makes slog record the answer without the uuid.
func (r AccessTokenCreateResp) LogValue() slog.Value {
	if r.AccessToken == nil {
		return slog.AnyValue(nil)
	}
	return slog.GroupValue(slog.Any("access_token", r.AccessToken.LogValue()))
}

// AccessTokenCreateRecord is an access token together with its secret. The server shows the secret only here, so store
// UUID before the value goes out of scope.
//
// No verb of package fmt and no slog handler shows UUID, be it of a value or of a pointer; encoding/json keeps it. A struct or
// slice that holds a record is encoded by slog's JSON handler with UUID: log the record itself.
type AccessTokenCreateRecord struct {
	AccessToken
	UUID string `json:"uuid,omitempty"` // "uuid": the credential, sent as Xms-Auth-Token by whoever uses the token
}

// plainCreateRecord is a record without its methods, for printing it by the default rules once UUID has been replaced.
type plainCreateRecord AccessTokenCreateRecord

func (r AccessTokenCreateRecord) withoutUUID() plainCreateRecord {
	if r.UUID != "" {
		r.UUID = redacted
	}
	return plainCreateRecord(r)
}

// Format prints the record for every verb as fmt prints a struct, with UUID replaced.
func (r AccessTokenCreateRecord) Format(f fmt.State, verb rune) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), r.withoutUUID())
}

// LogValue makes slog record the token with UUID replaced.
func (r AccessTokenCreateRecord) LogValue() slog.Value { return slog.AnyValue(r.withoutUUID()) }

func (r *AccessTokenCreateResp) missing() string {
	if r.AccessToken == nil {
		return "access_token"
	}
	return ""
}
