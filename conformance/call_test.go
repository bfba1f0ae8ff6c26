package conformance

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/conformance/internal/script"
)

// calls has a call of each operation, with arguments that nothing is wrong with.
func calls() map[string]func(context.Context, *xmsclient.AccessTokensApiService) error {
	const id = 1
	return map[string]func(context.Context, *xmsclient.AccessTokensApiService) error{
		"CreateAccessToken": func(ctx context.Context, api *xmsclient.AccessTokensApiService) error {
			_, _, err := api.CreateAccessToken(ctx, script.Creations()[0])
			return err
		},
		"DeleteAccessToken": func(ctx context.Context, api *xmsclient.AccessTokensApiService) error {
			_, err := api.DeleteAccessToken(ctx, id)
			return err
		},
		"GetAccessToken": func(ctx context.Context, api *xmsclient.AccessTokensApiService) error {
			_, _, err := api.GetAccessToken(ctx, id)
			return err
		},
		"ListAccessTokens": func(ctx context.Context, api *xmsclient.AccessTokensApiService) error {
			_, _, err := api.ListAccessTokens(ctx, nil)
			return err
		},
		"RegenerateAccessToken": func(ctx context.Context, api *xmsclient.AccessTokensApiService) error {
			_, _, err := api.RegenerateAccessToken(ctx, id)
			return err
		},
		"UpdateAccessToken": func(ctx context.Context, api *xmsclient.AccessTokensApiService) error {
			_, _, err := api.UpdateAccessToken(ctx, id, script.Renaming("renamed"))
			return err
		},
		"ValidateAccessToken": func(ctx context.Context, api *xmsclient.AccessTokensApiService) error {
			_, _, err := api.ValidateAccessToken(ctx, subjectKey)
			return err
		},
	}
}

// subjectKey is what is validated.
const subjectKey = "cccccccc-subject-token"

// call makes a call of an operation of the document.
func call(t *testing.T, api *xmsclient.AccessTokensApiService, operationID string) error {
	t.Helper()
	call := calls()[operationID]
	require.NotNil(t, call, "%s and the SDK have the operation %s, but no test calls it: conformance/call_test.go lacks it", documentName, operationID)
	return call(t.Context(), api)
}
