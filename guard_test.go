package xmsclient_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// stub answers every request with the same answer and allocates next to nothing for it.
type stub struct {
	status int
	header http.Header
	body   []byte
}

func newStub(status int, body string) *stub {
	return &stub{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: []byte(body)}
}

func (s *stub) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return nil, err
		}
		_ = req.Body.Close()
	}
	return &http.Response{
		StatusCode: s.status, Header: s.header, ContentLength: int64(len(s.body)),
		Body: io.NopCloser(bytes.NewReader(s.body)), Request: req,
	}, nil
}

// fullToken is a token with every field; members is what a record has beyond it.
func fullToken(members string) string {
	return `{"create":"2024-05-06T07:08:09.123456+08:00","description":"Nightly backup","id":7,"name":"backup",` +
		`"roles":["admin","viewer"],"update":"2024-06-07T08:09:10.123456+08:00","used":true,` +
		`"user":{"id":1,"name":"admin","skip_guide":false}` + members + `}`
}

func fullList(count int) string {
	return `{"access_tokens":[` + strings.TrimSuffix(strings.Repeat(fullToken("")+",", count), ",") +
		`],"paging":{"count":1,"limit":1,"offset":0,"total_count":1}}`
}

// guarded is an operation with what one call of it may allocate, the stub's three allocations included.
type guarded struct {
	name   string
	most   float64
	status int
	answer string
	call   func(context.Context, *service) error
}

func guardedOperations() []guarded {
	token, record := `{"access_token":`+fullToken("")+`}`, `{"access_token":`+fullToken(`,"uuid":"f0e1"`)+`}`
	newToken, newName := creation("Nightly backup", "backup", "admin", "viewer"), renaming("backup")
	opts := &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](100)}
	return []guarded{
		{"CreateAccessToken", 34, http.StatusCreated, record, func(ctx context.Context, s *service) error {
			_, _, err := s.CreateAccessToken(ctx, newToken)
			return err
		}},
		{"DeleteAccessToken", 23, http.StatusNoContent, "", func(ctx context.Context, s *service) error {
			_, err := s.DeleteAccessToken(ctx, 7)
			return err
		}},
		{"GetAccessToken", 27, http.StatusOK, token, func(ctx context.Context, s *service) error {
			_, _, err := s.GetAccessToken(ctx, 7)
			return err
		}},
		{"ListAccessTokens", 29 + 10*4, http.StatusOK, fullList(10), func(ctx context.Context, s *service) error {
			_, _, err := s.ListAccessTokens(ctx, opts)
			return err
		}},
		{"RegenerateAccessToken", 31, http.StatusOK, record, func(ctx context.Context, s *service) error {
			_, _, err := s.RegenerateAccessToken(ctx, 7)
			return err
		}},
		{"UpdateAccessToken", 31, http.StatusOK, token, func(ctx context.Context, s *service) error {
			_, _, err := s.UpdateAccessToken(ctx, 7, newName)
			return err
		}},
		{"ValidateAccessToken", 30, http.StatusOK, token, func(ctx context.Context, s *service) error {
			_, _, err := s.ValidateAccessToken(ctx, "0b54f1f6-8a53-4a39-b1a5-6f0c8f1d2e3c")
			return err
		}},
	}
}

// stubbed returns a client with the default settings, retries and timeout included, but for the transport.
func stubbed(t *testing.T, transport http.RoundTripper) *service {
	t.Helper()
	cfg := mockConfiguration(transport)
	cfg.Retry = xmsclient.RetryPolicy{}
	return serviceOf(t, cfg)
}

// allowed is a bound on allocations under the circumstances.
func allowed(most float64) float64 {
	if underRace {
		return most * 1.1
	}
	return most
}

func TestGuard_AllocationsPerCall(t *testing.T) { //nolint:paralleltest // counts what the whole process allocates
	ctx := context.Background() // the test's own can be cancelled, which has a price
	for _, op := range guardedOperations() {
		api := stubbed(t, newStub(op.status, op.answer))
		var err error
		got := testing.AllocsPerRun(200, func() { err = op.call(ctx, api) })
		require.NoError(t, err, op.name)
		assert.LessOrEqual(t, got, allowed(op.most), op.name)
		t.Logf("%s: %.0f allocations", op.name, got)
	}
}

// TestGuard_AllocationsDoNotGrow counts what a call allocates among 64 goroutines, after thousands of calls.
func TestGuard_AllocationsDoNotGrow(t *testing.T) { //nolint:paralleltest // counts what the whole process allocates
	const goroutines, calls = 64, 20
	ctx := context.Background() // the test's own can be cancelled, which has a price
	for _, op := range guardedOperations() {
		api := stubbed(t, newStub(op.status, op.answer))
		run := func() {
			var group sync.WaitGroup
			for range goroutines {
				group.Go(func() {
					for range calls {
						assert.NoError(t, op.call(ctx, api))
					}
				})
			}
			group.Wait()
		}
		run()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		run()
		runtime.ReadMemStats(&after)
		got := float64(after.Mallocs-before.Mallocs) / (goroutines * calls)
		assert.LessOrEqual(t, got, allowed(op.most+2), op.name)
	}
}

// countingListener counts the connections that are made.
type countingListener struct {
	net.Listener
	accepted atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return conn, err
}

// counted starts a server and returns its base URL and what counts its connections.
func counted(t *testing.T, handler http.Handler) (string, *countingListener) {
	t.Helper()
	srv := httptest.NewUnstartedServer(handler)
	listener := &countingListener{Listener: srv.Listener}
	srv.Listener = listener
	srv.Start()
	t.Cleanup(srv.Close)
	return srv.URL, listener
}

// TestGuard_OneConnection makes calls with answers of every kind, one after the other, all of which must leave the connection in a
// state in which the next call can use it.
func TestGuard_OneConnection(t *testing.T) {
	t.Parallel()
	url, listener := counted(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, kind, _ := strings.Cut(r.Header.Get("Xms-Auth-Token"), " ")
		w.Header().Set("Content-Type", "application/json")
		body := fullList(50)
		switch kind {
		case "not found":
			w.WriteHeader(http.StatusNotFound)
			body = `{"message":"` + strings.Repeat("long ", 14_000) + `"}`
		case "not JSON":
			body = `{"access_tokens":[` + strings.Repeat(" ", 10_000)
		case "no content":
			w.WriteHeader(http.StatusNoContent)
			return
		case "chunked":
			for _, part := range strings.SplitAfter(body, "}},") {
				fmt.Fprint(w, part)
				_ = http.NewResponseController(w).Flush()
			}
			return
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		fmt.Fprint(w, body)
	}))
	api := serviceOf(t, &xmsclient.Configuration{BaseURL: url, Retry: xmsclient.RetryPolicy{MaxAttempts: 1}})
	list := func(ctx context.Context) error {
		_, _, err := api.ListAccessTokens(ctx, nil)
		return err
	}
	remove := func(ctx context.Context) error {
		_, err := api.DeleteAccessToken(ctx, 7)
		return err
	}
	for range 5 {
		for _, step := range []struct {
			kind  string
			call  func(context.Context) error
			check func(require.TestingT, error, ...any)
		}{
			{"whole", list, require.NoError},
			{"chunked", list, require.NoError},
			{"no content", remove, require.NoError},
			{"not found", list, require.Error},
			{"not JSON", list, require.Error},
		} {
			ctx := xmsclient.ContextWithAPIKey(t.Context(), xmsclient.APIKey{Key: step.kind, Prefix: "kind"})
			step.check(t, step.call(ctx), step.kind)
		}
	}
	assert.EqualValues(t, 1, listener.accepted.Load())
}

// TestGuard_ConnectionsOfManyGoroutines has the first round of calls wait for each other on the server, so that there are as
// many connections as goroutines; from then on no call may need a further one.
func TestGuard_ConnectionsOfManyGoroutines(t *testing.T) {
	t.Parallel()
	const goroutines, calls = 64, 20
	var arrived sync.WaitGroup
	arrived.Add(goroutines)
	var served atomic.Int64
	url, listener := counted(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if served.Add(1) <= goroutines {
			arrived.Done()
			arrived.Wait()
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":`+fullToken("")+`}`)
	}))
	api := serviceOf(t, &xmsclient.Configuration{BaseURL: url})
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for range calls {
				_, _, err := api.GetAccessToken(t.Context(), 7)
				assert.NoError(t, err)
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, goroutines*calls, served.Load())
	assert.EqualValues(t, goroutines, listener.accepted.Load())
}

// numbered answers the n-th request with texts that hold n, all answers being of the same length.
type numbered struct {
	template string // holds a %06d wherever n goes
	status   int
	count    atomic.Int64
}

func (s *numbered) RoundTrip(req *http.Request) (*http.Response, error) {
	return newStub(s.status, numberIn(s.template, s.count.Add(1))).RoundTrip(req)
}

func numberIn(template string, n int64) string {
	return strings.ReplaceAll(template, "%06d", fmt.Sprintf("%06d", n))
}

func numberedToken(n int64) xmsclient.AccessToken {
	text := func(template string) string { return numberIn(template, n) }
	return xmsclient.AccessToken{
		Description: text("description %06d"), Name: text("name %06d"), ID: n + 1_000_000, Roles: []string{text("role %06d"), text("other %06d")},
		User: &xmsclient.UserNestview{ID: n + 2_000_000, Name: text("user %06d")},
	}
}

const numberedJSON = `{"description":"description %06d","name":"name %06d","id":1%06d,"roles":["role %06d","other %06d"],` +
	`"user":{"id":2%06d,"name":"user %06d"}`

// TestGuard_ResultsOwnTheirMemory keeps what calls returned while further calls use the same buffers, changes some of it, and
// compares everything with what the server sent for it.
func TestGuard_ResultsOwnTheirMemory(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, tt := range []struct {
		name     string
		template string
		status   int
		call     func(*service) any
		want     func(n int64) any
		spoil    func(any)
	}{
		{
			name: "token", template: `{"access_token":` + numberedJSON + `}}`, status: http.StatusOK,
			call: func(s *service) any {
				got, _, err := s.GetAccessToken(ctx, 1)
				require.NoError(t, err)
				return *got.AccessToken
			},
			want:  func(n int64) any { return numberedToken(n) },
			spoil: func(got any) { spoilToken(got.(xmsclient.AccessToken)) },
		},
		{
			name: "record", template: `{"access_token":` + numberedJSON + `,"uuid":"uuid %06d"}}`, status: http.StatusCreated,
			call: func(s *service) any {
				got, _, err := s.CreateAccessToken(ctx, creation("", "n", "r"))
				require.NoError(t, err)
				return *got.AccessToken
			},
			want: func(n int64) any {
				return xmsclient.AccessTokenCreateRecord{AccessToken: numberedToken(n), UUID: numberIn("uuid %06d", n)}
			},
			spoil: func(got any) { spoilToken(got.(xmsclient.AccessTokenCreateRecord).AccessToken) },
		},
		{
			name: "list", template: `{"access_tokens":[` + numberedJSON + `},` + numberedJSON + `}]}`, status: http.StatusOK,
			call: func(s *service) any {
				got, _, err := s.ListAccessTokens(ctx, nil)
				require.NoError(t, err)
				return got.AccessTokens
			},
			want: func(n int64) any { return []xmsclient.AccessToken{numberedToken(n), numberedToken(n)} },
			spoil: func(got any) {
				for _, token := range got.([]xmsclient.AccessToken) {
					spoilToken(token)
				}
			},
		},
		{
			name: "token read by encoding/json", template: `{"access_token":` + numberedJSON + `,"x":{}}}`, status: http.StatusOK,
			call: func(s *service) any {
				got, _, err := s.GetAccessToken(ctx, 1)
				require.NoError(t, err)
				return *got.AccessToken
			},
			want:  func(n int64) any { return numberedToken(n) },
			spoil: func(got any) { spoilToken(got.(xmsclient.AccessToken)) },
		},
		{
			name: "unusable body", template: `{"access_token":"%06d"`, status: http.StatusOK,
			call: func(s *service) any {
				_, _, err := s.GetAccessToken(ctx, 1)
				var decodeErr *xmsclient.DecodeError
				require.ErrorAs(t, err, &decodeErr)
				return decodeErr.Body
			},
			want:  func(n int64) any { return []byte(numberIn(`{"access_token":"%06d"`, n)) },
			spoil: func(got any) { clear(got.([]byte)) },
		},
		{
			name: "error body", template: `{"message":"%06d"}`, status: http.StatusNotFound,
			call: func(s *service) any {
				_, _, err := s.GetAccessToken(ctx, 1)
				var apiErr *xmsclient.ApiError
				require.ErrorAs(t, err, &apiErr)
				return apiErr.Body
			},
			want:  func(n int64) any { return []byte(numberIn(`{"message":"%06d"}`, n)) },
			spoil: func(got any) { clear(got.([]byte)) },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const calls = 200
			api := stubbed(t, &numbered{template: tt.template, status: tt.status})
			results := make([]any, calls)
			for i := range results {
				results[i] = tt.call(api)
				if i%3 == 1 {
					tt.spoil(results[i])
				}
			}
			for i, got := range results {
				if i%3 != 1 {
					assert.Equal(t, tt.want(int64(i)+1), got)
				}
			}
		})
	}
}

// spoilToken changes whatever can be reached from a token.
func spoilToken(token xmsclient.AccessToken) {
	for i := range token.Roles[:cap(token.Roles)] {
		token.Roles[:cap(token.Roles)][i] = "spoilt"
	}
	*token.User = xmsclient.UserNestview{Name: "spoilt"}
}

// TestGuard_ConcurrentResults has goroutines read what they got while others use the same buffers, for the race detector.
func TestGuard_ConcurrentResults(t *testing.T) {
	t.Parallel()
	api := stubbed(t, &numbered{template: `{"access_token":` + numberedJSON + `}}`, status: http.StatusOK})
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for range 200 {
				got, _, err := api.GetAccessToken(t.Context(), 1)
				if err != nil {
					assert.Fail(t, err.Error())
					return
				}
				n := got.AccessToken.ID - 1_000_000
				assert.Equal(t, numberedToken(n), *got.AccessToken)
				spoilToken(*got.AccessToken)
			}
		})
	}
	group.Wait()
}
