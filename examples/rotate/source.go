package main

import "context"

// rotatingSource is a TokenSource whose token can be replaced while calls are made with it.
//
// The server lets the old token die before the new one arrives here. A call that is refused in between asks Token again, and
// would give up if that gave it the same token as before. So Token waits until a rotation is over: the call is then tried once
// more with the new token, and no call begins with one that is about to die.
//
// Leave more time between two rotations than a call takes: a call outlives one of them.
type rotatingSource struct {
	token chan string // holds the token; empty while a rotation is under way
}

func newRotatingSource(token string) *rotatingSource {
	s := &rotatingSource{token: make(chan string, 1)}
	s.token <- token
	return s
}

// Token returns the token, once no rotation is under way.
func (s *rotatingSource) Token(ctx context.Context) (string, error) {
	select {
	case token := <-s.token:
		s.token <- token
		return token, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// rotate replaces the token with what regenerate makes of the old one, or keeps that if there is an error. regenerate must not ask
// this source, which waits for it: it uses another credential, or the old token with ContextWithAPIKey.
func (s *rotatingSource) rotate(ctx context.Context, regenerate func(ctx context.Context, old string) (string, error)) error {
	select {
	case token := <-s.token:
		defer func() { s.token <- token }()
		replacement, err := regenerate(ctx, token)
		if err == nil {
			token = replacement
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
