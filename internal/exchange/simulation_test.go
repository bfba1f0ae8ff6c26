package exchange

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/xsky-storage/xms-client-go/internal/secret"
)

var (
	seedsFlag = flag.Uint64("seeds", 2000, "how many worlds TestSimulation runs")
	seedFlag  = flag.Uint64("seed", 0, "the only world that TestSimulation runs; 0: those of -seeds")
)

// TestSimulation runs callers against clusters whose nodes fail, and compares what the client
// reports with what happened. The seed decides everything about a world. The order of goroutines,
// and the jitter of the client, may differ from run to run.
func TestSimulation(t *testing.T) {
	t.Parallel()
	if *seedFlag != 0 {
		simulate(t, *seedFlag)
		return
	}
	shards := uint64(runtime.GOMAXPROCS(0))
	for shard := range shards {
		t.Run(strconv.FormatUint(shard, 10), func(t *testing.T) {
			t.Parallel()
			for seed := shard + 1; seed <= *seedsFlag && !t.Failed(); seed += shards {
				simulate(t, seed)
			}
		})
	}
}

func simulate(t *testing.T, seed uint64) {
	t.Helper()
	w := &world{}
	defer func() {
		if r := recover(); r != nil { // of synctest: a call hangs for good, or a goroutine is left
			w.problems = append(w.problems, fmt.Sprint(r))
		}
		history := strings.Join(w.history, "\n")
		if len(w.problems) > 0 {
			t.Errorf("seed %d: %s\n%s\nTo run it until it fails, since the order of goroutines may differ:\n"+
				"go test ./internal/exchange -run TestSimulation -seed=%d -count=1000 -failfast",
				seed, strings.Join(w.problems, "\n"), history, seed)
		} else if *seedFlag != 0 {
			t.Log("\n" + history)
		}
	}()
	synctest.Test(t, func(*testing.T) {
		w.make(rand.New(rand.NewPCG(seed, 0)))
		w.run()
		w.checkAtEnd()
	})
}

// world is a cluster with one store, and those who call it.
type world struct {
	gateways    []*gateway
	healthy     int             // the gateway that is healthy throughout; -1: none
	sound       bool            // all are
	rotations   []time.Duration // of the token
	sourceFails bool            // once the token has been refused
	cfg         Config
	client      *Client
	callers     [][]*simCall
	calls       []*simCall

	start    time.Time
	over     chan struct{}
	handlers sync.WaitGroup

	mu       sync.Mutex // of all below, and of what a simCall comes to
	items    map[int]bool
	answered map[string]time.Time // when a node last gave an answer that does not speak against it
	left     time.Time            // when a node was last left
	turn     int64
	token    int // that the gateways take
	cached   int // that the TokenSource has
	history  []string
	problems []string
}

// simCall is a planned call, and what becomes of it.
type simCall struct {
	id, target  int
	op          operation
	pause       time.Duration // before it
	deadline    time.Duration // 0: none
	cancelAfter time.Duration // 0: never
	refused     bool          // by middleware
	giveUpAfter time.Duration // middleware waits no longer; 0: it waits

	seen, acted int                  // requests that came to a gateway whole; those that the store acted on
	reached     bool                 // a connection was had
	doubtful    bool                 // an attempt ended otherwise than by a refusal
	tried       []string             // nodes since the last wait
	notBefore   map[string]time.Time // a 429 asked for no further request before
	out         Outcome
}

type operation struct {
	name, method, path string
	safe, write        bool
}

var operations = []operation{
	{name: "create", method: "POST", path: "/items", write: true},
	{name: "regenerate", method: "POST", path: "/items/%d:regenerate", write: true},
	{name: "get", method: "GET", path: "/items/%d", safe: true},
	{name: "list", method: "GET", path: "/items", safe: true},
	{name: "update", method: "PATCH", path: "/items/%d", safe: true, write: true},
	{name: "delete", method: "DELETE", path: "/items/%d", safe: true, write: true},
}

// make plans the world. It alone draws from rng.
func (w *world) make(rng *rand.Rand) {
	ms := func(from, to int) time.Duration { return time.Duration(from+rng.IntN(to-from+1)) * time.Millisecond }
	nodes := 1 + rng.IntN(4)
	w.sound = rng.IntN(20) == 0
	w.healthy = rng.IntN(2*nodes) - nodes // in half of the worlds
	w.start, w.over, w.items = time.Now(), make(chan struct{}), map[int]bool{-1: true, -2: true, -3: true}
	w.answered = map[string]time.Time{}
	w.cfg = Config{
		Header: http.Header{}, Timeout: 10 * ms(10, 200), MaxBytes: 1 << 20, MaxAttempts: 1 + rng.IntN(nodes+3),
		InitialInterval: ms(50, 300), MaxInterval: time.Second, MaxRetryAfter: 2 * time.Second,
		Credential: w.credential, Observe: w.observe, WrapTransport: middleware(w.pass).around,
	}
	for i := range nodes {
		g := &gateway{world: w, name: fmt.Sprintf("n%d", i), conns: map[net.Conn]bool{}}
		for at := time.Duration(0); i != w.healthy && !w.sound && len(g.moods) < 8; at += ms(20, 4000) {
			g.moods = append(g.moods, drawMood(rng, at, ms(0, 30)))
		}
		w.gateways = append(w.gateways, g)
		w.cfg.Nodes = append(w.cfg.Nodes, "http://"+g.name+"/v1")
	}
	w.client, _ = New(w.cfg)
	w.client.tracker.reached.Store(true)
	if !w.sound && rng.IntN(3) == 0 {
		w.rotations = []time.Duration{ms(0, 3000), ms(0, 3000)}
		w.sourceFails = rng.IntN(3) == 0
	}
	if rng.IntN(2) == 0 {
		w.client.nodes = newNodes(w.cfg.Nodes, 1+rng.IntN(3))
	}
	w.client.tracker.own.Proxy = nil
	w.client.tracker.own.DialContext = w.dial
	w.callers = make([][]*simCall, 1+rng.IntN(6))
	for i := range w.callers {
		for range 1 + rng.IntN(8) {
			c := &simCall{id: len(w.calls), op: operations[rng.IntN(len(operations))], target: rng.IntN(13) - 3}
			c.notBefore = map[string]time.Time{}
			if rng.IntN(3) > 0 {
				c.pause = ms(0, 1500)
			}
			if rng.IntN(4) > 0 { // at no instant at which anything else happens
				c.deadline = ms(50, 3000) + time.Duration(1+c.id)*time.Microsecond
			}
			if rng.IntN(6) == 0 {
				c.cancelAfter = ms(1, 1500) + time.Duration(1+c.id)*time.Microsecond
			}
			if c.refused = !w.sound && rng.IntN(15) == 0; !w.sound && rng.IntN(10) == 0 {
				c.giveUpAfter = ms(0, 100) + time.Duration(1+c.id)*time.Microsecond
			}
			w.calls, w.callers[i] = append(w.calls, c), append(w.callers[i], c)
		}
	}
	w.notef("%d nodes, number %d healthy throughout, all: %v, %d places, at most %d attempts of %v", nodes, w.healthy,
		w.sound, cap(w.client.nodes.all[0].places), w.cfg.MaxAttempts, w.cfg.Timeout)
}

func (w *world) run() {
	for _, g := range w.gateways {
		for _, m := range g.moods {
			w.notef("%s from %v: %+v", g.name, m.from, m)
			if m.kind == "is away" {
				time.AfterFunc(m.from, g.drop)
			}
		}
	}
	for _, at := range w.rotations {
		time.AfterFunc(at, w.rotate)
	}
	var callers sync.WaitGroup
	for _, calls := range w.callers {
		callers.Go(func() {
			failures := 0
			for _, c := range calls {
				time.Sleep(c.pause)
				w.do(c, &failures)
			}
		})
	}
	callers.Wait()
	close(w.over)
	w.client.CloseIdleConnections()
	for _, g := range w.gateways {
		g.drop()
	}
	w.handlers.Wait()
}

func (w *world) rotate() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.token++
	w.notef("the token is now %d", w.token)
}

// credential is a TokenSource that caches.
func (w *world) credential(_ context.Context, refused string) (Credential, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if refused == strconv.Itoa(w.cached) {
		if w.sourceFails {
			return Credential{}, errors.New("the login service is down")
		}
		w.cached = w.token
	}
	token := strconv.Itoa(w.cached)
	return Credential{HeaderName: "Key", HeaderValue: token, SourceToken: token}, nil
}

// pass is middleware.
func (w *world) pass(next http.RoundTripper, r *http.Request) (*http.Response, error) {
	id, _ := strconv.Atoi(r.URL.Query().Get("call"))
	c := w.calls[id]
	switch {
	case c.refused:
		return nil, errGaveUp
	case c.giveUpAfter == 0:
		return next.RoundTrip(r)
	}
	type result struct {
		response *http.Response
		err      error
	}
	done := make(chan result, 1)
	go func() {
		response, err := next.RoundTrip(r)
		done <- result{response, err}
	}()
	select {
	case got := <-done:
		return got.response, got.err
	case <-time.After(c.giveUpAfter):
		return nil, errGaveUp
	}
}

// do makes a call and checks what can be checked when it ends. failures are those of its caller in
// a row.
func (w *world) do(c *simCall, failures *int) {
	ctx, cancel := context.WithCancel(httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) {
			w.mu.Lock()
			defer w.mu.Unlock()
			c.reached = true
			w.notef("call %d has a connection to %v, reused: %v", c.id, info.Conn.RemoteAddr(), info.Reused)
		},
	}))
	defer cancel()
	if c.cancelAfter > 0 {
		defer time.AfterFunc(c.cancelAfter, cancel).Stop()
	}
	began, latest := time.Now(), c.cancelAfter
	if c.deadline > 0 {
		latest = min(c.deadline, cmp.Or(latest, c.deadline))
		ctx, cancel = context.WithTimeout(ctx, c.deadline)
		defer cancel()
	}
	w.noteLockedf("call %d: %s %d, deadline %v, cancelled after %v", c.id, c.op.name, c.target, c.deadline, c.cancelAfter)
	out := w.client.Do(ctx, Request{
		Operation: strconv.Itoa(c.id), Method: c.op.method, Query: fmt.Sprintf("call=%d", c.id), Body: []byte(`{}`),
		Path:         strings.ReplaceAll(c.op.path, "%d", strconv.Itoa(c.target)),
		SafeToRepeat: c.op.safe, Secrets: &secret.Set{},
	})
	preferred := w.client.nodes.at(w.client.nodes.turn.Load().number).base
	w.mu.Lock()
	defer w.mu.Unlock()
	c.out = out
	w.notef("call %d ends: %d %q, err %v, wait %v, %d attempts, may have acted: %v, before: %q", c.id, out.Status,
		out.Body,
		out.Err, out.WaitErr, out.Attempts, out.MayHaveActed, out.Before)

	cancelled := errors.Is(ctx.Err(), context.Canceled)
	success := out.Err == nil && out.Status/100 == 2 && !out.Page
	took := time.Since(began)
	w.checkf(latest == 0 || took <= latest, "call %d took %v and should have ended after %v", c.id, took, latest)
	w.checkf(out.Attempts <= w.cfg.MaxAttempts, "call %d made %d attempts", c.id, out.Attempts)
	w.checkf(out.WaitErr == nil || cancelled, "call %d began a wait that its deadline ended", c.id)
	w.checkf(!out.MayHaveActed || (c.reached || c.giveUpAfter > 0) && c.doubtful,
		"call %d may have acted, it says, and cannot have", c.id)
	w.checkf(!c.refused || out.Attempts == 0 && c.seen == 0 && !out.MayHaveActed, "call %d was refused", c.id)
	w.checkf(!out.is(http.StatusUnauthorized) || !w.sourceFails || out.NoOtherToken != nil, "call %d says no why", c.id)
	w.checkf(!success || c.acted > 0, "call %d succeeded, and nothing acted on it", c.id)
	w.checkf(!success || c.op.name == "delete" || string(out.Body) == c.answer(), "call %d got another answer", c.id)
	if out.Attempts == 0 && !c.refused && len(w.gateways) > 1 && !w.left.Equal(time.Now()) {
		w.checkf(out.Node == preferred, "call %d waited for a place at a node that had been left", c.id)
	}
	w.checkf(out.Status != http.StatusTooManyRequests || out.Attempts > 1 || w.cfg.MaxAttempts == 1 || cancelled ||
		c.deadline > 0 || out.RetryAfter > w.cfg.MaxRetryAfter, "call %d should have waited and been sent again", c.id)
	if w.sound {
		w.checkf(out.Err == nil && out.Attempts == 1, "call %d did not just succeed in a sound cluster", c.id)
	}
	if w.healthy < 0 || c.refused || c.giveUpAfter > 0 {
		return
	}
	if (c.op.safe && c.deadline == 0 || !c.reached) && !cancelled && w.cfg.MaxAttempts >= len(w.gateways) {
		waited := len(out.Before) == out.Attempts // until the end, for a place
		answers := began.Sub(w.answered[out.Node]) <= patience
		w.checkf(waited || answers || len(out.Before) >= len(w.gateways)-1 || out.Err == nil && !failedNode(out.Status),
			"call %d should have been sent again", c.id)
	}
	switch {
	case success, answersFor(out.Ending):
		*failures = 0
	case cancelled, out.Status == http.StatusTooManyRequests, began.Sub(w.answered[out.Node]) <= 500*time.Millisecond:
	default:
		*failures++
		w.checkf(*failures < len(w.gateways), "call %d is failure %d in a row", c.id, *failures)
	}
}

// answersFor reports whether an ending speaks for its node though it is no success.
func answersFor(e Ending) bool { return e.is(404, 401) && !e.Page || e.is(429) }

func failedNode(status int) bool { return slices.Contains([]int{408, 502, 503, 504}, status) }

// observe checks when attempts are made, and that no node is left on weak evidence while it
// answers.
func (w *world) observe(_ context.Context, e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notef("call %s, attempt %d at %s: %s, err %v, wait %v, left for %q", e.Operation, e.Attempt, e.Node, e.Result, e.Err,
		e.Wait, e.LeftFor)
	id, _ := strconv.Atoi(e.Operation)
	c := w.calls[id]
	c.doubtful = c.doubtful || !e.is(429, 404, 401) && e.Result != "no connection" && !e.nothingPassedOn
	// While a call waits for a place, others may go all the way round.
	w.checkf(len(w.callers) > 1 || !slices.Contains(c.tried, e.Node), "call %d came back to %s without a wait", id, e.Node)
	w.checkf(e.Wait <= w.cfg.MaxRetryAfter, "call %d waits for %v", id, e.Wait)
	if c.tried = append(c.tried, e.Node); e.Wait > 0 || e.is(http.StatusUnauthorized) {
		c.tried = nil // a renewed token is tried at once
	}
	turn := w.client.nodes.turn.Load().number
	w.checkf(turn >= w.turn, "the turn went back from %d to %d", w.turn, turn)
	w.turn = turn
	ended := e.Result == "the context ended"
	switch {
	case e.Err == nil && (answersFor(e.Ending) || !e.Page && e.is2xx()):
		w.answered[e.Node] = time.Now()
	case e.LeftFor != "":
		w.left = time.Now()
		since := time.Since(w.answered[e.Node])
		w.checkf(!ended && (e.Err != nil && e.Status == 0 || failedNode(e.Status)) || since == 0 || since > patience,
			"%s was left, and had answered %v before", e.Node, since)
		w.checkf(!ended || errors.Is(e.Err, context.DeadlineExceeded) || e.Duration >= 500*time.Millisecond,
			"%s was left after a cancelled call of %v", e.Node, e.Duration)
	}
}

func (w *world) checkAtEnd() {
	seen := 0
	for _, c := range w.calls {
		seen += c.seen
		w.checkf(c.op.safe || c.acted <= 1, "call %d acted %d times", c.id, c.acted)
		w.checkf(!c.op.write || c.out.MayHaveActed || c.acted == 0, "call %d acted, and is said not to have", c.id)
		// net/http sends a GET again by itself.
		w.checkf(!c.op.write || c.seen <= c.out.Attempts, "call %d: %d requests, not %d", c.id, c.seen, c.out.Attempts)
	}
	w.checkf(!w.sound || seen == len(w.calls), "%d requests for %d calls", seen, len(w.calls))
}

func (w *world) checkf(holds bool, format string, args ...any) {
	if !holds {
		w.problems = append(w.problems, fmt.Sprintf(format, args...))
		w.notef("PROBLEM: "+format, args...)
	}
}

func (w *world) notef(format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf("%12v ", time.Since(w.start))+fmt.Sprintf(format, args...))
}

func (w *world) noteLockedf(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notef(format, args...)
}
