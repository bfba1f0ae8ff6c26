package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/conformance/internal/script"
)

// check makes every call against a Prism and returns what was done, or an error that has all violations.
func check(ctx context.Context, baseURL, token string) (summary string, err error) {
	if err := checkJudge(ctx, baseURL, token); err != nil {
		return "", err
	}
	w := newWitness()
	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL = baseURL
	cfg.TokenInHeader.Key = token
	cfg.HTTPClient = &http.Client{Transport: w}
	cfg.Retry.MaxAttempts = 1
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		return "", err
	}
	failed := script.Run(ctx, client.AccessTokensApi, script.Double()) // Prism takes integers beyond for violations
	if err := w.verdict(); err != nil {
		return "", err // which explains what failed
	}
	if failed != nil {
		return "", failed
	}
	return fmt.Sprintf("%d operations, %d requests, no violation", len(w.requests), w.total()), nil
}

// checkJudge makes sure that Prism notices a body that the document does not allow, and that it shows.
func checkJudge(ctx context.Context, baseURL, token string) error {
	w := newWitness()
	body := strings.NewReader(`{"access_token":{"title":"a","roles":["admin"]}}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, baseURL+"/access-tokens/", body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Xms-Auth-Token", token)
	resp, err := w.RoundTrip(req)
	if err != nil {
		return err
	}
	_ = resp.Body.Close()
	if len(w.violations) == 0 {
		return fmt.Errorf("a request that violates the document was answered with %d and not reported by Prism", resp.StatusCode)
	}
	return nil
}

// witness is an http.RoundTripper that notes which operations pass and what Prism reports about them.
type witness struct {
	mu         sync.Mutex
	requests   map[string]int // by operation
	violations map[string]int // by what Prism says
}

func newWitness() *witness {
	return &witness{requests: map[string]int{}, violations: map[string]int{}}
}

// RoundTrip sends the request.
func (w *witness) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	operation, _ := xmsclient.OperationFromContext(req.Context())
	w.mu.Lock()
	defer w.mu.Unlock()
	w.requests[operation]++
	if report := reported(resp.Header, body); report != "" {
		w.violations[operation+": "+report]++
	}
	return resp, nil
}

// reported returns what Prism says is wrong with a request or its answer, or "".
func reported(header http.Header, body []byte) string {
	if report := header.Get("Sl-Violations"); report != "" {
		return report
	}
	if bytes.Contains(body, []byte("stoplight.io/prism/errors#")) {
		return string(body)
	}
	return ""
}

func (w *witness) verdict() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var problems []error
	for _, violation := range slices.Sorted(maps.Keys(w.violations)) {
		problems = append(problems, fmt.Errorf("%d times: %s", w.violations[violation], violation))
	}
	// All methods of the service are operations but the iterator.
	if all := reflect.TypeFor[*xmsclient.AccessTokensApiService]().NumMethod() - 1; len(w.requests) != all {
		problems = append(problems, fmt.Errorf("only %d of the SDK's %d operations were called", len(w.requests), all))
	}
	return errors.Join(problems...)
}

func (w *witness) total() int {
	total := 0
	for _, n := range w.requests {
		total += n
	}
	return total
}
