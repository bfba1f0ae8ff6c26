package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestQuickStart_CreatesAndLists(t *testing.T) {
	xms := xmstest.NewServer()
	defer xms.Close()
	t.Setenv("XMS_BASE_URL", xms.BaseURL())
	t.Setenv("XMS_AUTH_TOKEN", xms.AdminToken())
	t.Setenv("XMS_CA_FILE", "")

	main()
	requests := xms.Requests()
	require.Len(t, requests, 2)
	assert.Equal(t, "CreateAccessToken", requests[0].Operation)
	assert.Equal(t, "ListAccessTokens", requests[1].Operation)
	list, _, err := xms.Client().AccessTokensApi.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	require.Len(t, list.AccessTokens, 1)
	assert.Equal(t, "backup", list.AccessTokens[0].Name)
}
