package bench

import (
	"context"
	"net/http"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

type sdk struct {
	api *xmsclient.AccessTokensApiService
}

// NewSDK returns the SDK as it comes.
func NewSDK(t Target) (Client, error) {
	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL = t.BaseURL
	cfg.TokenInHeader = xmsclient.APIKey{Key: authToken}
	cfg.MaxResponseBytes = 1 << 30
	if t.Stub != nil {
		cfg.WrapTransport = func(http.RoundTripper) http.RoundTripper { return t.Stub }
	} else {
		cfg.TLSConfig = t.TLS
	}
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		return nil, err
	}
	return &sdk{client.AccessTokensApi}, nil
}

func (c *sdk) Get(ctx context.Context) error {
	out, _, err := c.api.GetAccessToken(ctx, tokenID)
	if err != nil {
		return err
	}
	return expect(out.AccessToken.ID, tokenID)
}

func (c *sdk) Create(ctx context.Context) error {
	out, _, err := c.api.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{
			Description: newTokenText, Name: newTokenName, Roles: []string{"admin", "viewer"},
		},
	})
	if err != nil {
		return err
	}
	return expect(out.AccessToken.UUID, tokenUUID)
}

func (c *sdk) List(ctx context.Context, limit int64) error {
	out, _, err := c.api.ListAccessTokens(ctx, &xmsclient.ListAccessTokensOpts{Limit: &limit})
	if err != nil {
		return err
	}
	return expect(int64(len(out.AccessTokens)), limit)
}
