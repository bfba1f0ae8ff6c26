package xmsclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"strings"
)

const (
	authHeader = "Xms-Auth-Token"
	authQuery  = "token"
)

// APIKey is a credential: the uuid of an access token or of a login session, with an optional prefix. On the wire it is
// Key alone or, with a prefix, Prefix, one space and Key. The zero value means no credential.
//
// No verb of package fmt, no slog handler and no text or JSON encoding shows Key. A struct of your own that holds an APIKey
// in an unexported field is printed without asking APIKey; hold a pointer there.
type APIKey struct {
	Key    string // the secret
	Prefix string // such as "Bearer"; "" for none, which is what XMS itself expects
}

func (k APIKey) value() string {
	if k.Prefix == "" {
		return k.Key
	}
	return k.Prefix + " " + k.Key
}

// check returns an error that says what is wrong without quoting the key.
func (k APIKey) check() error {
	switch {
	case k.Key == "" && k.Prefix != "":
		return errors.New("has a Prefix but no Key")
	case !validHeaderValue(k.Key):
		return errors.New("Key must not contain control characters or surrounding white space, such as the newline at a file's end")
	case !validHeaderValue(k.Prefix):
		return errors.New("Prefix must not contain control characters or surrounding white space")
	}
	return nil
}

// checkForCall is check for a key that must not be missing.
func (k APIKey) checkForCall() error {
	if k.Key == "" {
		return errors.New("is empty")
	}
	return k.check()
}

// String returns a fixed text in place of the key.
func (k APIKey) String() string {
	if k.Key == "" {
		return "[none]"
	}
	return redacted
}

// GoString returns what String returns.
func (k APIKey) GoString() string { return k.String() }

// Format prints what String returns for every verb.
func (k APIKey) Format(f fmt.State, verb rune) { formatText(f, verb, k.String()) }

// LogValue makes slog record what String returns.
func (k APIKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText makes encoding/json and other encoders write what String returns. It never fails.
func (k APIKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// TokenSource supplies the value of the Xms-Auth-Token header, prefix included if there is one.
type TokenSource interface {
	// Token is called for each attempt of each call, from many goroutines at once, so it should be quick: cache what is
	// expensive to get. ctx carries the deadline of the attempt. An error, or a value that cannot stand in a header, ends
	// the call with a *RequestError before anything is sent. Do not put the token into the error.
	//
	// After an answer of 401 it is called again: if it then returns another value than the one that was refused, the call is
	// tried once more with that; if not, the 401 is returned. So while a rotation is under way, let Token wait for the new
	// value.
	Token(ctx context.Context) (string, error)
}

// TokenSourceFunc is a function as a TokenSource.
type TokenSourceFunc func(ctx context.Context) (string, error)

// Token calls f.
func (f TokenSourceFunc) Token(ctx context.Context) (string, error) { return f(ctx) }

type apiKeyContextKey struct{}

// ContextWithAPIKey returns a copy of ctx that makes the calls made with it send key as their Xms-Auth-Token header. It
// wins over Configuration.TokenSource and Configuration.TokenInHeader; Configuration.TokenInQuery is sent all the same. A call
// made with an empty or malformed key fails with an *ArgumentError rather than fall back to another identity.
func ContextWithAPIKey(ctx context.Context, key APIKey) context.Context {
	// A func, since printing a context with %#v or %d walks over its values without asking them.
	return context.WithValue(ctx, apiKeyContextKey{}, func() APIKey { return key })
}

// credential is what one attempt authenticates with.
type credential struct {
	header    []string // value of Xms-Auth-Token; nil: the header is not sent
	query     string   // "token=…" as it stands in a URL; "": the parameter is not sent
	headerKey string   // the secret in header
	queryKey  string   // the secret in query

	others func() []string // secrets in DefaultHeader, for a proxy in front of XMS
}

// authenticator knows the client's credentials. It keeps them in closures: what walks over a client by reflection, be it
// package fmt or a dump of a failed test, stops at a func and so cannot show them.
type authenticator struct {
	configured func() credential
	source     func(context.Context) (string, error) // nil: no TokenSource
}

func newAuthenticator(cfg *Configuration) authenticator {
	static := credential{headerKey: cfg.TokenInHeader.Key, queryKey: cfg.TokenInQuery.Key}
	if static.headerKey != "" {
		static.header = []string{cfg.TokenInHeader.value()}
	}
	if static.queryKey != "" {
		static.query = authQuery + "=" + url.QueryEscape(cfg.TokenInQuery.value())
	}
	var others []string
	for name, values := range cfg.DefaultHeader {
		switch textproto.CanonicalMIMEHeaderKey(name) {
		case "Authorization", "Proxy-Authorization", "Cookie":
			others = append(others, values...)
		}
	}
	static.others = func() []string { return others }
	a := authenticator{configured: func() credential { return static }}
	if cfg.TokenSource != nil {
		a.source = cfg.TokenSource.Token
	}
	return a
}

// credential returns what the next attempt of c authenticates with.
func (a *authenticator) credential(ctx context.Context, c *call) (credential, error) {
	cred := a.configured()
	switch {
	case c.apiKey.Key != "":
		cred.header, cred.headerKey = []string{c.apiKey.value()}, c.apiKey.Key
	case c.rotatedTo != "":
		cred.header, cred.headerKey = []string{c.rotatedTo}, c.rotatedTo
		c.rotatedTo = ""
	case a.source != nil:
		token, err := a.token(ctx)
		if err != nil {
			return cred, err
		}
		cred.header, cred.headerKey = []string{token}, token
	}
	return cred, nil
}

func (a *authenticator) token(ctx context.Context) (string, error) {
	token, err := a.source(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("TokenSource: %w", err)
	case token == "":
		return "", errors.New("TokenSource returned an empty token")
	case !validHeaderValue(token):
		return "", errors.New("TokenSource returned a token with control characters or surrounding white space, " +
			"such as the newline at a file's end")
	}
	return token, nil
}

// rotated reports whether the TokenSource has come to supply another token than the one that was just answered with 401. The
// next attempt of c then uses it. That holds once per call.
func (a *authenticator) rotated(ctx context.Context, c *call) bool {
	if a.source == nil || c.apiKey.Key != "" || c.rotated {
		return false
	}
	token, err := a.token(ctx)
	if err != nil || token == c.cred.headerKey {
		return false
	}
	c.rotated, c.rotatedTo = true, token
	return true
}

const resendNote = "it would make net/http send a create again on a broken connection, and one value cannot fit every request"

// ownHeaders are the headers that the client or net/http sets itself, and that DefaultHeader therefore must not hold.
// Accept-Encoding is among them because setting it switches off net/http's decompression.
var ownHeaders = map[string]string{
	authHeader:          "the token goes into TokenInHeader or TokenSource",
	"User-Agent":        "it goes into UserAgent",
	"Accept":            "the client sets it",
	"Accept-Encoding":   "net/http sets it",
	"Connection":        "net/http sets it",
	"Content-Length":    "net/http sets it",
	"Content-Type":      "the client sets it",
	"Host":              "it is part of BaseURL",
	"Idempotency-Key":   resendNote,
	"X-Idempotency-Key": resendNote,
	"Keep-Alive":        "net/http sets it",
	"Proxy-Connection":  "net/http sets it",
	"Referer":           "the client never sends it",
	"Te":                "net/http sets it",
	"Trailer":           "net/http sets it",
	"Transfer-Encoding": "net/http sets it",
	"Upgrade":           "net/http sets it",
}

func checkDefaultHeader(name string, values []string) error {
	if !validHeaderName(name) {
		return fmt.Errorf("%q is not a header name", name)
	}
	if reason, own := ownHeaders[textproto.CanonicalMIMEHeaderKey(name)]; own {
		return fmt.Errorf("must not hold %s: %s", name, reason)
	}
	for _, v := range values {
		if !validHeaderValue(v) {
			return fmt.Errorf("a value of %s has control characters or surrounding white space", name)
		}
	}
	return nil
}

func validHeaderName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r)
	})
}

// validHeaderValue is stricter than net/http, which sends surrounding white space that servers then drop.
func validHeaderValue(value string) bool {
	return strings.TrimSpace(value) == value && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// maxRedirects is how often net/http itself follows before it gives up.
const maxRedirects = 10

// redirectPolicy returns the CheckRedirect that follows a redirect only where neither credentials nor meaning can get lost:
// to the same origin, with the same method. For the others it keeps the 3xx as the answer. next, which may be nil, is
// the caller's own policy and is asked last.
func (a *authenticator) redirectPolicy(next func(*http.Request, []*http.Request) error) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		first := via[0]
		if len(via) > maxRedirects || req.Method != first.Method || req.URL.User != nil || origin(req.URL) != origin(first.URL) {
			return http.ErrUseLastResponse
		}
		// net/http has put the previous URL here, with the tokens in its query.
		req.Header.Del("Referer")
		if query := a.configured().query; query != "" && !req.URL.Query().Has(authQuery) {
			req.URL.RawQuery = joinQuery(req.URL.RawQuery, query)
		}
		if next != nil {
			return next(req, via)
		}
		return nil
	}
}

// origin returns scheme, host and port of u in a form that compares equal for equal origins.
func origin(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

// joinQuery joins encoded queries, any of which may be empty.
func joinQuery(queries ...string) string {
	joined := ""
	for _, q := range queries {
		if joined != "" && q != "" {
			joined += "&"
		}
		joined += q
	}
	return joined
}
