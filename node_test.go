package xmsclient_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

func TestBaseURL_IsJoined(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"http://node1:8051/v1":                      "http://node1:8051/v1",
		"http://node1:8051/v1/":                     "http://node1:8051/v1",
		"http://node1:8051/v1///":                   "http://node1:8051/v1",
		"https://node1:8056/api/v1":                 "https://node1:8056/api/v1",
		"https://node1:8056/api/v1/":                "https://node1:8056/api/v1",
		"https://node1/a/very/deep/path/to/the/v1/": "https://node1/a/very/deep/path/to/the/v1",
		"https://node1":                             "https://node1",
		"https://node1/":                            "https://node1",
		"https://node1//":                           "https://node1",
		"https://node1//api//v1":                    "https://node1//api//v1",
		"https://node1/a/../v1/.":                   "https://node1/a/../v1/.",
		"https://node1/v1%2F":                       "https://node1/v1%2F",
		"https://node1/v1%2F/":                      "https://node1/v1%2F",
		"https://node1/a%2Fb/v1":                    "https://node1/a%2Fb/v1",
		"https://node1/a%2Fb/v1/":                   "https://node1/a%2Fb/v1",
		"https://node1/a%2fb%20c/v1":                "https://node1/a%2fb%20c/v1",
		"https://node1/a%3Fb%23c%25/v1":             "https://node1/a%3Fb%23c%25/v1",
		"https://node1/a b/ü":                       "https://node1/a%20b/%C3%BC",
		"https://node1/a:b;c=d/v1":                  "https://node1/a:b;c=d/v1",
		"HTTPS://node1/V1":                          "https://node1/V1",
		"hTTp://NODE1.Example:80/v1":                "http://NODE1.Example:80/v1",
		"http://10.0.0.1:8051/v1":                   "http://10.0.0.1:8051/v1",
		"http://[2001:db8::1]/v1":                   "http://[2001:db8::1]/v1",
		"http://[2001:db8::1]:8051/v1/":             "http://[2001:db8::1]:8051/v1",
		"http://[fe80::1%25eth0]:8051/v1":           "http://[fe80::1%25eth0]:8051/v1",
	} {
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			for _, op := range operations() {
				api, rec := mocked(t, answerJSON(op.success, op.answer), func(cfg *xmsclient.Configuration) { cfg.BaseURL = base })
				_, resp, err := op.call(t.Context(), api)
				require.NoError(t, err)
				assert.Equal(t, want, resp.Server)
				assert.Equal(t, want+op.path, rec.only(t).url)

				api, _ = mocked(t, answerJSON(http.StatusNotFound, ""), func(cfg *xmsclient.Configuration) { cfg.BaseURL = base })
				_, _, err = op.call(t.Context(), api)
				var refused *xmsclient.ApiError
				require.ErrorAs(t, err, &refused)
				assert.Equal(t, want, refused.Server)
				assert.Regexp(t, `^\Q`+want+`/access-tokens\E[/:]`, refused.URL)
			}
		})
	}
}

func TestFailoverURLs_AreJoined(t *testing.T) {
	t.Parallel()
	busy := answerJSON(http.StatusServiceUnavailable, "")
	api, rec := mocked(t, busy, func(cfg *xmsclient.Configuration) {
		cfg.FailoverURLs = []string{"HTTPS://node2:8056/api/v1/", "http://[::1]/a%2Fb//"}
		cfg.Retry.MaxAttempts = 3
	})
	_, _, err := api.GetAccessToken(t.Context(), 5)
	require.Error(t, err)
	var urls []string
	for _, r := range rec.all() {
		urls = append(urls, r.url)
	}
	assert.Equal(t, []string{
		mockURL + "/access-tokens/5", "https://node2:8056/api/v1/access-tokens/5", "http://[::1]/a%2Fb/access-tokens/5",
	}, urls)
}

// The path must also arrive as it was joined, at what a console puts in front of the API.
func TestBaseURL_BehindConsole(t *testing.T) {
	t.Parallel()
	for base, prefix := range map[string]string{
		"/v1": "", "/v1//": "", "/api/v1": "/api", "/api/v1/": "/api", "/deep/er/v1": "/deep/er", "/a%2Fb/v1/": "/a%2Fb",
	} {
		t.Run(base, func(t *testing.T) {
			t.Parallel()
			xms := start(t)
			xms.Seed(2)
			console := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				path, inside := strings.CutPrefix(r.URL.EscapedPath(), prefix)
				if !inside {
					http.NotFound(w, r)
					return
				}
				r.URL.Path, r.URL.RawPath = path, ""
				xms.Handler().ServeHTTP(w, r)
			}))
			t.Cleanup(console.Close)
			api := client(t, xms, func(cfg *xmsclient.Configuration) { cfg.BaseURL = console.URL + base })
			assert.Equal(t, collected{ids: []int64{1, 2}}, collect(t.Context(), api, nil))
			_, _, err := api.RegenerateAccessToken(t.Context(), 2)
			require.NoError(t, err)
		})
	}
}
