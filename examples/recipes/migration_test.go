package recipes

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func firstTen(ctx context.Context, client *xmsclient.APIClient) ([]xmsclient.AccessToken, error) {
	page, _, err := client.AccessTokensApi.ListAccessTokens(ctx, &xmsclient.ListAccessTokensOpts{
		Limit: xmsclient.Ptr[int64](10),
		All:   xmsclient.Ptr(true),
	})
	if err != nil {
		return nil, err
	}
	return page.AccessTokens, nil
}

func nameOf(ctx context.Context, client *xmsclient.APIClient, id int64) (string, error) {
	got, _, err := client.AccessTokensApi.GetAccessToken(ctx, id)
	var refused *xmsclient.ApiError
	switch {
	case errors.Is(err, xmsclient.ErrNotFound):
		return "", fmt.Errorf("there is no token %d", id)
	case errors.As(err, &refused):
		return "", fmt.Errorf("XMS answers with status %d: %s", refused.StatusCode, refused.Message)
	case err != nil:
		return "", err
	}
	return got.AccessToken.Name, nil
}

func TestFirstTen_ReturnsAPage(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Seed(11)
	tokens, err := firstTen(t.Context(), xms.Client())
	require.NoError(t, err)
	assert.Len(t, tokens, 10)
}

func TestNameOf_TellsFailuresApart(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.AddToken(xmsclient.AccessToken{Name: "backup"})
	name, err := nameOf(t.Context(), xms.Client(), 1)
	require.NoError(t, err)
	assert.Equal(t, "backup", name)
	_, err = nameOf(t.Context(), xms.Client(), 789)
	require.EqualError(t, err, "there is no token 789")
	xms.Inject(xmstest.Fault{StatusCode: http.StatusForbidden, Body: `{"message": "role admin is required"}`})
	_, err = nameOf(t.Context(), xms.Client(), 1)
	require.EqualError(t, err, "XMS answers with status 403: role admin is required")
}
