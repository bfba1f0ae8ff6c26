// Command compare prints what calls cost: processor time as the median, over all rounds, of the
// ratio to that of std in the same round, and allocations. Each round has an order of its own, drawn
// at random. std stands against itself in a column, which shows the noise. Calls go to a stub in
// this process, in ten shapes of answers, and over TLS on loopback.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

// long is the size of the longest list.
const long = 10_000

var (
	rounds = flag.Int("rounds", 9, "how often each client is timed")
	span   = flag.Duration("time", 30*time.Millisecond, "least duration of a timing")
	only   = flag.String("only", "", "measure the calls whose name matches this `regexp`")
)

// contestants are all clients, and std once more.
var contestants = append(bench.Contestants(), bench.Contestant{Name: "again", New: bench.NewStd})

type call func(context.Context, bench.Client) error

func get(ctx context.Context, c bench.Client) error { return c.Get(ctx) }

func create(ctx context.Context, c bench.Client) error { return c.Create(ctx) }

func list(n int64) call {
	return func(ctx context.Context, c bench.Client) error { return c.List(ctx, n) }
}

func main() {
	flag.Parse()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	fmt.Printf("%s, %d rounds; processor time of std, ratios to it; allocations\n%-28s", runtime.Version(), *rounds, "")
	for _, contestant := range contestants {
		fmt.Printf("%9s", contestant.Name)
	}
	fmt.Println()
	for _, shape := range bench.Shapes() {
		for _, n := range []int64{1, 100, long} {
			target := bench.Target{BaseURL: "http://stub/v1", Stub: bench.NewServer(shape, n)}
			name, call := fmt.Sprintf("stub list %d", n), list(n)
			if n == 1 {
				name, call = "stub get", get
			}
			if err := compare(ctx, name+" "+shape.Name, target, call); err != nil {
				return err
			}
		}
	}
	usual := bench.NewServer(bench.Shapes()[0], 100)
	if err := compare(ctx, "stub create", bench.Target{BaseURL: "http://stub/v1", Stub: usual}, create); err != nil {
		return err
	}
	server := httptest.NewTLSServer(usual)
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	target := bench.Target{BaseURL: server.URL + "/v1", TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}
	return errors.Join(
		compare(ctx, "TLS get", target, get),
		compare(ctx, "TLS create", target, create),
		compare(ctx, "TLS list 100", target, list(100)))
}

// compare prints a line about a call.
func compare(ctx context.Context, name string, target bench.Target, call call) error {
	if wanted, err := regexp.MatchString(*only, name); err != nil || !wanted {
		return err
	}
	clients := make([]bench.Client, len(contestants))
	for i, contestant := range contestants {
		var err error
		if clients[i], err = contestant.New(target); err != nil {
			return err
		}
	}
	times := make([][]float64, len(clients)) // of std in seconds, of the others as ratios
	allocations := make([]uint64, len(clients))
	for range *rounds {
		took := make([]float64, len(clients))
		for _, i := range rand.Perm(len(clients)) {
			var err error
			if took[i], allocations[i], err = measure(ctx, clients[i], call); err != nil {
				return fmt.Errorf("%s, %s: %w", contestants[i].Name, name, err)
			}
		}
		times[0] = append(times[0], took[0])
		for i := 1; i < len(clients); i++ {
			times[i] = append(times[i], took[i]/took[0])
		}
	}
	fmt.Printf("%-28s%9s", name, time.Duration(median(times[0])*float64(time.Second)).Round(100*time.Nanosecond))
	for _, ratios := range times[1:] {
		fmt.Printf("%9.2f", median(ratios))
	}
	fmt.Printf("  %d\n", allocations)
	return nil
}

// measure returns how much processor time a call takes, in seconds, and what it allocates.
func measure(ctx context.Context, client bench.Client, call call) (seconds float64, allocations uint64, err error) {
	if err := call(ctx, client); err != nil { // for a connection
		return 0, 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	used, err := processorTime()
	if err != nil {
		return 0, 0, err
	}
	begin, calls := time.Now(), 0
	for calls < 1 || time.Since(begin) < *span {
		if err := call(ctx, client); err != nil {
			return 0, 0, err
		}
		calls++
	}
	now, err := processorTime()
	runtime.ReadMemStats(&after)
	return (now - used).Seconds() / float64(calls), (after.Mallocs - before.Mallocs) / uint64(calls), err
}

// processorTime returns what this process has used so far, collections of garbage included.
func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), err
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
