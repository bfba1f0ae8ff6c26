package exchange

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// atOnce makes n calls at once and returns when all have ended.
func atOnce(n int, call func()) {
	var calls sync.WaitGroup
	for range n {
		calls.Go(call)
	}
	calls.Wait()
}

func TestClient_LeavingWakesWhoWaitsForAPlace(t *testing.T) {
	t.Parallel()
	for _, inPlace := range []bool{true, false} { // the call that leaves the node, which frees a place or none
		bubble(t, strconv.FormatBool(inPlace), func(t *testing.T) {
			t.Helper()
			client := inMemory(t, func(*Config) {}, onPipes(t, nil, hang), onPipes(t, nil, ok))
			hanging, stop := context.WithCancel(t.Context())
			leaving, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			started := time.Now()
			var calls sync.WaitGroup
			start := func(ctx context.Context) {
				calls.Go(func() { do(ctx, client, create) })
				synctest.Wait()
			}
			if inPlace {
				start(leaving)
			}
			for range maxPlaces - 1 {
				start(hanging)
			}
			if !inPlace {
				start(hanging)
				start(leaving)
			}
			atOnce(300, func() {
				out := do(t.Context(), client, create)
				require.NoError(t, out.Err)
				assert.Equal(t, "http://node2", out.Node)
				assert.Equal(t, time.Second, time.Since(started))
			})
			stop()
			calls.Wait()
		})
	}
}

func TestClient_SixtyFourRequestsAtATime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var running, most, dials atomic.Int64
		node := onPipes(t, nil, func(http.ResponseWriter, *http.Request) {
			if now := running.Add(1); now > most.Load() {
				most.Store(now)
			}
			time.Sleep(300 * time.Millisecond)
			running.Add(-1)
		})
		client := inMemory(t, func(cfg *Config) { cfg.Timeout = time.Second }, func(ctx context.Context) (net.Conn, error) {
			dials.Add(1)
			return node(ctx)
		})
		atOnce(400, func() { assert.NoError(t, do(t.Context(), client, create).Err) })
		assert.Equal(t, [2]int64{64, 64}, [2]int64{most.Load(), dials.Load()})
	})
	cfg := config("http://node1")
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{MaxConnsPerHost: 3}}
	assert.Equal(t, 3, cap(newClient(t, cfg).nodes.all[0].places))
}

// net/http goes on with the dials of attempts that have ended.
func TestClient_DialsThatNobodyWaitsForTakeNoPlaces(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		recovered := make(chan struct{})
		node := onPipes(t, nil, ok)
		var dials atomic.Int64
		client := inMemory(t, func(cfg *Config) { cfg.Timeout, cfg.MaxAttempts = time.Second, 1 },
			func(ctx context.Context) (net.Conn, error) {
				if dials.Add(1) <= maxPlaces {
					<-recovered
				}
				return node(ctx)
			})
		atOnce(maxPlaces, func() { assert.Error(t, do(t.Context(), client, get).Err) })
		out := do(t.Context(), client, get)
		close(recovered)
		assert.NoError(t, out.Err)
	})
}

// An attempt that a cancellation ends speaks against its node by the time that it gave that one.
func TestClient_PatienceBeginsAtTheLastNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := inMemory(t, func(*Config) {}, onPipes(t, nil, hang), onPipes(t, nil, hang), onPipes(t, nil, ok))
		hanging, stop := context.WithCancel(t.Context())
		leaving, leave := context.WithTimeout(hanging, 700*time.Millisecond)
		defer leave()
		var calls sync.WaitGroup
		for range maxPlaces - 1 {
			calls.Go(func() { do(hanging, client, create) })
		}
		calls.Go(func() { do(leaving, client, create) })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(750*time.Millisecond, cancel)
		out := do(ctx, client, create)
		assert.Equal(t, "http://node2", out.Node)
		assert.True(t, out.MayHaveActed)
		assert.EqualValues(t, 1, client.nodes.turn.Load().number)
		stop()
		calls.Wait()
	})
}

func TestClient_DeadlineWhileWaitingForAPlace(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		name, leftFor string
		answer        http.HandlerFunc
	}{
		{"at a node that hangs", "http://node2", hang},
		{"at a node that answers", "", slowly(time.Second, ok)},
	} {
		bubble(t, line.name, func(t *testing.T) {
			t.Helper()
			var last Event
			client := inMemory(t, func(cfg *Config) {
				cfg.Observe = func(_ context.Context, event Event) {
					if event.Operation == get.Operation {
						last = event
					}
				}
			}, onPipes(t, nil, line.answer), onPipes(t, nil, ok))
			background, stop := context.WithCancel(t.Context())
			var calls sync.WaitGroup
			for range 128 { // those in places, and those that take over
				calls.Go(func() { do(background, client, create) })
			}
			synctest.Wait()
			ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
			defer cancel()
			out := do(ctx, client, get)
			require.ErrorIs(t, out.Err, context.DeadlineExceeded)
			assert.False(t, out.MayHaveActed)
			assert.Zero(t, out.Attempts)
			assert.Equal(t, "http://node1", out.Node)
			assert.Equal(t, line.leftFor, last.LeftFor)
			stop()
			calls.Wait()
		})
	}
}

func TestClient_GivesPlacesBackAfterAPanic(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"Credential", "transport"} {
		node := serve(t, ok)
		panics := true
		cfg := config(node.URL)
		panicAt := func(here string) {
			if panics && here == where {
				panic("on purpose")
			}
		}
		cfg.Credential = func(context.Context, string) (Credential, error) {
			panicAt("Credential")
			return Credential{}, nil
		}
		cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				panicAt("transport")
				return next.RoundTrip(r)
			})
		}
		client := newClient(t, cfg)
		for range maxPlaces {
			assert.Panics(t, func() { do(t.Context(), client, get) })
		}
		panics = false
		assert.NoError(t, do(t.Context(), client, get).Err)
	}
}

func TestClient_CredentialThatCallsTheSameClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		type inner struct{}
		var client *Client
		client = inMemory(t, func(cfg *Config) {
			cfg.Credential = func(ctx context.Context, _ string) (Credential, error) {
				if ctx.Value(inner{}) != nil {
					return Credential{}, nil
				}
				return Credential{}, do(context.WithValue(ctx, inner{}, true), client, get).Err
			}
		}, onPipes(t, nil, ok))
		atOnce(200, func() { assert.NoError(t, do(t.Context(), client, create).Err) })
	})
}

func TestClient_SharesTheDeadlineForConnecting(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		name            string
		first           dialer
		attempts        int
		deadline, after time.Duration // after: until the second node has answered; 0: it is not asked
	}{
		{"dial", hangUntilEnd, 4, 2 * time.Second, time.Second},
		{"handshake", handshake(nil), 4, 2 * time.Second, time.Second},
		{"two attempts", hangUntilEnd, 2, 2 * time.Second, time.Second},
		{"a long deadline", hangUntilEnd, 4, 50 * time.Second, 5 * time.Second},
		{"the last attempt", hangUntilEnd, 1, 50 * time.Second, 0},
		{"waiting for an answer", nil, 4, 2 * time.Second, 0},
	} {
		bubble(t, line.name, func(t *testing.T) {
			t.Helper()
			first := line.first
			if first == nil {
				first = onPipes(t, serverTLS, hang)
			}
			client := inMemory(t, func(cfg *Config) {
				cfg.Nodes, cfg.TLS = []string{"https://node1", "https://node2"}, trust
				cfg.MaxAttempts = line.attempts
			}, first, onPipes(t, serverTLS, ok))
			ctx, cancel := context.WithTimeout(t.Context(), line.deadline)
			defer cancel()
			started := time.Now()
			out := do(ctx, client, create)
			if line.after == 0 {
				require.ErrorIs(t, out.Err, context.DeadlineExceeded)
				assert.Equal(t, 1, out.Attempts)
				assert.Equal(t, line.deadline, time.Since(started))
				return
			}
			require.NoError(t, out.Err)
			assert.Equal(t, "https://node2", out.Node)
			assert.Equal(t, line.after, time.Since(started))
		})
	}
}

func TestClient_SharesTheDeadlineForConnectingOnAStaleConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var generation atomic.Int64
		node := onPipes(t, nil, ok)
		client := inMemory(t, func(*Config) {}, func(ctx context.Context) (net.Conn, error) {
			if generation.Load() != 0 {
				return hangUntilEnd(ctx)
			}
			conn, err := node(ctx)
			return &broken{conn, &generation, 0, errors.New("broken pipe")}, err
		}, onPipes(t, nil, ok))
		require.NoError(t, do(t.Context(), client, get).Err)
		generation.Add(1)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		out := do(ctx, client, create)
		require.NoError(t, out.Err)
		assert.Equal(t, "http://node2", out.Node)
	})
}

func TestClient_MiddlewareTakesNothingOfTheShareForConnecting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := inMemory(t, func(cfg *Config) {
			cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) {
					select {
					case <-time.After(6 * time.Second):
						return next.RoundTrip(r)
					case <-r.Context().Done():
						return nil, r.Context().Err()
					}
				})
			}
		}, onPipes(t, nil, ok), onPipes(t, nil, ok))
		out := do(t.Context(), client, create)
		require.NoError(t, out.Err)
		assert.Equal(t, "http://node1", out.Node)
	})
}
