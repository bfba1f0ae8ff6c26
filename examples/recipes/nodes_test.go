package recipes

import (
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestTwoNodes_OneGoesDown(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	defer xms.Close()
	first := httptest.NewServer(xms.Handler()) // another listener of the same cluster
	defer first.Close()
	cfg := xms.Configuration()
	cfg.BaseURL, cfg.FailoverURLs = first.URL+"/v1", []string{xms.BaseURL()}
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	xms.Seed(1)

	_, response, err := client.AccessTokensApi.GetAccessToken(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, first.URL+"/v1", response.Server)

	first.Close()
	_, response, err = client.AccessTokensApi.GetAccessToken(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, xms.BaseURL(), response.Server)
	assert.Equal(t, 2, response.Attempts)
}
