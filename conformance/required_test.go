package conformance

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// requiredAnswersAreRequired compares what the document requires of an answer with what the SDK does not do without.
func requiredAnswersAreRequired(t *testing.T, doc document) {
	t.Helper()
	server, api := serve(t)
	for _, op := range doc.operations() {
		_, answer := op.success()
		if answer == "" {
			continue
		}
		required := doc.Components.Schemas[answer].Value.Required
		server.Inject(xmstest.Fault{StatusCode: 200, Body: "{}"})
		var unusable *xmsclient.DecodeError
		err := call(t, api, op.OperationID)
		assert.Equal(t, len(required) > 0, errors.As(err, &unusable),
			"%s: of the answer, %s requires %q; when nothing is there, the SDK returns the error %v", op.OperationID, documentName, required, err)
	}
}

// refusedWhenNil are members that the document lets a request leave out and that the SDK always sends, each with a call that
// leaves it out.
func refusedWhenNil() map[string]func(context.Context, *xmsclient.AccessTokensApiService) error {
	return map[string]func(context.Context, *xmsclient.AccessTokensApiService) error{
		"AccessTokenCreateReq.access_token": func(ctx context.Context, api *xmsclient.AccessTokensApiService) error {
			_, _, err := api.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{})
			return err
		},
		"AccessTokenUpdateReq.access_token": func(ctx context.Context, api *xmsclient.AccessTokensApiService) error {
			_, _, err := api.UpdateAccessToken(ctx, 1, xmsclient.AccessTokenUpdateReq{})
			return err
		},
	}
}

func refusedWhenNilIsRefused(t *testing.T) {
	t.Helper()
	_, api := serve(t)
	for name, call := range refusedWhenNil() {
		var refused *xmsclient.ArgumentError
		assert.ErrorAs(t, call(t.Context(), api), &refused, "%s: %s lets it be left out, the SDK always sends it, and does not refuse nil", name, documentName)
	}
}

// serve starts an xmstest and returns it with a client that tries once.
func serve(t *testing.T) (*xmstest.Server, *xmsclient.AccessTokensApiService) {
	t.Helper()
	server := xmstest.NewServer()
	t.Cleanup(server.Close)
	cfg := server.Configuration()
	cfg.Retry.MaxAttempts = 1
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	return server, client.AccessTokensApi
}
