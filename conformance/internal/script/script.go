// Package script calls every operation of the SDK with every parameter set, unset and at its extremes, for whatever
// listens to judge the requests and their answers.
package script

import (
	"context"
	"errors"
	"fmt"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// Run makes the calls with api, with integers up to the extremes, against a server that has no token of the names in Creations
// and none with the id extremes.Most. It returns an error for each call that failed other than by the refusal that its
// arguments may meet. All tokens that it makes are deleted again.
func Run(ctx context.Context, api *xmsclient.AccessTokensApiService, extremes Range) error {
	r := &run{ctx: ctx, api: api}
	for _, opts := range Lists(extremes) {
		r.list(opts)
	}
	for _, body := range Creations() {
		r.life(body)
	}
	r.unknown(extremes.Most)
	return errors.Join(r.failures...)
}

type run struct {
	ctx      context.Context
	api      *xmsclient.AccessTokensApiService
	failures []error
}

// check notes err as the failure of a call, unless it is one of the refusals.
func (r *run) check(err error, call string, refusals ...error) {
	for _, refusal := range refusals {
		if errors.Is(err, refusal) {
			return
		}
	}
	if err != nil {
		r.failures = append(r.failures, fmt.Errorf("%s: %w", call, err))
	}
}

func (r *run) list(opts *xmsclient.ListAccessTokensOpts) {
	_, _, err := r.api.ListAccessTokens(r.ctx, opts)
	r.check(err, "listing", xmsclient.ErrBadRequest)
}

// life takes a token from its creation to its end.
func (r *run) life(body xmsclient.AccessTokenCreateReq) {
	created, _, err := r.api.CreateAccessToken(r.ctx, body)
	if err != nil {
		r.check(err, "creating")
		return
	}
	id := created.AccessToken.ID
	_, _, err = r.api.CreateAccessToken(r.ctx, body)
	r.check(err, "creating once more what was created", xmsclient.ErrConflict)
	r.list(nil)
	_, _, err = r.api.GetAccessToken(r.ctx, id)
	r.check(err, "getting what was created")
	for _, name := range Texts() {
		_, _, err = r.api.UpdateAccessToken(r.ctx, id, Renaming(name))
		r.check(err, "renaming what was created")
	}
	_, _, err = r.api.ValidateAccessToken(r.ctx, created.AccessToken.UUID)
	r.check(err, "validating what was created")
	renewed, _, err := r.api.RegenerateAccessToken(r.ctx, id)
	r.check(err, "regenerating what was created")
	if err == nil {
		_, _, err = r.api.ValidateAccessToken(r.ctx, renewed.AccessToken.UUID)
		r.check(err, "validating what was regenerated")
	}
	_, err = r.api.DeleteAccessToken(r.ctx, id)
	r.check(err, "deleting what was created")
}

// unknown makes the calls about tokens that do not exist.
func (r *run) unknown(unknownID int64) {
	_, _, err := r.api.GetAccessToken(r.ctx, unknownID)
	r.check(err, "getting an unknown token", xmsclient.ErrNotFound)
	_, _, err = r.api.UpdateAccessToken(r.ctx, unknownID, Renaming("anything"))
	r.check(err, "renaming an unknown token", xmsclient.ErrNotFound)
	_, _, err = r.api.RegenerateAccessToken(r.ctx, unknownID)
	r.check(err, "regenerating an unknown token", xmsclient.ErrNotFound)
	_, err = r.api.DeleteAccessToken(r.ctx, unknownID)
	r.check(err, "deleting an unknown token", xmsclient.ErrNotFound)
	for _, uuid := range Texts() {
		_, _, err = r.api.ValidateAccessToken(r.ctx, uuid)
		r.check(err, "validating what is no token", xmsclient.ErrBadRequest)
	}
}
