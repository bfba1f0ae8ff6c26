package xmsclient_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// The secrets of these tests have a recognisable word at either end, which no encoding changes, and between them what
// encodings do change. Tokens that only the server knows look like what XMS hands out.
const (
	secrecyKey       = `zqkeyfront"/+&<=%-zqkeyback`
	secrecySubject   = `zqsubfront\"/+&<=%-zqsubback`
	secrecyHeader    = `zqdefaultheader`
	secrecyUUID      = "5eccade0-a11d-4ead-beef-c0ffee5ec4e7"
	secrecyPlainUUID = "5eccade0a11d4eadbeefc0ffee5ec4e7"
)

// secrecyWords are what must not turn up anywhere, in any notation.
var secrecyWords = []string{
	"zqkeyfront", "zqkeyback", "zqsubfront", "zqsubback", secrecyHeader, "5eccade0", "c0ffee5ec4e7",
}

// secrecyTraces are the words in lower case, as text, in hexadecimal, as a list of decimal bytes and in base64.
var secrecyTraces = sync.OnceValue(func() [][]byte {
	var traces []string
	for _, word := range secrecyWords {
		decimal := strings.Trim(fmt.Sprint([]byte(word)), "[]")
		traces = append(traces, word, hex.EncodeToString([]byte(word)), decimal, strings.ReplaceAll(decimal, " ", ", "))
		for shift := range 3 {
			encoded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), word...))
			traces = append(traces, encoded[4:len(encoded)-4])
		}
	}
	lower := make([][]byte, len(traces))
	for i, trace := range traces {
		lower[i] = bytes.ToLower([]byte(trace))
	}
	return lower
})

// secrecyTrace returns a trace of a secret in text, or nil.
func secrecyTrace(text []byte) []byte {
	text = bytes.ToLower(text)
	for _, trace := range secrecyTraces() {
		if bytes.Contains(text, trace) {
			return trace
		}
	}
	return nil
}

// secrecyLedger collects what may be seen, each piece with where it was seen.
type secrecyLedger struct{ bytes.Buffer }

func (l *secrecyLedger) add(where, text string) { fmt.Fprintf(l, "%s: %s\n", where, text) }

// value adds whatever package fmt and slog make of a value.
func (l *secrecyLedger) value(where string, v any) {
	for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%+q", "%s", "%x", "%X", "%d", "%o", "%t", "%e", "%30.20v"} {
		l.add(where+" "+verb, fmt.Sprintf(verb, v))
	}
	l.add(where+" % x", strings.ReplaceAll(fmt.Sprintf("% x", v), " ", ""))
	for kind, handler := range map[string]slog.Handler{
		"text": slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}),
		"JSON": slog.NewJSONHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}),
	} {
		slog.New(handler).Debug(where+" "+kind, slog.Any("value", v))
	}
}

// err adds an error and everything that can be unwrapped from it.
func (l *secrecyLedger) err(where string, err error) {
	l.value(where, err)
	l.add(where+" Error", err.Error())
	if deref := reflect.ValueOf(err); deref.Kind() == reflect.Pointer && strings.Contains(deref.Type().String(), "xmsclient") {
		if public := deref.Elem(); public.CanInterface() {
			l.value(where+" by value", public.Interface())
		}
	}
	switch wrapper := err.(type) { //nolint:errorlint // this is the walk along the chain itself
	case interface{ Unwrap() error }:
		if inner := wrapper.Unwrap(); inner != nil {
			l.err(where+" >", inner)
		}
	case interface{ Unwrap() []error }:
		for _, inner := range wrapper.Unwrap() {
			l.err(where+" >", inner)
		}
	}
}

// require fails, and says where, if a secret was seen.
func (l *secrecyLedger) require(t *testing.T) {
	t.Helper()
	if secrecyTrace(l.Bytes()) == nil {
		return
	}
	for line := range bytes.Lines(l.Bytes()) {
		if trace := secrecyTrace(line); trace != nil {
			require.Fail(t, "a secret shows", "%q in: %.800s", trace, line)
		}
	}
}

// secrecyForms returns a secret in the notations in which a server may send it back.
func secrecyForms(secret string) string {
	quoted, _ := json.Marshal(secret)
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(secret)
	forms := []string{
		secret, strconv.Quote(secret), string(quoted), plain.String(),
		url.QueryEscape(secret), url.PathEscape(secret),
		regexp.MustCompile(`%[0-9A-F]{2}`).ReplaceAllStringFunc(url.QueryEscape(secret), strings.ToLower),
	}
	return strings.ReplaceAll(strings.Join(forms, " "), "\n", "")
}

// secrecyJSON returns text as a JSON string.
func secrecyJSON(text string) string {
	quoted, _ := json.Marshal(text)
	return string(quoted)
}

// secrecyPlace is a place where a test plants the secret that is then sent back.
type secrecyPlace struct {
	secret     string
	config     func(*xmsclient.Configuration)
	ctx        func(context.Context) context.Context
	operations []faultOperation
}

func secrecyPlaces() map[string]secrecyPlace {
	var all, some, validate []faultOperation
	for _, op := range faultOperations() {
		all = append(all, op)
		switch op.name {
		case "ValidateAccessToken":
			some, validate = append(some, op), append(validate, op)
		case "CreateAccessToken", "DeleteAccessToken":
			some = append(some, op)
		}
	}
	key := xmsclient.APIKey{Key: secrecyKey}
	prefixed := xmsclient.APIKey{Key: secrecyKey, Prefix: "Bearer"}
	source := func(token string) func(*xmsclient.Configuration) {
		return func(cfg *xmsclient.Configuration) {
			cfg.TokenSource = xmsclient.TokenSourceFunc(func(context.Context) (string, error) { return token, nil })
		}
	}
	return map[string]secrecyPlace{
		"header key":                {"Bearer " + secrecyKey, func(cfg *xmsclient.Configuration) { cfg.TokenInHeader = key }, nil, all},
		"prefix and header key":     {"Bearer " + secrecyKey, func(cfg *xmsclient.Configuration) { cfg.TokenInHeader = prefixed }, nil, some},
		"query key":                 {secrecyKey, func(cfg *xmsclient.Configuration) { cfg.TokenInQuery = key }, nil, all},
		"prefix and query key":      {"Bearer " + secrecyKey, func(cfg *xmsclient.Configuration) { cfg.TokenInQuery = prefixed }, nil, some},
		"TokenSource":               {secrecyKey, source(secrecyKey), nil, some},
		"TokenSource with a prefix": {secrecyKey, source("Bearer " + secrecyKey), nil, some},
		"context": {secret: secrecyKey, operations: some, ctx: func(ctx context.Context) context.Context {
			return xmsclient.ContextWithAPIKey(ctx, prefixed)
		}},
		"subject token": {secret: secrecySubject, operations: validate},
		"subject token that begins like the key": {
			secrecySubject, func(cfg *xmsclient.Configuration) { cfg.TokenInHeader.Key = secrecySubject[:5] }, nil, validate,
		},
		"somebody's token":            {secret: secrecyUUID, operations: all},
		"somebody's token, no dashes": {secret: secrecyPlainUUID, operations: some},
	}
}

// secrecyFailures are the ways in which a server, or what is in front of it, can get a secret into an error.
func secrecyFailures(secret string) map[string]faultAnswer {
	echo := secrecyForms(secret)
	quoted := secrecyJSON(echo)
	return map[string]faultAnswer{
		"message":              faultStatus(400, "", `{"message":`+quoted+`}`),
		"msg":                  faultStatus(401, "", `{"msg":`+quoted+`,"code":`+quoted+`}`),
		"error":                faultStatus(403, "", `{"error":`+quoted+`}`),
		"error object":         faultStatus(404, "", `{"error":{"code":`+quoted+`,"message":`+quoted+`}}`),
		"errors":               faultStatus(409, "", `{"errors":[{"message":`+quoted+`}]}`),
		"list":                 faultStatus(422, "", `[`+quoted+`]`),
		"JSON string":          faultStatus(400, "", quoted),
		"problem":              faultStatus(500, "Content-Type: application/problem+json\r\n", `{"title":`+quoted+`,"detail":`+quoted+`}`),
		"text":                 faultStatus(429, "", echo+" "+html.EscapeString(echo)),
		"broken JSON":          faultStatus(503, "Retry-After: 0\r\n", `{"message":`+quoted),
		"HTML":                 faultStatus(502, "Content-Type: text/html\r\n", "<title>"+echo+"</title>"),
		"escaped HTML":         faultStatus(504, "Content-Type: text/html\r\n", "<title>"+html.EscapeString(echo)+"</title>"),
		"headers":              faultStatus(400, "X-Echo: "+echo+"\r\nSet-Cookie: "+echo+"\r\n", ""),
		"at the cut":           faultStatus(400, "", strings.Repeat("x ", 250)+echo),
		"in a query":           faultStatus(400, "", "see /login?next=%2Fv1%3Ftoken%3D"+url.QueryEscape(secret)),
		"status text":          faultText("HTTP/1.1 400 " + echo + "\r\nContent-Length: 0\r\n\r\n"),
		"redirect":             faultStatus(307, "Location: http://other.invalid/"+url.PathEscape(echo)+"?"+url.QueryEscape(echo)+"\r\n", ""),
		"redirect of a POST":   faultStatus(302, "Location: /"+url.PathEscape(echo)+"\r\n", ""),
		"redirect with a user": faultStatus(308, "Location: http://"+url.PathEscape(echo)+"@other.invalid/\r\n", ""),
		"redirect to nonsense": faultStatus(307, "Location: http://[::1/"+echo+"\r\n", ""),
		"redirect to a scheme": faultStatus(307, "Location: "+url.PathEscape(echo)+":"+echo+"\r\n", ""),
		"HTML 200":             faultStatus(200, "", "<html><title>"+echo+"</title>"),
		"text 200":             faultStatus(200, "", echo),
		"content type 200":     faultStatus(200, "Content-Type: text/"+echo+"\r\n", "<html>"),
		"time 200":             faultStatus(200, "", `{"access_token":{"create":`+quoted+`},"access_tokens":[{"create":`+quoted+`}]}`),
		"type 200":             faultStatus(200, "", `{"access_token":{"id":`+quoted+`},"access_tokens":[{"id":`+quoted+`}]}`),
		"truncated 200":        faultStatus(200, "", `{"access_token":{"uuid":`+quoted+`,`),
		"missing 200":          faultStatus(200, "", `{"uuid":`+quoted+`}`),
		"broken off 200":       faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{"+quoted), faultClose),
		"gzip 200":             faultStatus(200, "Content-Encoding: gzip\r\n", echo),
		"chunks 200":           faultThen(faultText("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+echo+"\r\n"), faultClose),
		"trailer 200":          faultThen(faultText("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"+echo+"\r\n\r\n"), faultClose),
		"not HTTP":             faultThen(faultText(`{"uuid":"`+echo+`"}`+"\r\n\r\n"), faultClose),
		"status line":          faultThen(faultText("HTTP/1.1 "+echo+"\r\n\r\n"), faultClose),
		"protocol":             faultThen(faultText("HTTP/"+echo+" 200 OK\r\n\r\n"), faultClose),
		"header line":          faultThen(faultText("HTTP/1.1 200 OK\r\n"+echo+"\r\n\r\n"), faultClose),
		"length":               faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: "+echo+"\r\n\r\n"), faultClose),
		"two lengths":          faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: "+echo+"\r\n\r\n"), faultClose),
		"encoding":             faultThen(faultText("HTTP/1.1 200 OK\r\nTransfer-Encoding: "+echo+"\r\n\r\n"), faultClose),
		"reset":                faultReset,
	}
}

// No secret shows in any error, log record or answer, whatever a server sends back.
func TestSecrecyOfEchoes(t *testing.T) {
	t.Parallel()
	for place, planted := range secrecyPlaces() {
		for name, answer := range secrecyFailures(planted.secret) {
			t.Run(place+" in "+name, func(t *testing.T) {
				t.Parallel()
				node := newFaultNode(t, answer)
				var ledger secrecyLedger
				client := secrecyClient(t, &ledger, node.url, planted.config)
				ctx := t.Context()
				if planted.ctx != nil {
					ctx = planted.ctx(ctx)
				}
				for _, op := range planted.operations {
					before := len(node.received())

					out := secrecyCall(ctx, op, client)

					require.Greater(t, len(node.received()), before, "the test itself: the server was reached")
					ledger.outcome(op.name, out)
				}
				ledger.require(t)
			})
		}
	}
}

// secrecyClient returns a client that logs everything into the ledger.
func secrecyClient(t *testing.T, ledger *secrecyLedger, base string, change func(*xmsclient.Configuration)) *xmsclient.APIClient {
	t.Helper()
	return faultClient(t, func(cfg *xmsclient.Configuration) {
		cfg.Retry.MaxAttempts = 2
		cfg.DefaultHeader = http.Header{"Proxy-Authorization": {secrecyHeader}}
		cfg.Logger = slog.New(secrecyHandler{
			slog.NewTextHandler(ledger, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}),
			slog.NewJSONHandler(ledger, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}),
		})
		if change != nil {
			change(cfg)
		}
	}, base)
}

// secrecyHandler is two handlers in one.
type secrecyHandler struct{ text, json slog.Handler }

func (h secrecyHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h secrecyHandler) Handle(ctx context.Context, r slog.Record) error {
	return errors.Join(h.text.Handle(ctx, r.Clone()), h.json.Handle(ctx, r.Clone()))
}

func (h secrecyHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return secrecyHandler{h.text.WithAttrs(attrs), h.json.WithAttrs(attrs)}
}

func (h secrecyHandler) WithGroup(name string) slog.Handler {
	return secrecyHandler{h.text.WithGroup(name), h.json.WithGroup(name)}
}

// secrecyCall is op.call, but with a subject token that is worth looking for.
func secrecyCall(ctx context.Context, op faultOperation, client *xmsclient.APIClient) faultOutcome {
	if op.name == "ValidateAccessToken" {
		return faultResult(client.AccessTokensApi.ValidateAccessToken(ctx, secrecySubject))
	}
	return op.call(ctx, client)
}

// outcome adds all that a caller gets.
func (l *secrecyLedger) outcome(where string, out faultOutcome) {
	l.value(where+" result", out.result)
	l.value(where+" response", out.resp)
	if out.resp != nil {
		l.value(where+" response by value", *out.resp)
	}
	if out.err != nil {
		l.err(where+" error", out.err)
	}
	var request *xmsclient.RequestError
	if errors.As(out.err, &request) {
		l.dump(where+" dump", request)
	}
}

// The caller's own code around the client may be indiscreet; what it says passes through the client's errors.
func TestSecrecyOfTheCallersCode(t *testing.T) {
	t.Parallel()
	quoting := func(r *http.Request) error {
		return fmt.Errorf("sending %s with %q: %w", r.URL, r.Header["Xms-Auth-Token"], &url.Error{Op: r.Method, URL: r.URL.String(), Err: io.ErrUnexpectedEOF})
	}
	var handedOut []string
	tests := map[string]func(*xmsclient.Configuration){
		"RoundTripper": func(cfg *xmsclient.Configuration) {
			cfg.HTTPClient = &http.Client{Transport: faultRoundTripper(func(r *http.Request) (*http.Response, error) { return nil, quoting(r) })}
		},
		"RoundTripper that hides what it wraps": func(cfg *xmsclient.Configuration) {
			cfg.HTTPClient = &http.Client{Transport: faultRoundTripper(func(r *http.Request) (*http.Response, error) {
				return nil, secrecyWrapperError{quoting(r)}
			})}
		},
		"body": func(cfg *xmsclient.Configuration) {
			cfg.HTTPClient = &http.Client{Transport: faultRoundTripper(func(r *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(secrecyReader{quoting(r)})}, nil
			})}
		},
		"CheckRedirect": func(cfg *xmsclient.Configuration) {
			cfg.HTTPClient = &http.Client{
				Transport: faultRoundTripper(func(r *http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: http.StatusTemporaryRedirect, Header: http.Header{"Location": {r.URL.String()}}, Body: http.NoBody}, nil
				}),
				CheckRedirect: func(r *http.Request, _ []*http.Request) error { return quoting(r) },
			}
		},
		"TokenSource that quotes what it gave before": func(cfg *xmsclient.Configuration) {
			cfg.TokenInHeader, cfg.BaseURL = xmsclient.APIKey{}, faultDeadURL
			cfg.TokenSource = xmsclient.TokenSourceFunc(func(context.Context) (string, error) {
				if handedOut = append(handedOut, secrecyKey); len(handedOut)%2 == 0 {
					return "", fmt.Errorf("renewing %s: too late", secrecyKey)
				}
				return secrecyKey, nil
			})
		},
	}
	for name, change := range tests {
		for _, op := range faultOperations() {
			var ledger secrecyLedger
			client := secrecyClient(t, &ledger, "http://node.invalid/v1", func(cfg *xmsclient.Configuration) {
				cfg.TokenInHeader = xmsclient.APIKey{Key: secrecyKey, Prefix: "Bearer"}
				cfg.TokenInQuery.Key = secrecyKey
				change(cfg)
			})

			out := secrecyCall(t.Context(), op, client)

			require.Error(t, out.err, name)
			if strings.HasPrefix(name, "RoundTripper") {
				require.ErrorIs(t, out.err, io.ErrUnexpectedEOF, "what is hidden can still be asked for")
			}
			ledger.outcome(name, out)
			ledger.require(t)
		}
	}
}

// secrecyWrapperError is an error that says nothing of the one within.
type secrecyWrapperError struct{ error }

func (secrecyWrapperError) Error() string   { return "sending failed" }
func (w secrecyWrapperError) Unwrap() error { return w.error }

// A token that has been rotated away is as secret as the one that took its place.
func TestSecrecyOfAFormerToken(t *testing.T) {
	t.Parallel()
	for _, op := range faultOperations() {
		node := newFaultNode(t, faultStatus(401, "", ""), faultStatus(403, "", `{"message":`+secrecyJSON(secrecyForms(secrecyKey))+`}`))
		var ledger secrecyLedger
		client := secrecyClient(t, &ledger, node.url, func(cfg *xmsclient.Configuration) {
			cfg.TokenSource = &retrySource{tokens: []string{secrecyKey, "another-token"}}
		})

		out := secrecyCall(t.Context(), op, client)

		require.ErrorIs(t, out.err, xmsclient.ErrForbidden)
		require.Len(t, node.received(), 2)
		ledger.outcome(op.name, out)
		ledger.require(t)
	}
}

type secrecyReader struct{ err error }

func (r secrecyReader) Read([]byte) (int, error) { return 0, r.err }

// What the client says of requests that it does not send, or that end in silence.
func TestSecrecyWithoutAnAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		base   string
		answer faultAnswer
		config func(*xmsclient.Configuration)
		cancel bool
	}{
		"refused":  {base: faultDeadURL},
		"silence":  {answer: faultSilence, config: func(cfg *xmsclient.Configuration) { cfg.Timeout = 10 * time.Millisecond }},
		"canceled": {answer: faultSilence, cancel: true},
		"a name that does not exist": {base: "http://node.invalid/v1", config: func(cfg *xmsclient.Configuration) {
			cfg.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: secrecyNoDial}}
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range faultOperations() {
				ctx, cancel := context.WithCancel(t.Context())
				base := tt.base
				if tt.answer != nil {
					answer := tt.answer
					if tt.cancel {
						answer = faultThen(faultDo(cancel), answer)
					}
					base = newFaultNode(t, answer).url
				}
				var ledger secrecyLedger
				client := secrecyClient(t, &ledger, base, func(cfg *xmsclient.Configuration) {
					cfg.TokenInHeader = xmsclient.APIKey{Key: secrecyKey, Prefix: "Bearer"}
					cfg.TokenInQuery.Key = secrecyKey
					if tt.config != nil {
						tt.config(cfg)
					}
				})

				out := secrecyCall(ctx, op, client)

				require.Error(t, out.err)
				ledger.outcome(name, out)
				ledger.require(t)
				cancel()
			}
		})
	}
}

func secrecyNoDial(context.Context, string, string) (c net.Conn, err error) { return nil, errNoTunnel }

// The uuid of a new token is in the result, for whoever asks for it by name or encodes it on purpose, and nowhere else.
func TestSecrecyOfANewToken(t *testing.T) {
	t.Parallel()
	for name, uuid := range map[string]string{"with dashes": secrecyUUID, "without": secrecyPlainUUID} {
		for _, op := range []faultOperation{faultOperationNamed(t, "CreateAccessToken"), faultOperationNamed(t, "RegenerateAccessToken")} {
			t.Run(op.name+" "+name, func(t *testing.T) {
				t.Parallel()
				node := newFaultNode(t, faultStatus(201, "", strings.ReplaceAll(faultRecordBody, faultUUID, uuid)))
				var ledger secrecyLedger

				out := op.call(t.Context(), secrecyClient(t, &ledger, node.url, nil))

				require.NoError(t, out.err)
				got := out.result.(*xmsclient.AccessTokenCreateResp)
				require.Equal(t, uuid, got.AccessToken.UUID)
				ledger.outcome("outcome", out)
				record := *got.AccessToken
				for where, v := range map[string]any{
					"response":            *got,
					"pointer":             got,
					"record":              record,
					"pointer to record":   got.AccessToken,
					"records":             []xmsclient.AccessTokenCreateRecord{record},
					"pointers to records": []*xmsclient.AccessTokenCreateRecord{got.AccessToken},
					"map of records":      map[string]xmsclient.AccessTokenCreateRecord{"new": record},
					"struct": struct {
						Record xmsclient.AccessTokenCreateRecord
					}{record},
					"struct of pointer": struct {
						Record *xmsclient.AccessTokenCreateRecord
					}{got.AccessToken},
					"any": []any{record, got},
					"struct of response": struct {
						Created xmsclient.AccessTokenCreateResp
					}{*got},
					"pointer to a pointer": &got,
				} {
					for _, verb := range []string{"%v", "%+v", "%#v", "%q", "%s", "%x", "%X", "%d"} {
						ledger.add(where+" "+verb, fmt.Sprintf(verb, v))
					}
				}
				ledger.value("response", *got)
				ledger.value("pointer", got)
				ledger.value("record", record)
				ledger.value("pointer to record", got.AccessToken)
				ledger.require(t)

				for _, v := range []any{*got, got} {
					encoded, err := json.Marshal(v)
					require.NoError(t, err)
					require.JSONEq(t, strings.ReplaceAll(faultRecordBody, faultUUID, uuid), string(encoded))
				}
				encoded, err := json.Marshal(record)
				require.NoError(t, err)
				require.Contains(t, string(encoded), uuid)
			})
		}
	}
}

// The body of an answer that cannot be used is kept for whoever needs the uuid in it, and not printed.
func TestSecrecyOfAnUnusableNewToken(t *testing.T) {
	t.Parallel()
	node := newFaultNode(t, faultStatus(201, "", `{"access_token":{"id":"seven","uuid":"`+secrecyUUID+`"}}`))
	var ledger secrecyLedger

	out := faultOperationNamed(t, "CreateAccessToken").call(t.Context(), secrecyClient(t, &ledger, node.url, nil))

	require.Contains(t, string(requireUnusable(t, out.err).Body), secrecyUUID)
	requireFaultOutcome(t, true, out.err)
	ledger.outcome("outcome", out)
	ledger.require(t)
}

// Printing a client, or what holds one, shows no key: by fmt, by slog, or by what walks over it by reflection. Nor does
// printing anything else of the package's that has one.
func TestSecrecyOfPrintedValues(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer(xmstest.WithAdminToken("zqkeyfront-zqkeyback"))
	t.Cleanup(xms.Close)
	secure := xmstest.NewServer(xmstest.WithAdminToken("zqkeyfront-zqkeyback"), xmstest.WithTLS())
	t.Cleanup(secure.Close)
	for name, change := range map[string]func(*xmsclient.Configuration){
		"header": func(*xmsclient.Configuration) {},
		"prefix": func(cfg *xmsclient.Configuration) { cfg.TokenInHeader.Prefix = "Bearer" },
		"query": func(cfg *xmsclient.Configuration) {
			cfg.TokenInQuery, cfg.TokenInHeader = cfg.TokenInHeader, xmsclient.APIKey{}
		},
		"TokenSource": func(cfg *xmsclient.Configuration) { cfg.TokenSource = secrecySource(cfg.TokenInHeader.Key) },
		"TLS": func(cfg *xmsclient.Configuration) {
			cfg.BaseURL, cfg.TLSConfig = secure.BaseURL(), secure.Configuration().TLSConfig
		},
		"own client": func(cfg *xmsclient.Configuration) { cfg.HTTPClient = httptest.NewUnstartedServer(nil).Client() },
		"other header": func(cfg *xmsclient.Configuration) {
			cfg.DefaultHeader = http.Header{"Proxy-Authorization": {secrecyHeader}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := xms.Configuration()
			if change(cfg); cfg.HTTPClient != nil {
				cfg.HTTPClient = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
				t.Cleanup(cfg.HTTPClient.CloseIdleConnections)
			}
			client, err := xmsclient.NewAPIClient(cfg)
			require.NoError(t, err)
			for _, op := range faultOperations() {
				_ = op.call(t.Context(), client) // so that there is something in buffers
			}

			var ledger secrecyLedger
			type exported struct {
				Client *xmsclient.APIClient
				Value  xmsclient.APIClient
			}
			type unexported struct {
				client  *xmsclient.APIClient
				value   xmsclient.APIClient
				service *xmsclient.AccessTokensApiService
			}
			for where, v := range map[string]any{
				"client":              client,
				"client by value":     *client,
				"service":             client.AccessTokensApi,
				"service by value":    *client.AccessTokensApi,
				"exported":            exported{client, *client},
				"pointer to exported": &exported{client, *client},
				"unexported":          unexported{client, *client, client.AccessTokensApi},
				"pointer to them":     &unexported{client, *client, client.AccessTokensApi},
				"list":                []any{client, *client},
				"list of structs":     []unexported{{client: client, value: *client}},
				"map":                 map[string]*xmsclient.APIClient{"c": client},
				"configuration":       cfg,
				"configurations":      []xmsclient.Configuration{*cfg},
				"configuration field": struct{ Configuration xmsclient.Configuration }{*cfg},
				"header key":          cfg.TokenInHeader,
				"query key":           &cfg.TokenInQuery,
				"keys":                []xmsclient.APIKey{cfg.TokenInHeader, cfg.TokenInQuery},
				"key field":           struct{ Key xmsclient.APIKey }{cfg.TokenInHeader},
				"context":             xmsclient.ContextWithAPIKey(t.Context(), cfg.TokenInHeader),
			} {
				ledger.value(where, v)
			}
			encoded, err := json.Marshal(cfg)
			require.NoError(t, err)
			ledger.add("configuration JSON", string(encoded))
			encoded, err = json.Marshal(exported{client, *client})
			require.NoError(t, err)
			ledger.add("client JSON", string(encoded))
			ledger.dump("dump", client)
			ledger.dump("dump of a context", xmsclient.ContextWithAPIKey(context.Background(), cfg.TokenInHeader))
			ledger.require(t)
		})
	}
}

// secrecySource is a TokenSource with an exported field, as a caller may well write it.
type secrecySource string

func (s secrecySource) Token(context.Context) (string, error) { return string(s), nil }

// dump adds all texts and bytes that can be reached from v by reflection, unexported fields included, as dumps of failed tests do.
func (l *secrecyLedger) dump(where string, v any) {
	seen := map[any]bool{}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			l.add(path, v.String())
		case reflect.Interface:
			walk(path, v.Elem())
		case reflect.Pointer:
			if key := [2]any{v.Pointer(), v.Type()}; !v.IsNil() && !seen[key] {
				seen[key] = true
				walk(path, v.Elem())
			}
		case reflect.Struct:
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
		case reflect.Map:
			for iter := v.MapRange(); iter.Next(); {
				walk(path+"[key]", iter.Key())
				walk(path+"[…]", iter.Value())
			}
		case reflect.Slice, reflect.Array:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				text := make([]byte, v.Len())
				for i := range text {
					text[i] = byte(v.Index(i).Uint())
				}
				l.add(path, strconv.QuoteToASCII(string(text)))
				return
			}
			for i := range v.Len() {
				walk(path+"[…]", v.Index(i))
			}
		}
	}
	walk(where, reflect.ValueOf(v))
}

// A configuration that is refused is refused without quoting what is in it.
func TestSecrecyOfRefusedConfigurations(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*xmsclient.Configuration){
		"header key with a newline": func(cfg *xmsclient.Configuration) { cfg.TokenInHeader.Key = secrecyKey + "\n" },
		"query key with a newline":  func(cfg *xmsclient.Configuration) { cfg.TokenInQuery.Key = secrecyKey + "\n" },
		"prefix with a newline": func(cfg *xmsclient.Configuration) {
			cfg.TokenInHeader = xmsclient.APIKey{Key: "k", Prefix: secrecyKey + "\n"}
		},
		"user in the URL":            func(cfg *xmsclient.Configuration) { cfg.BaseURL = "http://zqkeyfront:zqkeyback@node/v1" },
		"user in another URL":        func(cfg *xmsclient.Configuration) { cfg.FailoverURLs = []string{"http://zqkeyfront:zqkeyback@node/v1"} },
		"token in the URL":           func(cfg *xmsclient.Configuration) { cfg.BaseURL = "http://node/v1?token=zqkeyfront" },
		"fragment in the URL":        func(cfg *xmsclient.Configuration) { cfg.BaseURL = "http://node/v1#zqkeyfront" },
		"user in what is no URL":     func(cfg *xmsclient.Configuration) { cfg.BaseURL = "http://zqkeyfront:zqkeyback@node:port/v1" },
		"user without a scheme":      func(cfg *xmsclient.Configuration) { cfg.BaseURL = "zqkeyfront:zqkeyback@node/v1" },
		"header with a newline":      func(cfg *xmsclient.Configuration) { cfg.DefaultHeader = http.Header{"X-A": {secrecyHeader + "\n"}} },
		"header that is not allowed": func(cfg *xmsclient.Configuration) { cfg.DefaultHeader = http.Header{"Xms-Auth-Token": {secrecyHeader}} },
	} {
		cfg := xmsclient.NewConfiguration()
		change(cfg)

		_, err := xmsclient.NewAPIClient(cfg)

		require.Error(t, err, name)
		var ledger secrecyLedger
		ledger.err(name, err)
		ledger.value(name, cfg)
		ledger.require(t)
	}
	ctx := xmsclient.ContextWithAPIKey(t.Context(), xmsclient.APIKey{Key: secrecyKey + "\n"})
	for _, op := range faultOperations() {
		out := op.call(ctx, faultClient(t, nil, faultDeadURL))

		require.Error(t, out.err)
		var ledger secrecyLedger
		ledger.err(op.name, out.err)
		ledger.require(t)
	}
}

// The test itself: what it looks for, it finds.
func TestSecrecyFindsSecrets(t *testing.T) {
	t.Parallel()
	type leaky struct {
		Key  string
		body []byte
	}
	for _, v := range []any{
		errors.New(secrecyKey), leaky{Key: secrecyKey}, leaky{body: []byte(secrecyUUID)}, secrecySubject, []byte(secrecyPlainUUID),
		map[string]string{"a": secrecyHeader}, &leaky{Key: secrecySubject},
	} {
		var ledger secrecyLedger
		ledger.value("value", v)
		lines := 0
		for line := range bytes.Lines(ledger.Bytes()) {
			if secrecyTrace(line) != nil {
				lines++
			}
		}
		require.GreaterOrEqual(t, lines, 8, "%T", v)
	}
	var ledger secrecyLedger
	ledger.dump("dump", struct{ inner any }{&leaky{body: []byte(secrecyKey)}})
	require.NotNil(t, secrecyTrace(ledger.Bytes()))
	encoded, err := json.Marshal(struct{ Body []byte }{[]byte("x" + secrecyUUID)})
	require.NoError(t, err)
	require.NotNil(t, secrecyTrace(encoded))
	require.NotNil(t, secrecyTrace([]byte(secrecyForms(secrecyKey))))
}
