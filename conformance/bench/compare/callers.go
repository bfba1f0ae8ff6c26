package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

// many are the clients that many callers share: the SDK as it comes, std on a clone of
// http.DefaultTransport, and a generated client whose transport is tuned.
var many = []bench.Contestant{
	{Name: "sdk", New: bench.NewSDK},
	{Name: "std", New: bench.NewStd},
	{Name: "tuned", New: func(t bench.Target) (bench.Client, error) {
		t.Tuned = true
		return bench.NewOgen(t)
	}},
}

// measureCallers counts the calls a second that many callers get done over TLS with one client: the
// median of three rounds.
func measureCallers() ([]bench.CallersResult, error) {
	fmt.Printf("%8s%10s%10s%10s  calls a second\n", "callers", many[0].Name, many[1].Name, many[2].Name)
	var results []bench.CallersResult
	for _, callers := range []uint64{64, 400, 1000} {
		rates := make([][]float64, len(many))
		for range 3 {
			for _, i := range rand.Perm(len(many)) {
				rate, err := callAtOnce(many[i], callers)
				if err != nil {
					return nil, err
				}
				rates[i] = append(rates[i], rate)
			}
		}
		result := bench.CallersResult{Callers: callers, PerSecond: map[string]float64{}}
		fmt.Printf("%8d", callers)
		for i, client := range many {
			result.PerSecond[client.Name] = median(rates[i])
			fmt.Printf("%10.0f", result.PerSecond[client.Name])
		}
		fmt.Println()
		results = append(results, result)
	}
	return results, nil
}

// callAtOnce returns how many calls a second succeed.
func callAtOnce(contestant bench.Contestant, callers uint64) (float64, error) {
	const span = 1500 * time.Millisecond
	target, end := overTLS(bench.NewServer(bench.Shapes()[0], 1))
	defer end()
	client, err := contestant.New(target)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	var calls atomic.Int64
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for ctx.Err() == nil {
				if client.Get(ctx) == nil {
					calls.Add(1)
				}
			}
		})
	}
	group.Wait()
	return float64(calls.Load()) / span.Seconds(), nil
}
