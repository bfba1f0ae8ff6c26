package xmsclient_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestNewConfiguration(t *testing.T) {
	t.Parallel()
	assert.Equal(t, &xmsclient.Configuration{
		BaseURL:          "https://localhost/v1",
		UserAgent:        "xms-client-go/" + xmsclient.Version,
		Timeout:          30 * time.Second,
		MaxResponseBytes: 64 << 20,
	}, xmsclient.NewConfiguration())
	assert.Equal(t, "https://localhost/v1", xmsclient.DefaultBaseURL)
	first, second := xmsclient.NewConfiguration(), xmsclient.NewConfiguration()
	first.UserAgent = "changed"
	assert.NotEqual(t, first, second)
}

func TestConfiguration_ZeroMeansDefaults(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	_, _, err := serviceOf(t, &xmsclient.Configuration{HTTPClient: &http.Client{
		Transport: rec.transport(answerJSON(http.StatusOK, listJSON)),
	}}).ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, request{
		method: http.MethodGet, url: "https://localhost/v1/access-tokens/",
		header: http.Header{"Accept": {"application/json"}, "User-Agent": {"xms-client-go/" + xmsclient.Version}},
	}, rec.only(t))
}

func TestConfiguration_Refused(t *testing.T) {
	t.Parallel()
	const secret = "hunter2"
	type change = func(*xmsclient.Configuration)
	base := func(url string) change { return func(cfg *xmsclient.Configuration) { cfg.BaseURL = url } }
	header := func(name string, values ...string) change {
		return func(cfg *xmsclient.Configuration) { cfg.DefaultHeader = http.Header{"X-Fine": {"fine"}, name: values} }
	}
	key := func(key, prefix string) xmsclient.APIKey { return xmsclient.APIKey{Key: key, Prefix: prefix} }
	for name, test := range map[string]struct {
		argument, reason string
		change           change
	}{
		"relative":            {"BaseURL", "https://10.0.0.1:8051/v1", base("/v1")},
		"host only":           {"BaseURL", "http:// or https://", base("node1")},
		"host and port":       {"BaseURL", "http:// or https://", base("node1:8051/v1")},
		"address and port":    {"BaseURL", "not a URL", base("10.0.0.1:8051/v1")},
		"other scheme":        {"BaseURL", "http:// or https://", base("ftp://node1/v1")},
		"no scheme":           {"BaseURL", "http:// or https://", base("//node1/v1")},
		"no host":             {"BaseURL", "has no host", base("https:///v1")},
		"port without host":   {"BaseURL", "has no host", base("https://:8051/v1")},
		"opaque":              {"BaseURL", "has no host", base("https:node1/v1")},
		"scheme only":         {"BaseURL", "has no host", base("https://")},
		"list of nodes":       {"BaseURL", "FailoverURLs", base("https://node1,https://node2")},
		"list of hosts":       {"BaseURL", "FailoverURLs", base("http://node1:8051,node2:8051/v1")},
		"port too large":      {"BaseURL", "port", base("http://node1:65536/v1")},
		"port zero":           {"BaseURL", "port", base("http://node1:0/v1")},
		"port left out":       {"BaseURL", "port", base("http://node1:/v1")},
		"user":                {"BaseURL", "user name or password", base("https://admin@node1/v1")},
		"user and password":   {"BaseURL", "user name or password", base("https://admin:" + secret + "@node1/v1")},
		"malformed password":  {"BaseURL", "not a URL", base("https://admin:" + secret + "%zz@node1/v1")},
		"password and no URL": {"BaseURL", "not a URL", base("https://admin:" + secret + "@node1:port/v1")},
		"query":               {"BaseURL", "TokenInQuery", base("https://node1/v1?token=" + secret)},
		"empty query":         {"BaseURL", "query", base("https://node1/v1?")},
		"fragment":            {"BaseURL", "fragment", base("https://node1/v1#" + secret)},
		"empty fragment":      {"BaseURL", "fragment", base("https://node1/v1#")},
		"newline in URL":      {"BaseURL", "not a URL", base("https://node1/v1\n")},
		"blank in URL":        {"BaseURL", "not a URL", base(" https://node1/v1")},
		"failover URL": {"FailoverURLs[1]", "http:// or https://", func(cfg *xmsclient.Configuration) {
			cfg.FailoverURLs = []string{"http://node2", "node3"}
		}},
		"failover URL empty": {"FailoverURLs[0]", "is empty", func(cfg *xmsclient.Configuration) { cfg.FailoverURLs = []string{""} }},
		"failover URL with password": {"FailoverURLs[0]", "user name or password", func(cfg *xmsclient.Configuration) {
			cfg.FailoverURLs = []string{"http://admin:" + secret + "@node2"}
		}},
		"header key with newline": {"TokenInHeader", "Key", func(cfg *xmsclient.Configuration) { cfg.TokenInHeader = key(secret+"\n", "") }},
		"header key with blank":   {"TokenInHeader", "Key", func(cfg *xmsclient.Configuration) { cfg.TokenInHeader = key(" "+secret, "") }},
		"header key with NUL":     {"TokenInHeader", "Key", func(cfg *xmsclient.Configuration) { cfg.TokenInHeader = key(secret+"\x00x", "") }},
		"header key with DEL":     {"TokenInHeader", "Key", func(cfg *xmsclient.Configuration) { cfg.TokenInHeader = key(secret+"\x7fx", "") }},
		"header prefix":           {"TokenInHeader", "Prefix", func(cfg *xmsclient.Configuration) { cfg.TokenInHeader = key(secret, "Bearer ") }},
		"header prefix alone":     {"TokenInHeader", "no Key", func(cfg *xmsclient.Configuration) { cfg.TokenInHeader = key("", "Bearer") }},
		"query key with newline":  {"TokenInQuery", "Key", func(cfg *xmsclient.Configuration) { cfg.TokenInQuery = key(secret+"\r\n", "") }},
		"query prefix":            {"TokenInQuery", "Prefix", func(cfg *xmsclient.Configuration) { cfg.TokenInQuery = key(secret, "a\tb") }},
		"query prefix alone":      {"TokenInQuery", "no Key", func(cfg *xmsclient.Configuration) { cfg.TokenInQuery = key("", "Bearer") }},
		"user agent":              {"UserAgent", "control characters", func(cfg *xmsclient.Configuration) { cfg.UserAgent = "mine/1\r\nX-Evil: 1" }},
		"user agent blank":        {"UserAgent", "white space", func(cfg *xmsclient.Configuration) { cfg.UserAgent = " " }},
		"token as header":         {"DefaultHeader", "TokenInHeader", header("Xms-Auth-Token", secret)},
		"token as odd header":     {"DefaultHeader", "TokenInHeader", header("xMS-auth-tOKEN", secret)},
		"user agent as header":    {"DefaultHeader", "UserAgent", header("user-agent", "mine/1")},
		"header without name":     {"DefaultHeader", "not a header name", header("", secret)},
		"header with odd name":    {"DefaultHeader", "not a header name", header("X Y", secret)},
		"header with colon":       {"DefaultHeader", "not a header name", header("X-Y:", secret)},
		"header name not ASCII":   {"DefaultHeader", "not a header name", header("Größe", secret)},
		"header with newline":     {"DefaultHeader", "X-Proxy", header("X-Proxy", "fine", secret+"\n")},
		"most bytes":              {"MaxResponseBytes", "negative", func(cfg *xmsclient.Configuration) { cfg.MaxResponseBytes = -1 }},
		"attempts":                {"Retry.MaxAttempts", "negative", func(cfg *xmsclient.Configuration) { cfg.Retry.MaxAttempts = -1 }},
		"first interval":          {"Retry.InitialInterval", "negative", func(cfg *xmsclient.Configuration) { cfg.Retry.InitialInterval = -1 }},
		"last interval":           {"Retry.MaxInterval", "negative", func(cfg *xmsclient.Configuration) { cfg.Retry.MaxInterval = math.MinInt64 }},
		"longest Retry-After":     {"Retry.MaxRetryAfter", "negative", func(cfg *xmsclient.Configuration) { cfg.Retry.MaxRetryAfter = -time.Second }},
		"intervals in order": {"Retry.InitialInterval", "MaxInterval", func(cfg *xmsclient.Configuration) {
			cfg.Retry.InitialInterval, cfg.Retry.MaxInterval = 2*time.Second, time.Second
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := xmsclient.NewConfiguration()
			test.change(cfg)
			c, err := xmsclient.NewAPIClient(cfg)
			assert.Nil(t, c)
			assertArgument(t, err, "NewAPIClient", test.argument)
			require.ErrorContains(t, err, test.reason)
			for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s"} {
				assert.NotContains(t, fmt.Sprintf(verb, err), secret)
			}
		})
	}
	for _, name := range []string{
		"Accept", "Accept-Encoding", "Connection", "Content-Length", "Content-Type", "Host", "Keep-Alive", "Proxy-Connection",
		"Referer", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
	} {
		t.Run("header "+name, func(t *testing.T) {
			t.Parallel()
			cfg := xmsclient.NewConfiguration()
			header(name, secret)(cfg)
			_, err := xmsclient.NewAPIClient(cfg)
			assertArgument(t, err, "NewAPIClient", "DefaultHeader")
			require.ErrorContains(t, err, name)
			assert.NotContains(t, err.Error(), secret)
		})
	}
}

func TestConfiguration_Accepted(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*xmsclient.Configuration){
		"unusual key":      func(cfg *xmsclient.Configuration) { cfg.TokenInHeader.Key = `a "b" ü;,=` },
		"no failover":      func(cfg *xmsclient.Configuration) { cfg.FailoverURLs = []string{} },
		"same node twice":  func(cfg *xmsclient.Configuration) { cfg.FailoverURLs = []string{mockURL} },
		"no timeout":       func(cfg *xmsclient.Configuration) { cfg.Timeout = -1 },
		"long interval":    func(cfg *xmsclient.Configuration) { cfg.Retry.InitialInterval = time.Hour },
		"equal intervals":  func(cfg *xmsclient.Configuration) { cfg.Retry.InitialInterval, cfg.Retry.MaxInterval = 1, 1 },
		"one byte":         func(cfg *xmsclient.Configuration) { cfg.MaxResponseBytes = 1 },
		"header no values": func(cfg *xmsclient.Configuration) { cfg.DefaultHeader = http.Header{"X-None": nil, "X-Blank": {""}} },
		"odd header":       func(cfg *xmsclient.Configuration) { cfg.DefaultHeader = http.Header{"!#$%&'*+-.^_`|~9": {"x"}} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := mockConfiguration(http.DefaultTransport)
			change(cfg)
			_, err := xmsclient.NewAPIClient(cfg)
			require.NoError(t, err)
		})
	}
}

func TestConfiguration_Headers(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			api, rec := mocked(t, answerJSON(op.success, op.answer), func(cfg *xmsclient.Configuration) {
				cfg.UserAgent = "mine/1 (test)"
				cfg.DefaultHeader = http.Header{"x-tenant": {"a", "b"}, "Authorization": {"Basic proxy"}}
			})
			for range 2 {
				_, _, err := op.call(t.Context(), api)
				require.NoError(t, err)
			}
			for _, r := range rec.all() {
				assert.Equal(t, []string{"a", "b"}, r.header["X-Tenant"])
				assert.Equal(t, []string{"Basic proxy"}, r.header["Authorization"])
				assert.Equal(t, []string{"mine/1 (test)"}, r.header["User-Agent"])
				assert.Equal(t, []string{mockKey}, r.header["Xms-Auth-Token"])
			}
		})
	}
}

// A transport that adds to the header of one request must not add to that of another, be it later or at the same time.
func TestConfiguration_HeadersAreNotShared(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			const callers = 4
			var added sync.WaitGroup
			api, rec := mocked(t, func(r *http.Request) (*http.Response, error) {
				own := fmt.Sprintf("%p", r)
				for _, name := range []string{"X-Tenant", "Accept", "User-Agent", "Xms-Auth-Token"} {
					r.Header.Add(name, own)
				}
				r.Header.Set("X-New", own)
				added.Done()
				added.Wait()
				assert.Equal(t, []string{"a", own}, r.Header["X-Tenant"])
				assert.Equal(t, []string{mockKey, own}, r.Header["Xms-Auth-Token"])
				return answerJSON(op.success, op.answer)(r)
			}, func(cfg *xmsclient.Configuration) {
				values := make([]string, 1, 8)
				values[0] = "a"
				cfg.DefaultHeader = http.Header{"X-Tenant": values}
			})
			for range 2 {
				added.Add(callers)
				errs := make([]error, callers)
				var calls sync.WaitGroup
				for i := range callers {
					calls.Go(func() { _, _, errs[i] = op.call(t.Context(), api) })
				}
				calls.Wait()
				require.NoError(t, errors.Join(errs...))
			}
			for _, r := range rec.all() {
				assert.Equal(t, []string{"a"}, r.header["X-Tenant"])
				assert.Equal(t, []string{"application/json"}, r.header["Accept"])
				assert.NotContains(t, r.header, "X-New")
			}
		})
	}
}

func TestConfiguration_IsCopied(t *testing.T) {
	t.Parallel()
	rec := &recorder{}
	unanswered := answerJSON(http.StatusServiceUnavailable, "")
	answered := answerJSON(http.StatusOK, listJSON)
	cfg := mockConfiguration(rec.transport(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "node2.test" {
			return answered(r)
		}
		return unanswered(r)
	}))
	cfg.FailoverURLs = []string{"http://node2.test/v1"}
	cfg.DefaultHeader = http.Header{"X-Tenant": {"before"}}
	cfg.UserAgent = "before/1"
	cfg.Retry.MaxAttempts = 2
	given := *cfg
	c, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	assert.Equal(t, given.BaseURL, cfg.BaseURL)
	assert.Equal(t, given.Timeout, cfg.Timeout, "defaults are not filled in here")

	cfg.DefaultHeader["X-Tenant"][0] = "after"
	cfg.DefaultHeader.Set("X-New", "after")
	cfg.FailoverURLs[0] = "http://node3.test/v1"
	cfg.HTTPClient.Transport = nil
	cfg.HTTPClient = nil
	cfg.BaseURL, cfg.UserAgent = "http://node4.test", "after/1"
	cfg.TokenInHeader = xmsclient.APIKey{Key: "after"}
	cfg.TokenInQuery = xmsclient.APIKey{Key: "after"}
	cfg.TokenSource = xmsclient.TokenFromFile("after")
	cfg.Retry.MaxAttempts = 1
	cfg.MaxResponseBytes = 1

	_, resp, err := c.AccessTokensApi.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, "http://node2.test/v1", resp.Server)
	requests := rec.all()
	require.Len(t, requests, 2)
	assert.Equal(t, mockURL+"/access-tokens/", requests[0].url)
	assert.Equal(t, "http://node2.test/v1/access-tokens/", requests[1].url)
	for _, r := range requests {
		assert.Equal(t, http.Header{
			"Accept": {"application/json"}, "User-Agent": {"before/1"}, "X-Tenant": {"before"}, "Xms-Auth-Token": {mockKey},
		}, r.header)
	}
}

func TestConfiguration_Printed(t *testing.T) {
	t.Parallel()
	cfg := xmsclient.Configuration{
		BaseURL: "http://admin:hunter2@node1/v1?token=hunter2#hunter2", FailoverURLs: []string{"http://node2/v1", "http://hunter2:hunter2@%"},
		TokenInHeader: xmsclient.APIKey{Key: "hunter2", Prefix: "Bearer"}, UserAgent: "mine/1",
		DefaultHeader: http.Header{"Authorization": {"hunter2"}}, HTTPClient: &http.Client{}, Timeout: time.Second,
	}
	const want = `xmsclient.Configuration{URLs:["(not a base URL)" "http://node2/v1" "(not a base URL)"] ` +
		`TokenInHeader:[redacted] TokenInQuery:[none] TokenSource:false UserAgent:"mine/1" DefaultHeader:["Authorization"] ` +
		`HTTPClient:true TLSConfig:false Timeout:1s ` +
		`Retry:{MaxAttempts:0 InitialInterval:0s MaxInterval:0s MaxRetryAfter:0s} MaxResponseBytes:0 Logger:false}`
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		assert.Equal(t, want, fmt.Sprintf(verb, cfg))
		assert.Equal(t, want, fmt.Sprintf(verb, &cfg))
	}
	assert.Equal(t, want, cfg.LogValue().String())
}

func TestConfigurationFromEnv(t *testing.T) {
	t.Setenv("XMS_BASE_URL", "")
	t.Setenv("XMS_AUTH_TOKEN", "")
	t.Setenv("XMS_CA_FILE", "")
	defaults := xmsclient.NewConfiguration()
	for name, test := range map[string]struct {
		env      map[string]string
		baseURL  string
		failover []string
		key      string
	}{
		"nothing":  {nil, xmsclient.DefaultBaseURL, nil, ""},
		"blank":    {map[string]string{"XMS_BASE_URL": " ", "XMS_AUTH_TOKEN": "\t", "XMS_CA_FILE": " "}, xmsclient.DefaultBaseURL, nil, ""},
		"one node": {map[string]string{"XMS_BASE_URL": "http://node1:8051/v1"}, "http://node1:8051/v1", nil, ""},
		"several nodes": {
			map[string]string{"XMS_BASE_URL": "http://node1:8051/v1,\thttp://node2:8051/v1 ,https://node3:8056/api/v1/\n"},
			"http://node1:8051/v1", []string{"http://node2:8051/v1", "https://node3:8056/api/v1/"}, "",
		},
		"token":              {map[string]string{"XMS_AUTH_TOKEN": "abc"}, xmsclient.DefaultBaseURL, nil, "abc"},
		"token of a file":    {map[string]string{"XMS_AUTH_TOKEN": "\n abc\r\n"}, xmsclient.DefaultBaseURL, nil, "abc"},
		"token with a blank": {map[string]string{"XMS_AUTH_TOKEN": "Bearer abc"}, xmsclient.DefaultBaseURL, nil, "Bearer abc"},
	} {
		t.Run(name, func(t *testing.T) {
			for variable, value := range test.env {
				t.Setenv(variable, value)
			}
			cfg, err := xmsclient.ConfigurationFromEnv()
			require.NoError(t, err)
			assert.ElementsMatch(t, test.failover, cfg.FailoverURLs)
			cfg.FailoverURLs = nil
			want := *defaults
			want.BaseURL, want.TokenInHeader.Key = test.baseURL, test.key
			assert.Equal(t, &want, cfg)
			_, err = xmsclient.NewAPIClient(cfg)
			require.NoError(t, err)
		})
	}
}

func TestConfigurationFromEnv_Refused(t *testing.T) {
	t.Setenv("XMS_BASE_URL", "")
	t.Setenv("XMS_AUTH_TOKEN", "")
	t.Setenv("XMS_CA_FILE", "")
	const secret = "hunter2"
	directory := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(directory, name)
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	missing := filepath.Join(directory, "missing.pem")
	key := write("key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
	text := write("text.pem", "not PEM")
	broken := write("broken.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
	empty := write("empty.pem", "")
	for name, test := range map[string]struct {
		variable, value string
		texts           []string
		is              error
	}{
		"no URL":            {"XMS_BASE_URL", "node1:8051", []string{"entry 1", "http:// or https://"}, nil},
		"second no URL":     {"XMS_BASE_URL", "http://node1, node2", []string{"entry 2", "http:// or https://"}, nil},
		"nothing between":   {"XMS_BASE_URL", "http://node1,,http://node2", []string{"entry 2", "is empty"}, nil},
		"comma at the end":  {"XMS_BASE_URL", "http://node1,", []string{"entry 2", "is empty"}, nil},
		"password":          {"XMS_BASE_URL", "http://node1,http://admin:" + secret + "@node2", []string{"entry 2", "password"}, nil},
		"token in the URL":  {"XMS_BASE_URL", "http://node1?token=" + secret, []string{"entry 1", "query"}, nil},
		"newline in token":  {"XMS_AUTH_TOKEN", secret + "\n" + secret, []string{"control characters"}, nil},
		"no CA file":        {"XMS_CA_FILE", missing, []string{missing}, fs.ErrNotExist},
		"CA file directory": {"XMS_CA_FILE", directory, []string{directory}, nil},
		"CA file a key":     {"XMS_CA_FILE", key, []string{key, "no PEM certificate"}, nil},
		"CA file text":      {"XMS_CA_FILE", text, []string{text, "no PEM certificate"}, nil},
		"CA file broken":    {"XMS_CA_FILE", broken, []string{broken, "no PEM certificate"}, nil},
		"CA file empty":     {"XMS_CA_FILE", empty, []string{empty, "no PEM certificate"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(test.variable, test.value)
			cfg, err := xmsclient.ConfigurationFromEnv()
			assert.Nil(t, cfg)
			assertArgument(t, err, "ConfigurationFromEnv", test.variable)
			for _, text := range test.texts {
				require.ErrorContains(t, err, text)
			}
			if test.is != nil {
				require.ErrorIs(t, err, test.is)
			}
			assert.NotContains(t, fmt.Sprintf("%v %+v %#v %q", err, err, err, err), secret)
		})
	}
}

func TestConfigurationFromEnv_AgainstServer(t *testing.T) {
	srv := start(t, xmstest.WithTLS())
	srv.Seed(1)
	other := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("passed over")})
	file := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(file, append(other, srv.CertificatePEM()...), 0o600))
	t.Setenv("XMS_BASE_URL", srv.BaseURL())
	t.Setenv("XMS_AUTH_TOKEN", srv.AdminToken()+"\n")
	t.Setenv("XMS_CA_FILE", file)
	cfg, err := xmsclient.ConfigurationFromEnv()
	require.NoError(t, err)
	assert.Equal(t, collected{ids: []int64{1}}, collect(t.Context(), serviceOf(t, cfg), nil))
}
