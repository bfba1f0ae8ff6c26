package xmsclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/xsky-storage/xms-client-go/internal/exchange"
	"github.com/xsky-storage/xms-client-go/internal/secret"
)

const (
	authHeader = "Xms-Auth-Token"
	redacted   = "[redacted]"
)

// APIKey is a credential: the uuid of an access token or of a login session, with an optional
// prefix. A request carries Key alone or, with a prefix, Prefix, one space and Key. The zero value
// means no credential.
//
// Package fmt, slog and encoders of text or JSON do not show Key. There are two exceptions, in
// which package fmt does not ask the value: the verbs %w and %p, and a struct of your own that
// holds an APIKey in an unexported field. Do not print such a struct.
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

// flaw says what is wrong with the key, without quoting it; "": nothing.
func (k APIKey) flaw() string {
	switch {
	case k.Key == "" && k.Prefix != "":
		return "has a Prefix but no Key"
	case !validHeaderValue(k.Key):
		return "has a Key with control characters or white space around it, such as the newline at a file's end"
	case !validHeaderValue(k.Prefix):
		return "has a Prefix with control characters or white space around it"
	}
	return ""
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
func (k APIKey) Format(f fmt.State, verb rune) { secret.Print(f, verb, k.String()) }

// LogValue makes slog record what String returns.
func (k APIKey) LogValue() slog.Value { return slog.StringValue(k.String()) }

// MarshalText makes encoding/json and other encoders write what String returns. It never fails.
func (k APIKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// TokenSource supplies the value of the Xms-Auth-Token header, with its prefix if there is one.
type TokenSource interface {
	// Token is called for each attempt of each call, from many goroutines at once. So it should be
	// quick: cache what is expensive to get. It must return when ctx ends, at the latest after
	// Configuration.Timeout. An error, a value that cannot stand in a header, or one that comes
	// after ctx has ended, ends the call, and that attempt sends nothing. The call's error is a
	// *RequestError. After a 401 it stays the 401, whose text says why. Do not put the token into
	// the error.
	//
	// After the first 401 of a call it is called again. If it then returns another token than the
	// one that XMS refused, the call makes one more attempt with that; if not, the 401 is returned.
	// So let Token wait for the new token while a rotation is under way.
	//
	// That question has the refused token in its context. A source that caches drops it then:
	//
	//	if cached == xmsclient.RefusedTokenFromContext(ctx) {
	//		cached = "" // get a new one; another call may have replaced the refused one already
	//	}
	//
	// examples/login has such a source, which logs in.
	Token(ctx context.Context) (string, error)
}

// TokenSourceFunc is a function as a TokenSource.
type TokenSourceFunc func(ctx context.Context) (string, error)

// Token calls f.
func (f TokenSourceFunc) Token(ctx context.Context) (string, error) { return f(ctx) }

type apiKeyContextKey struct{}

// ContextWithAPIKey returns a copy of ctx that makes the calls made with it send key as their
// Xms-Auth-Token header. It wins over Configuration.TokenSource and Configuration.TokenInHeader.
// Configuration.TokenInQuery is sent all the same. A call with an empty or malformed key fails with
// an *ArgumentError: it does not fall back to another identity.
func ContextWithAPIKey(ctx context.Context, key APIKey) context.Context {
	return context.WithValue(ctx, apiKeyContextKey{}, secret.Hide(key))
}

func keyFromContext(ctx context.Context) (key APIKey, ok bool) {
	hidden, ok := ctx.Value(apiKeyContextKey{}).(secret.Hidden[APIKey])
	return hidden.Reveal(), ok
}

type refusedTokenContextKey struct{}

// RefusedTokenFromContext returns, inside TokenSource.Token, the token that XMS has just answered
// with 401, exactly as the source returned it. It returns "" for any other context: nothing was
// refused. A source that caches drops its token if that is the refused one, and keeps it otherwise.
func RefusedTokenFromContext(ctx context.Context) string {
	hidden, _ := ctx.Value(refusedTokenContextKey{}).(secret.Hidden[string])
	return hidden.Reveal()
}

// withRefusedToken sets the refused token. "" overrides one that another client put into ctx.
func withRefusedToken(ctx context.Context, token string) context.Context {
	if token == RefusedTokenFromContext(ctx) {
		return ctx
	}
	return context.WithValue(ctx, refusedTokenContextKey{}, secret.Hide(token))
}

// credentials says what each attempt authenticates with.
type credentials struct {
	header, query string
	source        TokenSource   // nil: header is used
	timeout       time.Duration // of a question to source; negative: none
}

// next returns the credential of the next attempt. refused is the token that XMS has answered with
// 401, or "".
func (c *credentials) next(ctx context.Context, refused string) (exchange.Credential, error) {
	credential := exchange.Credential{HeaderName: authHeader, HeaderValue: c.header, Query: c.query}
	if key, ok := keyFromContext(ctx); ok {
		credential.HeaderValue = key.value()
		return credential, nil
	}
	if c.source == nil {
		return credential, nil
	}
	token, err := c.ask(withRefusedToken(ctx, refused))
	credential.HeaderValue, credential.SourceToken = token, token
	return credential, err
}

// ask gets a token from the TokenSource, within the timeout of an attempt.
func (c *credentials) ask(ctx context.Context) (string, error) {
	if c.timeout >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	token, err := c.source.Token(ctx)
	if err == nil {
		err = ctx.Err() // a token that came too late is none
	} else {
		err = withoutSentinels(err)
	}
	switch {
	case err != nil && ctx.Err() != nil:
		return token, secret.Join("TokenSource: "+err.Error(), exchange.ContextError(ctx), err)
	case err != nil:
		return token, fmt.Errorf("TokenSource: %w", err)
	case token == "":
		return token, errors.New("TokenSource returned an empty token")
	case !validHeaderValue(token):
		return token, errors.New("TokenSource returned a token with control characters or white space around it, " +
			"such as the newline at a file's end")
	}
	return token, nil
}

// withoutSentinels cuts errors of this package out of the chain of what a TokenSource returns that
// uses the SDK itself. Their ErrNotFound says nothing of the call that asks for a token.
func withoutSentinels(err error) error {
	var (
		api     *ApiError
		request *RequestError
		decode  *DecodeError
	)
	if !errors.As(err, &api) && !errors.As(err, &request) && !errors.As(err, &decode) {
		return err
	}
	for _, ended := range []error{context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, ended) {
			return secret.Join(err.Error(), ended)
		}
	}
	return errors.New(err.Error())
}

// maxTokenFile bounds a token file: enough for any token, and too little for most wrong files.
const maxTokenFile = 64 << 10

// TokenFromFile returns a TokenSource that reads the token from the file at path, such as a mounted
// secret. White space around the token and a byte order mark are dropped. The file is read for each
// attempt, which costs microseconds, so a change takes effect with the next one.
//
// Nothing is read before the first call. A call fails, as TokenSource describes, if the file cannot
// be read, is no regular file, is empty, is larger than 64 KiB, or holds anything but a token:
// quotes, NAME=token, NAME: token, JSON, or characters outside ASCII. The text of the error names
// the file. errors.Is finds the file system's error, such as fs.ErrNotExist, in a *RequestError. If
// path is a token by mistake, the error does not show it. To change the token, write another file
// and rename it to path, so that nobody reads half a token.
func TokenFromFile(path string) TokenSource {
	return TokenSourceFunc(func(context.Context) (string, error) {
		token, err := readTokenFile(path)
		if err != nil {
			return "", fmt.Errorf("token file %s: %w", secret.WithoutUUIDs(path), err) // it may be a token by mistake
		}
		return token, nil
	})
}

func readTokenFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", pathless(err)
	}
	switch {
	case !info.Mode().IsRegular(): // a FIFO would hold the call
		return "", errors.New("is not a regular file")
	case info.Size() > maxTokenFile:
		return "", errors.New("is too large to hold just a token")
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", pathless(err)
	}
	return parseToken(string(content))
}

// pathless returns the cause of an error of the file system, without the path.
func pathless(err error) error {
	if pathError := (*os.PathError)(nil); errors.As(err, &pathError) {
		return pathError.Err
	}
	return err
}

var assignment = regexp.MustCompile(`(?i)XMS_AUTH_TOKEN|^(export\s+)?[A-Z_][\w.-]*\s*(=+[^=]|:\s)`)

// parseToken reads a token as people put it into files and variables. It refuses anything else,
// without quoting it: the server would only answer 401.
func parseToken(text string) (string, error) {
	token := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "\ufeff"))
	switch {
	case token == "":
		return "", errors.New("is empty")
	case strings.ContainsFunc(token, func(r rune) bool { return r > '~' || r < ' ' }):
		return "", errors.New("must be printable ASCII on one line: no zero-width space, no curly quotes, no UTF-16")
	case strings.ContainsAny(token[:1], "\"'`") || strings.ContainsAny(token[len(token)-1:], "\"'`"):
		return "", errors.New("must hold the token without quotes around it")
	case strings.ContainsAny(token[:1], "{["):
		return "", errors.New("must hold the token alone, not JSON")
	case assignment.MatchString(token):
		return "", errors.New("must hold the token alone, without NAME= or NAME: before it")
	}
	return token, nil
}

// validHeaderValue is stricter than net/http, which sends surrounding white space that servers
// drop.
func validHeaderValue(value string) bool {
	isControl := func(r rune) bool { return r < ' ' || r == 0x7f }
	return strings.TrimSpace(value) == value && !strings.ContainsFunc(value, isControl)
}
