package bench

import (
	"context"
	"fmt"
	"net/http"
)

// Client makes the calls that are measured. Each fails unless the answer has been read to what the server sent.
type Client interface {
	Get(ctx context.Context) error
	Create(ctx context.Context) error
	List(ctx context.Context, limit int64) error
}

// New returns a client for the API at baseURL. Its requests go through transport; nil means what it uses by itself.
type New func(baseURL string, transport http.RoundTripper) (Client, error)

// Contestant is a way to make the calls.
type Contestant struct {
	Name string
	New  New
}

// Contestants returns them all, the one that the others are compared with first.
func Contestants() []Contestant {
	return []Contestant{
		{"std", NewStd},
		{"sdk", NewSDK},
		{"http", NewHTTP},
		{"resty", NewResty},
		{"oapi", NewOAPI},
	}
}

// expect returns an error unless got is what the server sent.
func expect[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}
