package bench

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// longList is the size of the longest list that is measured.
const longList = 10_000

type operation struct {
	name string
	call func(Client) error
}

func operations() []operation {
	ctx := context.Background()
	return []operation{
		{"Get", func(c Client) error { return c.Get(ctx) }},
		{"Create", func(c Client) error { return c.Create(ctx) }},
		{"List100", func(c Client) error { return c.List(ctx, 100) }},
		{"List10000", func(c Client) error { return c.List(ctx, longList) }},
	}
}

// BenchmarkStub answers in process.
func BenchmarkStub(b *testing.B) {
	compare(b, "http://stub/v1", NewServer(longList))
}

// BenchmarkLoopback answers over TCP, to clients with the connections that they make by themselves.
func BenchmarkLoopback(b *testing.B) {
	server := httptest.NewServer(NewServer(longList))
	b.Cleanup(server.Close)
	compare(b, server.URL+"/v1", nil)
}

// compare has the contestants take turns at each operation.
func compare(b *testing.B, baseURL string, transport http.RoundTripper) {
	b.Helper()
	for _, op := range operations() {
		for _, contestant := range Contestants() {
			b.Run("op="+op.name+"/client="+contestant.Name, func(b *testing.B) {
				client, err := contestant.New(baseURL, transport)
				require.NoError(b, err)
				require.NoError(b, op.call(client)) // makes the answer, and the connection
				b.ReportAllocs()
				for b.Loop() {
					if err := op.call(client); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkGoroutines makes the SDK's calls from one goroutine and from many. With -cpu 1 the two are comparable; with -benchtime
// 1000x and 1000000x so are a young client and an old one.
func BenchmarkGoroutines(b *testing.B) {
	get := operations()[0]
	for _, goroutines := range []int{1, 64} {
		b.Run("op="+get.name+"/goroutines="+strconv.Itoa(goroutines), func(b *testing.B) {
			client, err := NewSDK("http://stub/v1", NewServer(0))
			require.NoError(b, err)
			b.ReportAllocs()
			var group sync.WaitGroup
			for range goroutines {
				group.Go(func() {
					for range b.N/goroutines + 1 {
						if err := get.call(client); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
		})
	}
}
