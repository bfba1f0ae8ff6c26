package conformance

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/conformance/internal/script"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// trafficAgrees holds what the SDK sends and what xmstest answers, failures included, against the document.
func trafficAgrees(t *testing.T) {
	doc := readDocument(t)
	i := newInspector(t, doc.below("/v1"))
	defer func() { i.report(t) }() // what it has seen explains other failures
	sendParameters(t, i)
	provokeFailures(t, i, doc)
	injectFailures(t, i, doc)
	if err := runScript(t, i); err != nil && len(i.violations) == 0 {
		t.Errorf("the SDK and xmstest do not get along: %v", err)
	}
	agree(t, side{documentName, membersOfAnswers(doc)}, side{"the answers of xmstest", i.members})
	if t.Failed() || len(i.violations) > 0 {
		return
	}
	for _, op := range doc.operations() {
		for _, status := range op.statuses() {
			if _, seen := i.answered[op.OperationID][status]; !seen {
				t.Errorf("%s: the run never got the status %d that %s has", op.OperationID, status, documentName)
			}
		}
	}
}

// inspected starts an xmstest and returns it with a client whose traffic i sees and which tries once. change may be nil.
func inspected(t *testing.T, i *inspector, change func(*xmsclient.Configuration)) (*xmstest.Server, *xmsclient.AccessTokensApiService) {
	t.Helper()
	server := xmstest.NewServer()
	t.Cleanup(server.Close)
	cfg := server.Configuration()
	cfg.HTTPClient = &http.Client{Transport: i}
	cfg.Retry.MaxAttempts = 1
	if change != nil {
		change(cfg)
	}
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	return server, client.AccessTokensApi
}

// runScript makes every call, with the credential in every place where it may be.
func runScript(t *testing.T, i *inspector) error {
	t.Helper()
	var failures []error
	for name, change := range map[string]func(*xmsclient.Configuration){
		"header": nil,
		"header, with a prefix": func(cfg *xmsclient.Configuration) {
			cfg.TokenInHeader.Prefix = "Bearer"
		},
		"query": func(cfg *xmsclient.Configuration) {
			cfg.TokenInQuery, cfg.TokenInHeader = cfg.TokenInHeader, xmsclient.APIKey{}
		},
		"query, with a prefix": func(cfg *xmsclient.Configuration) {
			cfg.TokenInQuery = xmsclient.APIKey{Key: cfg.TokenInHeader.Key, Prefix: "Bearer"}
			cfg.TokenInHeader = xmsclient.APIKey{}
		},
		"header and query": func(cfg *xmsclient.Configuration) {
			cfg.TokenInQuery = cfg.TokenInHeader
		},
	} {
		_, api := inspected(t, i, change)
		if err := script.Run(t.Context(), api, script.Int64()); err != nil {
			failures = append(failures, fmt.Errorf("with the credential in %s: %w", name, err))
		}
	}
	return errors.Join(failures...)
}

// sendParameters compares what ListAccessTokens puts into the query with what it is given.
func sendParameters(t *testing.T, i *inspector) {
	t.Helper()
	server, api := inspected(t, i, nil)
	for n, opts := range script.Lists(script.Int64()) {
		_, _, err := api.ListAccessTokens(t.Context(), opts)
		if err != nil {
			require.ErrorIs(t, err, xmsclient.ErrBadRequest)
		}
		requests := server.Requests()
		require.Len(t, requests, n+1)
		sent, err := url.ParseQuery(requests[n].RawQuery)
		require.NoError(t, err)
		assert.Equal(t, given(opts), sent, "ListAccessTokens: the SDK sends other parameters than its options say")
	}
}

// given returns the query that opts stand for.
func given(opts *xmsclient.ListAccessTokensOpts) url.Values {
	query := url.Values{}
	if opts == nil {
		return query
	}
	fields := reflect.ValueOf(*opts)
	for n := range fields.NumField() {
		if field := fields.Field(n); !field.IsNil() {
			query.Set(snakeCase(fields.Type().Field(n).Name), fmt.Sprint(field.Elem().Interface()))
		}
	}
	return query
}
