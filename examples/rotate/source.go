package main

import "context"

// rotatingSource is a TokenSource whose token can be replaced while calls are made with it.
//
// XMS gives a token its new uuid and stops the old one before the new one arrives here. A call that
// gets 401 in between asks Token again. So Token waits until the rotation is over. The call then
// makes one more attempt, with the new token.
//
// A call survives one rotation. Leave more time between two than a call takes.
type rotatingSource struct {
	token chan string // holds the token; empty while a rotation is under way
}

func newRotatingSource(token string) *rotatingSource {
	s := &rotatingSource{token: make(chan string, 1)}
	s.token <- token
	return s
}

// Token returns the token as soon as no rotation is under way.
func (s *rotatingSource) Token(ctx context.Context) (string, error) {
	select {
	case token := <-s.token:
		s.token <- token
		return token, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// rotate replaces the token with what regenerate returns. If that is an error, the token stays.
// regenerate must not ask this source, which waits for it: let it use another credential.
func (s *rotatingSource) rotate(ctx context.Context, regenerate func(context.Context) (string, error)) error {
	select {
	case token := <-s.token:
		defer func() { s.token <- token }()
		replacement, err := regenerate(ctx)
		if err == nil {
			token = replacement
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
