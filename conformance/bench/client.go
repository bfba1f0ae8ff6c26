package bench

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
)

// Client makes the calls that are measured. Each fails unless the answer has been read to what the
// server sent.
type Client interface {
	Get(ctx context.Context) error
	Create(ctx context.Context) error
	List(ctx context.Context, limit int64) error
}

// Target is a server to call.
type Target struct {
	BaseURL string
	Stub    http.RoundTripper // takes the place of a network; nil: there is one
	TLS     *tls.Config       // of the client; nil without TLS
	Tuned   bool              // keep up to 64 connections: the SDK always does
}

// httpClient is what those use that do not bring a client of their own.
func (t Target) httpClient() *http.Client {
	if t.Stub != nil {
		return &http.Client{Transport: t.Stub}
	}
	transport, _ := http.DefaultTransport.(*http.Transport)
	transport = transport.Clone()
	transport.TLSClientConfig = t.TLS
	if t.Tuned {
		transport.MaxIdleConnsPerHost, transport.MaxConnsPerHost = 64, 64
	}
	return &http.Client{Transport: transport}
}

// Contestant is a way to make the calls.
type Contestant struct {
	Name string
	New  func(Target) (Client, error)
}

// Contestants returns them all, the one that the others are compared with first.
func Contestants() []Contestant {
	return []Contestant{{"std", NewStd}, {"sdk", NewSDK}, {"oapi", NewOAPI}, {"ogen", NewOgen}}
}

// expect returns an error unless got is what the server sent.
func expect[T comparable](got, want T) error {
	if got != want {
		return fmt.Errorf("got %v, want %v", got, want)
	}
	return nil
}
