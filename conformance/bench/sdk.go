package bench

import (
	"context"
	"net/http"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

type sdk struct {
	api     *xmsclient.AccessTokensApiService
	request xmsclient.AccessTokenCreateReq
}

// NewSDK returns the SDK as it comes.
func NewSDK(baseURL string, transport http.RoundTripper) (Client, error) {
	return newSDK(baseURL, transport)
}

func newSDK(baseURL string, transport http.RoundTripper) (*sdk, error) {
	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL = baseURL
	cfg.TokenInHeader = xmsclient.APIKey{Key: authToken}
	if transport != nil {
		cfg.HTTPClient = &http.Client{Transport: transport}
	}
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		return nil, err
	}
	return &sdk{client.AccessTokensApi, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{
			Description: tokenText, Name: tokenName, Roles: []string{"admin", "viewer"},
		},
	}}, nil
}

func (c *sdk) Get(ctx context.Context) error {
	out, _, err := c.api.GetAccessToken(ctx, tokenID)
	if err != nil {
		return err
	}
	return expect(out.AccessToken.Name, tokenName)
}

func (c *sdk) Create(ctx context.Context) error {
	out, _, err := c.api.CreateAccessToken(ctx, c.request)
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

// ListPages reads a list of total tokens from the API at baseURL with the SDK's iterator, pageSize at a time.
func ListPages(ctx context.Context, baseURL string, pageSize, total int64) error {
	client, err := newSDK(baseURL, nil)
	if err != nil {
		return err
	}
	read := int64(0)
	for token, err := range client.api.AllAccessTokens(ctx, &xmsclient.ListAccessTokensOpts{Limit: &pageSize}) {
		if err != nil {
			return err
		}
		read++
		if err := expect(token.ID, read); err != nil {
			return err
		}
	}
	return expect(read, total)
}
