package xmsclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// After one answer that says no, a server would say yes: whether it is asked, and what the caller gets where it is not.
func TestRetryAfterAStatus(t *testing.T) {
	t.Parallel()
	const asksForPatience = "Retry-After: 0\r\n"
	type verdict struct{ resent, unknown bool }
	var (
		no       = verdict{}
		yes      = verdict{resent: true}
		maybeHas = verdict{unknown: true}
	)
	tests := []struct {
		status             int
		header             string
		idempotent, create verdict
	}{
		{300, "", no, maybeHas},
		{304, "", no, maybeHas},
		{400, "", no, no},
		{401, "", no, no},
		{402, asksForPatience, no, no},
		{403, "", no, no},
		{404, "", no, no},
		{408, "", yes, no},
		{408, asksForPatience, yes, no},
		{409, "", no, no},
		{425, asksForPatience, no, no},
		{429, "", yes, yes},
		{429, asksForPatience, yes, yes},
		{429, "Retry-After: -1\r\n", yes, yes},
		{500, "", no, maybeHas},
		{500, asksForPatience, no, maybeHas},
		{501, "", no, maybeHas},
		{502, "", yes, maybeHas},
		{502, asksForPatience, yes, maybeHas},
		{503, "", yes, maybeHas},
		{503, asksForPatience, yes, yes},
		{503, "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n", yes, yes},
		{503, "Retry-After: -1\r\n", yes, maybeHas},
		{503, "Retry-After: soon\r\n", yes, maybeHas},
		{503, "Retry-After:\r\n", yes, maybeHas},
		{504, "", yes, maybeHas},
		{504, asksForPatience, yes, maybeHas},
		{505, "", no, maybeHas},
		{599, "", no, maybeHas},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", tt.status, strings.TrimSpace(tt.header)), func(t *testing.T) {
			t.Parallel()
			faultEachOperation(t, func(t *testing.T, op faultOperation) {
				t.Helper()
				node := newFaultNode(t, faultStatus(tt.status, tt.header, `{"message":"no"}`), op.answer)
				want := tt.create
				if op.idempotent {
					want = tt.idempotent
				}

				out := op.call(t.Context(), faultClient(t, nil, node.url))

				requireFaultOutcome(t, want.unknown, out.err)
				if want.resent {
					require.NoError(t, out.err)
					node.requireReceived(t, op, 2)
					requireFaultAttempts(t, 2, out)
					return
				}
				var api *xmsclient.ApiError
				require.ErrorAs(t, out.err, &api)
				require.Equal(t, tt.status, api.StatusCode)
				require.Equal(t, tt.status, out.resp.StatusCode)
				require.Nil(t, out.result)
				node.requireReceived(t, op, 1)
				requireFaultAttempts(t, 1, out)
			})
		})
	}
}

// What is sent again is the same request.
func TestRetrySendsTheSameAgain(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		node := newFaultNode(t, faultStatus(429, "", ""), faultStatus(429, "Connection: close\r\n", ""), op.answer)
		client := faultClient(t, func(cfg *xmsclient.Configuration) {
			cfg.TokenInHeader.Key, cfg.TokenInQuery.Key = "header-key", "query-key"
		}, node.url)

		out := op.call(t.Context(), client)

		require.NoError(t, out.err)
		requests := node.received()
		require.Len(t, requests, 3)
		require.Equal(t, requests[0], requests[1])
		require.Equal(t, requests[0], requests[2])
		require.Equal(t, "header-key", requests[0].header.Get("Xms-Auth-Token"))
		require.Contains(t, requests[0].query, "token=query-key")
	})
}

func TestRetryMaxAttempts(t *testing.T) {
	t.Parallel()
	tests := []struct{ max, nodes, want int }{{0, 1, 4}, {0, 3, 4}, {0, 4, 5}, {0, 5, 6}, {1, 1, 1}, {1, 3, 1}, {2, 3, 2}, {7, 1, 7}}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d over %d nodes", tt.max, tt.nodes), func(t *testing.T) {
			t.Parallel()
			faultEachOperation(t, func(t *testing.T, op faultOperation) {
				t.Helper()
				nodes := make([]*faultNode, tt.nodes)
				urls := make([]string, tt.nodes)
				for i := range nodes {
					nodes[i] = newFaultNode(t, faultStatus(429, "", ""))
					urls[i] = nodes[i].url
				}
				client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Retry.MaxAttempts = tt.max }, urls...)

				out := op.call(t.Context(), client)

				require.ErrorIs(t, out.err, xmsclient.ErrTooManyRequests)
				requireFaultAttempts(t, tt.want, out)
				for i, node := range nodes {
					node.requireReceived(t, op, (tt.want+tt.nodes-1-i)/tt.nodes)
				}
			})
		})
	}
}

// How long a server asks to be left alone is reported, and when that is longer than MaxRetryAfter it is not asked again.
func TestRetryAfterIsReported(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value string
		want  time.Duration
		again bool
	}{
		"seconds":         {"7", 7 * time.Second, false},
		"none":            {"0", 0, true},
		"a past date":     {"Sat, 01 Jan 2000 00:00:00 GMT", 0, true},
		"a distant date":  {"Fri, 31 Dec 9999 23:59:59 GMT", math.MaxInt64, false},
		"negative":        {"-7", 0, true},
		"absurd":          {"99999999999999999999999999", math.MaxInt64, false},
		"beyond an int64": {"9223372037", math.MaxInt64, false},
		"no number":       {"a while", 0, true},
		"a fraction":      {"0.5", 0, true},
		"RFC 850":         {"Friday, 31-Dec-49 23:59:59 GMT", -1, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, status := range []int{429, 503} {
				for _, op := range faultOperations() {
					node := newFaultNode(t, faultStatus(status, "Retry-After: "+tt.value+"\r\n", ""), op.answer)
					client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Retry.MaxRetryAfter = time.Second }, node.url)

					out := op.call(t.Context(), client)

					if tt.again && (op.idempotent || status == 429 || strings.ContainsAny(tt.value, "0:") && tt.value != "0.5") {
						require.NoError(t, out.err)
						node.requireReceived(t, op, 2)
						continue
					}
					var api *xmsclient.ApiError
					require.ErrorAs(t, out.err, &api)
					if tt.want >= 0 {
						require.Equal(t, tt.want, api.RetryAfter)
					} else {
						require.Greater(t, api.RetryAfter, time.Hour)
					}
					node.requireReceived(t, op, 1)
				}
			}
		})
	}
}

// retryStub is a transport in memory, so that the clock of a synctest bubble runs. It gives its answers in turn, the last
// one for ever, and notes when it was asked.
type retryStub struct {
	answers []http.RoundTripper

	mu    sync.Mutex
	hosts []string
	times []time.Duration // since the first request
	start time.Time
}

func (s *retryStub) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	if len(s.times) == 0 {
		s.start = time.Now()
	}
	s.hosts = append(s.hosts, r.URL.Host)
	s.times = append(s.times, time.Since(s.start))
	answer := s.answers[min(len(s.times), len(s.answers))-1]
	s.mu.Unlock()
	return answer.RoundTrip(r)
}

// waits returns the times between requests.
func (s *retryStub) waits() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var waits []time.Duration
	for i := 1; i < len(s.times); i++ {
		waits = append(waits, s.times[i]-s.times[i-1])
	}
	return waits
}

// client returns a client for node1, node2 … that talks to the stub.
func (s *retryStub) client(t *testing.T, nodes int, change func(*xmsclient.Configuration)) *xmsclient.APIClient {
	t.Helper()
	var urls []string
	for i := range nodes {
		urls = append(urls, fmt.Sprintf("http://node%d:8051/v1", i+1))
	}
	return faultClient(t, func(cfg *xmsclient.Configuration) {
		cfg.HTTPClient = &http.Client{Transport: s}
		if change != nil {
			change(cfg)
		}
	}, urls...)
}

func retryStatus(status int, retryAfter, body string) http.RoundTripper {
	return faultRoundTripper(func(r *http.Request) (*http.Response, error) {
		header := http.Header{}
		if retryAfter != "" {
			header.Set("Retry-After", retryAfter)
		}
		return &http.Response{
			StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r,
		}, nil
	})
}

// retrySilence is a node that never answers.
func retrySilence(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, context.Cause(r.Context())
}

// What Retry-After asks for is waited out to the moment; without it, or with less, the back-off decides.
func TestRetryWaitsAsAsked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		value string // in a bubble, now is the beginning of the year 2000
		want  time.Duration
	}{
		"seconds":          {"7", 7 * time.Second},
		"the longest":      {"30", 30 * time.Second},
		"a date":           {"Sat, 01 Jan 2000 00:00:12 GMT", 12 * time.Second},
		"an RFC 850 date":  {"Saturday, 01-Jan-00 00:00:12 GMT", 12 * time.Second},
		"an asctime date":  {"Sat Jan  1 00:00:12 2000", 12 * time.Second},
		"a past date":      {"Fri, 31 Dec 1999 23:00:00 GMT", 0},
		"now":              {"0", 0},
		"nothing sensible": {"-3", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range faultOperations() {
				synctest.Test(t, func(t *testing.T) {
					stub := &retryStub{answers: []http.RoundTripper{retryStatus(429, tt.value, ""), retryStatus(404, "", "")}}

					out := op.call(t.Context(), stub.client(t, 1, nil))

					require.ErrorIs(t, out.err, xmsclient.ErrNotFound)
					require.Len(t, stub.waits(), 1)
					require.InDelta(t, tt.want, stub.waits()[0], 2, "wait, but for nanoseconds of back-off")
				})
			}
		})
	}
}

// A wait that is asked for does not shorten the back-off.
func TestRetryAfterIsALowerBound(t *testing.T) {
	t.Parallel()
	longer := 0
	for range 50 {
		synctest.Test(t, func(t *testing.T) {
			op := faultOperationNamed(t, "GetAccessToken")
			stub := &retryStub{answers: []http.RoundTripper{retryStatus(503, "1", ""), retryStatus(404, "", "")}}

			_ = op.call(t.Context(), stub.client(t, 1, func(cfg *xmsclient.Configuration) {
				cfg.Retry.InitialInterval, cfg.Retry.MaxInterval = 10*time.Second, 10*time.Second
			}))

			require.GreaterOrEqual(t, stub.waits()[0], time.Second)
			if stub.waits()[0] > time.Second {
				longer++
			}
		})
	}
	require.Positive(t, longer)
}

// Full jitter: a wait lies anywhere between nothing and a bound, which doubles up to MaxInterval.
func TestRetryBackOff(t *testing.T) {
	t.Parallel()
	const rounds = 200
	const ms = time.Millisecond
	bounds := []time.Duration{100 * ms, 200 * ms, 400 * ms, 800 * ms, 1000 * ms, 1000 * ms}
	low, high := make([]int, len(bounds)), make([]int, len(bounds))
	for range rounds {
		synctest.Test(t, func(t *testing.T) {
			stub := &retryStub{answers: []http.RoundTripper{retryStatus(502, "", "")}}
			client := stub.client(t, 1, func(cfg *xmsclient.Configuration) {
				cfg.Retry = xmsclient.RetryPolicy{
					MaxAttempts: len(bounds) + 1, InitialInterval: 100 * time.Millisecond, MaxInterval: time.Second,
				}
			})

			out := faultOperationNamed(t, "ListAccessTokens").call(t.Context(), client)

			require.ErrorIs(t, out.err, xmsclient.ErrServer)
			waits := stub.waits()
			require.Len(t, waits, len(bounds))
			for i, wait := range waits {
				bound := bounds[i]
				require.LessOrEqual(t, wait, bound+1)
				if wait < bound/4 {
					low[i]++
				}
				if wait > bound*3/4 {
					high[i]++
				}
			}
		})
	}
	for i := range bounds {
		assert.InDelta(t, rounds/4, low[i], rounds/6, "waits in the lowest quarter before attempt %d", i+2)
		assert.InDelta(t, rounds/4, high[i], rounds/6, "waits in the highest quarter before attempt %d", i+2)
	}
}

// A server that asks for more patience than there is gets no further request, and the caller its error at once.
func TestRetryDoesNotBeginAWaitInVain(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		retryAfter string
		deadline   time.Duration
	}{
		"longer than MaxRetryAfter":  {"31", time.Hour},
		"a date beyond it":           {"Sat, 01 Jan 2000 00:00:31 GMT", time.Hour},
		"absurd":                     {"99999999999999999999", time.Hour},
		"beyond the deadline":        {"20", 10 * time.Second},
		"exactly up to the deadline": {"10", 10 * time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range faultOperations() {
				synctest.Test(t, func(t *testing.T) {
					stub := &retryStub{answers: []http.RoundTripper{retryStatus(503, tt.retryAfter, ""), retryStatus(404, "", "")}}
					ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
					defer cancel()
					start := time.Now()

					out := op.call(ctx, stub.client(t, 1, nil))

					require.Zero(t, time.Since(start))
					require.Len(t, stub.hosts, 1)
					require.ErrorIs(t, out.err, xmsclient.ErrServer)
					require.NotErrorIs(t, out.err, context.DeadlineExceeded)
					requireFaultOutcome(t, false, out.err)
				})
			}
		})
	}
}

// A back-off is not begun either when the deadline comes first.
func TestRetryBackOffWithinTheDeadline(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			stub := &retryStub{answers: []http.RoundTripper{retryStatus(502, "", "")}}
			client := stub.client(t, 1, func(cfg *xmsclient.Configuration) {
				cfg.Retry = xmsclient.RetryPolicy{MaxAttempts: 1000, InitialInterval: time.Second, MaxInterval: time.Second}
			})
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()

			out := faultOperationNamed(t, "GetAccessToken").call(ctx, client)

			require.ErrorIs(t, out.err, xmsclient.ErrServer)
			require.NotErrorIs(t, out.err, context.DeadlineExceeded)
			require.NoError(t, ctx.Err(), "the call must have returned before the deadline")
			requireFaultAttempts(t, len(stub.hosts), out)
		})
	}
}

// A wait ends with the context, at that moment, and the error tells both what ended the call and what it was waiting after.
func TestRetryWaitEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for _, op := range faultOperations() {
		synctest.Test(t, func(t *testing.T) {
			stub := &retryStub{answers: []http.RoundTripper{retryStatus(429, "20", `{"message":"busy"}`)}}
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(5*time.Second, cancel)
			start := time.Now()

			out := op.call(ctx, stub.client(t, 1, nil))

			require.Equal(t, 5*time.Second, time.Since(start))
			var request *xmsclient.RequestError
			require.ErrorAs(t, out.err, &request)
			require.ErrorIs(t, out.err, context.Canceled)
			require.ErrorIs(t, out.err, xmsclient.ErrTooManyRequests)
			require.ErrorContains(t, out.err, "busy")
			requireFaultAttempts(t, 1, out)
			requireFaultOutcome(t, false, out.err)
			require.Len(t, stub.hosts, 1)
		})
	}
}

// Timeout bounds each attempt, the context all of them.
func TestRetryTimeoutPerAttempt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		timeout, deadline time.Duration
		elapsed           time.Duration
		attempts          int
	}{
		"of each attempt":            {2 * time.Second, time.Hour, 6 * time.Second, 3},
		"the deadline comes later":   {2 * time.Second, 5 * time.Second, 5 * time.Second, 3},
		"the deadline comes first":   {10 * time.Second, 5 * time.Second, 5 * time.Second, 1},
		"no timeout":                 {-1, time.Hour, time.Hour, 1},
		"the default of 30 s":        {0, time.Hour, 90 * time.Second, 3},
		"the deadline is as distant": {5 * time.Second, 5 * time.Second, 5 * time.Second, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range faultOperations() {
				synctest.Test(t, func(t *testing.T) {
					stub := &retryStub{answers: []http.RoundTripper{faultRoundTripper(retrySilence)}}
					client := stub.client(t, 1, func(cfg *xmsclient.Configuration) {
						cfg.Timeout, cfg.Retry.MaxAttempts = tt.timeout, 3
					})
					ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
					defer cancel()
					start := time.Now()

					out := op.call(ctx, client)

					require.ErrorIs(t, out.err, context.DeadlineExceeded)
					requireFaultOutcome(t, !op.idempotent, out.err)
					want, elapsed := tt.attempts, tt.elapsed
					if !op.idempotent {
						want, elapsed = 1, tt.elapsed/time.Duration(tt.attempts)
						if tt.attempts > 1 {
							elapsed = max(tt.timeout, 0)
						}
						if tt.timeout == 0 {
							elapsed = 30 * time.Second
						}
					}
					require.Len(t, stub.hosts, want)
					require.InDelta(t, elapsed, time.Since(start), 10)
				})
			}
		})
	}
}

// A delete that may have taken effect and then finds nothing has succeeded. One that cannot have had an effect has not.
func TestRetryDeleteFindsNothing(t *testing.T) {
	t.Parallel()
	missing := faultStatus(404, "", `{"message":"no such token"}`)
	tests := map[string]struct {
		before  []faultAnswer
		success bool
	}{
		"at once":                    {nil, false},
		"after a reset":              {[]faultAnswer{faultReset}, true},
		"after a 502":                {[]faultAnswer{faultStatus(502, "", "")}, true},
		"after a 504":                {[]faultAnswer{faultStatus(504, "", "")}, true},
		"after a 503":                {[]faultAnswer{faultStatus(503, "", "")}, true},
		"after a 503 that asks":      {[]faultAnswer{faultStatus(503, "Retry-After: 0\r\n", "")}, false},
		"after a 429":                {[]faultAnswer{faultStatus(429, "", "")}, false},
		"after a 408":                {[]faultAnswer{faultStatus(408, "", "")}, false},
		"after a reset and a 429":    {[]faultAnswer{faultReset, faultStatus(429, "", "")}, true},
		"after a body broken off":    {[]faultAnswer{faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), faultClose)}, true},
		"after two resets":           {[]faultAnswer{faultReset, faultReset}, true},
		"after a connection refused": {nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			node := newFaultNode(t, append(tt.before, missing)...)
			urls := []string{node.url}
			if strings.Contains(name, "refused") {
				urls = []string{faultDeadURL, node.url}
			}

			resp, err := faultClient(t, nil, urls...).AccessTokensApi.DeleteAccessToken(t.Context(), 7)

			require.Len(t, node.received(), len(tt.before)+1)
			require.Equal(t, http.StatusNotFound, resp.StatusCode)
			if tt.success {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, xmsclient.ErrNotFound)
			}
		})
	}
}

// Only a delete takes 404 for success.
func TestRetryOthersFindNothing(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		if op.name == "DeleteAccessToken" || !op.idempotent {
			return
		}
		node := newFaultNode(t, faultReset, faultStatus(404, "", ""))

		out := op.call(t.Context(), faultClient(t, nil, node.url))

		require.ErrorIs(t, out.err, xmsclient.ErrNotFound)
		node.requireReceived(t, op, 2)
	})
}

// The same against a server with state: what was deleted is gone once, and what was made exists once.
func TestRetryAgainstState(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	t.Cleanup(xms.Close)
	client, err := xmsclient.NewAPIClient(xms.Configuration())
	require.NoError(t, err)
	api := client.AccessTokensApi
	req := xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "ci", Roles: []string{"admin"}},
	}

	xms.Inject(xmstest.Fault{Operation: "CreateAccessToken", DropAfter: true})
	_, _, err = api.CreateAccessToken(t.Context(), req)
	require.ErrorIs(t, err, xmsclient.ErrOutcomeUnknown)
	list, _, err := api.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, list.AccessTokens, 1, "the look that ErrOutcomeUnknown asks for")
	id := list.AccessTokens[0].ID

	xms.Inject(xmstest.Fault{Operation: "UpdateAccessToken", DropAfter: true})
	update := xmsclient.AccessTokenUpdateReq{AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: "renamed"}}
	updated, _, err := api.UpdateAccessToken(t.Context(), id, update)
	require.NoError(t, err)
	require.Equal(t, "renamed", updated.AccessToken.Name)

	xms.Inject(xmstest.Fault{Operation: "DeleteAccessToken", DropAfter: true})
	_, err = api.DeleteAccessToken(t.Context(), id)
	require.NoError(t, err)
	_, err = api.DeleteAccessToken(t.Context(), id)
	require.ErrorIs(t, err, xmsclient.ErrNotFound)

	var operations []string
	for _, r := range xms.Requests() {
		operations = append(operations, r.Operation)
	}
	require.Equal(t, []string{
		"CreateAccessToken", "ListAccessTokens", "UpdateAccessToken", "UpdateAccessToken",
		"DeleteAccessToken", "DeleteAccessToken", "DeleteAccessToken",
	}, operations)
}

// retrySource is a TokenSource that gives its tokens in turn, the last one for ever. "!" stands for an error.
type retrySource struct {
	mu     sync.Mutex
	tokens []string
	asked  int
}

var errNoToken = errors.New("vault sealed")

func (s *retrySource) Token(context.Context) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := s.tokens[min(s.asked, len(s.tokens)-1)]
	s.asked++
	if token == "!" {
		return "", errNoToken
	}
	return token, nil
}

// A token that was rotated while a request with the old one was on its way costs no call.
func TestRetryAfterRotation(t *testing.T) {
	t.Parallel()
	refused := faultStatus(401, "", `{"message":"unauthorized"}`)
	tests := map[string]struct {
		tokens  []string // of a TokenSource
		config  func(*xmsclient.Configuration)
		ctxKey  string
		answers []faultAnswer // before all is well
		sent    []string
		success bool
	}{
		"another token":                 {tokens: []string{"old-token", "new-token"}, answers: []faultAnswer{refused}, sent: []string{"old-token", "new-token"}, success: true},
		"the same token":                {tokens: []string{"old-token"}, answers: []faultAnswer{refused}, sent: []string{"old-token"}},
		"refused as well":               {tokens: []string{"token-1", "token-2", "token-3"}, answers: []faultAnswer{refused, refused}, sent: []string{"token-1", "token-2"}},
		"the source fails":              {tokens: []string{"old-token", "!"}, answers: []faultAnswer{refused}, sent: []string{"old-token"}},
		"the source gives nothing":      {tokens: []string{"old-token", ""}, answers: []faultAnswer{refused}, sent: []string{"old-token"}},
		"the source gives no header":    {tokens: []string{"old-token", "new\ntoken"}, answers: []faultAnswer{refused}, sent: []string{"old-token"}},
		"a fixed token":                 {config: func(cfg *xmsclient.Configuration) { cfg.TokenInHeader.Key = "fixed" }, answers: []faultAnswer{refused}, sent: []string{"fixed"}},
		"a key in the context":          {tokens: []string{"old-token", "new-token"}, ctxKey: "mine", answers: []faultAnswer{refused}, sent: []string{"mine"}},
		"never to be tried again":       {tokens: []string{"old-token", "new-token"}, config: func(cfg *xmsclient.Configuration) { cfg.Retry.MaxAttempts = 1 }, answers: []faultAnswer{refused}, sent: []string{"old-token"}},
		"after a busy server":           {tokens: []string{"old-token", "old-token", "new-token"}, answers: []faultAnswer{faultStatus(429, "", ""), refused}, sent: []string{"old-token", "old-token", "new-token"}, success: true},
		"the server is busy then":       {tokens: []string{"old-token", "new-token"}, answers: []faultAnswer{refused, faultStatus(429, "", "")}, sent: []string{"old-token", "new-token", "new-token"}, success: true},
		"403 is not a matter of tokens": {tokens: []string{"old-token", "new-token"}, answers: []faultAnswer{faultStatus(403, "", "")}, sent: []string{"old-token"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faultEachOperation(t, func(t *testing.T, op faultOperation) {
				t.Helper()
				node := newFaultNode(t, append(slices.Clip(tt.answers), op.answer)...)
				other := newFaultNode(t, op.answer)
				urls := []string{node.url, other.url}
				if len(tt.answers) > 1 {
					urls = urls[:1] // a busy server would be left for the other one
				}
				client := faultClient(t, func(cfg *xmsclient.Configuration) {
					if tt.tokens != nil {
						cfg.TokenSource = &retrySource{tokens: tt.tokens}
					}
					if tt.config != nil {
						tt.config(cfg)
					}
				}, urls...)
				ctx := t.Context()
				if tt.ctxKey != "" {
					ctx = xmsclient.ContextWithAPIKey(ctx, xmsclient.APIKey{Key: tt.ctxKey})
				}

				out := op.call(ctx, client)

				var sent []string
				for _, r := range node.received() {
					require.Equal(t, op.request, r.line)
					sent = append(sent, r.header.Get("Xms-Auth-Token"))
				}
				require.Equal(t, tt.sent, sent)
				require.Empty(t, other.received(), "a refusal says nothing against the node")
				requireFaultAttempts(t, len(tt.sent), out)
				requireFaultOutcome(t, false, out.err)
				if tt.success {
					require.NoError(t, out.err)
				} else {
					var api *xmsclient.ApiError
					require.ErrorAs(t, out.err, &api)
				}
			})
		})
	}
}

// A TokenSource that fails ends the call before anything is sent, and is asked once.
func TestRetryTokenSourceFails(t *testing.T) {
	t.Parallel()
	for name, token := range map[string]string{"an error": "!", "an empty token": "", "a token that is no header": "a\nb", "surrounding space": "token "} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faultEachOperation(t, func(t *testing.T, op faultOperation) {
				t.Helper()
				node := newFaultNode(t, op.answer)
				source := &retrySource{tokens: []string{token}}
				client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.TokenSource = source }, node.url, faultDeadURL)

				out := op.call(t.Context(), client)

				requireNoAnswer(t, out.err)
				if token == "!" {
					require.ErrorIs(t, out.err, errNoToken)
				}
				require.ErrorContains(t, out.err, "TokenSource")
				requireFaultAttempts(t, 0, out)
				requireFaultOutcome(t, false, out.err)
				require.Zero(t, node.accepted())
				require.Equal(t, 1, source.asked)
			})
		})
	}
}

// A TokenSource is asked within the timeout of an attempt, the question after a 401 included.
func TestRetryTokenSourceIsBounded(t *testing.T) {
	t.Parallel()
	for _, hangsAt := range []int{1, 2} {
		for _, op := range faultOperations() {
			synctest.Test(t, func(t *testing.T) {
				stub := &retryStub{answers: []http.RoundTripper{retryStatus(401, "", "")}}
				asked := 0
				client := stub.client(t, 1, func(cfg *xmsclient.Configuration) {
					cfg.Timeout = 3 * time.Second
					cfg.TokenSource = xmsclient.TokenSourceFunc(func(ctx context.Context) (string, error) {
						if asked++; asked < hangsAt {
							return "token", nil
						}
						if _, bounded := ctx.Deadline(); !bounded {
							return "", errors.New("asked without a deadline")
						}
						<-ctx.Done()
						return "", ctx.Err()
					})
				})
				start := time.Now()

				out := op.call(t.Context(), client)

				require.Error(t, out.err)
				require.NotContains(t, out.err.Error(), "without a deadline")
				require.Equal(t, 3*time.Second, time.Since(start))
				require.Len(t, stub.hosts, hangsAt-1)
				requireFaultOutcome(t, false, out.err)
			})
		}
	}
}
