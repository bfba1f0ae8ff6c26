// Command parallel prints how many calls a second 64, 400 and 1,000 callers get done over TLS with
// one client: the SDK as it comes, and std on a clone of http.DefaultTransport.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

func main() {
	span := flag.Duration("time", 5*time.Second, "duration of each measurement")
	flag.Parse()
	fmt.Printf("%8s%10s%10s  calls a second\n", "callers", "sdk", "std")
	for _, callers := range []int{64, 400, 1000} {
		sdk, err := measure(bench.NewSDK, callers, *span)
		if err != nil {
			log.Fatal("parallel: sdk: ", err)
		}
		std, err := measure(bench.NewStd, callers, *span)
		if err != nil {
			fmt.Fprintln(os.Stderr, "parallel: std:", err)
		}
		fmt.Printf("%8d%10.0f%10.0f\n", callers, sdk, std)
	}
}

// measure returns how many calls a second succeed, and the last error.
func measure(newClient func(bench.Target) (bench.Client, error), callers int, span time.Duration) (float64, error) {
	server := httptest.NewUnstartedServer(bench.NewServer(bench.Shapes()[0], 1))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that the end of the measurement cuts off
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	client, err := newClient(bench.Target{
		BaseURL: server.URL + "/v1", TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
	})
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	var calls atomic.Int64
	var failure atomic.Pointer[error]
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for ctx.Err() == nil {
				if err := client.Get(ctx); err == nil {
					calls.Add(1)
				} else if ctx.Err() == nil {
					failure.Store(&err)
				}
			}
		})
	}
	group.Wait()
	if last := failure.Load(); last != nil {
		err = *last
	}
	return float64(calls.Load()) / span.Seconds(), err
}
