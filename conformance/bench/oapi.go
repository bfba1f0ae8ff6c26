package bench

import (
	"context"
	"fmt"
	"net/http"

	"github.com/xsky-storage/xms-client-go/conformance/bench/oapi"
)

type oapiClient struct{ api *oapi.ClientWithResponses }

// NewOAPI returns the client that oapi-codegen generates.
func NewOAPI(t Target) (Client, error) {
	authenticate := func(_ context.Context, req *http.Request) error {
		req.Header.Set(authHeader, authToken)
		return nil
	}
	api, err := oapi.NewClientWithResponses(t.BaseURL,
		oapi.WithHTTPClient(t.httpClient()), oapi.WithRequestEditorFn(authenticate))
	if err != nil {
		return nil, err
	}
	return &oapiClient{api}, nil
}

func (c *oapiClient) Get(ctx context.Context) error {
	resp, err := c.api.GetAccessTokenWithResponse(ctx, tokenID)
	if err != nil {
		return err
	}
	if resp.JSON200 == nil {
		return fmt.Errorf("status %d: %s", resp.StatusCode(), resp.Body)
	}
	return expect(*resp.JSON200.AccessToken.Id, tokenID)
}

func (c *oapiClient) Create(ctx context.Context) error {
	text := newTokenText
	resp, err := c.api.CreateAccessTokenWithResponse(ctx, oapi.AccessTokenCreateReq{
		AccessToken: &oapi.AccessTokenCreateReqAccessToken{
			Description: &text, Name: newTokenName, Roles: []string{"admin", "viewer"},
		},
	})
	if err != nil {
		return err
	}
	if resp.JSON201 == nil {
		return fmt.Errorf("status %d: %s", resp.StatusCode(), resp.Body)
	}
	return expect(*resp.JSON201.AccessToken.Uuid, tokenUUID)
}

func (c *oapiClient) List(ctx context.Context, limit int64) error {
	resp, err := c.api.ListAccessTokensWithResponse(ctx, &oapi.ListAccessTokensParams{Limit: &limit})
	if err != nil {
		return err
	}
	if resp.JSON200 == nil {
		return fmt.Errorf("status %d: %s", resp.StatusCode(), resp.Body)
	}
	if resp.JSON200.AccessTokens == nil {
		return expect(0, limit)
	}
	return expect(int64(len(*resp.JSON200.AccessTokens)), limit)
}
