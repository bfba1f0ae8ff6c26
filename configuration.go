package xmsclient

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"
)

// DefaultBaseURL is the root of the API that XMS documents: the local node over https.
const DefaultBaseURL = "https://localhost/v1"

const (
	defaultUserAgent              = "xms-client-go/" + Version
	defaultTimeout                = 30 * time.Second
	defaultMaxResponseBytes int64 = 64 << 20
)

// Configuration says which cluster a client talks to, and how. The zero value of every field is usable and means its
// default, so both NewConfiguration and a struct literal work. NewAPIClient checks and copies it: a change made
// afterwards has no effect on the client.
//
// Printing or logging a Configuration shows neither keys nor header values.
type Configuration struct {
	// BaseURL is the root of the API on the first management node, such as "http://10.0.0.1:8051/v1". It must be http
	// or https with a host, may have a path of any depth with or without a trailing slash, and must not have
	// userinfo, a query or a fragment. "" means DefaultBaseURL.
	BaseURL string

	// FailoverURLs are the roots of the API on further management nodes of the same cluster, under the rules of
	// BaseURL. They are tried in order when a node fails. nil: no failover.
	FailoverURLs []string

	// TokenInHeader is sent as the Xms-Auth-Token header. The zero APIKey: no such header.
	TokenInHeader APIKey

	// TokenInQuery is sent as the token query parameter, for deployments that cannot pass headers through. URLs end
	// up in access logs, so prefer TokenInHeader. The zero APIKey: no such parameter.
	TokenInQuery APIKey

	// TokenSource supplies the value of the Xms-Auth-Token header afresh for each attempt, so that a token can be
	// rotated under a running client. It wins over TokenInHeader. nil: TokenInHeader is used.
	TokenSource TokenSource `json:"-"`

	// UserAgent is sent as User-Agent. "" means "xms-client-go/<Version>".
	UserAgent string

	// DefaultHeader is added to every request. Headers that the client or net/http sets itself (Xms-Auth-Token, Accept,
	// Content-Type, User-Agent, Host, Content-Length, Connection and the like) are refused. Its values are never
	// printed. nil: nothing is added.
	DefaultHeader http.Header `json:"-"`

	// HTTPClient sends the requests. The client works on a copy with its own redirect policy in front of
	// HTTPClient.CheckRedirect; what HTTPClient points to is never changed. A nil Transport in it means
	// http.DefaultTransport, as everywhere in net/http. nil: a client with a transport of its own, tuned for many
	// calls to one cluster: it makes and keeps up to 64 connections a node, beyond which calls wait for one.
	HTTPClient *http.Client `json:"-"`

	// TLSConfig is used, on a clone, by the HTTP client that NewAPIClient makes when HTTPClient is nil, and ignored
	// otherwise. nil: the system's roots. TLS older than 1.2 is never spoken unless MinVersion says so.
	TLSConfig *tls.Config `json:"-"`

	// Timeout bounds one attempt, from waiting for a connection to the last byte of the answer; the context bounds the call with all
	// its attempts. 0 means 30 s; negative means no bound.
	Timeout time.Duration

	// Retry says how often and how fast a failed call is tried again. The zero value is a good default.
	Retry RetryPolicy

	// MaxResponseBytes bounds the body of one answer, after decompression. A longer one is ErrResponseTooLarge. 0 means
	// 64 MiB; negative is refused.
	MaxResponseBytes int64

	// Logger receives one debug record per attempt and one warning per call that failed after retries. No record holds a
	// secret. nil: silent.
	Logger *slog.Logger `json:"-"`
}

// NewConfiguration returns a Configuration with its defaults filled in and no credentials.
func NewConfiguration() *Configuration {
	cfg := (&Configuration{}).withDefaults()
	return &cfg
}

// ConfigurationFromEnv returns NewConfiguration with what these environment variables say; an unset or blank one leaves
// the default:
//
//   - XMS_BASE_URL: the root of the API, or several separated by commas: the first becomes BaseURL, the others FailoverURLs
//   - XMS_AUTH_TOKEN: the key of TokenInHeader; white space around it is dropped
//   - XMS_CA_FILE: a PEM file with the certificates to trust in place of the system's roots
//
// The error is an *ArgumentError whose Argument is the variable's name. One about a file that cannot be read wraps the
// file system's error, so that errors.Is(err, fs.ErrNotExist) works.
func ConfigurationFromEnv() (*Configuration, error) {
	cfg := NewConfiguration()
	if list := strings.TrimSpace(os.Getenv("XMS_BASE_URL")); list != "" {
		var urls []string
		for i, raw := range strings.Split(list, ",") {
			raw = strings.TrimSpace(raw)
			if _, err := newNode(raw); err != nil {
				return nil, envError("XMS_BASE_URL", fmt.Sprintf("entry %d: %v", i+1, err), nil)
			}
			urls = append(urls, raw)
		}
		cfg.BaseURL, cfg.FailoverURLs = urls[0], urls[1:]
	}
	cfg.TokenInHeader.Key = strings.TrimSpace(os.Getenv("XMS_AUTH_TOKEN"))
	if err := cfg.TokenInHeader.check(); err != nil {
		return nil, envError("XMS_AUTH_TOKEN", err.Error(), nil)
	}
	if file := strings.TrimSpace(os.Getenv("XMS_CA_FILE")); file != "" {
		pem, err := os.ReadFile(file) // #nosec G304,G703 -- reading the file the environment names is the purpose
		if err != nil {
			return nil, envError("XMS_CA_FILE", err.Error(), err)
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return nil, envError("XMS_CA_FILE", file+" holds no PEM certificate", nil)
		}
		cfg.TLSConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return cfg, nil
}

func envError(variable, reason string, err error) error {
	return &ArgumentError{Operation: "ConfigurationFromEnv", Argument: variable, Reason: reason, err: err}
}

func (cfg Configuration) withDefaults() Configuration {
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = defaultUserAgent
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = defaultTimeout
	}
	if cfg.MaxResponseBytes == 0 {
		cfg.MaxResponseBytes = defaultMaxResponseBytes
	}
	return cfg
}

// check returns an *ArgumentError that names the first unusable field. The URLs are checked where nodes are made of them.
func (cfg *Configuration) check() error {
	if err := cfg.TokenInHeader.check(); err != nil {
		return configError("TokenInHeader", err.Error())
	}
	if err := cfg.TokenInQuery.check(); err != nil {
		return configError("TokenInQuery", err.Error())
	}
	if !validHeaderValue(cfg.UserAgent) {
		return configError("UserAgent", "must not contain control characters or surrounding white space")
	}
	for name, values := range cfg.DefaultHeader {
		if err := checkDefaultHeader(name, values); err != nil {
			return configError("DefaultHeader", err.Error())
		}
	}
	if cfg.MaxResponseBytes < 0 {
		return configError("MaxResponseBytes", "must not be negative; 0 means 64 MiB")
	}
	return cfg.Retry.check()
}

func configError(field, reason string) error {
	return &ArgumentError{Operation: "NewAPIClient", Argument: field, Reason: reason}
}

// nodes returns the cluster's nodes in the order in which they are tried.
func (cfg *Configuration) nodes() ([]node, error) {
	first, err := newNode(cfg.BaseURL)
	if err != nil {
		return nil, configError("BaseURL", err.Error())
	}
	nodes := []node{first}
	for i, raw := range cfg.FailoverURLs {
		n, err := newNode(raw)
		if err != nil {
			return nil, configError(fmt.Sprintf("FailoverURLs[%d]", i), err.Error())
		}
		nodes = append(nodes, n)
	}
	return nodes, nil
}

// Format prints the configuration for every verb of package fmt, without keys and header values.
func (cfg Configuration) Format(f fmt.State, _ rune) {
	names := make([]string, 0, len(cfg.DefaultHeader))
	for name := range cfg.DefaultHeader {
		names = append(names, name)
	}
	urls := []string{printableURL(cfg.BaseURL)}
	for _, raw := range cfg.FailoverURLs {
		urls = append(urls, printableURL(raw))
	}
	_, _ = fmt.Fprintf(f, "xmsclient.Configuration{URLs:%q TokenInHeader:%v TokenInQuery:%v TokenSource:%t UserAgent:%q "+
		"DefaultHeader:%q HTTPClient:%t TLSConfig:%t Timeout:%v Retry:%+v MaxResponseBytes:%d Logger:%t}",
		urls, cfg.TokenInHeader, cfg.TokenInQuery, cfg.TokenSource != nil, cfg.UserAgent,
		names, cfg.HTTPClient != nil, cfg.TLSConfig != nil, cfg.Timeout, cfg.Retry, cfg.MaxResponseBytes, cfg.Logger != nil)
}

// LogValue makes slog record what Format prints.
func (cfg Configuration) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(cfg)) }

// printableURL is raw if it can be a base URL. What cannot may hold a password, anywhere.
func printableURL(raw string) string {
	if _, err := newNode(raw); err != nil && raw != "" {
		return "(not a base URL)"
	}
	return raw
}
