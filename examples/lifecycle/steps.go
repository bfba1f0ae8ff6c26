package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// lifecycle is one token and how far it has come.
type lifecycle struct {
	api  *xmsclient.AccessTokensApiService
	out  io.Writer
	name string
	id   int64 // 0 before the token exists and after it has been deleted
	uuid string
}

// result is what a step prints.
type result struct {
	resp *xmsclient.Response
	note string
}

func (l *lifecycle) run(ctx context.Context) error {
	l.name = fmt.Sprintf("lifecycle-%d", time.Now().UnixNano())
	for _, step := range []struct {
		operation string
		do        func(context.Context) (result, error)
	}{
		{"create", l.create},
		{"get", l.get},
		{"list", l.list},
		{"validate", l.validate},
		{"update", l.update},
		{"regenerate", l.regenerate},
		{"delete", l.delete},
		{"get", l.getNothing},
	} {
		started := time.Now()
		r, err := step.do(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", step.operation, err)
		}
		took := time.Since(started).Round(10 * time.Microsecond)
		fmt.Fprintf(l.out, "ok  %-10s  HTTP %d  %9v  %s\n", step.operation, r.resp.StatusCode, took, r.note)
	}
	return nil
}

// cleanUp deletes what a failed run has left.
func (l *lifecycle) cleanUp(ctx context.Context) error {
	if l.id == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := l.api.DeleteAccessToken(ctx, l.id); err != nil && !errors.Is(err, xmsclient.ErrNotFound) {
		return fmt.Errorf("token %d (%s) is left behind: %w", l.id, l.name, err)
	}
	return nil
}

// create goes on when ctx ends, or a token could be left behind that nobody knows.
func (l *lifecycle) create(ctx context.Context) (result, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	created, resp, err := l.api.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{
			Name: l.name, Description: "made by examples/lifecycle", Roles: []string{"admin"},
		},
	})
	if errors.Is(err, xmsclient.ErrOutcomeUnknown) {
		return result{}, errors.Join(err, l.find(ctx))
	}
	if err != nil {
		return result{}, err
	}
	l.id, l.uuid = created.AccessToken.ID, created.AccessToken.UUID
	return result{resp, fmt.Sprintf("token %d, uuid %s", l.id, abridged(l.uuid))}, nil
}

// find looks for the token by its name if it may have been made although the call failed.
func (l *lifecycle) find(ctx context.Context) error {
	for token, err := range l.api.AllAccessTokens(ctx, nil) {
		if err != nil {
			return fmt.Errorf("a token named %s may be left behind: %w", l.name, err)
		}
		if token.Name == l.name {
			l.id = token.ID
		}
	}
	return nil
}

func (l *lifecycle) get(ctx context.Context) (result, error) {
	got, resp, err := l.api.GetAccessToken(ctx, l.id)
	if err != nil {
		return result{}, err
	}
	return result{resp, "name " + l.name}, l.expect(got)
}

func (l *lifecycle) list(ctx context.Context) (result, error) {
	page, resp, err := l.api.ListAccessTokens(ctx, nil)
	if err != nil {
		return result{}, err
	}
	isOurs := func(t xmsclient.AccessToken) bool { return t.ID == l.id }
	if slices.ContainsFunc(page.AccessTokens, isOurs) {
		return result{resp, fmt.Sprintf("found among %d", len(page.AccessTokens))}, nil
	}
	for token, err := range l.api.AllAccessTokens(ctx, nil) {
		if err != nil {
			return result{}, err
		}
		if isOurs(token) {
			return result{resp, "found on a further page"}, nil
		}
	}
	return result{}, fmt.Errorf("token %d is not in the list", l.id)
}

func (l *lifecycle) validate(ctx context.Context) (result, error) {
	valid, resp, err := l.api.ValidateAccessToken(ctx, l.uuid)
	if err != nil {
		return result{}, err
	}
	return result{resp, "the uuid is valid"}, l.expect(valid)
}

func (l *lifecycle) update(ctx context.Context) (result, error) {
	l.name += "-renamed"
	updated, resp, err := l.api.UpdateAccessToken(ctx, l.id, xmsclient.AccessTokenUpdateReq{
		AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: l.name},
	})
	if err != nil {
		return result{}, err
	}
	return result{resp, "name " + l.name}, l.expect(updated)
}

// regenerate replaces the uuid, and checks that the new one works and the old one does not.
func (l *lifecycle) regenerate(ctx context.Context) (result, error) {
	old := l.uuid
	regenerated, resp, err := l.api.RegenerateAccessToken(ctx, l.id)
	if err != nil {
		return result{}, err
	}
	l.uuid = regenerated.AccessToken.UUID
	if l.uuid == old {
		return result{}, errors.New("the uuid is not a new one")
	}
	if _, _, err := l.api.ValidateAccessToken(ctx, l.uuid); err != nil {
		return result{}, fmt.Errorf("the new uuid: %w", err)
	}
	_, _, err = l.api.ValidateAccessToken(ctx, old)
	var refusal *xmsclient.ApiError
	if !errors.As(err, &refusal) || refusal.StatusCode >= 500 {
		return result{}, fmt.Errorf("the old uuid should be refused; got %v", err) //nolint:errorlint // may be nil
	}
	note := fmt.Sprintf("uuid %s, the old one no longer validates (HTTP %d)", abridged(l.uuid), refusal.StatusCode)
	return result{resp, note}, nil
}

func (l *lifecycle) delete(ctx context.Context) (result, error) {
	resp, err := l.api.DeleteAccessToken(ctx, l.id)
	return result{resp, "token deleted"}, err
}

func (l *lifecycle) getNothing(ctx context.Context) (result, error) {
	_, resp, err := l.api.GetAccessToken(ctx, l.id)
	if !errors.Is(err, xmsclient.ErrNotFound) {
		return result{}, fmt.Errorf("the deleted token should not be found; got %v", err) //nolint:errorlint // may be nil
	}
	l.id = 0
	return result{resp, "not found, as it should be"}, nil
}

// expect returns an error unless the answer holds the token as it should be now.
func (l *lifecycle) expect(got *xmsclient.AccessTokenResp) error {
	if token := got.AccessToken; token.ID != l.id || token.Name != l.name {
		return fmt.Errorf("expected token %d named %q, got %d named %q", l.id, l.name, token.ID, token.Name)
	}
	return nil
}

// abridged shows enough of a uuid to recognise it and too little to use it.
func abridged(uuid string) string { return uuid[:min(4, len(uuid)/4)] + "…" }
