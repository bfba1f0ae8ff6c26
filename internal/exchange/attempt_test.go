package exchange

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestClient_NamesWhyTheContextEnded(t *testing.T) {
	t.Parallel()
	inCredential := func(ctx context.Context, _ string) (Credential, error) {
		<-ctx.Done()
		return Credential{}, ContextError(ctx)
	}
	for _, line := range []struct {
		moment     string
		after      time.Duration
		dial       dialer
		answer     http.HandlerFunc
		credential func(ctx context.Context, refused string) (Credential, error)
		occupied   int // places
		status     int
	}{
		{moment: "before the call"},
		{moment: "in Credential", after: time.Second, credential: inCredential},
		{moment: "waiting for a place", after: time.Second, answer: hang, occupied: maxPlaces},
		{moment: "dialling", after: time.Second, dial: hangUntilEnd},
		{moment: "waiting for an answer", after: time.Second, answer: hang},
		{moment: "reading the body", after: time.Second, answer: stall, status: 200},
		{moment: "in the wait", after: time.Second, answer: status(429, "Retry-After", "10"), status: 429},
	} {
		bubble(t, line.moment, func(t *testing.T) {
			t.Helper()
			dial := line.dial
			if dial == nil {
				dial = onPipes(t, nil, line.answer)
			}
			client := inMemory(t, func(*Config) {}, dial)
			if line.credential != nil {
				client.cfg.Credential = line.credential
			}
			defer occupy(t, client, line.occupied)()
			cause := errors.New("the reason")
			ctx, cancel := context.WithCancelCause(t.Context())
			time.AfterFunc(line.after, func() { cancel(cause) })
			synctest.Wait()
			started := time.Now()
			out := do(ctx, client, get)
			assert.Equal(t, line.after, time.Since(started))
			err := errors.Join(out.Err, out.WaitErr)
			require.ErrorIs(t, err, cause)
			require.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, line.status, out.Status)
		})
	}
}

// Whoever's clock it was, running out of time is context.DeadlineExceeded, and a net.Error that
// says so. What else is in the chain stays there.
func TestClient_RunningOutOfTime(t *testing.T) {
	t.Parallel()
	fails := func(err error) dialer {
		return func(context.Context) (net.Conn, error) { return nil, &net.OpError{Op: "dial", Err: err} }
	}
	kernel := os.NewSyscallError("connect", syscall.ETIMEDOUT)
	for _, line := range []struct {
		name   string
		scheme string
		dial   dialer           // nil: onPipes
		answer http.HandlerFunc // of that
		chain  error            // that must be found
	}{
		{name: "TLS handshake", scheme: "https", dial: handshake(nil)},
		{name: "Timeout", scheme: "http", answer: hang},
		{name: "Timeout in a body", scheme: "http", answer: stall},
		{name: "the kernel's, dialling", scheme: "http", dial: fails(kernel), chain: syscall.ETIMEDOUT},
		{name: "DNS", scheme: "http", dial: fails(&net.DNSError{IsTimeout: true, Err: "i/o timeout"})},
		{name: "the kernel's, reading", scheme: "http", dial: func(context.Context) (net.Conn, error) {
			client, server := net.Pipe()
			go func() { _, _ = io.Copy(io.Discard, server) }()
			time.AfterFunc(time.Second, func() { _ = client.SetReadDeadline(time.Now()) })
			return client, nil
		}, chain: os.ErrDeadlineExceeded},
	} {
		bubble(t, line.name, func(t *testing.T) {
			t.Helper()
			dial := line.dial
			if dial == nil {
				dial = onPipes(t, nil, line.answer)
			}
			client := inMemory(t, func(cfg *Config) {
				cfg.Nodes, cfg.TLS, cfg.MaxAttempts = []string{line.scheme + "://node1"}, trust, 1
			}, dial)
			err := do(t.Context(), client, get).Err
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.True(t, isTimeout(err))
			if line.chain != nil {
				assert.ErrorIs(t, err, line.chain)
			}
		})
	}
}

func TestClient_RetryAfter(t *testing.T) {
	t.Parallel()
	const date = "Sat, 01 Jan 2000 08:00:00 " // a clock that is eight hours ahead
	for _, line := range []struct {
		header []string
		want   time.Duration
	}{
		{nil, 0},
		{[]string{"Retry-After", "7"}, 7 * time.Second},
		{[]string{"Retry-After", " 1.5 "}, 1500 * time.Millisecond},
		{[]string{"Retry-After", "0.493"}, 493 * time.Millisecond},
		{[]string{"Retry-After", "", "Retry-After", "3"}, 3 * time.Second},
		{[]string{"Retry-After", "soon"}, 0},
		{[]string{"Retry-After", "-1"}, 0},
		{[]string{"Retry-After", "NaN"}, 0},
		{[]string{"Retry-After", strings.Repeat("9", 300)}, math.MaxInt64/2 + 1},
		{[]string{"Retry-After", "1_0"}, 0},
		{[]string{"Retry-After", "1e3"}, 0},
		{[]string{"Retry-After", "0x10"}, 0},
		{[]string{"Retry-After", "+3"}, 0},
		{[]string{"Retry-After", "1.5.1"}, 0},
		{[]string{"Retry-After", "Infinity"}, 0},
		{[]string{"Retry-After", "Sat, 01 Jan 2000 08:00:20 EST", "Date", date + "GMT"}, 0},
		{[]string{"Retry-After", "Sat, 01 Jan 2000 08:00:20 GMT", "Date", date + "GMT"}, 20 * time.Second},
		{[]string{"Retry-After", "Sat, 01 Jan 2000 08:00:20 UTC", "Date", date + "GMT"}, 20 * time.Second},
		{[]string{"Retry-After", "Sat, 01 Jan 2000 08:00:20 +0000", "Date", date + "+0000"}, 20 * time.Second},
		{[]string{"Retry-After", "Sat, 01 Jan 2000 16:00:20 +0800", "Date", date + "UTC"}, 20 * time.Second},
		{[]string{"Retry-After", "Saturday, 01-Jan-00 08:00:20 GMT", "Date", date + "GMT"}, 20 * time.Second},
		{[]string{"Retry-After", "Sat Jan  1 08:00:20 2000", "Date", date + "GMT"}, 20 * time.Second},
		{[]string{"Retry-After", "Sat, 01 Jan 2000 07:00:00 GMT", "Date", date + "GMT"}, 0},
		{[]string{"Retry-After", "Sat, 01 Jan 2000 00:00:20 GMT"}, 20 * time.Second},
	} {
		bubble(t, fmt.Sprint(line.header), func(t *testing.T) {
			t.Helper()
			answer := func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Date"] = nil // net/http would add one
				status(403, line.header...)(w, r)
			}
			client := inMemory(t, func(*Config) {}, onPipes(t, nil, answer))
			assert.Equal(t, line.want, do(t.Context(), client, get).RetryAfter)
		})
	}
}

func TestClient_BackoffDoublesWithFullJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		longest := map[int]time.Duration{}
		client := inMemory(t, func(cfg *Config) {
			cfg.MaxAttempts, cfg.InitialInterval, cfg.MaxInterval = 5, time.Second, 4*time.Second
			cfg.Observe = func(_ context.Context, event Event) {
				longest[event.Attempt] = max(longest[event.Attempt], event.Wait)
				assert.Empty(t, event.LeftFor, "there is no other node")
			}
		}, onPipes(t, nil, status(503)))
		shortest := time.Hour
		for range 100 {
			started := time.Now()
			do(t.Context(), client, get)
			shortest = min(shortest, time.Since(started))
		}
		for i, bound := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 4 * time.Second, 0} {
			assert.InDelta(t, bound*7/8, longest[i+1], float64(bound/8), "after attempt %d", i+1)
		}
		assert.Less(t, shortest, 5*time.Second)
	})
}

func TestClient_Waits(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		name          string
		first, second http.HandlerFunc
		deadline      time.Duration
		requests      int
		least, most   time.Duration
	}{
		{name: "the longest Retry-After of a round", first: status(503, "Retry-After", "20"),
			second: status(503, "Retry-After", "9"), requests: 12, least: 100 * time.Second,
			most: (100 + 1 + 2 + 4 + 4 + 4) * time.Second},
		{name: "a Retry-After counts for its round only", first: once503("20"), second: status(503), requests: 12,
			least: 20 * time.Second, most: (20 + 1 + 2 + 4 + 4 + 4) * time.Second},
		{name: "MaxRetryAfter", first: status(429, "Retry-After", "31"), requests: 1},
		{name: "would outlast the deadline", first: status(429, "Retry-After", "20"), deadline: 20 * time.Second,
			requests: 1},
		{name: "ends before the deadline", first: status(429, "Retry-After", "9"), deadline: 22 * time.Second, requests: 3,
			least: 18 * time.Second, most: 21 * time.Second},
	} {
		bubble(t, line.name, func(t *testing.T) {
			t.Helper()
			client := inMemory(t, func(cfg *Config) {
				cfg.MaxAttempts, cfg.MaxRetryAfter = 12, 30*time.Second
				cfg.InitialInterval, cfg.MaxInterval = time.Second, 4*time.Second
			}, onPipes(t, nil, line.first), onPipes(t, nil, line.second))
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour+line.deadline)
			if line.deadline != 0 {
				ctx, cancel = context.WithTimeout(t.Context(), line.deadline)
			}
			defer cancel()
			started := time.Now()
			out := do(ctx, client, get)
			require.NoError(t, errors.Join(out.Err, out.WaitErr))
			assert.Equal(t, line.requests, out.Attempts)
			assert.True(t, line.most == 0 || time.Since(started) > line.least, "the backoff comes on top")
			assert.LessOrEqual(t, time.Since(started), line.most)
		})
	}
}

// once503 answers 503 with Retry-After to the first request, and without to others.
func once503(retryAfter string) http.HandlerFunc {
	first := true
	return func(w http.ResponseWriter, _ *http.Request) {
		if first {
			w.Header().Set("Retry-After", retryAfter)
		}
		first = false
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func TestClient_BodyOfAnErrorThatNeverEnds(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		status         int
		body           string
		deadline, want time.Duration
	}{
		{409, "{", time.Hour, time.Second},
		{409, "{", time.Second, time.Second / 2},
		{101, "", time.Hour, 0}, // what follows is no body
	} {
		bubble(t, fmt.Sprint(line.status, line.deadline), func(t *testing.T) {
			t.Helper()
			client := inMemory(t, func(*Config) {}, onPipes(t, nil, func(w http.ResponseWriter, _ *http.Request) {
				conn, _, err := http.NewResponseController(w).Hijack()
				assert.NoError(t, err)
				fmt.Fprintf(conn, "HTTP/1.1 %d \r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n%s", line.status, line.body)
			}))
			ctx, cancel := context.WithTimeout(t.Context(), line.deadline)
			defer cancel()
			started := time.Now()
			out := do(ctx, client, create)
			require.NoError(t, out.Err)
			assert.Equal(t, [2]any{line.status, line.body}, [2]any{out.Status, string(out.Body)})
			assert.Equal(t, line.want, time.Since(started))
		})
	}
}

func TestIsPage(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		contentType, body string
		want              bool
	}{
		{"text/html; charset=utf-8", "<p>Sorry", true},
		{"Text/HTML", "\ufeff \n<!-- sorry -->", true},
		{"", "<!DOCTYPE html>", true},
		{"application/json", "<html>", true},
		{"application/xml", "<error>no</error>", false},
		{"text/html", `{"message": "<b>no</b>"}`, false},
		{"text/html", "no such token", false},
		{"text/html", "", false},
	} {
		assert.Equal(t, line.want, isPage(line.contentType, []byte(line.body)), line)
	}
}

func TestClient_BodyOfA2xx(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	for _, line := range []struct {
		name, answer string // answer: what follows the status line
		max          int64
		length       int // of what is kept
		err          error
	}{
		{"whole", "Content-Length: 3\r\n\r\nabc", 3, 3, nil},
		{"to the end of the connection", "\r\nabc", 3, 3, nil},
		{"broken off", "Content-Length: 100\r\n\r\nabc", 1 << 20, 3, io.ErrUnexpectedEOF},
		{"absurd length", "Content-Length: 1000000000000000\r\n\r\nabc", math.MaxInt64, 3, io.ErrUnexpectedEOF},
		{"announced as too large", "Content-Length: 2000000\r\n\r\n" + long, 1<<20 + 1, 64 << 10, ErrTooLarge},
		{"too large", "\r\n" + long, 1<<20 - 1, 64 << 10, ErrTooLarge},
		{"too large for a small limit", "\r\nabc", 2, 2, ErrTooLarge},
	} {
		t.Run(line.name, func(t *testing.T) {
			t.Parallel()
			cfg := config(serve(t, raw("HTTP/1.1 200 OK\r\n"+line.answer)).URL)
			cfg.MaxBytes, cfg.MaxAttempts = line.max, 1
			out := do(t.Context(), newClient(t, cfg), get)
			assert.Equal(t, 200, out.Status)
			assert.Len(t, out.Body, line.length)
			assert.ErrorIs(t, out.Err, line.err)
		})
	}
}

func TestClient_AsksForAnotherTokenAfterThe401OnceACall(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		status, attempts int
		asked            []string // with the token that was refused
	}{
		{401, 1, []string{"", "token-1"}},
		{401, 2, []string{"", "token-1"}},
		{401, 4, []string{"", "token-1"}},
		{403, 4, []string{""}},
		{200, 4, []string{""}},
	} {
		var asked []string
		cfg := config(serve(t, status(line.status)).URL)
		cfg.MaxAttempts = line.attempts
		cfg.Credential = func(ctx context.Context, refused string) (Credential, error) {
			asked = append(asked, refused)
			return tokens(ctx, len(asked))
		}
		do(t.Context(), newClient(t, cfg), get)
		assert.Equal(t, line.asked, asked, line)
	}
}

// Nothing is set aside for a body that is announced as too large.
func TestReadAll_SetsAsideNothingForALengthOverTheBound(t *testing.T) { //nolint:paralleltest // it counts all memory
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := readAll(strings.NewReader("{}"), 60<<20, 50<<20)
	runtime.ReadMemStats(&after)
	require.ErrorIs(t, err, ErrTooLarge)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}

type reader func(p []byte) (int, error)

func (f reader) Read(p []byte) (int, error) { return f(p) }

func TestClient_TooLargeThoughTheContextHasEnded(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cfg := config("http://node1")
	cfg.HTTPClient = &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) {
		body := reader(func(p []byte) (int, error) {
			cancel()
			return len(p), nil
		})
		return &http.Response{StatusCode: http.StatusOK, ContentLength: -1, Body: io.NopCloser(body)}, nil
	})}
	out := do(ctx, newClient(t, cfg), get)
	require.ErrorIs(t, out.Err, ErrTooLarge)
	assert.Equal(t, 200, out.Status)
}
