package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

// span is the least duration of a timing.
const span = 10 * time.Millisecond

// contestants are all clients, and std once more: how far its ratio is from 1 shows the noise.
var contestants = append(bench.Contestants(), bench.Contestant{Name: "again", New: bench.NewStd})

// call is a call of a server whose answers have a shape.
type call struct {
	name   string
	shape  bench.Shape
	target bench.Target
	do     func(context.Context, bench.Client) error
}

func get(ctx context.Context, c bench.Client) error { return c.Get(ctx) }

func create(ctx context.Context, c bench.Client) error { return c.Create(ctx) }

func list(n int64) func(context.Context, bench.Client) error {
	return func(ctx context.Context, c bench.Client) error { return c.List(ctx, n) }
}

// measureCalls measures calls of a stub in this process with each shape, and one call over TLS.
func measureCalls(ctx context.Context, wanted *regexp.Regexp) ([]bench.CallResult, error) {
	fmt.Printf("%s, %d rounds; processor time of std, ratios to it; allocations\n%-28s", runtime.Version(), *rounds, "")
	for _, contestant := range contestants {
		fmt.Printf("%9s", contestant.Name)
	}
	fmt.Println()
	usual := bench.Shapes()[0]
	secure, end := overTLS(bench.NewServer(usual, 1))
	defer end()
	calls := []call{{"get over TLS", usual, secure, get}}
	for _, shape := range bench.Shapes() {
		stub := func(tokens int64) bench.Target {
			return bench.Target{BaseURL: "http://stub/v1", Stub: bench.NewServer(shape, tokens)}
		}
		calls = append(calls,
			call{"get", shape, stub(1), get}, call{"create", shape, stub(1), create},
			call{"list 100", shape, stub(100), list(100)}, call{"list 10,000", shape, stub(10_000), list(10_000)})
	}
	var results []bench.CallResult
	for _, c := range calls {
		if !wanted.MatchString(c.name + " " + c.shape.Name) {
			continue
		}
		result, err := c.compare(ctx)
		if err != nil {
			return nil, err
		}
		results = append(results, result)
	}
	return results, nil
}

// compare times the contestants in each round in an order of its own. The ratios are the medians of
// those in the rounds.
func (c call) compare(ctx context.Context) (result bench.CallResult, err error) {
	clients := make([]bench.Client, len(contestants))
	for i, contestant := range contestants {
		if clients[i], err = contestant.New(c.target); err != nil {
			return result, err
		}
	}
	times := make([][]float64, len(clients)) // of std in seconds, of the others as ratios
	allocations := make([]uint64, len(clients))
	for range *rounds {
		took := make([]float64, len(clients))
		for _, i := range rand.Perm(len(clients)) {
			if took[i], allocations[i], err = c.measure(ctx, clients[i]); err != nil {
				return result, fmt.Errorf("%s, %s: %w", contestants[i].Name, c.name, err)
			}
		}
		times[0] = append(times[0], took[0])
		for i := 1; i < len(clients); i++ {
			times[i] = append(times[i], took[i]/took[0])
		}
	}
	result = bench.CallResult{
		Call: c.name, Shape: c.shape.Name, Seconds: median(times[0]),
		Ratios: map[string]float64{}, Allocations: map[string]uint64{},
	}
	took := time.Duration(result.Seconds * float64(time.Second)).Round(100 * time.Nanosecond)
	fmt.Printf("%-28s%9s", c.name+" "+c.shape.Name, took)
	for i, contestant := range contestants {
		if i > 0 {
			result.Ratios[contestant.Name] = median(times[i])
			fmt.Printf("%9.2f", result.Ratios[contestant.Name])
		}
		result.Allocations[contestant.Name] = allocations[i]
	}
	fmt.Printf("  %d\n", allocations)
	return result, nil
}

// measure returns how much processor time a call takes, in seconds, and what it allocates.
func (c call) measure(ctx context.Context, client bench.Client) (seconds float64, allocations uint64, err error) {
	if err := c.do(ctx, client); err != nil { // for a connection
		return 0, 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	used, err := processorTime()
	if err != nil {
		return 0, 0, err
	}
	begin, calls := time.Now(), 0
	for calls < 1 || time.Since(begin) < span {
		if err := c.do(ctx, client); err != nil {
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
