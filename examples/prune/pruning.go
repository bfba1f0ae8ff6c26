package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// pruning is one pass over the tokens.
type pruning struct {
	api    *xmsclient.AccessTokensApiService
	out    io.Writer
	now    time.Time
	age    time.Duration
	remove bool

	seen, ageless, old, deleted, failed int
}

// run deletes tokens while it ranges over them, which AllAccessTokens allows. A token that cannot
// be deleted does not end the pass.
func (p *pruning) run(ctx context.Context) error {
	for token, err := range p.api.AllAccessTokens(ctx, nil) {
		if err != nil {
			return err
		}
		p.seen++
		if !p.isOld(token) {
			continue
		}
		p.old++
		fmt.Fprintf(p.out, "token %d %q, %d days old\n", token.ID, token.Name, p.now.Sub(token.Create)/day)
		if p.remove {
			p.delete(ctx, token.ID)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	if p.failed > 0 {
		return fmt.Errorf("%d of %d old tokens could not be deleted for sure", p.failed, p.old)
	}
	return nil
}

// isOld reports whether a token was never used and is old. XMS may leave out both facts. Then the
// token is not old, or looks unused.
func (p *pruning) isOld(token xmsclient.AccessToken) bool {
	switch {
	case token.Used:
		return false
	case token.Create.IsZero():
		p.ageless++
		return false
	}
	return p.now.Sub(token.Create) >= p.age
}

func (p *pruning) delete(ctx context.Context, id int64) {
	_, err := p.api.DeleteAccessToken(ctx, id)
	switch {
	case err == nil, errors.Is(err, xmsclient.ErrNotFound): // somebody else may have deleted it
		p.deleted++
	case errors.Is(err, xmsclient.ErrOutcomeUnknown):
		p.failed++
		fmt.Fprintf(p.out, "token %d may be deleted or not; run again to see: %v\n", id, err)
	default:
		p.failed++
		fmt.Fprintf(p.out, "token %d is not deleted: %v\n", id, err)
	}
}

func (p *pruning) summarize() {
	fmt.Fprintf(p.out, "%d tokens: %d old and never used, %d deleted", p.seen, p.old, p.deleted)
	if p.ageless > 0 {
		fmt.Fprintf(p.out, ", %d skipped because their age is not known", p.ageless)
	}
	fmt.Fprintln(p.out)
	if p.old > 0 && !p.remove {
		fmt.Fprintln(p.out, "run again with -delete to delete them")
		fmt.Fprintln(p.out, `do not if your XMS leaves "used" out of its answers: every token then looks unused`)
	}
}
