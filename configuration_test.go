package xmsclient_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// assertRefused checks that err is an ArgumentError with these words that does not quote hunter2.
func assertRefused(t *testing.T, err error, where, words string) {
	t.Helper()
	refused := &xmsclient.ArgumentError{}
	require.ErrorAs(t, err, &refused, words)
	assert.Equal(t, where, refused.Operation+" "+refused.Argument, "Operation and Argument")
	assert.Contains(t, refused.Reason, words, "Reason")
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %q %x", err, err, err, err, err), "hunter2")
}

func TestConfiguration_Defaults(t *testing.T) {
	t.Parallel()
	want := xmsclient.Configuration{
		BaseURL: "https://localhost/v1", UserAgent: "xms-client-go/" + xmsclient.Version,
		Timeout: 30 * time.Second, MaxResponseBytes: 64 << 20,
	}
	assert.Equal(t, &want, xmsclient.NewConfiguration())
	xmsclient.NewConfiguration().UserAgent = "changed"
	assert.Equal(t, &want, xmsclient.NewConfiguration())
	_, err := xmsclient.NewAPIClient(&xmsclient.Configuration{})
	require.NoError(t, err)
	_, err = xmsclient.NewAPIClient(nil)
	assertRefused(t, err, "NewAPIClient cfg", "must not be nil")
}

// goodURLs are base URLs, and what requests go to.
var goodURLs = map[string]string{
	"http://h:8051/v1":                  "http://h:8051/v1",
	"https://h":                         "https://h",
	"http://h/v1//":                     "http://h/v1",
	"HTTP://H/v1":                       "http://H/v1",
	"http://h/":                         "http://h",
	"http://h/v1/":                      "http://h/v1",
	"http://h/a/b/c/d/e/":               "http://h/a/b/c/d/e",
	"http://h/xms:8051/v1":              "http://h/xms:8051/v1",
	"http://h/é/v1/../v2//b":            "http://h/%C3%A9/v1/../v2//b",
	"http://h/a%20b":                    "http://h/a%20b",
	"http://h_1.svc.:80/a%2Fb/v1%2F":    "http://h_1.svc.:80/a%2Fb/v1%2F",
	"http://[fe80::1]:8051/v1":          "http://[fe80::1]:8051/v1",
	"http://[fe80::1%25eth0]/v1":        "http://[fe80::1%25eth0]/v1",
	"http://münchen.example/v1":         "http://m%C3%BCnchen.example/v1",
	"http://हि.example":                 "http://%E0%A4%B9%E0%A4%BF.example",
	"http://h/access-tokens-gateway/v1": "http://h/access-tokens-gateway/v1",
	"http://h/access-tokens/v1":         "http://h/access-tokens/v1",
	"http://access-tokens":              "http://access-tokens",
}

// badURLs are what people write, by the words with which it is refused.
var badURLs = map[string][]string{
	"must be one URL, without quotes; further nodes go into FailoverURLs, or into XMS_BASE_URL behind a comma": {
		"http://a/v1;http://b/v1", "http://a|b", "http://a/v1,http://b/v1", "http://a/v1，http://b/v1", "http://a、b",
		"http://a；b", "http://a/v1%2Cb/v1", "http://a/v1http://b/v1", "http://a/v1&http://b/v1", "https://https://a",
		"'http://h/v1'", "http://h/v1'", "http://h/v1\"", "http://h/v1`", "“http://h/v1", "http://h/v1”", "http://h/v1’",
		"‘http://h/v1", `http:\\h\v1`, "http://<node>/v1", "http://a/v1&b/v1", "http://a/v1｜b/v1",
	},
	"must not contain white space or invisible characters; must be one URL": {
		"http://a/v1 http://b/v1", "http://h/v1 ", "http://h/v1\u00a0", " http://h/v1", "http://h/v1\n",
		"\ufeffhttp://h/v1", "http://h/\u200bv1", "http://h/v1\x00",
	},
	"an IPv6 address needs brackets, as in http://[fe80::1]:8051/v1, and only one port": {
		"http://10.0.0.1:8051:8051/v1", "http://fe80::1:8051/v1", "http://::1/v1", "http://::1]:80",
	},
	"is not a URL": {
		"http://[::1/v1", "http://[::1]:80:80/v1", "http://[fe80::1%eth0]/v1", "http://h/%zz", "http://{node}/v1",
		"http://h:$PORT/v1", "http://hunter2:%@h",
	},
	"must not carry a user name or password": {
		"http://admin:hunter2@h/v1", "http://hunter2@h", "http://:@h", "http://a:b:c@h",
	},
	"must begin with http:// or https://": {"h:8051/v1", "//h/v1", "ftp://h", "h/v1", "/"},
	"has no host":                         {"http:/h/v1", "http:h", "http://", "http://:80/v1", "http:///v1"},
	"has an invalid character in its host": {
		"http://$NODE:8051/v1", "http://h：8051/v1", "http://h。com", "http://h%FF/v1",
	},
	"has a port that is not between 1 and 65535": {"http://h:/v1", "http://h:0/v1", "http://h:65536/v1"},
	"must not have a query":                      {"http://h?token=hunter2:x:y", "http://h/v1?"},
	"must not have a fragment":                   {"http://h/v1#hunter2", "http://h/v1#"},
	"must be the root of the API, without /access-tokens": {
		"http://h/v1/access-tokens", "http://h/v1/access-tokens/", "http://h/api/v1/access-tokens/42",
		"http://h/v1/access-tokens/42/", "http://h/v1/access-tokens/42:regenerate", "http://h/v1/access-tokens:validate",
		"http://h/v1/access-tokens//7", "http://h/v1/access-tokens/7//:regenerate", "http://h/v1/access-tokens/.",
		"http://h/v1/access-tokens%20",
		"http://h/v1/access-tokens/:validate", "http://h/access-tokens", "http://h/v1/access-tokens/{access_token_id}",
		"http://h/v1/access-tokens%2F", "http://h/v1/Access-Tokens/5eccade0a11d4eadbeefc0ffee5ec4e7",
	},
}

func TestConfiguration_BaseURLs(t *testing.T) {
	t.Parallel()
	var sent string
	sender := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		sent = r.URL.String()
		return nil, assert.AnError
	})}
	for given, base := range goodURLs {
		client := newClient(t, &xmsclient.Configuration{
			BaseURL: given, HTTPClient: sender, Retry: xmsclient.RetryPolicy{MaxAttempts: 1},
		})
		_, _, err := client.AccessTokensApi.GetAccessToken(t.Context(), 7)
		require.ErrorIs(t, err, assert.AnError)
		assert.Equal(t, base+"/access-tokens/7", sent)
	}
	for words, urls := range badURLs {
		for _, given := range urls {
			checkBadURL(t, words, "BaseURL", xmsclient.Configuration{BaseURL: given})
			checkBadURL(t, words, "FailoverURLs[1]", xmsclient.Configuration{FailoverURLs: []string{"http://second", given}})
		}
	}
}

func checkBadURL(t *testing.T, words, argument string, cfg xmsclient.Configuration) {
	t.Helper()
	_, err := xmsclient.NewAPIClient(&cfg)
	assertRefused(t, err, "NewAPIClient "+argument, words)
	assert.Contains(t, err.Error(), "it should look like http://10.0.0.1:8051/v1")
	assert.NotContains(t, fmt.Sprint(cfg), "hunter2")
}

func TestConfiguration_Refused(t *testing.T) {
	t.Parallel()
	type cfg = xmsclient.Configuration
	var nilTransport *http.Transport
	wrap := func(inner http.RoundTripper) func(http.RoundTripper) http.RoundTripper {
		return func(http.RoundTripper) http.RoundTripper { return inner }
	}
	type refusal struct {
		cfg             cfg
		argument, words string
	}
	tests := []refusal{
		{cfg{TokenInHeader: xmsclient.APIKey{Key: "hunter2\n"}}, "TokenInHeader", "Key with control characters"},
		{cfg{TokenInHeader: xmsclient.APIKey{Key: "\u00a0hunter2"}}, "TokenInHeader", "white space"},
		{cfg{TokenInHeader: xmsclient.APIKey{Key: "hunter2\x7fx"}}, "TokenInHeader", "Key with control characters"},
		{cfg{TokenInHeader: xmsclient.APIKey{Key: "hunter2", Prefix: "Bearer "}}, "TokenInHeader", "Prefix with"},
		{cfg{TokenInQuery: xmsclient.APIKey{Key: "hunter2\x00x"}}, "TokenInQuery", "Key with control characters"},
		{cfg{TokenInQuery: xmsclient.APIKey{Prefix: "hunter2"}}, "TokenInQuery", "Prefix but no Key"},
		{cfg{TokenSource: xmsclient.TokenSourceFunc(nil)}, "TokenSource", "holds a nil"},
		{cfg{TokenSource: (*struct{ xmsclient.TokenSource })(nil)}, "TokenSource", "holds a nil"},
		{cfg{UserAgent: "hunter2\r\nX: 1"}, "UserAgent", "control characters"},
		{cfg{UserAgent: "hunter2 "}, "UserAgent", "white space"},
		{cfg{HTTPClient: &http.Client{}, TLSConfig: &tls.Config{MinVersion: 1}}, "TLSConfig", "WrapTransport"},
		{cfg{HTTPClient: &http.Client{Transport: nilTransport}}, "HTTPClient", "holds a nil"},
		{cfg{HTTPClient: &http.Client{Jar: (*cookiejar.Jar)(nil)}}, "HTTPClient", "Jar that holds a nil"},
		{cfg{Logger: &slog.Logger{}}, "Logger", "has no handler"},
		{cfg{WrapTransport: wrap(nil)}, "WrapTransport", "must not return nil"},
		{cfg{WrapTransport: wrap(nilTransport)}, "WrapTransport", "must not return nil"},
		{cfg{WrapTransport: wrap(roundTripper(nil))}, "WrapTransport", "must not return nil"},
		{cfg{MaxResponseBytes: -1}, "MaxResponseBytes", "must not be negative"},
		{cfg{Retry: xmsclient.RetryPolicy{MaxAttempts: -1}}, "Retry.MaxAttempts", "must not be negative"},
		{cfg{Retry: xmsclient.RetryPolicy{InitialInterval: -1}}, "Retry.InitialInterval", "must not be negative"},
		{cfg{Retry: xmsclient.RetryPolicy{MaxInterval: -1}}, "Retry.MaxInterval", "must not be negative"},
		{cfg{Retry: xmsclient.RetryPolicy{MaxRetryAfter: -1}}, "Retry.MaxRetryAfter", "must not be negative"},
		{cfg{Retry: xmsclient.RetryPolicy{InitialInterval: 2, MaxInterval: 1}}, "Retry.InitialInterval", "Retry.MaxInterval"},
	}
	for words, names := range map[string]string{
		"TokenInHeader or TokenSource": "Xms-Auth-Token xMS-auth-tOKEN",
		"HTTPS_PROXY":                  "Proxy-Authorization",
		"would repeat creates":         "Idempotency-Key x-idempotency-key",
		"into UserAgent":               "user-agent",
		"part of BaseURL":              "Host",
		"the client sets it":           "Accept content-type",
		"the client never sends it":    "Referer",
		"net/http sets it": "Accept-Encoding Connection Content-Length Keep-Alive Proxy-Connection TE Upgrade " +
			"Trailer Transfer-Encoding",
		"has an invalid header ": "X-A:hunter2 Größe hunter2\x00 a(hunter2) \x7f",
	} {
		for name := range strings.SplitSeq(names, " ") {
			tests = append(tests, refusal{cfg{DefaultHeader: http.Header{name: {"hunter2"}}}, "DefaultHeader", words})
		}
	}
	for name, value := range map[string]string{
		"X-A": "hunter2\n", "x-b": " hunter2", "X-C": "hunter2\x00", "": "hunter2", "X D": "hunter2",
	} {
		tests = append(tests, refusal{cfg{DefaultHeader: http.Header{name: {"fine", value}}}, "DefaultHeader", "has a"})
	}
	for _, test := range tests {
		client, err := xmsclient.NewAPIClient(&test.cfg)
		assert.Nil(t, client)
		assertRefused(t, err, "NewAPIClient "+test.argument, test.words)
	}
}

func TestConfiguration_Accepted(t *testing.T) {
	t.Parallel()
	for _, cfg := range []xmsclient.Configuration{
		{TokenInHeader: xmsclient.APIKey{Key: `a "b" ü;,=`}}, {Timeout: -1},
		{FailoverURLs: []string{xmsclient.DefaultBaseURL}},
		{Retry: xmsclient.RetryPolicy{InitialInterval: time.Hour}}, {Retry: xmsclient.RetryPolicy{MaxInterval: 1}},
		{Retry: xmsclient.RetryPolicy{InitialInterval: 1, MaxInterval: 1}}, {MaxResponseBytes: 1<<63 - 1},
		{DefaultHeader: http.Header{"!#$%&'*+-.^_`|~9": {"", "ü"}, "X-None": nil}}, {HTTPClient: &http.Client{}},
		{WrapTransport: func(inner http.RoundTripper) http.RoundTripper { return inner }},
	} {
		_, err := xmsclient.NewAPIClient(&cfg)
		require.NoError(t, err, "%v", cfg)
	}
}

// A later change of a Configuration, and of what hangs on it, changes nothing of the client.
func TestConfiguration_IsCopied(t *testing.T) {
	t.Parallel()
	first, second := startNode(t, answer(503, "")), startNode(t, answer(200, `{"access_tokens":[]}`))
	cfg := configuration(first, second)
	cfg.UserAgent = "before/1"
	cfg.DefaultHeader = http.Header{"x-tenant": {"c"}, "X-Tenant": {"a", "b"}, "X-TENANT": {"d"}}
	cfg.HTTPClient = &http.Client{Transport: http.DefaultTransport}
	given := *cfg
	client := newClient(t, cfg)
	assert.Equal(t, given, *cfg, "defaults are not filled in here")

	cfg.DefaultHeader["X-Tenant"][0] = "after"
	cfg.DefaultHeader.Set("X-New", "after")
	cfg.FailoverURLs[0] = "http://after.invalid"
	cfg.HTTPClient.Transport = roundTripper(func(*http.Request) (*http.Response, error) { return nil, assert.AnError })
	*cfg = xmsclient.Configuration{BaseURL: "http://after.invalid", UserAgent: "after/1", MaxResponseBytes: 1}

	_, _, err := client.AccessTokensApi.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	for _, n := range []*node{first, second} {
		require.Len(t, n.requests(), 1)
		header := n.requests()[0].header
		header.Del("Accept-Encoding")
		assert.Equal(t, http.Header{
			"Accept": {"application/json"}, "User-Agent": {"before/1"}, "X-Tenant": {"d", "a", "b", "c"},
			"Xms-Auth-Token": {aKey},
		}, header)
	}
}

func unsetEnv(t *testing.T) {
	t.Helper()
	for _, variable := range []string{"XMS_BASE_URL", "XMS_AUTH_TOKEN", "XMS_CA_FILE"} {
		t.Setenv(variable, " ")
	}
}

func TestConfigurationFromEnv_BaseURLs(t *testing.T) {
	unsetEnv(t)
	cfg, err := xmsclient.ConfigurationFromEnv()
	require.NoError(t, err)
	assert.Equal(t, xmsclient.NewConfiguration(), cfg)
	t.Setenv("XMS_BASE_URL", "\thttp://a:8051/v1, http://b/v1\u00a0,https://c/api/v1/\n")
	cfg, err = xmsclient.ConfigurationFromEnv()
	require.NoError(t, err)
	assert.Equal(t, "http://a:8051/v1", cfg.BaseURL)
	assert.Equal(t, []string{"http://b/v1", "https://c/api/v1/"}, cfg.FailoverURLs)
	for list, words := range map[string]string{
		"http://a,,http://b": "entry 2: is empty", "http://a,": "entry 2: is empty", ",": "entry 1: is empty",
		"http://a, http://b:hunter2@c": "entry 2: must not carry", "http://a;http://b": "entry 1: must be one URL",
		"http://a http://b": "entry 1: must not contain", "a:8051": "entry 1: must begin",
	} {
		t.Setenv("XMS_BASE_URL", list)
		_, err = xmsclient.ConfigurationFromEnv()
		assertRefused(t, err, "ConfigurationFromEnv XMS_BASE_URL", words)
	}
}

func TestConfigurationFromEnv_Tokens(t *testing.T) { //nolint:paralleltest // the environment is the process's
	unsetEnv(t)
	for text, token := range goodTokens {
		t.Setenv("XMS_AUTH_TOKEN", text)
		cfg, err := xmsclient.ConfigurationFromEnv()
		require.NoError(t, err)
		assert.Equal(t, xmsclient.APIKey{Key: token}, cfg.TokenInHeader)
	}
	for words, texts := range badTokens {
		for _, text := range texts {
			if !strings.Contains(text, "\x00") { // no variable can hold that
				t.Setenv("XMS_AUTH_TOKEN", text)
				_, err := xmsclient.ConfigurationFromEnv()
				assertRefused(t, err, "ConfigurationFromEnv XMS_AUTH_TOKEN", words)
			}
		}
	}
}

func TestConfigurationFromEnv_CAFiles(t *testing.T) {
	unsetEnv(t)
	server := httptest.NewTLSServer(answer(200, `{"access_tokens":[]}`))
	t.Cleanup(server.Close)
	block := func(kind string, content []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}))
	}
	der := server.Certificate().Raw
	ca, key := block("CERTIFICATE", der), block("PRIVATE KEY", []byte("hunter2"))
	broken := strings.Replace(ca, "MII", "M*I", 1)
	begin, end := "-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n"
	path := filepath.Join(t.TempDir(), "ca.pem")
	t.Setenv("XMS_BASE_URL", server.URL)
	t.Setenv("XMS_CA_FILE", " "+path+"\n")
	for content, refused := range map[string]string{
		ca: "", ca + ca: "", "\ufeff" + ca: "",
		block("CERTIFICATE REQUEST", der) + "- end of the CERTIFICATE\n" + ca: "",
		key + "# Subject: us\n" + ca + "\ufeff" + ca:                          "",
		strings.ReplaceAll(ca, "\n", "\r\n"):                                  "",
		"ca: |\n  " + strings.ReplaceAll(ca, "\n", " \n  "):                   "",

		ca + broken + ca:                                       "certificate 2 is no valid PEM block",
		ca + broken + key:                                      "certificate 2",
		ca + strings.Replace(ca, end, "", 1):                   "certificate 2 is no valid PEM block",
		ca + begin + end:                                       "certificate 2: ",
		ca + block("CERTIFICATE", der[:99]):                    "certificate 2: ",
		strings.Replace(ca, begin, "", 1) + ca:                 "a block that is cut off",
		ca + block("TRUSTED CERTIFICATE", der):                 "a block that is cut off",
		ca + strings.Replace(ca, "-----BEGIN", "----BEGIN", 1): "a block that is cut off",
		ca + strings.ReplaceAll(ca, "-----", "–––––"):          "after certificate 1: a BEGIN line without",
		ca + strings.ReplaceAll(ca, "-----", "----- "):         "after certificate 1: a BEGIN line without",
		ca + strings.ToLower(ca):                               "after certificate 1: a BEGIN line without",
		key:                                                    "holds no PEM certificate",
		string(der):                                            "holds no PEM certificate",
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		cfg, err := xmsclient.ConfigurationFromEnv()
		if refused != "" {
			assertRefused(t, err, "ConfigurationFromEnv XMS_CA_FILE", refused)
			assert.Contains(t, err.Error(), path)
			continue
		}
		require.NoError(t, err)
		_, _, err = newClient(t, cfg).AccessTokensApi.ListAccessTokens(context.Background(), nil)
		require.NoError(t, err)
	}
	require.NoError(t, os.Remove(path))
	_, err := xmsclient.ConfigurationFromEnv()
	require.ErrorIs(t, err, fs.ErrNotExist)
	assert.Equal(t, 1, strings.Count(err.Error(), path))
	t.Setenv("XMS_CA_FILE", strangersUUID) // the wrong variable
	_, err = xmsclient.ConfigurationFromEnv()
	require.ErrorIs(t, err, fs.ErrNotExist)
	assertNoSecret(t, err)
	for value, words := range map[string]string{
		filepath.Dir(path): "directory", "hunter2 " + ca: "must be the path",
		strings.ReplaceAll(key+"hunter2", "\n", `\n`): "must be the path",
	} {
		t.Setenv("XMS_CA_FILE", value)
		_, err := xmsclient.ConfigurationFromEnv()
		assertRefused(t, err, "ConfigurationFromEnv XMS_CA_FILE", words)
	}
}
