package xmstest

import "sync"

// gate counts the handlers that are running and, once shut, lets none in.
type gate struct {
	mu     sync.Mutex
	shut   bool
	inside sync.WaitGroup
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.inside.Add(1)
	return true
}

func (g *gate) leave() {
	g.inside.Done()
}

// shutAndWait returns when the last handler has left.
func (g *gate) shutAndWait() {
	g.mu.Lock()
	g.shut = true
	g.mu.Unlock()
	g.inside.Wait()
}
