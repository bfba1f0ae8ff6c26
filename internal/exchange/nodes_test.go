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

// occupy starts n calls of which each holds a place, or waits for one, until stop is called.
func occupy(t *testing.T, client *Client, n int) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() { do(ctx, client, create) })
	}
	synctest.Wait()
	return func() {
		cancel()
		calls.Wait()
	}
}

func TestClient_LeavingWakesWhoWaitsForAPlace(t *testing.T) {
	t.Parallel()
	for _, places := range []int{maxPlaces - 1, maxPlaces} { // the call that leaves the node has a place, or waits for one
		bubble(t, strconv.Itoa(places), func(t *testing.T) {
			t.Helper()
			client := inMemory(t, func(*Config) {}, onPipes(t, nil, hang), onPipes(t, nil, ok))
			defer occupy(t, client, places)()
			leaving, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			go do(leaving, client, create)
			synctest.Wait()
			started := time.Now()
			atOnce(300, func() { assert.Equal(t, "http://node2", do(t.Context(), client, create).Node) })
			assert.Equal(t, time.Second, time.Since(started))
		})
	}
}

// select may choose a place although the node has been left meanwhile.
func TestNodes_NoPlaceIsLost(t *testing.T) {
	t.Parallel()
	for range 3000 {
		n := newNodes([]string{"a", "b"}, 1)
		left := n.turn.Load()
		go n.leave(left)
		p, err := n.place(t.Context())
		require.NoError(t, err)
		p.release()
		require.Empty(t, n.at(0).places)
	}
}

// oddContext is a context whose Done closes a moment before Err says so.
type oddContext struct {
	context.Context //nolint:containedctx // it is one
	done            chan struct{}
}

func (c oddContext) Done() <-chan struct{} { return c.done }

func (c oddContext) Err() error { return nil }

func TestClient_ContextThatEndsBeforeItSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := inMemory(t, func(*Config) {}, onPipes(t, nil, hang))
		stop := occupy(t, client, maxPlaces)
		ctx := oddContext{t.Context(), make(chan struct{})}
		time.AfterFunc(time.Second, func() { close(ctx.done) })
		require.ErrorIs(t, do(ctx, client, create).Err, context.Canceled)
		assert.Len(t, client.nodes.all[0].places, maxPlaces)
		stop()
		assert.Empty(t, client.nodes.all[0].places)
	})
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

// ofGets observes the attempts of Get alone.
func ofGets(observe func(event Event)) func(context.Context, Event) {
	return func(_ context.Context, event Event) {
		if event.Operation == get.Operation {
			observe(event)
		}
	}
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
			var leftFor atomic.Value // of the call below
			client := inMemory(t, func(*Config) {}, onPipes(t, nil, line.answer), onPipes(t, nil, ok))
			client.cfg.Observe = ofGets(func(event Event) { leftFor.Store(event.LeftFor) })
			defer occupy(t, client, 2*maxPlaces)() // those in places, and those that take over
			ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
			defer cancel()
			out := do(ctx, client, get)
			require.ErrorIs(t, out.Err, context.DeadlineExceeded)
			assert.False(t, out.MayHaveActed)
			assert.Zero(t, out.Attempts)
			assert.Equal(t, "http://node1", out.Node)
			assert.Equal(t, line.leftFor, leftFor.Load())
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
		credential := func(ctx context.Context, _ string) (Credential, error) {
			if ctx.Value(inner{}) != nil {
				return tokens(ctx, 1)
			}
			return Credential{}, do(context.WithValue(ctx, inner{}, true), client, get).Err
		}
		client = inMemory(t, func(cfg *Config) { cfg.Credential = credential }, onPipes(t, nil, ok))
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

// limits is middleware that holds each request for 6 s.
func limits(next http.RoundTripper, r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(6 * time.Second):
	case <-r.Context().Done():
	}
	return next.RoundTrip(r)
}

func TestClient_MiddlewareTakesNothingOfTheShareForConnecting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := inMemory(t, func(cfg *Config) { cfg.WrapTransport = middleware(limits).around },
			onPipes(t, nil, ok), onPipes(t, nil, ok))
		out := do(t.Context(), client, create)
		require.NoError(t, out.Err)
		assert.Equal(t, "http://node1", out.Node)
	})
}

// after dials as late as that.
func after(wait time.Duration, dial dialer) dialer {
	return func(ctx context.Context) (net.Conn, error) {
		time.Sleep(wait)
		return dial(ctx)
	}
}

// A short deadline does not move other callers away from a node that answers them.
func TestClient_SharesNoDeadlineAtANodeThatAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		node := after(120*time.Millisecond, onPipes(t, nil, slowly(50*time.Millisecond, status(200, "Connection", "close"))))
		client := inMemory(t, func(*Config) {}, node, onPipes(t, nil, ok))
		require.NoError(t, do(t.Context(), client, get).Err)
		for _, deadline := range []time.Duration{200 * time.Millisecond, 150 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			out := do(ctx, client, create)
			cancel()
			assert.Equal(t, deadline < 170*time.Millisecond, out.Err != nil, "%v", out.Err)
			assert.Equal(t, "http://node1", out.Node)
		}
		assert.Zero(t, client.nodes.turn.Load().number)
	})
}
