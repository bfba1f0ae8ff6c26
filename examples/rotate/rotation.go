package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

const (
	callers       = 4
	callsEachSide = 40 // calls before the rotation begins, and again after it has ended
)

// rotation is one token that is used and rotated.
type rotation struct {
	out    io.Writer
	admin  *xmsclient.AccessTokensApiService // makes, rotates and deletes the token, with a credential of its own
	user   *xmsclient.AccessTokensApiService // authenticates with the token
	source *rotatingSource
	id     int64
	name   string
	old    string // uuid that the token was made with
}

// newRotation makes the token and a client that uses it.
func newRotation(ctx context.Context, cfg *xmsclient.Configuration, out io.Writer) (*rotation, error) {
	admin, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		return nil, err
	}
	r := &rotation{out: out, admin: admin.AccessTokensApi, name: fmt.Sprintf("rotate-%d", time.Now().UnixNano())}
	if err := r.create(ctx); err != nil {
		return nil, err
	}
	r.source = newRotatingSource(r.old)
	userConfiguration := *cfg
	userConfiguration.TokenInHeader, userConfiguration.TokenSource = xmsclient.APIKey{}, r.source
	user, err := xmsclient.NewAPIClient(&userConfiguration)
	if err != nil {
		return nil, errors.Join(err, r.cleanUp(ctx))
	}
	r.user = user.AccessTokensApi
	return r, nil
}

// create goes on when ctx ends, or a token could be left behind that nobody knows.
func (r *rotation) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	created, _, err := r.admin.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{
			Name: r.name, Description: "made by examples/rotate", Roles: []string{"admin"},
		},
	})
	if errors.Is(err, xmsclient.ErrOutcomeUnknown) {
		return fmt.Errorf("a token named %s may be left behind: %w", r.name, err)
	}
	if err != nil {
		return err
	}
	r.id, r.old = created.AccessToken.ID, created.AccessToken.UUID
	fmt.Fprintf(r.out, "ok  token %d made, uuid %s\n", r.id, abridged(r.old))
	return nil
}

// cleanUp deletes the token, also if ctx has ended.
func (r *rotation) cleanUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := r.admin.DeleteAccessToken(ctx, r.id); err != nil {
		return fmt.Errorf("token %d (%s) is left behind: %w", r.id, r.name, err)
	}
	fmt.Fprintf(r.out, "ok  token %d deleted\n", r.id)
	return nil
}

func (r *rotation) run(ctx context.Context) error {
	if err := r.rotateUnderCalls(ctx); err != nil {
		return err
	}
	return r.verify(ctx)
}

// rotateUnderCalls rotates the token while callers use it. A call that fails ends it.
func (r *rotation) rotateUnderCalls(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	calls := make(chan int)        // the attempts of each call
	enough := make(chan struct{})  // closed when the callers shall end
	rotated := make(chan error, 1) // how the rotation has ended
	var callersRunning sync.WaitGroup
	for range callers {
		callersRunning.Go(func() { r.use(ctx, stop, calls, enough) })
	}
	go func() {
		callersRunning.Wait()
		close(calls)
	}()

	made, last, retried := 0, -1, 0
	for {
		select {
		case attempts, more := <-calls:
			if !more {
				return r.report(ctx, made, retried)
			}
			made++
			if attempts > 1 {
				retried++
			}
			if made == callsEachSide {
				go r.rotate(ctx, rotated)
			}
			if made == last {
				close(enough)
			}
		case err := <-rotated:
			if err != nil {
				stop(fmt.Errorf("rotation: %w", err))
			}
			last = made + callsEachSide
		}
	}
}

func (r *rotation) rotate(ctx context.Context, rotated chan<- error) {
	rotated <- r.source.rotate(ctx, r.regenerate)
}

// report says how the calls went. If one of them failed, ctx has ended for that reason.
func (r *rotation) report(ctx context.Context, made, retried int) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	fmt.Fprintf(r.out, "ok  %d callers made %d calls meanwhile: none failed, %d took a second attempt\n",
		callers, made, retried)
	return nil
}

// use makes one call after the other until it is enough or ctx ends. A call that fails ends ctx.
func (r *rotation) use(
	ctx context.Context, stop context.CancelCauseFunc, calls chan<- int, enough <-chan struct{},
) {
	for ctx.Err() == nil {
		_, resp, err := r.user.GetAccessToken(ctx, r.id)
		if err != nil {
			stop(fmt.Errorf("a call: %w", err))
			return
		}
		calls <- resp.Attempts
		select {
		case <-enough:
			return
		default:
		}
	}
}

func (r *rotation) regenerate(ctx context.Context) (string, error) {
	regenerated, _, err := r.admin.RegenerateAccessToken(ctx, r.id)
	if errors.Is(err, xmsclient.ErrOutcomeUnknown) { // the old uuid may no longer work, and the new one is lost
		regenerated, _, err = r.admin.RegenerateAccessToken(ctx, r.id)
	}
	if err != nil {
		return "", err
	}
	fmt.Fprintf(r.out, "ok  token %d regenerated, uuid %s\n", r.id, abridged(regenerated.AccessToken.UUID))
	return regenerated.AccessToken.UUID, nil
}

// verify checks that the new uuid works and the old one does not.
func (r *rotation) verify(ctx context.Context) error {
	uuid, err := r.source.Token(ctx)
	if err != nil {
		return err
	}
	valid, _, err := r.admin.ValidateAccessToken(ctx, uuid)
	if err != nil {
		return fmt.Errorf("the new uuid: %w", err)
	}
	if valid.AccessToken.ID != r.id {
		return errors.New("the new uuid belongs to another token")
	}
	_, _, err = r.user.GetAccessToken(xmsclient.ContextWithAPIKey(ctx, xmsclient.APIKey{Key: r.old}), r.id)
	if !errors.Is(err, xmsclient.ErrUnauthorized) {
		return fmt.Errorf("a call with the old uuid should be refused with 401; got %v", err) //nolint:errorlint // may be nil
	}
	fmt.Fprintln(r.out, "ok  the new uuid is valid, the old one is refused")
	return nil
}

// abridged shows enough of a uuid to recognise it and too little to use it.
func abridged(uuid string) string { return uuid[:min(4, len(uuid)/4)] + "…" }
