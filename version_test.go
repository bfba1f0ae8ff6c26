package xmsclient_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// firstMatch returns the first group of the first match of pattern in a file.
func firstMatch(t *testing.T, file, pattern string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	match := regexp.MustCompile(pattern).FindSubmatch(text)
	require.NotNil(t, match, "%s has nothing that matches %s", file, pattern)
	return string(match[1])
}

func TestVersionIsTheNewestRelease(t *testing.T) {
	t.Parallel()
	assert.Regexp(t, `^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`, xmsclient.Version)
	assert.Equal(t, xmsclient.Version, firstMatch(t, "CHANGELOG.md", `(?m)^## v?(\d\S*)`), "newest release in CHANGELOG.md")
	assert.Equal(t, xmsclient.Version, firstMatch(t, "README.md", `xms-client-go@v(\d[0-9A-Za-z.-]*)`), "version in README.md")
}

func TestUserAgentNamesTheVersion(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	defer xms.Close()
	client, err := xmsclient.NewAPIClient(xms.Configuration())
	require.NoError(t, err)
	_, _, err = client.AccessTokensApi.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	requests := xms.Requests()
	require.Len(t, requests, 1)
	assert.Equal(t, "xms-client-go/"+xmsclient.Version, requests[0].Header.Get("User-Agent"))
}
