// Command peak prints how much memory it takes to read 100,000 tokens: in one answer, by hand and with the SDK, and page after page
// with the SDK's iterator. Each reader is a process of its own, this one is their server.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

const (
	total    = 100_000
	pageSize = 1_000
)

type reader struct {
	name   string
	tokens int64 // in the list
	read   func(ctx context.Context, baseURL string, tokens int64) error
}

func readers() []reader {
	return []reader{
		{"std, one answer", total, one(bench.NewStd)},
		{"sdk, one answer", total, one(bench.NewSDK)},
		{"sdk, pages", total, pages},
		{"sdk, pages, a tenth", total / 10, pages},
	}
}

func one(contestant bench.New) func(context.Context, string, int64) error {
	return func(ctx context.Context, baseURL string, tokens int64) error {
		client, err := contestant(baseURL, nil)
		if err != nil {
			return err
		}
		return client.List(ctx, tokens)
	}
}

func pages(ctx context.Context, baseURL string, tokens int64) error {
	return bench.ListPages(ctx, baseURL, pageSize, tokens)
}

func main() {
	index := flag.Int("reader", -1, "be this reader, of the server at -url")
	url := flag.String("url", "", "base URL of the server")
	flag.Parse()
	run := compare
	if *index >= 0 {
		run = func() error { return measure(readers()[*index], *url) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "peak:", err)
		os.Exit(1)
	}
}

func compare() error {
	fmt.Printf("%-20s %10s %12s\n", "", "heap", "resident")
	for i, r := range readers() {
		server := httptest.NewServer(bench.NewServer(r.tokens))
		// #nosec G204,G702 -- it is this program
		child := exec.CommandContext(context.Background(), os.Args[0], "-reader", strconv.Itoa(i), "-url", server.URL+"/v1")
		child.Stdout, child.Stderr = os.Stdout, os.Stderr
		err := child.Run()
		server.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

// measure prints the peaks of the heap, live objects and garbage, and of the process's resident memory.
func measure(r reader, url string) error {
	stop, peak := make(chan struct{}), make(chan uint64)
	go func() { peak <- watchHeap(stop) }()
	err := r.read(context.Background(), url, r.tokens)
	close(stop)
	heap := <-peak
	if err != nil {
		return err
	}
	resident, err := peakResident()
	if err != nil {
		return err
	}
	fmt.Printf("%-20s %7.1f MB %9.1f MB\n", r.name, float64(heap)/1e6, float64(resident)/1e6)
	return nil
}

func watchHeap(stop <-chan struct{}) (peak uint64) {
	ticker := time.NewTicker(100 * time.Microsecond)
	defer ticker.Stop()
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	for {
		metrics.Read(sample)
		peak = max(peak, sample[0].Value.Uint64())
		select {
		case <-ticker.C:
		case <-stop:
			return peak
		}
	}
}

func peakResident() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	line, _, _ := strings.Cut(after, "kB")
	kilobytes, err := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
	return kilobytes << 10, err
}
