package xmsclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

const (
	soakGoroutines = 200
	soakCalls      = 50 // of each goroutine
	soakNodes      = 3
)

// soakNode is one address at which a shared state is served. It can be killed and started again.
type soakNode struct {
	handler http.Handler
	url     string
	addr    string
	dials   atomic.Int64
	active  atomic.Int64 // connections with a request on them

	mu     sync.Mutex
	server *http.Server
	done   chan struct{}
}

func startSoakNode(t *testing.T, handler http.Handler) *soakNode {
	t.Helper()
	// An address that no other test takes while this node is dead; where there is none, loopback as usual.
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	require.NoError(t, err)
	n := &soakNode{handler: handler, addr: listener.Addr().String()}
	n.url = "http://" + n.addr + "/v1"
	n.serve(listener)
	t.Cleanup(n.kill)
	return n
}

func (n *soakNode) serve(listener net.Listener) {
	var states sync.Map
	n.server = &http.Server{Handler: n.handler, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute}
	n.server.ConnState = func(conn net.Conn, state http.ConnState) {
		before, _ := states.Swap(conn, state)
		if state == http.StateNew {
			n.dials.Add(1)
		}
		if before == http.StateActive {
			n.active.Add(-1)
		}
		if state == http.StateActive {
			n.active.Add(1)
		}
	}
	server, done := n.server, make(chan struct{})
	n.done = done
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
}

// kill ends the node with all its connections, whatever is on them.
func (n *soakNode) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.server.Close()
	<-n.done
}

func (n *soakNode) restart() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	listener, err := net.Listen("tcp", n.addr)
	if err == nil {
		n.serve(listener)
	}
	return err
}

// soakWorker takes tokens through their lives and counts what happens.
type soakWorker struct {
	api   *xmsclient.AccessTokensApiService
	tally *soakTally
	name  string
}

type soakTally struct {
	calls, attempts, unknown, recreated atomic.Int64
	half, threeQuarters                 func()

	mu       sync.Mutex
	failures []error
}

// count counts a call and reports whether the worker can go on with its result.
func (w *soakWorker) count(resp *xmsclient.Response, err error) bool {
	switch w.tally.calls.Add(1) {
	case soakGoroutines * soakCalls / 2:
		w.tally.half()
	case soakGoroutines * soakCalls * 3 / 4:
		w.tally.threeQuarters()
	}
	if resp != nil {
		w.tally.attempts.Add(int64(resp.Attempts))
	}
	if err == nil {
		return true
	}
	if errors.Is(err, xmsclient.ErrOutcomeUnknown) {
		w.tally.unknown.Add(1)
		return false
	}
	w.tally.mu.Lock()
	defer w.tally.mu.Unlock()
	w.tally.failures = append(w.tally.failures, fmt.Errorf("%s: %w", w.name, err))
	return false
}

// life takes a token from creation to deletion in ten calls.
func (w *soakWorker) life(ctx context.Context, name string) {
	id, uuid := w.create(ctx, name)
	w.validate(ctx, uuid, id)
	_, resp, err := w.api.GetAccessToken(ctx, id)
	w.count(resp, err)
	update := xmsclient.AccessTokenUpdateReq{AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: name + "-renamed"}}
	_, resp, err = w.api.UpdateAccessToken(ctx, id, update)
	w.count(resp, err)
	regenerated, resp, err := w.api.RegenerateAccessToken(ctx, id)
	if w.count(resp, err) {
		uuid = regenerated.AccessToken.UUID
	} else {
		uuid = w.regenerate(ctx, id)
	}
	w.validate(ctx, uuid, id)
	_, resp, err = w.api.ListAccessTokens(ctx, &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr[int64](5)})
	w.count(resp, err)
	_, resp, err = w.api.GetAccessToken(ctx, id)
	w.count(resp, err)
	resp, err = w.api.DeleteAccessToken(ctx, id)
	w.count(resp, err)
	_, resp, err = w.api.GetAccessToken(ctx, id)
	if errors.Is(err, xmsclient.ErrNotFound) {
		err = nil
	} else {
		err = fmt.Errorf("a deleted token is found: %w", errors.Join(err, errSoak))
	}
	w.count(resp, err)
}

var errSoak = errors.New("not as it should be")

// create makes a token. Where the outcome is unknown it looks before it creates again, as the documentation says; none of that
// counts as a call.
func (w *soakWorker) create(ctx context.Context, name string) (id int64, uuid string) {
	create := xmsclient.AccessTokenCreateReq{AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: name, Roles: []string{"admin"}}}
	created, resp, err := w.api.CreateAccessToken(ctx, create)
	w.count(resp, err)
	for errors.Is(err, xmsclient.ErrOutcomeUnknown) {
		if id := w.look(ctx, name); id != 0 {
			return id, w.regenerate(ctx, id)
		}
		w.tally.recreated.Add(1)
		created, _, err = w.api.CreateAccessToken(ctx, create)
	}
	if err != nil {
		return 0, ""
	}
	return created.AccessToken.ID, created.AccessToken.UUID
}

// look returns the id of the token of that name, or 0.
func (w *soakWorker) look(ctx context.Context, name string) int64 {
	for token, err := range w.api.AllAccessTokens(ctx, nil) {
		if w.must(err) && token.Name == name {
			return token.ID
		}
	}
	return 0
}

// regenerate gives a token a uuid that is known, outside the count: doing it once more does no harm.
func (w *soakWorker) regenerate(ctx context.Context, id int64) (uuid string) {
	for {
		regenerated, _, err := w.api.RegenerateAccessToken(ctx, id)
		switch {
		case err == nil:
			return regenerated.AccessToken.UUID
		case !errors.Is(err, xmsclient.ErrOutcomeUnknown):
			w.must(err)
			return ""
		}
	}
}

func (w *soakWorker) validate(ctx context.Context, uuid string, id int64) {
	got, resp, err := w.api.ValidateAccessToken(ctx, uuid)
	if w.count(resp, err) && got.AccessToken.ID != id {
		w.must(fmt.Errorf("token %d instead of %d", got.AccessToken.ID, id))
	}
}

// must counts an error that must not be.
func (w *soakWorker) must(err error) bool {
	if err == nil {
		return true
	}
	w.tally.mu.Lock()
	defer w.tally.mu.Unlock()
	w.tally.failures = append(w.tally.failures, fmt.Errorf("%s: %w", w.name, err))
	return false
}

// Many goroutines, three nodes with one state, one of which is killed half-way and comes back: no call is lost, no token made
// twice, and nothing left behind.
func TestSoak(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	t.Cleanup(xms.Close)
	nodes := make([]*soakNode, soakNodes)
	for i := range nodes {
		nodes[i] = startSoakNode(t, xms.Handler())
	}
	// One client for each node to begin with, so that all of them have work.
	clients := make([]*xmsclient.APIClient, soakNodes)
	for i := range clients {
		clients[i] = faultClient(t, func(cfg *xmsclient.Configuration) {
			cfg.TokenInHeader.Key = xms.AdminToken()
		}, nodes[i].url, nodes[(i+1)%soakNodes].url, nodes[(i+2)%soakNodes].url)
	}
	var restarted error
	tally := &soakTally{
		half:          nodes[0].kill,
		threeQuarters: func() { restarted = nodes[0].restart() },
	}
	start := time.Now()
	var group sync.WaitGroup
	for g := range soakGoroutines {
		group.Go(func() {
			w := &soakWorker{api: clients[g%soakNodes].AccessTokensApi, tally: tally, name: fmt.Sprintf("goroutine %d", g)}
			for life := range soakCalls / 10 {
				w.life(t.Context(), fmt.Sprintf("soak-%d-%d", g, life))
			}
		})
	}
	group.Wait()
	elapsed := time.Since(start)
	require.NoError(t, restarted)
	served := map[string]int64{}
	var dials int64
	for _, n := range nodes {
		served[n.url] = n.dials.Load()
		dials += n.dials.Load()
	}

	var creates int
	names := map[string]bool{}
	for _, r := range xms.Requests() {
		var body struct {
			AccessToken struct{ Name string } `json:"access_token"`
		}
		if r.Operation == "CreateAccessToken" && json.Unmarshal(r.Body, &body) == nil {
			creates++
			names[body.AccessToken.Name] = true
		}
	}
	t.Logf("%d calls of %d goroutines in %v (%.0f a second): %d attempts answered, %d requests, %d outcomes unknown, %d failed",
		tally.calls.Load(), soakGoroutines, elapsed.Round(time.Millisecond), float64(tally.calls.Load())/elapsed.Seconds(),
		tally.attempts.Load(), len(xms.Requests()), tally.unknown.Load(), len(tally.failures))
	t.Logf("connections by node: %v; creates received: %d for %d names", served, creates, len(names))

	assert.Empty(t, tally.failures, "lost calls")
	assert.EqualValues(t, soakGoroutines*soakCalls, tally.calls.Load())
	assert.LessOrEqual(t, int64(creates-len(names)), tally.recreated.Load(), "creates that were sent again without the caller's doing")
	assert.Len(t, names, soakGoroutines*soakCalls/10)
	list, _, err := clients[0].AccessTokensApi.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, list.AccessTokens, "all tokens have been deleted, so none was made twice")
	assert.Less(t, dials, tally.calls.Load()/4, "connections are used again")
	assert.Eventually(t, func() bool {
		return nodes[0].active.Load()+nodes[1].active.Load()+nodes[2].active.Load() == 0
	}, 10*time.Second, time.Millisecond, "connections with a request on them")

	out := faultOperationNamed(t, "ListAccessTokens").call(t.Context(), faultClient(t, func(cfg *xmsclient.Configuration) {
		cfg.TokenInHeader.Key = xms.AdminToken()
	}, nodes[0].url))
	require.NoError(t, out.err, "the node that was restarted")
}
