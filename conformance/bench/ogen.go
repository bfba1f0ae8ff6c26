package bench

import (
	"context"
	"fmt"

	"github.com/ogen-go/ogen/ogenerrors"

	"github.com/xsky-storage/xms-client-go/conformance/bench/ogen"
)

type ogenClient struct{ api *ogen.Client }

// NewOgen returns the client that ogen generates.
func NewOgen(t Target) (Client, error) {
	api, err := ogen.NewClient(t.BaseURL, ogenKey{}, ogen.WithClient(t.httpClient()))
	if err != nil {
		return nil, err
	}
	return &ogenClient{api}, nil
}

// ogenKey puts the key into the header alone.
type ogenKey struct{}

func (ogenKey) TokenInHeader(context.Context, ogen.OperationName) (ogen.TokenInHeader, error) {
	return ogen.TokenInHeader{APIKey: authToken}, nil
}

func (ogenKey) TokenInQuery(context.Context, ogen.OperationName) (ogen.TokenInQuery, error) {
	return ogen.TokenInQuery{}, ogenerrors.ErrSkipClientSecurity
}

func (c *ogenClient) Get(ctx context.Context) error {
	res, err := c.api.GetAccessToken(ctx, ogen.GetAccessTokenParams{AccessTokenID: tokenID})
	if err != nil {
		return err
	}
	out, ok := res.(*ogen.AccessTokenResp)
	if !ok {
		return fmt.Errorf("answer is a %T", res)
	}
	return expect(out.AccessToken.Value.ID.Value, tokenID)
}

func (c *ogenClient) Create(ctx context.Context) error {
	res, err := c.api.CreateAccessToken(ctx, &ogen.AccessTokenCreateReq{
		AccessToken: ogen.NewOptAccessTokenCreateReqAccessToken(ogen.AccessTokenCreateReqAccessToken{
			Description: ogen.NewOptString(newTokenText), Name: newTokenName, Roles: []string{"admin", "viewer"},
		}),
	})
	if err != nil {
		return err
	}
	out, ok := res.(*ogen.AccessTokenCreateResp)
	if !ok {
		return fmt.Errorf("answer is a %T", res)
	}
	return expect(out.AccessToken.UUID.Value, tokenUUID)
}

func (c *ogenClient) List(ctx context.Context, limit int64) error {
	res, err := c.api.ListAccessTokens(ctx, ogen.ListAccessTokensParams{Limit: ogen.NewOptInt64(limit)})
	if err != nil {
		return err
	}
	out, ok := res.(*ogen.AccessTokensResp)
	if !ok {
		return fmt.Errorf("answer is a %T", res)
	}
	return expect(int64(len(out.AccessTokens)), limit)
}
