package recipes

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// API is what this program uses of the SDK.
type API interface {
	DeleteAccessToken(ctx context.Context, accessTokenID int64) (*xmsclient.Response, error)
}

var _ API = (*xmsclient.AccessTokensApiService)(nil)

// fakeAPI answers every call with err.
type fakeAPI struct{ err error }

func (f fakeAPI) DeleteAccessToken(context.Context, int64) (*xmsclient.Response, error) {
	return nil, f.err
}

// revoke is the code under test. It returns what to tell the user.
func revoke(ctx context.Context, api API, id int64) string {
	_, err := api.DeleteAccessToken(ctx, id)
	var wrong *xmsclient.ArgumentError
	switch {
	case err == nil, errors.Is(err, xmsclient.ErrNotFound):
		return "revoked"
	case errors.Is(err, xmsclient.ErrOutcomeUnknown):
		return "perhaps revoked, try again"
	case errors.Is(err, xmsclient.ErrForbidden):
		return "not allowed"
	case errors.As(err, &wrong):
		return "wrong " + wrong.Argument
	}
	return "failed, try again"
}

func TestRevoke_SaysWhatHappened(t *testing.T) {
	t.Parallel()
	timeout := &xmsclient.RequestError{Operation: "DeleteAccessToken", Err: context.DeadlineExceeded}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, "revoked"},
		{&xmsclient.ApiError{StatusCode: http.StatusNotFound}, "revoked"},
		{&xmsclient.ApiError{StatusCode: http.StatusForbidden}, "not allowed"},
		{&xmsclient.ApiError{StatusCode: http.StatusConflict}, "failed, try again"},
		{&xmsclient.DecodeError{StatusCode: http.StatusOK, Body: []byte("<html>")}, "failed, try again"},
		{&xmsclient.ArgumentError{Argument: "accessTokenID"}, "wrong accessTokenID"},
		{timeout, "failed, try again"},
		{errors.Join(timeout, xmsclient.ErrOutcomeUnknown), "perhaps revoked, try again"},
	} {
		assert.Equal(t, test.want, revoke(t.Context(), fakeAPI{test.err}, 7))
	}
}

func TestGetAccessToken_Forbidden(t *testing.T) {
	t.Parallel()
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder(http.MethodGet, "http://xms.example/v1/access-tokens/7",
		httpmock.NewStringResponder(http.StatusForbidden, `{"message": "role admin is required"}`))
	client, err := xmsclient.NewAPIClient(&xmsclient.Configuration{
		BaseURL:    "http://xms.example/v1",
		HTTPClient: &http.Client{Transport: transport},
		Retry:      xmsclient.RetryPolicy{MaxAttempts: 1}, // a mocked 503 is not sent again
	})
	require.NoError(t, err)

	_, _, err = client.AccessTokensApi.GetAccessToken(t.Context(), 7)
	require.ErrorIs(t, err, xmsclient.ErrForbidden)
	require.ErrorContains(t, err, "role admin is required")
}

// TestGetAccessToken_ActivatedMock is not parallel: httpmock.Activate replaces
// http.DefaultTransport.
func TestGetAccessToken_ActivatedMock(t *testing.T) {
	client, err := xmsclient.NewAPIClient(&xmsclient.Configuration{
		BaseURL: "http://xms.example/v1", HTTPClient: &http.Client{},
	})
	require.NoError(t, err)
	httpmock.Activate()
	defer httpmock.DeactivateAndReset()
	httpmock.RegisterResponder(http.MethodDelete, "http://xms.example/v1/access-tokens/7",
		httpmock.NewStringResponder(http.StatusNoContent, ""))

	_, err = client.AccessTokensApi.DeleteAccessToken(t.Context(), 7)
	require.NoError(t, err)
}
