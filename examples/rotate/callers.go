package main

import (
	"context"
	"fmt"
	"sync"
)

const (
	callers       = 4
	callsEachSide = 40 // calls that must have succeeded before the rotation, and again after it
)

// call is what one call of a caller came to.
type call struct {
	attempts int
	err      error
}

// startCallers starts callers that get the token, one call after the other, until stop is closed. The channel is closed when the
// last of them has ended; until then what it holds must be received.
func (r *rotation) startCallers(ctx context.Context, stop <-chan struct{}) <-chan call {
	calls := make(chan call)
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			for !isClosed(stop) {
				_, resp, err := r.user.GetAccessToken(ctx, r.id)
				if err != nil {
					calls <- call{err: err}
					return
				}
				calls <- call{attempts: resp.Attempts}
			}
		})
	}
	go func() {
		running.Wait()
		close(calls)
	}()
	return calls
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// tally is what all calls came to.
type tally struct {
	calls   int
	retried int
	failure error // the first
}

func (t *tally) add(c call) {
	if c.err != nil {
		if t.failure == nil {
			t.failure = fmt.Errorf("call %d: %w", t.calls+1, c.err)
		}
		return
	}
	t.calls++
	if c.attempts > 1 {
		t.retried++
	}
}

// collect adds calls until there are so many successful ones, one has failed, or the callers have ended.
func (t *tally) collect(calls <-chan call, enough int) {
	for t.failure == nil && t.calls < enough {
		c, more := <-calls
		if !more {
			return
		}
		t.add(c)
	}
}

// collectUntil adds calls until the rotation is over, and returns its error.
func (t *tally) collectUntil(calls <-chan call, over <-chan error) error {
	for {
		select {
		case c, more := <-calls:
			if !more {
				return <-over
			}
			t.add(c)
		case err := <-over:
			return err
		}
	}
}
