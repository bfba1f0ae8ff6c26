package exchange

import (
	"context"
	"sync/atomic"
	"time"
)

// maxPlaces bounds the requests at a time to a node. Without a bound, a thousand callers over TLS
// spend their time on handshakes.
const maxPlaces = 64

// patience is how long a node must have answered nobody to be left on evidence that may be the
// call's own fault, and how long a cancelled attempt must have lasted to be such evidence.
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
	answered atomic.Pointer[time.Time] // when it last gave an answer that does not speak against it
}

func newNodes(bases []string, places int) *nodes {
	n := &nodes{}
	for _, base := range bases {
		n.all = append(n.all, &node{base: base, places: make(chan struct{}, places)})
	}
	n.turn.Store(&turn{began: time.Now(), left: make(chan struct{})})
	return n
}

func (n *nodes) at(turn int64) *node { return n.all[turn%int64(len(n.all))] }

// place waits for a place at the preferred node. Whoever gets one releases it. The turn and its
// node are those that it waited for last if ctx ends first.
func (n *nodes) place(ctx context.Context) (*turn, *node, error) {
	for {
		t := n.turn.Load()
		node := n.at(t.number)
		select {
		case node.places <- struct{}{}:
			if n.turn.Load() == t {
				return t, node, nil
			}
			node.release() // select may choose the place although the node has been left
		case <-t.left:
		case <-ctx.Done():
			return t, node, ContextError(ctx)
		}
	}
}

func (n *node) release() { <-n.places }

// leave ends a turn, unless another call has ended it before.
func (n *nodes) leave(t *turn) bool {
	next := &turn{number: t.number + 1, began: time.Now(), left: make(chan struct{})}
	if !n.turn.CompareAndSwap(t, next) {
		return false
	}
	close(t.left)
	return true
}

func (n *node) markAnswered() {
	now := time.Now()
	n.answered.Store(&now)
}

func (n *node) silent() bool {
	last := n.answered.Load()
	return last == nil || time.Since(*last) > patience
}
