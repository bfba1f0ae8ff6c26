package bench

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-resty/resty/v2"
)

type restyClient struct {
	http    *resty.Client
	request *stdCreateRequest
}

// NewResty returns a client made with resty.
func NewResty(baseURL string, transport http.RoundTripper) (Client, error) {
	client := resty.New()
	if transport != nil {
		client = resty.NewWithClient(&http.Client{Transport: transport})
	}
	return &restyClient{client.SetBaseURL(baseURL).SetHeader(authHeader, authToken), newStdCreateRequest()}, nil
}

func (c *restyClient) Get(ctx context.Context) error {
	var out stdTokenAnswer
	if err := c.do(ctx, c.http.R().SetResult(&out), http.MethodGet, "/access-tokens/"+strconv.FormatInt(tokenID, 10)); err != nil {
		return err
	}
	return expect(out.AccessToken.Name, tokenName)
}

func (c *restyClient) Create(ctx context.Context) error {
	var out stdRecordAnswer
	if err := c.do(ctx, c.http.R().SetBody(c.request).SetResult(&out), http.MethodPost, "/access-tokens/"); err != nil {
		return err
	}
	return expect(out.AccessToken.UUID, tokenUUID)
}

func (c *restyClient) List(ctx context.Context, limit int64) error {
	var out stdListAnswer
	req := c.http.R().SetQueryParam("limit", strconv.FormatInt(limit, 10)).SetResult(&out)
	if err := c.do(ctx, req, http.MethodGet, "/access-tokens/"); err != nil {
		return err
	}
	return expect(int64(len(out.AccessTokens)), limit)
}

func (c *restyClient) do(ctx context.Context, req *resty.Request, method, path string) error {
	resp, err := req.SetContext(ctx).SetHeader("Accept", contentTypeJSON).Execute(method, path)
	if err != nil {
		return err
	}
	if resp.IsError() {
		return fmt.Errorf("status %d: %s", resp.StatusCode(), resp.Body())
	}
	return nil
}
