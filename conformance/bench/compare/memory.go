package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

const (
	part  = 1_000
	parts = 100
)

// measurePeaks returns the peak of the heap, live objects and garbage, while a list of 100,000
// tokens is read in one answer.
func measurePeaks(ctx context.Context) (map[string]float64, error) {
	stub, err := newStub()
	if err != nil {
		return nil, err
	}
	peaks := map[string]float64{}
	for _, contestant := range bench.Contestants() {
		client, err := contestant.New(bench.Target{BaseURL: "http://stub/v1", Stub: stub})
		if err != nil {
			return nil, err
		}
		runtime.GC()
		stop, peak := make(chan struct{}), make(chan uint64)
		go func() { peak <- watch(stop) }()
		err = client.List(ctx, part*parts)
		close(stop)
		peaks[contestant.Name] = float64(<-peak)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", contestant.Name, err)
		}
		fmt.Printf("%-6s%8.1f MB\n", contestant.Name, peaks[contestant.Name]/1e6)
	}
	return peaks, nil
}

// stub answers with the same tokens again and again, so that it holds but a part of what it sends.
type stub struct{ begin, tokens, end []byte }

func newStub() (*stub, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://stub/v1/", http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := bench.NewServer(bench.Shapes()[0], part).RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	begin, end := bytes.IndexByte(page, '[')+1, bytes.LastIndex(page, []byte(`],"paging"`))
	return &stub{page[:begin], page[begin:end], page[end:]}, err
}

// RoundTrip answers with the list.
func (s *stub) RoundTrip(req *http.Request) (*http.Response, error) {
	body := []io.Reader{bytes.NewReader(s.begin), bytes.NewReader(s.tokens)}
	for range parts - 1 {
		body = append(body, bytes.NewReader([]byte{','}), bytes.NewReader(s.tokens))
	}
	body = append(body, bytes.NewReader(s.end))
	length := len(s.begin) + parts*len(s.tokens) + parts - 1 + len(s.end)
	return bench.Answer(req, http.StatusOK, io.MultiReader(body...), int64(length)), nil
}

func watch(stop <-chan struct{}) (peak uint64) {
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
