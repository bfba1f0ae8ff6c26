package xmsclient

import (
	"context"
	"errors"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// AccessTokensApiService has the operations on access tokens. It belongs to an APIClient and shares its safety for concurrent
// use; its zero value is of no use.
//
// Every method takes a context, which must not be nil and which ends the call with its waits when it is done. It returns,
// besides its result, the Response to the last attempt, nil if that was not answered, and an error that is an *ArgumentError,
// *RequestError, *ApiError or *DecodeError. The result is nil whenever the error is not.
type AccessTokensApiService struct{ core *core }

// operationRow is all that is particular to an operation.
type operationRow struct {
	name    string // operationId of the API
	method  string
	path    string      // below the base URL; the API ends collections with a slash and puts a colon before verbs
	query   []parameter // in the order in which they are sent
	body    bool
	success int // documented status; any other 2xx is taken for success too

	idempotent bool // may be sent again although an earlier attempt may have taken effect
	removes    bool // after such an attempt, 404 is success
}

type parameter struct {
	name     string
	required string // name of the argument of the method that must not be empty; "": the parameter is optional
	secret   bool
}

const idParameter = "{access_token_id}"

var (
	createAccessToken = &operationRow{
		name: "CreateAccessToken", method: http.MethodPost, path: "/access-tokens/", body: true, success: http.StatusCreated,
	}
	deleteAccessToken = &operationRow{
		name: "DeleteAccessToken", method: http.MethodDelete, path: "/access-tokens/{access_token_id}",
		success: http.StatusNoContent, idempotent: true, removes: true,
	}
	getAccessToken = &operationRow{
		name: "GetAccessToken", method: http.MethodGet, path: "/access-tokens/{access_token_id}",
		success: http.StatusOK, idempotent: true,
	}
	listAccessTokens = &operationRow{
		name: "ListAccessTokens", method: http.MethodGet, path: "/access-tokens/",
		query:   []parameter{{name: "limit"}, {name: "offset"}, {name: "user_id"}, {name: "role"}, {name: "all"}},
		success: http.StatusOK, idempotent: true,
	}
	regenerateAccessToken = &operationRow{
		name: "RegenerateAccessToken", method: http.MethodPost, path: "/access-tokens/{access_token_id}:regenerate",
		success: http.StatusOK,
	}
	updateAccessToken = &operationRow{
		name: "UpdateAccessToken", method: http.MethodPatch, path: "/access-tokens/{access_token_id}", body: true,
		success: http.StatusOK, idempotent: true,
	}
	validateAccessToken = &operationRow{
		name: "ValidateAccessToken", method: http.MethodPost, path: "/access-tokens:validate",
		query: []parameter{{name: "subject_access_token", required: "subjectAccessToken", secret: true}}, success: http.StatusOK, idempotent: true,
	}
)

// needsTrace reports whether it matters if a failed attempt was sent.
func (op *operationRow) needsTrace() bool { return !op.idempotent || op.removes }

func (op *operationRow) hasID() bool { return strings.Contains(op.path, idParameter) }

// fill returns the operation's path below base, with id in its place.
func (op *operationRow) fill(base string, id int64) string {
	before, after, hasID := strings.Cut(op.path, idParameter)
	if !hasID {
		return base + op.path
	}
	return base + before + strconv.FormatInt(id, 10) + after
}

// encodeQuery returns the query for values, which stand in the order of op.query. Without reveal, secrets are replaced.
func (op *operationRow) encodeQuery(values []*string, reveal bool) string {
	query := ""
	for i, value := range values {
		if value == nil {
			continue
		}
		text := redacted
		if reveal || !op.query[i].secret {
			text = url.QueryEscape(*value)
		}
		query = joinQuery(query, op.query[i].name+"="+text)
	}
	return query
}

// CreateAccessToken makes an access token: POST /access-tokens/. The uuid in the result is the token's secret and is shown only
// this once.
//
// body.AccessToken with a name and at least one role is required; otherwise, or if a text is not valid UTF-8, the error is
// an *ArgumentError. An *ApiError is ErrConflict if the caller already has a token of that name.
//
// The request is sent again only if the server has provably not acted on it. Where that cannot be known, the error is
// ErrOutcomeUnknown: look for the name with AllAccessTokens before creating again.
func (s *AccessTokensApiService) CreateAccessToken(ctx context.Context, body AccessTokenCreateReq) (*AccessTokenCreateResp, *Response, error) {
	return do[AccessTokenCreateResp](ctx, s.core, &call{op: createAccessToken, model: body})
}

// DeleteAccessToken deletes an access token, which stops working at once: DELETE /access-tokens/{access_token_id}.
//
// accessTokenID must be positive; otherwise the error is an *ArgumentError. An *ApiError is ErrNotFound if there is no such
// token. If the answer to a first attempt was lost and a further one finds no token any more, the call has succeeded, with a
// Response that says 404.
func (s *AccessTokensApiService) DeleteAccessToken(ctx context.Context, accessTokenID int64) (*Response, error) {
	_, resp, err := do[nothing](ctx, s.core, &call{op: deleteAccessToken, id: accessTokenID})
	return resp, err
}

// GetAccessToken returns an access token without its secret: GET /access-tokens/{access_token_id}.
//
// accessTokenID must be positive; otherwise the error is an *ArgumentError. An *ApiError is ErrNotFound if there is no such
// token.
func (s *AccessTokensApiService) GetAccessToken(ctx context.Context, accessTokenID int64) (*AccessTokenResp, *Response, error) {
	return do[AccessTokenResp](ctx, s.core, &call{op: getAccessToken, id: accessTokenID})
}

// ListAccessTokensOpts are the optional parameters of ListAccessTokens and AllAccessTokens. A nil field is not sent. Ptr makes
// the pointers.
type ListAccessTokensOpts struct {
	Limit  *int64  // "limit": most tokens in the answer; -1 for all. The server's own default and maximum apply
	Offset *int64  // "offset": tokens to leave out at the beginning
	UserID *int64  // "user_id": only the tokens of this user
	Role   *string // "role": only tokens with this role
	All    *bool   // "all": the tokens of all users, not only the caller's
}

// Ptr returns a pointer to v, for the fields of ListAccessTokensOpts.
func Ptr[T any](v T) *T { return &v }

// ListAccessTokens returns one page of access tokens without their secrets: GET /access-tokens/. To see all of them whatever
// the server's page size, range over AllAccessTokens.
//
// opts may be nil. Its values are sent as they are; the server judges them.
func (s *AccessTokensApiService) ListAccessTokens(ctx context.Context, opts *ListAccessTokensOpts) (*AccessTokensResp, *Response, error) {
	return do[AccessTokensResp](ctx, s.core, &call{op: listAccessTokens, query: opts.values()})
}

// values returns the parameters in the order of the operation's table row.
func (o *ListAccessTokensOpts) values() []*string {
	if o == nil {
		return nil
	}
	return []*string{decimal(o.Limit), decimal(o.Offset), decimal(o.UserID), o.Role, boolean(o.All)}
}

func decimal(n *int64) *string {
	if n == nil {
		return nil
	}
	return Ptr(strconv.FormatInt(*n, 10))
}

func boolean(b *bool) *string {
	if b == nil {
		return nil
	}
	return Ptr(strconv.FormatBool(*b))
}

// RegenerateAccessToken replaces the secret of an access token: POST /access-tokens/{access_token_id}:regenerate. The old uuid stops
// working at once; the uuid in the result is the new one and is shown only this once.
//
// accessTokenID must be positive; otherwise the error is an *ArgumentError. An *ApiError is ErrNotFound if there is no such
// token. As with CreateAccessToken the request is sent again only if the server has provably not acted on it; with
// ErrOutcomeUnknown the old uuid may no longer work, and regenerating again is the way to a known one.
func (s *AccessTokensApiService) RegenerateAccessToken(ctx context.Context, accessTokenID int64) (*AccessTokenCreateResp, *Response, error) {
	return do[AccessTokenCreateResp](ctx, s.core, &call{op: regenerateAccessToken, id: accessTokenID})
}

// UpdateAccessToken renames an access token: PATCH /access-tokens/{access_token_id}.
//
// accessTokenID must be positive, and body.AccessToken with a name is required; otherwise the error is an *ArgumentError. An
// *ApiError is ErrNotFound if there is no such token.
func (s *AccessTokensApiService) UpdateAccessToken(ctx context.Context, accessTokenID int64, body AccessTokenUpdateReq) (*AccessTokenResp, *Response, error) {
	return do[AccessTokenResp](ctx, s.core, &call{op: updateAccessToken, id: accessTokenID, model: body})
}

// ValidateAccessToken returns the access token whose secret is subjectAccessToken: POST /access-tokens:validate. It changes
// nothing.
//
// subjectAccessToken must not be empty; otherwise the error is an *ArgumentError. An *ApiError says that it is not a valid token;
// its status is ErrBadRequest or ErrForbidden.
func (s *AccessTokensApiService) ValidateAccessToken(ctx context.Context, subjectAccessToken string) (*AccessTokenResp, *Response, error) {
	return do[AccessTokenResp](ctx, s.core, &call{op: validateAccessToken, query: []*string{&subjectAccessToken}})
}

const (
	defaultPageSize = 100 // how many tokens AllAccessTokens asks for at a time
	everything      = -1  // the limit that asks for all tokens in one answer
)

// AllAccessTokens returns an iterator over all access tokens, page after page of ListAccessTokens:
//
//	for token, err := range client.AccessTokensApi.AllAccessTokens(ctx, nil) {
//		if err != nil {
//			return err
//		}
//		fmt.Println(token.ID, token.Name)
//	}
//
// opts may be nil. It is copied, so a later change has no effect. Limit is the size of a page, 100 if nil, and must be
// positive, or -1 for everything in one answer; Offset is where to begin.
//
// The iterator is lazy: a page is asked for when the loop gets there, and no further one after a break. It holds one page at a
// time, and ranging over it again starts anew. An error is yielded once, with a zero AccessToken, and ends the loop. Errors are those
// of ListAccessTokens; a *DecodeError also says that the server ignores the offset, which would go on forever.
//
// Pages are asked for by offset, so a token that is created or deleted meanwhile may shift others from one page to the next: one may then
// be yielded twice or left out. Tokens that exist throughout an iteration without such changes are yielded exactly once.
func (s *AccessTokensApiService) AllAccessTokens(ctx context.Context, opts *ListAccessTokensOpts) iter.Seq2[AccessToken, error] {
	start := opts.clone()
	return func(yield func(AccessToken, error) bool) {
		pages := pager{service: s, opts: start.clone()}
		for more := true; more; {
			var tokens []AccessToken
			var err error
			if tokens, more, err = pages.next(ctx); err != nil {
				yield(AccessToken{}, err)
				return
			}
			for _, token := range tokens {
				if !yield(token, nil) {
					return
				}
			}
		}
	}
}

func (o *ListAccessTokensOpts) clone() ListAccessTokensOpts {
	if o == nil {
		return ListAccessTokensOpts{}
	}
	return ListAccessTokensOpts{
		Limit: clonePtr(o.Limit), Offset: clonePtr(o.Offset), UserID: clonePtr(o.UserID), Role: clonePtr(o.Role), All: clonePtr(o.All),
	}
}

func clonePtr[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return Ptr(*p)
}

// pager asks for one page after the other.
type pager struct {
	service *AccessTokensApiService
	opts    ListAccessTokensOpts
	// What is remembered of the page before, to notice a server that sends it again.
	length      int
	first, last AccessToken
}

func (p *pager) next(ctx context.Context) (tokens []AccessToken, more bool, err error) {
	if p.opts.Limit == nil {
		p.opts.Limit = Ptr[int64](defaultPageSize)
	}
	if p.opts.Offset == nil {
		p.opts.Offset = Ptr[int64](0)
	}
	if limit := *p.opts.Limit; limit < everything || limit == 0 {
		return nil, false, &ArgumentError{
			Operation: "AllAccessTokens", Argument: "opts.Limit",
			Reason: "must be positive, or -1 for everything in one answer, not " + strconv.FormatInt(limit, 10),
		}
	}
	list, resp, err := p.service.ListAccessTokens(ctx, &p.opts)
	if err != nil {
		return nil, false, err
	}
	tokens = list.AccessTokens
	if len(tokens) == 0 {
		return nil, false, nil
	}
	if p.repeats(tokens) {
		if *p.opts.Limit == everything && (list.Paging == nil || list.Paging.TotalCount <= int64(len(tokens))) {
			return nil, false, nil // the page was all there is
		}
		return nil, false, &DecodeError{
			Operation: listAccessTokens.name, StatusCode: resp.StatusCode, ContentType: resp.Header.Get("Content-Type"),
			Err: errors.New("the server sent the page before once more: it ignores the offset"),
		}
	}
	*p.opts.Offset += int64(len(tokens))
	more = list.Paging == nil || list.Paging.TotalCount <= 0 || *p.opts.Offset < list.Paging.TotalCount
	return tokens, more, nil
}

// repeats reports whether tokens is the page before once more, and remembers it as the page before.
func (p *pager) repeats(tokens []AccessToken) bool {
	first, last := tokens[0], tokens[len(tokens)-1]
	again := p.length == len(tokens) && sameToken(p.first, first) && sameToken(p.last, last)
	p.length, p.first, p.last = len(tokens), first, last
	return again
}

func sameToken(a, b AccessToken) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Create.Equal(b.Create)
}
