package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// judged starts an xmstest and returns it with a client that tries once and whose traffic j sees,
// if there is one.
func judged(t *testing.T, j *judge, change func(*xmsclient.Configuration)) (*xmstest.Server, *service) {
	t.Helper()
	server := xmstest.NewServer()
	t.Cleanup(server.Close)
	cfg := server.Configuration()
	cfg.Retry.MaxAttempts = 1
	if j != nil {
		cfg.HTTPClient = &http.Client{Transport: j}
	}
	if change != nil {
		change(cfg)
	}
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	return server, client.AccessTokensApi
}

// TestTraffic_FollowsTheDocuments holds what the client sends and what xmstest answers against both
// documents.
func TestTraffic_FollowsTheDocuments(t *testing.T) {
	t.Parallel()
	for _, document := range []struct {
		file      string
		tolerated []int // by the vendor's: a call without a credential, and a list whose parameters make no sense
	}{
		{contractPath, nil},
		{vendorPath, []int{http.StatusUnauthorized, http.StatusBadRequest}},
	} {
		for name, change := range map[string]func(*xmsclient.Configuration){
			"header": nil,
			"prefix": func(cfg *xmsclient.Configuration) { cfg.TokenInHeader.Prefix = "Bearer" },
			"query": func(cfg *xmsclient.Configuration) {
				cfg.TokenInQuery, cfg.TokenInHeader = cfg.TokenInHeader, xmsclient.APIKey{}
			},
		} {
			t.Run(document.file+" "+name, func(t *testing.T) {
				t.Parallel()
				j := newJudge(t, requireAll(readDocument(t, document.file)), document.tolerated...)
				_, api := judged(t, j, change)
				require.NoError(t, useEverything(t.Context(), api, math.MaxInt64))
				called := map[string]bool{}
				for _, request := range j.requests {
					called[request.operation] = true
				}
				for method := range operations() {
					assert.True(t, called[method.Name], "%s was not called", method.Name)
				}
			})
		}
		t.Run(document.file+" wrong token", func(t *testing.T) {
			t.Parallel()
			j := newJudge(t, readDocument(t, document.file), document.tolerated...)
			_, api := judged(t, j, func(cfg *xmsclient.Configuration) { cfg.TokenInHeader.Key = "wrong" })
			for method := range operations() {
				require.ErrorIs(t, invoke(t.Context(), api, method, arguments(method)), xmsclient.ErrUnauthorized, method.Name)
			}
		})
	}
}

// requireAll makes a member that xmstest does not send a violation.
func requireAll(doc *openapi3.T) *openapi3.T {
	for _, name := range models(doc) {
		schema := doc.Components.Schemas[name].Value
		if !strings.Contains(name, "Req") {
			schema.Required = slices.Sorted(maps.Keys(schema.Properties))
			schema.Required = slices.DeleteFunc(schema.Required, func(name string) bool {
				return name == "skip_guide" // only 6.x sends it
			})
		}
	}
	return doc
}

// useEverything takes tokens with hostile names through their life, and makes every operation fail
// as well. No integer is larger than most. It returns an error for each call that did not end as it
// should.
func useEverything(ctx context.Context, api *service, most int64) error {
	var problems []error
	expect := func(call string, err, want error) {
		if !errors.Is(err, want) {
			problems = append(problems, fmt.Errorf("%s: want %s, got %s", call, fmt.Sprint(want), fmt.Sprint(err)))
		}
	}
	for _, name := range []string{
		"a", `/../?a=b&c=d#e;f+g%20h:i@j,"k"\l'm<n>{o}[p]|q^`, "存储 🔑 \u202e \u00a0", "tab\tnewline\nzero\x00",
		strings.Repeat("long ", 400),
	} {
		body := xmsclient.AccessTokenCreateReq{AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{
			Name: name, Description: name, Roles: []string{"admin", name},
		}}
		created, _, err := api.CreateAccessToken(ctx, body)
		if err != nil {
			return err
		}
		_, _, err = api.CreateAccessToken(ctx, body)
		expect("create once more", err, xmsclient.ErrConflict)
		id := created.AccessToken.ID
		_, _, err = api.GetAccessToken(ctx, id)
		expect("get", err, nil)
		_, _, err = api.UpdateAccessToken(ctx, id, renaming(name+" renamed"))
		expect("update", err, nil)
		renewed, _, err := api.RegenerateAccessToken(ctx, id)
		if err != nil {
			return err
		}
		_, _, err = api.ValidateAccessToken(ctx, renewed.AccessToken.UUID)
		expect("validate", err, nil)
		_, _, err = api.ValidateAccessToken(ctx, strings.TrimSpace(name))
		expect("validate another text", err, xmsclient.ErrBadRequest)
		list, _, err := api.ListAccessTokens(ctx, &xmsclient.ListAccessTokensOpts{
			Limit: xmsclient.Ptr[int64](-1), Offset: xmsclient.Ptr[int64](0), UserID: xmsclient.Ptr(created.AccessToken.User.ID),
			Role: &name, All: xmsclient.Ptr(true),
		})
		expect("list", err, nil)
		if err == nil && len(list.AccessTokens) != 1 {
			problems = append(problems, fmt.Errorf("list: %d tokens, want 1", len(list.AccessTokens)))
		}
		_, err = api.DeleteAccessToken(ctx, id)
		expect("delete", err, nil)
	}
	_, _, err := api.ListAccessTokens(ctx, nil)
	expect("list without options", err, nil)
	_, _, err = api.ListAccessTokens(ctx, &xmsclient.ListAccessTokensOpts{Limit: xmsclient.Ptr(-most)})
	expect("list with a limit that makes no sense", err, xmsclient.ErrBadRequest)
	_, _, err = api.GetAccessToken(ctx, most)
	expect("get nothing", err, xmsclient.ErrNotFound)
	_, _, err = api.UpdateAccessToken(ctx, most, renaming("anything"))
	expect("update nothing", err, xmsclient.ErrNotFound)
	_, _, err = api.RegenerateAccessToken(ctx, most)
	expect("regenerate nothing", err, xmsclient.ErrNotFound)
	_, err = api.DeleteAccessToken(ctx, most)
	expect("delete nothing", err, xmsclient.ErrNotFound)
	return errors.Join(problems...)
}

func renaming(name string) xmsclient.AccessTokenUpdateReq {
	return xmsclient.AccessTokenUpdateReq{AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: name}}
}

// TestVendorDocument_IsCovered looks for the vendor's operations, parameters, statuses and models
// in our document.
func TestVendorDocument_IsCovered(t *testing.T) {
	t.Parallel()
	vendor, ours := readDocument(t, vendorPath), readDocument(t, contractPath)
	for name, theirs := range documented(vendor) {
		own := documented(ours)[name]
		require.NotNil(t, own.Operation, name)
		assert.Equal(t, theirs.method+" "+theirs.path, own.method+" "+own.path, name)
		assert.ElementsMatch(t, documentedSignature(theirs), documentedSignature(own), name)
		assert.Subset(t, own.Responses.Keys(), theirs.Responses.Keys(), name)
	}
	for _, name := range models(vendor) {
		own := ours.Components.Schemas[name]
		if assert.NotNil(t, own, name) {
			assert.Subset(t, properties(own.Value), properties(vendor.Components.Schemas[name].Value), name)
		}
	}
	assert.Equal(t, securityOf(vendor), securityOf(ours))
}

func securityOf(doc *openapi3.T) map[string]string {
	schemes := map[string]string{}
	for name, scheme := range doc.Components.SecuritySchemes {
		schemes[name] = scheme.Value.In + " " + scheme.Value.Name
	}
	return schemes
}
