package xmsclient

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// AccessTokensApiService has the operations on access tokens. It belongs to an APIClient and is as
// safe for concurrent use. Its zero value is not usable.
//
// Every method takes a context, which must not be nil. The call ends when the context does, its
// waits included. Besides its result a method returns the Response to the last attempt, or nil if
// no server answered that. Every error is an *ArgumentError, *RequestError, *ApiError or
// *DecodeError. Either the result or the error is nil, never both.
type AccessTokensApiService struct{ client *APIClient }

var (
	createAccessToken = &operation{
		name: "CreateAccessToken", method: http.MethodPost, path: "/access-tokens/",
		success: http.StatusCreated,
		ifUnknown: "the token may have been created: look for its name with AllAccessTokens; " +
			"if it is there, RegenerateAccessToken gives it a uuid that you know",
	}
	deleteAccessToken = &operation{
		name: "DeleteAccessToken", method: http.MethodDelete, path: "/access-tokens/{access_token_id}",
		idArgument: "accessTokenID", success: http.StatusNoContent, safeToRepeat: true,
		ifUnknown: "the token may have been deleted: get it to see whether it is there",
	}
	getAccessToken = &operation{
		name: "GetAccessToken", method: http.MethodGet, path: "/access-tokens/{access_token_id}",
		idArgument: "accessTokenID", success: http.StatusOK, safeToRepeat: true,
	}
	listAccessTokens = &operation{
		name: "ListAccessTokens", method: http.MethodGet, path: "/access-tokens/",
		success: http.StatusOK, safeToRepeat: true,
	}
	regenerateAccessToken = &operation{
		name: "RegenerateAccessToken", method: http.MethodPost, path: "/access-tokens/{access_token_id}:regenerate",
		idArgument: "accessTokenID", success: http.StatusOK,
		ifUnknown: "the old uuid may no longer work: regenerate again to get one that does",
	}
	updateAccessToken = &operation{
		name: "UpdateAccessToken", method: http.MethodPatch, path: "/access-tokens/{access_token_id}",
		idArgument: "accessTokenID", success: http.StatusOK, safeToRepeat: true,
		ifUnknown: "the token may have been renamed: get it to see its name",
	}
	validateAccessToken = &operation{
		name: "ValidateAccessToken", method: http.MethodPost, path: "/access-tokens:validate",
		success: http.StatusOK, safeToRepeat: true,
	}
)

// CreateAccessToken creates an access token: POST /access-tokens/. The uuid in the result is the
// token's secret. XMS shows it only this once.
//
// body.AccessToken needs a name and at least one role, all in valid UTF-8. Otherwise the error is
// an *ArgumentError. XMS may refuse the token with ErrConflict, for example because of its name.
//
// The client sends the request again only if no server can have acted on it. If the call fails
// after a server may have acted, the error is ErrOutcomeUnknown too: look for the name with
// AllAccessTokens before you create the token again.
func (s *AccessTokensApiService) CreateAccessToken(
	ctx context.Context, body AccessTokenCreateReq,
) (*AccessTokenCreateResp, *Response, error) {
	return do(ctx, s.client, createAccessToken, arguments{body: body}, accessTokenCreateResp)
}

// DeleteAccessToken deletes an access token, which stops working at once: DELETE
// /access-tokens/{access_token_id}.
//
// accessTokenID must be positive. Otherwise the error is an *ArgumentError. ErrNotFound says that
// there is no such token. The client sends the request again after the failures that the package
// documentation lists as "if safe". If the answer to a first attempt was lost and the second one
// finds no token, the error is both ErrNotFound and ErrOutcomeUnknown: the token is gone, and this
// call may have deleted it. A 2xx with a body that does not look like a deletion is a *DecodeError
// and ErrOutcomeUnknown: get the token to see whether it is there.
func (s *AccessTokensApiService) DeleteAccessToken(ctx context.Context, accessTokenID int64) (*Response, error) {
	_, response, err := do(ctx, s.client, deleteAccessToken, arguments{id: accessTokenID}, accessTokenRemoved)
	return response, err
}

// GetAccessToken returns an access token without its uuid: GET /access-tokens/{access_token_id}.
//
// accessTokenID must be positive. Otherwise the error is an *ArgumentError. ErrNotFound says that
// there is no such token.
func (s *AccessTokensApiService) GetAccessToken(
	ctx context.Context, accessTokenID int64,
) (*AccessTokenResp, *Response, error) {
	return do(ctx, s.client, getAccessToken, arguments{id: accessTokenID}, accessTokenResp)
}

// ListAccessTokensOpts are the optional parameters of ListAccessTokens and AllAccessTokens. A nil
// field is not sent. Ptr makes the pointers.
type ListAccessTokensOpts struct {
	Limit  *int64  // "limit": most tokens in the answer; -1 for all. The server has a default and may have a maximum
	Offset *int64  // "offset": how many tokens to skip
	UserID *int64  // "user_id": only the tokens of this user
	Role   *string // "role": only tokens with this role
	All    *bool   // "all": the tokens of all users, not only the caller's
}

// Ptr returns a pointer to v, for the fields of ListAccessTokensOpts: Ptr("admin"), Ptr[int64](10).
func Ptr[T any](v T) *T { return &v }

// ListAccessTokens returns one page of access tokens without their uuids: GET /access-tokens/. To
// see all tokens whatever the server's page size, range over AllAccessTokens.
//
// opts may be nil. A negative Offset is an *ArgumentError. The server judges the other values.
func (s *AccessTokensApiService) ListAccessTokens(
	ctx context.Context, opts *ListAccessTokensOpts,
) (*AccessTokensResp, *Response, error) {
	if opts == nil {
		opts = &ListAccessTokensOpts{}
	}
	args := arguments{query: opts.parameters(), refused: checkOffset(opts.Offset)}
	return do(ctx, s.client, listAccessTokens, args, accessTokensResp)
}

func checkOffset(offset *int64) *ArgumentError {
	if offset != nil && *offset < 0 {
		return &ArgumentError{Argument: "opts.Offset", Reason: fmt.Sprintf("must not be negative, not %d", *offset)}
	}
	return nil
}

func (o *ListAccessTokensOpts) parameters() (query []parameter) {
	query = addOptional(query, "limit", o.Limit)
	query = addOptional(query, "offset", o.Offset)
	query = addOptional(query, "user_id", o.UserID)
	query = addOptional(query, "role", o.Role)
	return addOptional(query, "all", o.All)
}

func addOptional[T any](query []parameter, name string, value *T) []parameter {
	if value == nil {
		return query
	}
	return append(query, parameter{name: name, value: fmt.Sprint(*value)})
}

// RegenerateAccessToken gives an access token a new uuid: POST
// /access-tokens/{access_token_id}:regenerate. The old uuid stops working at once. XMS shows the
// new one, which is in the result, only this once.
//
// accessTokenID must be positive. Otherwise the error is an *ArgumentError. ErrNotFound says that
// there is no such token. As with CreateAccessToken, the client sends the request again only if no
// server can have acted on it. With ErrOutcomeUnknown the old uuid may no longer work: regenerate
// again to get one that does.
func (s *AccessTokensApiService) RegenerateAccessToken(
	ctx context.Context, accessTokenID int64,
) (*AccessTokenCreateResp, *Response, error) {
	return do(ctx, s.client, regenerateAccessToken, arguments{id: accessTokenID}, accessTokenCreateResp)
}

// UpdateAccessToken renames an access token: PATCH /access-tokens/{access_token_id}.
//
// accessTokenID must be positive, and body.AccessToken needs a name. Otherwise the error is an
// *ArgumentError. ErrNotFound says that there is no such token. If the call fails after a server
// may have renamed the token, the error is ErrOutcomeUnknown too.
func (s *AccessTokensApiService) UpdateAccessToken(
	ctx context.Context, accessTokenID int64, body AccessTokenUpdateReq,
) (*AccessTokenResp, *Response, error) {
	return do(ctx, s.client, updateAccessToken, arguments{id: accessTokenID, body: body}, accessTokenResp)
}

// ValidateAccessToken returns the access token whose uuid is subjectAccessToken: POST
// /access-tokens:validate. It changes nothing. A nil error means that the token is valid.
//
// subjectAccessToken must not be empty or have white space around it. Otherwise the error is an
// *ArgumentError. ErrBadRequest or ErrForbidden says that it is no valid token.
func (s *AccessTokensApiService) ValidateAccessToken(
	ctx context.Context, subjectAccessToken string,
) (*AccessTokenResp, *Response, error) {
	args := arguments{
		query:   []parameter{{name: "subject_access_token", value: subjectAccessToken, secret: true}},
		refused: checkSubject(subjectAccessToken),
	}
	return do(ctx, s.client, validateAccessToken, args, accessTokenResp)
}

func checkSubject(token string) *ArgumentError {
	switch {
	case token == "":
		return &ArgumentError{Argument: "subjectAccessToken", Reason: "must not be empty"}
	case strings.TrimSpace(token) != token:
		reason := "must not have white space around it, such as the newline at a file's end"
		return &ArgumentError{Argument: "subjectAccessToken", Reason: reason}
	}
	return nil
}
