package xmsclient

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/xsky-storage/xms-client-go/internal/exchange"
	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// Version is the version of this SDK, in semantic-versioning form without a leading "v". It is part
// of the default User-Agent, "xms-client-go/<Version>".
const Version = "0.2.0"

// DefaultBaseURL is the root of the API that XMS documents: the local node over https. A node of a
// cluster usually answers at http://NODE:8051/v1.
const DefaultBaseURL = "https://localhost/v1"

// Configuration says which cluster a client talks to, and how. The zero value of every field means
// its default, so NewConfiguration and a struct literal both work. NewAPIClient checks and copies
// it: a later change has no effect on the client.
//
// Printing, logging or encoding a Configuration shows neither keys nor header values.
type Configuration struct {
	// BaseURL is the root of the API on the first management node, such as
	// "http://10.0.0.1:8051/v1". It is http or https with a host, and may have a path of any depth,
	// with or without a trailing slash. It must not have a user, a query or a fragment, nor end in
	// /access-tokens. "" means DefaultBaseURL.
	BaseURL string

	// FailoverURLs are the roots of the API on further management nodes of the same cluster, under
	// the rules of BaseURL. When a node fails, the client goes on to the next one. A host name with
	// several addresses is one node, so list the addresses. nil: no failover.
	FailoverURLs []string

	// TokenInHeader is sent as the Xms-Auth-Token header. The zero APIKey: no such header.
	TokenInHeader APIKey

	// TokenInQuery is sent as the token query parameter, for deployments that cannot pass headers.
	// URLs end up in access logs, so prefer TokenInHeader. The zero APIKey: no such parameter.
	TokenInQuery APIKey

	// TokenSource supplies the Xms-Auth-Token header afresh for each attempt, so that a token can be
	// rotated under a running client. It wins over TokenInHeader. nil: TokenInHeader is used.
	TokenSource TokenSource

	// UserAgent is sent as User-Agent. "" means "xms-client-go/<Version>".
	UserAgent string

	// DefaultHeader is added to every request. NewAPIClient refuses the headers that the client or
	// net/http sets, Proxy-Authorization and Idempotency-Key. The values are never printed. nil:
	// nothing is added.
	DefaultHeader http.Header

	// HTTPClient sends the requests, on a copy. Its Transport, Timeout and Jar count; a nil
	// Transport means http.DefaultTransport, looked up for each request. Its CheckRedirect does not:
	// no redirect is followed. nil: a client with a transport of its own, which speaks HTTP/1.1,
	// keeps up to 64 connections to a node, and is not reached by mocks of http.DefaultTransport. A
	// Transport may create a token twice if it repeats requests by itself, drops their context, or has
	// a protocol registered that reports nothing to net/http/httptrace.
	HTTPClient *http.Client

	// WrapTransport puts middleware around the transport, whether it is the client's own or that of
	// HTTPClient: tracing, metrics, headers. NewAPIClient calls it once, and refuses a nil result.
	// What it returns must send each request once, through the RoundTripper that it got and with
	// the request's context. Time that it waits, such as for a rate limiter, counts toward Timeout.
	// Middleware must not call the same client: its request holds one of the node's 64 places. nil:
	// no middleware.
	WrapTransport func(http.RoundTripper) http.RoundTripper

	// TLSConfig is used, on a clone, by the client's own transport. NewAPIClient refuses it together
	// with HTTPClient, whose transport has a TLS configuration of its own. nil: the system's roots.
	// The minimum is TLS 1.2 unless MinVersion is set. To renew certificates, make a new client.
	TLSConfig *tls.Config

	// Timeout bounds one attempt, from the moment at which it may be sent to the last byte of the
	// answer. The context bounds the call with all its attempts. 0 means 30 s; negative means none.
	Timeout time.Duration

	// Retry says how often and how fast the client sends a failed request again. The zero value is a
	// good default.
	Retry RetryPolicy

	// MaxResponseBytes bounds the body of one answer, after decompression. A longer one is
	// ErrResponseTooLarge. 0 means 64 MiB; negative is refused.
	MaxResponseBytes int64

	// Logger receives a debug record for each attempt, a warning when the client leaves a node for
	// another one, and a warning when something besides the uuid of a new token cannot be read. No
	// record holds a secret. nil: silent.
	Logger *slog.Logger
}

// RetryPolicy says how often and how fast the client sends a failed request again. The zero value
// means the defaults. Negative values are refused. The package documentation lists which failures
// lead to another attempt: a policy cannot change that.
type RetryPolicy struct {
	// MaxAttempts is the number of attempts in all. 0 means 4, or one more than there are nodes if
	// that is more. 1 means a single attempt, whatever happens.
	MaxAttempts int

	// InitialInterval bounds the random wait before the second round through the nodes. The bound
	// doubles with each round. 0 means 250 ms, or MaxInterval if that is less.
	InitialInterval time.Duration

	// MaxInterval is the largest bound of the wait. 0 means 5 s, or InitialInterval if that is more.
	MaxInterval time.Duration

	// MaxRetryAfter is the longest Retry-After that the client waits for. If a server asks for more,
	// the call returns its error instead. 0 means 30 s.
	MaxRetryAfter time.Duration
}

// NewConfiguration returns a Configuration without credentials. Its defaults are filled in, but for
// Retry, whose zero value means its defaults.
func NewConfiguration() *Configuration {
	cfg := (&Configuration{}).withDefaults()
	return &cfg
}

// ConfigurationFromEnv returns NewConfiguration with what these environment variables say. An unset
// or blank one leaves the default.
//
//   - XMS_BASE_URL: the root of the API, or several separated by commas. The first becomes BaseURL,
//     the others FailoverURLs.
//   - XMS_AUTH_TOKEN: the key of TokenInHeader. White space around it is dropped.
//   - XMS_CA_FILE: a PEM file with the certificates to trust in place of the system's roots. Each
//     one in it must be readable. It is read once: before a CA changes, put the old and the new one
//     into it.
//
// The error is an *ArgumentError whose Argument is the variable's name. If a file cannot be read,
// it wraps the file system's error, so that errors.Is finds fs.ErrNotExist.
func ConfigurationFromEnv() (*Configuration, error) {
	cfg := NewConfiguration()
	if list := strings.TrimSpace(os.Getenv("XMS_BASE_URL")); list != "" {
		var urls []string
		for i, raw := range strings.Split(list, ",") {
			raw = strings.TrimSpace(raw)
			if _, err := parseBaseURL(raw); err != nil {
				return nil, envError("XMS_BASE_URL", fmt.Sprintf("entry %d: %v", i+1, err), nil)
			}
			urls = append(urls, raw)
		}
		cfg.BaseURL, cfg.FailoverURLs = urls[0], urls[1:]
	}
	if text := os.Getenv("XMS_AUTH_TOKEN"); strings.TrimSpace(text) != "" {
		token, err := parseToken(text)
		if err != nil {
			return nil, envError("XMS_AUTH_TOKEN", err.Error(), nil)
		}
		cfg.TokenInHeader.Key = token
	}
	if file := strings.TrimSpace(os.Getenv("XMS_CA_FILE")); file != "" {
		roots, err := readRoots(file)
		if err != nil {
			return nil, envError("XMS_CA_FILE", err.Error(), err)
		}
		cfg.TLSConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return cfg, nil
}

// readRoots reads a PEM file. Every certificate in it must be readable: one that is skipped
// silently shows up later as "unknown authority".
func readRoots(file string) (*x509.CertPool, error) {
	const begin = "-----BEGIN CERTIFICATE-----"
	if strings.Contains(file, "-----BEGIN") {
		return nil, errors.New("must be the path of a file, not the certificates themselves")
	}
	content, err := os.ReadFile(file) //nolint:gosec // whoever sets the variable chooses the file
	file = secret.WithoutUUIDs(file)  // it may be a token by mistake
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, pathless(err))
	}
	var text strings.Builder
	for line := range strings.Lines(string(content)) {
		text.WriteString(strings.TrimSpace(line) + "\n")
	}
	roots := x509.NewCertPool()
	blocks := strings.Split(text.String(), begin)
	for i, rest := range blocks[1:] {
		block, _ := pem.Decode([]byte(begin + rest))
		if block == nil {
			return nil, fmt.Errorf("%s: certificate %d is no valid PEM block", file, i+1)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: certificate %d: %w", file, i+1, err)
		}
		roots.AddCert(certificate)
	}
	found := len(blocks) - 1
	switch {
	case len(bracket.FindAllString(text.String(), -1)) > 2*found:
		return nil, fmt.Errorf("%s: after certificate %d: a BEGIN line without a complete certificate, "+
			"such as a block that is cut off or a TRUSTED CERTIFICATE", file, found)
	case found == 0:
		return nil, fmt.Errorf("%s holds no PEM certificate", file)
	}
	return roots, nil
}

// bracket is a line that begins or ends a certificate, also as word processors write it.
var bracket = regexp.MustCompile(`(?im)^(-{2,}|[–—]+) ?(BEGIN|END) (TRUSTED |X509 )?CERTIFICATE ?[-–—]+`)

func envError(variable, reason string, err error) error {
	return &ArgumentError{Operation: "ConfigurationFromEnv", Argument: variable, Reason: reason, err: err}
}

func (cfg Configuration) withDefaults() Configuration {
	cfg.BaseURL = cmp.Or(cfg.BaseURL, DefaultBaseURL)
	cfg.UserAgent = cmp.Or(cfg.UserAgent, "xms-client-go/"+Version)
	cfg.Timeout = cmp.Or(cfg.Timeout, 30*time.Second)
	cfg.MaxResponseBytes = cmp.Or(cfg.MaxResponseBytes, 64<<20)
	return cfg
}

func (p RetryPolicy) withDefaults(nodes int) RetryPolicy {
	const initial, longest = 250 * time.Millisecond, 5 * time.Second
	p.MaxAttempts = cmp.Or(p.MaxAttempts, max(4, nodes+1))
	p.InitialInterval = cmp.Or(p.InitialInterval, min(initial, cmp.Or(p.MaxInterval, initial)))
	p.MaxInterval = cmp.Or(p.MaxInterval, max(longest, p.InitialInterval))
	p.MaxRetryAfter = cmp.Or(p.MaxRetryAfter, 30*time.Second)
	return p
}

// check returns the base URLs of the nodes, or an *ArgumentError that names the first unusable
// field.
func (cfg *Configuration) check() (nodes []string, _ error) {
	const (
		negative = "must not be negative; 0 means the default"
		tooLong  = "must not exceed Retry.MaxInterval"
		ownTLS   = "is for the client's own transport: set it in HTTPClient's transport instead, " +
			"or leave HTTPClient nil and put middleware into WrapTransport"
	)
	for i, raw := range cfg.urls() {
		field := "BaseURL"
		if i > 0 {
			field = fmt.Sprintf("FailoverURLs[%d]", i-1)
		}
		node, err := parseBaseURL(raw)
		if err != nil {
			return nil, configError(field, err.Error())
		}
		nodes = append(nodes, node)
	}
	inHeader, inQuery, header := cfg.TokenInHeader.flaw(), cfg.TokenInQuery.flaw(), headerFlaw(cfg.DefaultHeader)
	client, retry := cmp.Or(cfg.HTTPClient, &http.Client{}), cfg.Retry
	for _, row := range []struct {
		refused       bool
		field, reason string
	}{
		{inHeader != "", "TokenInHeader", inHeader},
		{inQuery != "", "TokenInQuery", inQuery},
		{header != "", "DefaultHeader", header},
		{isTypedNil(cfg.TokenSource), "TokenSource", "holds a nil; set the field itself to nil for no TokenSource"},
		{!validHeaderValue(cfg.UserAgent), "UserAgent", "must not have control characters or white space around it"},
		{cfg.HTTPClient != nil && cfg.TLSConfig != nil, "TLSConfig", ownTLS},
		{isTypedNil(client.Transport), "HTTPClient", "has a Transport that holds a nil; nil: http.DefaultTransport"},
		{isTypedNil(client.Jar), "HTTPClient", "has a Jar that holds a nil; set it to nil for no cookies"},
		{cfg.Logger != nil && cfg.Logger.Handler() == nil, "Logger", "has no handler; slog.New makes one that has"},
		{cfg.MaxResponseBytes < 0, "MaxResponseBytes", "must not be negative; 0 means 64 MiB"},
		{retry.MaxAttempts < 0, "Retry.MaxAttempts", negative},
		{retry.InitialInterval < 0, "Retry.InitialInterval", negative},
		{retry.MaxInterval < 0, "Retry.MaxInterval", negative},
		{retry.MaxRetryAfter < 0, "Retry.MaxRetryAfter", negative},
		{retry.MaxInterval != 0 && retry.InitialInterval > retry.MaxInterval, "Retry.InitialInterval", tooLong},
	} {
		if row.refused {
			return nil, configError(row.field, row.reason)
		}
	}
	return nodes, nil
}

func isTypedNil(v any) bool { return v != nil && exchange.IsNil(v) }

func configError(field, reason string) error {
	return &ArgumentError{Operation: "NewAPIClient", Argument: field, Reason: reason}
}

func (cfg *Configuration) urls() []string { return append([]string{cfg.BaseURL}, cfg.FailoverURLs...) }

const (
	separators = ",;|&，；、｜،\"'`“”‘’<>\\" // what people put between several URLs, or around one
	oneURL     = "must be one URL, without quotes; further nodes go into FailoverURLs, or into XMS_BASE_URL behind a comma"
	brackets   = "an IPv6 address needs brackets, as in http://[fe80::1]:8051/v1, and only one port"
)

// endpoint is the path of an operation, which people paste as base URL.
var endpoint = regexp.MustCompile(`(?i)/access-tokens(/+(\d+|[0-9a-f-]{32,}|\{[^/]*\}))?(/*:[^/]*)?[/.\s]*$`)

// parseBaseURL returns a base URL without its trailing slashes. Its errors do not quote raw, which
// may hold a password by mistake.
func parseBaseURL(raw string) (string, error) {
	u, err := url.Parse(strings.TrimRight(raw, "/")) // a slash written as %2F belongs to the path
	_, rest, _ := strings.Cut(raw, "://")
	authority := rest[:strings.IndexAny(rest+"/", "/?#")]
	var reason string
	switch {
	case raw == "":
		reason = "is empty"
	case strings.ContainsFunc(raw, func(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }):
		reason = "must not contain white space or invisible characters; " + oneURL
	case strings.ContainsAny(raw, separators), strings.Contains(rest, "://"),
		err == nil && strings.ContainsAny(u.Path, separators):
		reason = oneURL
	case strings.Count(authority, ":") > 1 && !strings.ContainsAny(authority, "[@"):
		reason = brackets
	case err != nil:
		reason = "is not a URL"
	case u.Scheme != "http" && u.Scheme != "https":
		reason = "must begin with http:// or https://"
	case u.Hostname() == "":
		reason = "has no host"
	case !host.MatchString(u.Host):
		reason = "has an invalid character in its host"
	case !validPort(u):
		reason = "has a port that is not between 1 and 65535"
	case u.User != nil:
		reason = "must not carry a user name or password; credentials go into TokenInHeader"
	case u.RawQuery != "" || u.ForceQuery:
		reason = "must not have a query; a token in the query goes into TokenInQuery"
	case u.Fragment != "" || strings.Contains(raw, "#"):
		reason = "must not have a fragment"
	case endpoint.MatchString(u.Path):
		reason = "must be the root of the API, without /access-tokens"
	default:
		return u.String(), nil
	}
	return "", errors.New(reason + "; it should look like http://10.0.0.1:8051/v1")
}

var host = regexp.MustCompile(`^[\pL\p{Nd}\pM._:\[\]%-]*$`)

func validPort(u *url.URL) bool {
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0 || u.Port() == "" && !strings.HasSuffix(u.Host, ":")
}

// ownHeaders are the headers that DefaultHeader must not hold. Accept-Encoding is among them
// because it switches off net/http's decompression.
var ownHeaders = []struct{ names, reason string }{
	{authHeader, "the token goes into TokenInHeader or TokenSource"},
	{"Proxy-Authorization", "it would go to XMS; a proxy's go into HTTPS_PROXY or Transport.ProxyConnectHeader"},
	{"Idempotency-Key X-Idempotency-Key", "net/http would repeat creates, and every request would carry the same key"},
	{"User-Agent", "it goes into UserAgent"},
	{"Host", "it is part of BaseURL"},
	{"Referer", "the client never sends it"},
	{"Accept Content-Type", "the client sets it"},
	{"Accept-Encoding Connection Content-Length Keep-Alive Proxy-Connection", "net/http sets it"},
	{"Te Trailer Transfer-Encoding Upgrade", "net/http sets it"},
}

// headerFlaw says what is wrong with a DefaultHeader; "": nothing.
func headerFlaw(header http.Header) string {
	isMalformed := func(value string) bool { return !validHeaderValue(value) }
	for name, values := range header {
		if !headerName.MatchString(name) {
			return "has an invalid header name"
		}
		for _, own := range ownHeaders {
			if slices.Contains(strings.Fields(own.names), http.CanonicalHeaderKey(name)) {
				return "must not hold " + name + ": " + own.reason
			}
		}
		if slices.ContainsFunc(values, isMalformed) {
			return "has a value of " + name + " with control characters or white space around it"
		}
	}
	return ""
}

// secretHeader matches the name of a header whose value is a credential.
var secretHeader = regexp.MustCompile("(?i)authorization|cookie|token|key|secret")

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

// secrets returns the secrets of the configuration.
func (cfg *Configuration) secrets() *secret.Set {
	set := &secret.Set{}
	set.Add(cfg.TokenInHeader.Key)
	set.Add(cfg.TokenInQuery.Key)
	for name, values := range cfg.DefaultHeader {
		for _, value := range values {
			switch {
			case http.CanonicalHeaderKey(name) == "Cookie":
				set.AddCookies(value)
			case secretHeader.MatchString(name):
				set.AddHeader(value)
			}
		}
	}
	return set
}

// machine returns the settings of the package that sends the requests.
func (cfg *Configuration) machine(nodes []string) exchange.Config {
	header := http.Header{}
	for _, name := range slices.Sorted(maps.Keys(cfg.DefaultHeader)) {
		canonical := http.CanonicalHeaderKey(name)
		header[canonical] = append(header[canonical], cfg.DefaultHeader[name]...)
	}
	header.Set("Accept", "application/json")
	header.Set("User-Agent", cfg.UserAgent)
	tokens := &credentials{header: cfg.TokenInHeader.value(), source: cfg.TokenSource, timeout: cfg.Timeout}
	if cfg.TokenInQuery.Key != "" {
		tokens.query = "token=" + url.QueryEscape(cfg.TokenInQuery.value())
	}
	retry := cfg.Retry.withDefaults(len(nodes))
	return exchange.Config{
		Nodes: nodes, HTTPClient: cfg.HTTPClient, WrapTransport: cfg.WrapTransport, TLS: cfg.TLSConfig,
		Header: header, Timeout: cfg.Timeout, MaxBytes: cfg.MaxResponseBytes,
		MaxAttempts: retry.MaxAttempts, InitialInterval: retry.InitialInterval,
		MaxInterval: retry.MaxInterval, MaxRetryAfter: retry.MaxRetryAfter,
		Credential: tokens.next, Observe: observer(cfg.Logger),
	}
}

// String describes the configuration without keys and header values.
func (cfg Configuration) String() string {
	urls := cfg.urls()
	for i, raw := range urls {
		if _, err := parseBaseURL(raw); err != nil && raw != "" {
			urls[i] = "(not a base URL)" // it may hold a password, anywhere
		}
	}
	return fmt.Sprintf("xmsclient.Configuration{URLs:%q TokenInHeader:%v TokenInQuery:%v TokenSource:%t UserAgent:%q "+
		"DefaultHeader:(%d) HTTPClient:%t WrapTransport:%t TLSConfig:%t Timeout:%v Retry:%+v MaxResponseBytes:%d Logger:%t}",
		urls, cfg.TokenInHeader, cfg.TokenInQuery, cfg.TokenSource != nil, cfg.UserAgent, len(cfg.DefaultHeader),
		cfg.HTTPClient != nil, cfg.WrapTransport != nil, cfg.TLSConfig != nil,
		cfg.Timeout, cfg.Retry, cfg.MaxResponseBytes, cfg.Logger != nil)
}

// Format prints String for every verb.
func (cfg Configuration) Format(f fmt.State, verb rune) { secret.Print(f, verb, cfg.String()) }

// LogValue makes slog record String.
func (cfg *Configuration) LogValue() slog.Value { return logValue(cfg) }

// MarshalText makes encoders write String. It never fails.
func (cfg Configuration) MarshalText() ([]byte, error) { return []byte(cfg.String()), nil }
