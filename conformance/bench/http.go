package bench

import (
	"context"
	"errors"
	"net/http"
)

// bare is std without decoding: what no client that reads whole answers through net/http can undercut.
type bare struct{ std *std }

// NewHTTP returns a client that does not look at what it reads.
func NewHTTP(baseURL string, transport http.RoundTripper) (Client, error) {
	return &bare{newStd(baseURL, transport)}, nil
}

func (c *bare) Get(ctx context.Context) error { return notEmpty(c.std.get(ctx)) }

func (c *bare) Create(ctx context.Context) error { return notEmpty(c.std.create(ctx)) }

func (c *bare) List(ctx context.Context, limit int64) error { return notEmpty(c.std.list(ctx, limit)) }

func notEmpty(body []byte, err error) error {
	if err == nil && len(body) == 0 {
		return errors.New("empty answer")
	}
	return err
}
