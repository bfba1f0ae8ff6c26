package exchange

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// leaving is a call that leaves its node.
var leaving = Request{Operation: "Leave", Method: http.MethodPost, Path: "/cut"}

// scene is a cluster of three nodes, whose attempts end in the ways of a script.
type scene struct {
	way       func(attempt int) *way // nil: the node is healthy
	meanwhile func()                 // happens once, while the first attempt is under way
	client    *Client
	cancel    context.CancelFunc // of the call

	mu       sync.Mutex
	running  bool // the script
	attempts int  // that have ended
	asked    int  // for a credential
	answered int  // requests that nodes got
	acted    int  // of these, those that took effect
	events   []Event
	history  []string // the nodes asked, and ~ for a wait
}

// now returns how the attempt ends that is under way.
func (s *scene) now() way {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running {
		if w := s.way(s.attempts); w != nil {
			return *w
		}
	}
	return way{}
}

func newScene(t *testing.T, scheme string, nodes int, script func(attempt int) *way) *scene {
	t.Helper()
	s := &scene{way: script, cancel: func() {}, meanwhile: func() {}}
	var nodeTLS *tls.Config
	if scheme == "https" {
		nodeTLS = serverTLS
	}
	var dialers []dialer
	for range 3 {
		healthy := onPipes(t, nodeTLS, s.answer)
		dialers = append(dialers, func(ctx context.Context) (net.Conn, error) {
			if w := s.now(); w.dial != nil {
				return w.dial(ctx)
			}
			return healthy(ctx)
		})
	}
	s.client = inMemory(t, func(cfg *Config) {
		cfg.Nodes = []string{scheme + "://node1", scheme + "://node2", scheme + "://node3"}[:nodes]
		cfg.TLS = trust.Clone()
		cfg.TLS.Time = func() time.Time {
			if s.now().expired {
				return time.Now().AddDate(100, 0, 0)
			}
			return time.Now()
		}
		cfg.Timeout, cfg.InitialInterval = 2*time.Second, time.Second
		cfg.Credential, cfg.Observe, cfg.WrapTransport = s.credential, s.observe, s.wrap
	}, append(dialers, onPipes(t, nil, ok))...) // the last one is a bystander
	s.client.tracker.reached.Store(true)
	return s
}

func (s *scene) credential(ctx context.Context, _ string) (Credential, error) {
	if w := s.now(); w.credential != nil {
		s.mu.Lock()
		s.asked++
		call := s.asked - 1
		s.mu.Unlock()
		return w.credential(ctx, call)
	}
	return Credential{}, nil
}

func (s *scene) wrap(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if w := s.now(); w.wrap != nil {
			return w.wrap(r)
		}
		return next.RoundTrip(r)
	})
}

func (s *scene) answer(w http.ResponseWriter, r *http.Request) {
	now := s.now()
	switch {
	case r.URL.Path == leaving.Path:
		raw("")(w, r)
		return
	case now.answer == nil:
		ok(w, r)
		return
	}
	s.mu.Lock()
	s.answered++
	if now.acts {
		s.acted++
	}
	meanwhile := s.meanwhile
	s.meanwhile = func() {}
	s.mu.Unlock()
	meanwhile()
	if now.cancels {
		s.cancel()
	}
	now.answer(w, r)
}

func (s *scene) observe(_ context.Context, event Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if event.Operation == leaving.Operation || !s.running {
		return
	}
	s.events = append(s.events, event)
	if s.attempts++; s.attempts == 10 {
		s.cancel() // the call does not end
	}
	if s.history = append(s.history, number(event.Node)); event.Wait > 0 {
		s.history = append(s.history, "~")
	}
}

// call makes a call under the script.
func (s *scene) call(ctx context.Context, req Request) Outcome {
	ctx, s.cancel = context.WithCancel(ctx)
	defer s.cancel()
	s.running = true
	out := do(ctx, s.client, req)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
	return out
}
