package exchange

import (
	"context"
	"sync/atomic"
	"time"
)

// maxPlaces bounds the requests at a time to a node. Without a bound, a thousand callers over TLS
// spend their time on handshakes.
const maxPlaces = 64

// patience is how long an answer speaks for its node: a node that has answered within this time is
// not left for a failure that the call may have caused. A cancelled attempt speaks against its node
// only if it lasted as long.
const patience = 500 * time.Millisecond

// nodes are the equal nodes of a cluster, one of which is preferred by all calls.
type nodes struct {
	all  []*node
	turn atomic.Pointer[turn]
}

// turn says which node is preferred: its number modulo the nodes. It only ever moves on by one, so
// that a failure seen by a call that began before another one moved it moves nothing.
type turn struct {
	number int64
	began  time.Time
	left   chan struct{} // closed when the next turn begins
}

// node is one node and the places for requests to it.
type node struct {
	base     string
	places   chan struct{}
	began    time.Time
	answered atomic.Int64 // nanoseconds from began to its last answer that does not speak against it; 0: none
}

func newNodes(bases []string, places int) *nodes {
	n := &nodes{}
	now := time.Now()
	for _, base := range bases {
		n.all = append(n.all, &node{base: base, places: make(chan struct{}, places), began: now})
	}
	n.turn.Store(&turn{began: now, left: make(chan struct{})})
	return n
}

func (n *nodes) at(turn int64) *node { return n.all[turn%int64(len(n.all))] }

// place is the right to send one request to a node, in a turn.
type place struct {
	*node
	turn *turn
	held bool
}

// release gives the place back, once.
func (p *place) release() {
	if p.held {
		p.held = false
		<-p.places
	}
}

// place waits for a place at the preferred node. Whoever gets one releases it. If ctx ends first,
// the result holds no place, and says for which one it has waited last.
func (n *nodes) place(ctx context.Context) (place, error) {
	for {
		t := n.turn.Load()
		p := place{node: n.at(t.number), turn: t}
		select {
		case p.places <- struct{}{}:
			p.held = true
			if n.turn.Load() == t {
				return p, nil
			}
			p.release() // select may choose the place although the node has been left
		case <-t.left:
		case <-ctx.Done():
			return p, ContextError(ctx)
		}
	}
}

// leave ends a turn, unless another call has ended it before.
func (n *nodes) leave(t *turn) bool {
	next := &turn{number: t.number + 1, began: time.Now(), left: make(chan struct{})}
	if !n.turn.CompareAndSwap(t, next) {
		return false
	}
	close(t.left)
	return true
}

func (n *node) markAnswered() { n.answered.Store(max(1, int64(time.Since(n.began)))) }

func (n *node) silent() bool {
	last := n.answered.Load()
	return last == 0 || time.Since(n.began)-time.Duration(last) > patience
}
