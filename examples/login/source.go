package main

import (
	"context"
	"errors"
	"sync"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// sessionSource is a TokenSource that logs in when it has no session, when the session has expired,
// and when XMS has refused it. However many callers ask, they share one login. A login that XMS has
// refused is not tried again: make a new source.
type sessionSource struct {
	logIn func(context.Context) (session, error)

	mu   sync.Mutex
	last *login // nil before the first
}

// login is a login that is under way, or how it has ended.
type login struct {
	ended   chan struct{} // closed once session and err are set
	session session
	err     error
}

// Token waits for the login at most until ctx ends. The login goes on for the other callers.
func (s *sessionSource) Token(ctx context.Context) (string, error) {
	l := s.current(xmsclient.RefusedTokenFromContext(ctx))
	select {
	case <-l.ended:
		return l.session.uuid, l.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// current starts a login unless there is one that still counts.
func (s *sessionSource) current(refused string) *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || s.last.isOver(refused) {
		s.last = &login{ended: make(chan struct{})}
		go s.last.run(s.logIn)
	}
	return s.last
}

func (l *login) run(logIn func(context.Context) (session, error)) {
	defer close(l.ended)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	l.session, l.err = logIn(ctx)
}

// isOver reports whether another login is due.
func (l *login) isOver(refused string) bool {
	select {
	case <-l.ended:
	default:
		return false
	}
	if l.err != nil {
		return !errors.Is(l.err, errLoginRefused)
	}
	return l.session.uuid == refused || l.session.expired()
}
