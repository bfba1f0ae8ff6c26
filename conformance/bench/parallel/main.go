// Command parallel prints what 64 goroutines get done in five seconds against one TLS server that speaks HTTP/1.1 and takes a
// millisecond a call, and how many connections that takes: with the SDK, by hand on http.DefaultTransport, and by hand on a
// transport that keeps as many idle connections as the SDK's. Goroutines that wait for a dial take a connection that another
// one gives back first, so that there are some dials more than goroutines at first, and none once there are enough.
//
// Each caller is a process of its own, this one is their server.
package main

import (
	"context"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

const (
	goroutines = 64
	duration   = 5 * time.Second
	callTime   = time.Millisecond
)

type caller struct {
	name      string
	client    bench.New
	transport func() http.RoundTripper
}

func callers() []caller {
	own := func() http.RoundTripper { return nil }
	return []caller{
		{"sdk", bench.NewSDK, own},
		{"std, http.DefaultTransport", bench.NewStd, own},
		{"std, as many idle connections", bench.NewStd, func() http.RoundTripper {
			return &http.Transport{ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 128}
		}},
	}
}

func main() {
	index := flag.Int("caller", -1, "be this caller, of the server at -url")
	url := flag.String("url", "", "base URL of the server")
	flag.Parse()
	run := compare
	if *index >= 0 {
		run = func() error { return call(callers()[*index], *url) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "parallel:", err)
		os.Exit(1)
	}
}

func compare() error {
	dir, err := os.MkdirTemp("", "parallel")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	fmt.Printf("%-30s %10s %10s %10s\n", "", "calls/s", "dials", "after 1 s")
	for i, c := range callers() {
		if err := serve(filepath.Join(dir, "ca.pem"), i); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

// serve runs the server for one caller. certificate is the file that the caller trusts.
func serve(certificate string, index int) error {
	var dials, lateDials atomic.Int64
	var begin atomic.Pointer[time.Time]
	answer := bench.NewServer(0)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(callTime)
		answer.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // the caller's end cuts off what it may still be dialling
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state != http.StateNew {
			return
		}
		dials.Add(1)
		now := time.Now()
		if !begin.CompareAndSwap(nil, &now) && now.Sub(*begin.Load()) > time.Second {
			lateDials.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	block := &pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}
	if err := os.WriteFile(certificate, pem.EncodeToMemory(block), 0o600); err != nil {
		return err
	}
	// #nosec G204,G702 -- it is this program
	child := exec.CommandContext(context.Background(), os.Args[0], "-caller", strconv.Itoa(index), "-url", server.URL+"/v1")
	child.Env = append(os.Environ(), "SSL_CERT_FILE="+certificate)
	child.Stdout, child.Stderr = os.Stdout, os.Stderr
	if err := child.Run(); err != nil {
		return err
	}
	fmt.Printf(" %10d %10d\n", dials.Load(), lateDials.Load())
	return nil
}

// call prints how many calls a second c makes. The server completes the line.
func call(c caller, url string) error {
	client, err := c.client(url, c.transport())
	if err != nil {
		return err
	}
	ctx := context.Background()
	if err := client.Get(ctx); err != nil {
		return err
	}
	var calls atomic.Int64
	failures := make([]error, goroutines)
	begin := time.Now()
	var group sync.WaitGroup
	for i := range goroutines {
		group.Go(func() {
			for time.Since(begin) < duration && failures[i] == nil {
				failures[i] = client.Get(ctx)
				calls.Add(1)
			}
		})
	}
	group.Wait()
	fmt.Printf("%-30s %10.0f", c.name, float64(calls.Load())/time.Since(begin).Seconds())
	return errors.Join(failures...)
}
