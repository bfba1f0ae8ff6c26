// Package create shows how to create an access token without losing it when the answer is lost.
// Copy its functions into your program.
package create

import (
	"context"
	"errors"
	"fmt"
	"iter"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// API is what Create needs of the SDK. An *xmsclient.AccessTokensApiService has it, and so has a
// fake of your own.
type API interface {
	CreateAccessToken(ctx context.Context, body xmsclient.AccessTokenCreateReq) (
		*xmsclient.AccessTokenCreateResp, *xmsclient.Response, error)
	AllAccessTokens(ctx context.Context, opts *xmsclient.ListAccessTokensOpts) iter.Seq2[xmsclient.AccessToken, error]
	RegenerateAccessToken(ctx context.Context, id int64) (*xmsclient.AccessTokenCreateResp, *xmsclient.Response, error)
}

// Create creates an access token and returns it with its uuid. If the outcome of the create is
// unknown, it looks for the name among the caller's own tokens. If it finds one such token that
// nobody has used yet, it regenerates that one and returns it.
//
// Make the name unique, for example with a random suffix: "backup-" + rand.Text(). XMS does not
// promise that names are unique. Regenerating a token of somebody else would lock them out. If XMS
// leaves out whether a token was used, the token looks unused, and only its name tells it apart.
//
// Give ctx more time than Configuration.Timeout, or none is left to look for the name.
//
// In these cases Create cannot know, and returns an error that is ErrOutcomeUnknown:
//
//   - No unused token has the name. The token does not exist, or it appears later.
//   - Several have it. Create does not guess. The error names their ids.
//   - The list cannot be read, or the one token cannot be regenerated. The error says why.
func Create(
	ctx context.Context, api API, req xmsclient.AccessTokenCreateReq,
) (*xmsclient.AccessTokenCreateRecord, error) {
	created, _, err := api.CreateAccessToken(ctx, req)
	if errors.Is(err, xmsclient.ErrOutcomeUnknown) {
		return adopt(ctx, api, req.AccessToken.Name, err)
	}
	if err != nil {
		return nil, err
	}
	return created.AccessToken, nil
}

// adopt regenerates the token that a create with an unknown outcome left behind.
func adopt(ctx context.Context, api API, name string, cause error) (*xmsclient.AccessTokenCreateRecord, error) {
	var ids []int64
	for token, err := range api.AllAccessTokens(ctx, nil) {
		if err != nil {
			return nil, fmt.Errorf("cannot look for token %q: %w; after: %w", name, err, cause)
		}
		if token.Name == name && !token.Used { // a used one is not ours: nobody knows the uuid of ours
			ids = append(ids, token.ID)
		}
	}
	if len(ids) != 1 {
		return nil, fmt.Errorf("want one unused token named %q, found %d %v; after: %w", name, len(ids), ids, cause)
	}
	regenerated, _, err := api.RegenerateAccessToken(ctx, ids[0])
	if err != nil {
		return nil, fmt.Errorf("token %d exists, but nobody knows its uuid: %w; after: %w", ids[0], err, cause)
	}
	return regenerated.AccessToken, nil
}
