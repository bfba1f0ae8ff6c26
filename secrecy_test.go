package xmsclient_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// The secrets of these tests have one word at either end. Tokens that only the server knows look
// like what XMS hands out.
const (
	secretWord    = "zqsecret"
	strangersUUID = "5eccade0a11d4eadbeefc0ffee5ec4e7"
	shortSecret   = secretWord + "-7"
)

func secretNamed(name string) string { return secretWord + "-" + name + "/" + secretWord }

// findSecret returns the trace of a secret in a text, or "": as text in any case, in hexadecimal,
// as a list of bytes, in base64.
func findSecret(text string) string {
	text = strings.ToLower(text)
	for _, word := range []string{secretWord, strangersUUID[:16], strangersUUID[16:]} {
		spaced := strings.Trim(fmt.Sprint([]byte(word)), "[]")
		traces := []string{
			word, hex.EncodeToString([]byte(word)), fmt.Sprintf("% x", word), spaced, strings.ReplaceAll(spaced, " ", ", "),
			strings.Trim(strings.TrimPrefix(fmt.Sprintf("%#v", []byte(word)), "[]byte"), "{}"),
		}
		for shift := range 3 {
			encoded := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + word))
			traces = append(traces, strings.ToLower(encoded[4:len(encoded)-4]))
		}
		for _, trace := range traces {
			if strings.Contains(text, trace) {
				return trace
			}
		}
	}
	return ""
}

// shown returns all that printing, logging and encoding make of a value.
func shown(v any) string {
	var b strings.Builder
	inside := []any{v, struct{ V any }{v}, []any{v}, map[string]any{"v": v}}
	if strings.HasPrefix(fmt.Sprintf("%T", v), "*xmsclient.") && !reflect.ValueOf(v).IsNil() {
		inside = append(inside, reflect.ValueOf(v).Elem().Interface())
	}
	level := &slog.HandlerOptions{Level: slog.LevelDebug}
	for _, v := range inside {
		for verb := range strings.FieldsSeq("%v %+v %#v %s %q %+q %x %X %#x %d %o %b %c %U %e %t %30.20v") {
			fmt.Fprintf(&b, verb+"\n", v)
		}
		for _, handler := range []slog.Handler{slog.NewTextHandler(&b, level), slog.NewJSONHandler(&b, level)} {
			slog.New(handler).Debug("logged", slog.Any("value", v), slog.Group("group", slog.Any("value", v)))
		}
		_ = json.NewEncoder(&b).Encode(v)
	}
	return b.String()
}

// dumped returns what a failed assertion shows of a value: testify walks over it by reflection.
func dumped(v any) string {
	var b strings.Builder
	assert.Equal(failures{&b}, "another", v)
	return b.String()
}

type failures struct{ io.Writer }

func (f failures) Errorf(format string, args ...any) { fmt.Fprintf(f, format, args...) }

// assertNoSecret checks that nothing that can be seen of the values, and of what errors wrap, holds
// a secret.
func assertNoSecret(t *testing.T, values ...any) {
	t.Helper()
	for _, v := range values {
		text := shown(v)
		if trace := findSecret(text); trace != "" {
			at := strings.Index(strings.ToLower(text), trace)
			assert.Fail(t, "a secret shows", "%q of %T: %.600s", trace, v, text[max(0, at-300):])
		}
		switch wrapper := v.(type) {
		case interface{ Unwrap() error }:
			if inner := wrapper.Unwrap(); inner != nil {
				assertNoSecret(t, inner.Error(), inner)
			}
		case interface{ Unwrap() []error }:
			for _, inner := range wrapper.Unwrap() {
				assertNoSecret(t, inner.Error(), inner)
			}
		}
	}
}

func TestFindSecret_FindsWhatShows(t *testing.T) {
	t.Parallel()
	leaks := []any{
		shortSecret, []byte("a " + shortSecret), struct{ S string }{strings.ToUpper(shortSecret)},
		errors.New(strangersUUID), []string{"in " + strangersUUID[16:]},
		&xmsclient.ApiError{Message: shortSecret}, &xmsclient.Response{Server: shortSecret},
	}
	for _, leak := range leaks {
		assert.NotEmpty(t, findSecret(shown(leak)), "%T", leak)
		assert.NotEmpty(t, findSecret(dumped(leak)), "%T", leak)
	}
	for verb := range strings.FieldsSeq("%x %X %#x %d %v %#v") {
		assert.NotEmpty(t, findSecret(fmt.Sprintf(verb, []byte(shortSecret))), verb)
	}
	assert.NotEmpty(t, findSecret(fmt.Sprintf("% x", shortSecret)))
	for shift := range 3 {
		padded := []byte("abc"[:shift] + shortSecret + "xyz")
		assert.NotEmpty(t, findSecret(base64.StdEncoding.EncodeToString(padded)))
	}
	assert.Empty(t, findSecret(shown(&xmsclient.ApiError{Message: "no such token"})))
}

// place is where a secret is planted.
type place struct {
	name   string
	secret string // what comes back
	plant  func(cfg *xmsclient.Configuration)
	ctx    func(ctx context.Context) context.Context
	only   string // the operation that carries it
	first  string // an answer before
}

func places() []place {
	inHeader := func(name, value string) func(cfg *xmsclient.Configuration) {
		return func(cfg *xmsclient.Configuration) { cfg.DefaultHeader = http.Header{name: {value}} }
	}
	tokens := func(list ...string) func(cfg *xmsclient.Configuration) {
		return func(cfg *xmsclient.Configuration) { cfg.TokenSource = source(list...) }
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+secretNamed("password")))
	return []place{
		{name: "TokenInHeader", secret: secretNamed("headerkey"), plant: func(cfg *xmsclient.Configuration) {
			cfg.TokenInHeader.Key = secretNamed("headerkey")
		}},
		{name: "Prefix", secret: shortSecret, plant: func(cfg *xmsclient.Configuration) {
			cfg.TokenInHeader = xmsclient.APIKey{Prefix: "Bearer", Key: shortSecret}
		}},
		{name: "prefix in Key", secret: shortSecret, plant: func(cfg *xmsclient.Configuration) {
			cfg.TokenInHeader.Key = "Bearer " + shortSecret
		}},
		{name: "TokenInQuery", secret: secretNamed("querykey"), plant: func(cfg *xmsclient.Configuration) {
			cfg.TokenInQuery = xmsclient.APIKey{Prefix: "Bearer", Key: secretNamed("querykey")}
		}},
		{name: "TokenSource", secret: shortSecret, plant: tokens("Bearer " + shortSecret)},
		{
			name: "former token", secret: secretNamed("former"), plant: tokens(secretNamed("former"), "another"),
			first: onTheWire(401, "", ""),
		},
		{
			name: "present token", secret: secretNamed("present"), plant: tokens("another", secretNamed("present")),
			first: onTheWire(401, "", ""),
		},
		{name: "ContextWithAPIKey", secret: secretNamed("ctxkey"), ctx: func(ctx context.Context) context.Context {
			return xmsclient.ContextWithAPIKey(ctx, xmsclient.APIKey{Key: secretNamed("ctxkey")})
		}},
		{name: "subject token", secret: secretNamed("subject"), only: "Validate with a secret"},
		{name: "a stranger's uuid", secret: strangersUUID},
		{name: "Authorization", secret: secretNamed("header1"), plant: inHeader("Authorization", secretNamed("header1"))},
		{name: "X-Key", secret: secretNamed("header2"), plant: inHeader("X-Key", secretNamed("header2"))},
		{name: "x-tokens", secret: secretNamed("header3"), plant: inHeader("x-tokens", secretNamed("header3"))},
		{name: "SECRET", secret: secretNamed("header4"), plant: inHeader("SECRET", secretNamed("header4"))},
		{name: "Basic", secret: basic[len("Basic "):], plant: inHeader("authorization", basic)},
		{name: "password", secret: secretNamed("password"), plant: inHeader("Authorization", basic)},
		{name: "Cookie", secret: shortSecret, plant: inHeader("Cookie", "lang=en; session="+shortSecret)},
		{name: "padded key", secret: shortSecret, plant: inHeader("Authorization", "Token "+shortSecret+"==")},
	}
}

// callsWithSecrets are the seven calls, the iterator, and a validation of a secret.
func callsWithSecrets() []call {
	all := func(ctx context.Context, api *service) (any, *xmsclient.Response, error) {
		for token, err := range api.AllAccessTokens(ctx, nil) {
			return token, nil, err
		}
		return nil, nil, nil
	}
	validate := func(ctx context.Context, api *service) (any, *xmsclient.Response, error) {
		return api.ValidateAccessToken(ctx, secretNamed("subject"))
	}
	return append(calls(), call{name: "AllAccessTokens", do: all}, call{name: "Validate with a secret", do: validate})
}

// onTheWire is an answer as it goes over the wire.
func onTheWire(status int, header, body string) string {
	const form = "HTTP/1.1 %d Status\r\nConnection: close\r\nContent-Length: %d\r\n%s\r\n%s"
	return fmt.Sprintf(form, status, len(body), header, body)
}

// echoes are the answers in which a server, or what is in front of it, repeats a secret.
func echoes(secret string) map[string]string {
	text, list := strconv.Quote(secret), `{"access_tokens":[{"id":1,`
	html, zip := "Content-Type: text/html\r\n", "Content-Encoding: gzip\r\n"
	chunked := "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	return map[string]string{
		"message":         onTheWire(400, "", `{"message":`+text+`}`),
		"code":            onTheWire(401, "", `{"msg":"no","code":`+text+`}`),
		"error":           onTheWire(403, "", `{"error":{"code":`+text+`,"message":`+text+`}}`),
		"odd place":       onTheWire(404, "", `{"data":[[{`+text+`:[`+text+`]}]]}`),
		"beside message":  onTheWire(409, "", `{"message":"no","errors":[{"name":`+text+`}]}`),
		"JSON text":       onTheWire(500, "", text),
		"plain text":      onTheWire(503, "Retry-After: 0\r\n", "no "+secret),
		"broken JSON":     onTheWire(429, "Retry-After: 0\r\n", `{"message":`+text),
		"HTML title":      onTheWire(502, html, "<title>"+secret+"</title>"),
		"HTML text":       onTheWire(404, html, "<html><p>"+secret+"</p>"),
		"XML":             onTheWire(400, "", "<e>"+secret+"</e>"),
		"over the cut":    onTheWire(400, "", strings.Repeat("x ", 250)+secret),
		"header":          onTheWire(400, "X-Echo: "+secret+"\r\nSet-Cookie: a="+secret+"\r\n", ""),
		"header name":     onTheWire(400, strings.ReplaceAll(secret, "/", "-")+": 1\r\n", ""),
		"status text":     "HTTP/1.1 418 " + secret + "\r\nContent-Length: 0\r\n\r\n",
		"status line":     "HTTP/1.1 " + secret + "\r\n\r\n",
		"protocol":        secret + "/1.1 200 OK\r\n\r\n",
		"header line":     "HTTP/1.1 200 OK\r\n" + secret + "\r\n\r\n",
		"length":          "HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\n\r\n",
		"encoding":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + secret + "\r\n\r\n",
		"redirect":        onTheWire(307, "Location: http://h.invalid/"+url.PathEscape(secret)+"?"+secret+"\r\n", ""),
		"redirect to":     onTheWire(302, "Location: http://"+secretHost(secret)+"/v1/access-tokens/\r\n", ""),
		"redirect user":   onTheWire(308, "Location: http://"+url.QueryEscape(secret)+"@h.invalid/\r\n", ""),
		"redirect broken": onTheWire(307, "Location: http://[::1/"+secret+"\r\n", ""),
		"page with 200":   onTheWire(200, html, "<html><title>"+secret+"</title>"),
		"text with 200":   onTheWire(200, "", secret),
		"Content-Type":    onTheWire(200, "Content-Type: text/"+secret+"\r\n", `{"a":1}`),
		"time":            onTheWire(200, "", `{"access_token":{"id":1,"create":`+text+`},`+list[1:]+`"create":`+text+`}]}`),
		"id":              onTheWire(200, "", `{"access_token":{"id":`+text+`},"access_tokens":[{"id":`+text+`}]}`),
		"cut off":         onTheWire(200, "", `{"access_token":{"uuid":`+text+`,`),
		"elsewhere":       onTheWire(200, "", `{"uuid":`+text+`,"error":`+text+`}`),
		"words with 200":  onTheWire(200, "", `{"message":`+text+`}`),
		"broken off":      "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{" + text,
		"gzip":            onTheWire(200, zip, secret),
		"other encoding":  onTheWire(200, "Content-Encoding: "+secret+"\r\n", secret),
		"chunk":           chunked + secret + "\r\n",
		"trailer":         chunked + "0\r\n" + secret + "\r\n\r\n",
	}
}

// brokenHTTP are those of the echoes that net/http refuses with an error of its own.
var brokenHTTP = []string{"status line", "protocol", "header line", "length", "encoding", "trailer", "redirect broken"}

// secretHost returns a secret as a host may hold it.
func secretHost(secret string) string { return strings.ReplaceAll(secret, "/", ".") }

// repeat serves answers as they go over the wire, the last one again and again.
func repeat(t *testing.T, list ...string) (baseURL string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			if request, err := http.ReadRequest(bufio.NewReader(connection)); err == nil {
				_, _ = io.Copy(io.Discard, request.Body)
				_, _ = io.WriteString(connection, list[0])
				list = list[min(1, len(list)-1):]
			}
			_ = connection.Close()
		}
	}()
	return "http://" + listener.Addr().String() + "/v1"
}

// logged makes a client write all that it logs into b.
func logged(cfg *xmsclient.Configuration, b *bytes.Buffer) {
	cfg.Logger = slog.New(slog.NewJSONHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
}

func TestSecrecy_Echoes(t *testing.T) {
	t.Parallel()
	for _, p := range places() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			answers := echoes(p.secret)
			for turn, name := range slices.Sorted(maps.Keys(answers)) {
				p.check(t, turn, name, answers[name])
			}
		})
	}
}

// check has a server repeat the secret. The first place drives all calls, another one a call an
// echo, or its only one.
func (p place) check(t *testing.T, turn int, name, echo string) {
	t.Helper()
	if p.secret == strangersUUID && slices.Contains(brokenHTTP, name) {
		return // in an error of net/http the form of a uuid may be a host or a path
	}
	for i, c := range callsWithSecrets() {
		if p.only == c.name || p.only == "" && (p.name == "TokenInHeader" || i == turn%9) {
			p.call(t, c, name, echo)
		}
	}
}

func (p place) call(t *testing.T, c call, name, echo string) {
	t.Helper()
	cfg, logs := configuration(), &bytes.Buffer{}
	logged(cfg, logs)
	cfg.BaseURL, cfg.Retry.MaxAttempts = repeat(t, echo), 2
	if p.first != "" {
		cfg.BaseURL = repeat(t, p.first, echo)
	}
	if p.plant != nil {
		p.plant(cfg)
	}
	ctx := t.Context()
	if p.ctx != nil {
		ctx = p.ctx(ctx)
	}
	client := newClient(t, cfg)
	got, response, err := c.do(ctx, client.AccessTokensApi)
	isFine := strings.Contains("time elsewhere", name) || c.name == "DeleteAccessToken" && name == "id"
	if err == nil && !isFine {
		assert.Fail(t, "the test itself: the call has not failed", "%s %s", c.name, name)
	}
	assertNoSecret(t, got, response, err, logs.String())
	assert.Empty(t, findSecret(dumped(client)))
	if t.Failed() {
		t.Fatalf("%s in %s to %s", p.name, name, c.name)
	}
}

// Only headers that name a credential hold one, and of a cookie only the value.
func TestSecrecy_WhatIsNoSecret(t *testing.T) {
	t.Parallel()
	for text, header := range map[string]http.Header{
		"Xms-Auth-Token is invalid or expired":  {"cookie": {"XMS_AUTH_TOKEN=" + strangersUUID}},
		"no such tenant: blue-harbor-north-one": {"X-Tenant": {"blue-harbor-north-one"}},
	} {
		cfg := configuration(startNode(t, answer(400, `{"message":"`+text+`"}`)))
		cfg.DefaultHeader = header
		_, _, err := newClient(t, cfg).AccessTokensApi.GetAccessToken(t.Context(), 1)
		require.ErrorContains(t, err, text)
	}
}

// quiet says nothing of the error that it wraps.
type quiet struct{ error }

func (quiet) Error() string   { return "sending failed" }
func (q quiet) Unwrap() error { return q.error }

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

// change makes code of the caller tell secrets. cancel ends the call.
type change func(cfg *xmsclient.Configuration, cancel context.CancelCauseFunc)

var errIndiscreet = errors.New("no longer with " + secretNamed("headerkey"))

// indiscretions are the ways in which the caller's own code can tell secrets.
func indiscretions(t *testing.T) map[string]change {
	t.Helper()
	quoting := func(r *http.Request) error {
		sending := &url.Error{Op: r.Method, URL: r.URL.String(), Err: io.ErrUnexpectedEOF}
		return fmt.Errorf("%s with %q: %w", r.URL, r.Header, sending)
	}
	transport := func(f roundTripper) change {
		return func(cfg *xmsclient.Configuration, _ context.CancelCauseFunc) {
			cfg.HTTPClient = &http.Client{Transport: f}
		}
	}
	busy := roundTripper(func(r *http.Request) (*http.Response, error) {
		return &http.Response{
			StatusCode: http.StatusServiceUnavailable, Body: io.NopCloser(strings.NewReader(r.URL.String())),
			Header: http.Header{"Retry-After": {"20"}, "X-Echo": {r.URL.String()}, "X-" + secretWord: {"1"}},
		}, nil
	})
	return map[string]change{
		"RoundTripper":       transport(func(r *http.Request) (*http.Response, error) { return nil, quoting(r) }),
		"quiet RoundTripper": transport(func(r *http.Request) (*http.Response, error) { return nil, quiet{quoting(r)} }),
		"joined": transport(func(r *http.Request) (*http.Response, error) {
			return nil, quiet{errors.Join(io.EOF, quoting(r))}
		}),
		"body": transport(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(brokenReader{quoting(r)})}, nil
		}),
		"WrapTransport": func(cfg *xmsclient.Configuration, _ context.CancelCauseFunc) {
			cfg.WrapTransport = func(http.RoundTripper) http.RoundTripper {
				return roundTripper(func(r *http.Request) (*http.Response, error) { return nil, quoting(r) })
			}
		},
		"proxy": func(cfg *xmsclient.Configuration, _ context.CancelCauseFunc) {
			proxy, _ := url.Parse(repeat(t, "HTTP/1.1 407 "+secretNamed("querykey")+"\r\n\r\n"))
			cfg.BaseURL = "https://xms.invalid"
			cfg.HTTPClient = &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}}
		},
		"failing Proxy func": func(cfg *xmsclient.Configuration, _ context.CancelCauseFunc) {
			cfg.HTTPClient = &http.Client{Transport: &http.Transport{
				Proxy: func(r *http.Request) (*url.URL, error) { return nil, quoting(r) },
			}}
		},
		"TokenSource": func(cfg *xmsclient.Configuration, _ context.CancelCauseFunc) {
			cfg.TokenSource = xmsclient.TokenSourceFunc(func(context.Context) (string, error) {
				return "", errIndiscreet
			})
		},
		"TokenSource of a call that has ended": func(cfg *xmsclient.Configuration, cancel context.CancelCauseFunc) {
			cfg.TokenSource = xmsclient.TokenSourceFunc(func(ctx context.Context) (string, error) {
				cancel(errIndiscreet)
				return "", fmt.Errorf("%s: %w", secretNamed("querykey"), ctx.Err())
			})
		},
		"malformed token": func(cfg *xmsclient.Configuration, _ context.CancelCauseFunc) {
			cfg.TokenSource = source(secretNamed("new") + "\n")
		},
		"cause before": func(_ *xmsclient.Configuration, cancel context.CancelCauseFunc) { cancel(errIndiscreet) },
		"cause meanwhile": func(cfg *xmsclient.Configuration, cancel context.CancelCauseFunc) {
			cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				cancel(errIndiscreet)
				return nil, r.Context().Err()
			})}
		},
		"cause in a wait": func(cfg *xmsclient.Configuration, cancel context.CancelCauseFunc) {
			cfg.HTTPClient = &http.Client{Transport: busy}
			cfg.Logger = slog.New(onWait{cfg.Logger.Handler(), func() { cancel(errIndiscreet) }})
		},
	}
}

// The caller's own code may be indiscreet. What it says goes through the errors of the client.
func TestSecrecy_CallersCode(t *testing.T) {
	t.Parallel()
	for name, change := range indiscretions(t) {
		for _, c := range callsWithSecrets() {
			if name != "cause in a wait" || c.safe {
				change.check(t, c, name)
			}
		}
	}
}

func (tell change) check(t *testing.T, c call, name string) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	cfg, logs := configuration(), &bytes.Buffer{}
	logged(cfg, logs)
	cfg.BaseURL, cfg.Retry.MaxAttempts = mockURL, 2
	cfg.TokenInHeader.Key, cfg.TokenInQuery.Key = secretNamed("headerkey"), secretNamed("querykey")
	tell(cfg, cancel)
	got, response, err := c.do(ctx, newClient(t, cfg).AccessTokensApi)
	require.Error(t, err, name)
	if strings.HasPrefix(name, "cause") {
		require.ErrorIs(t, err, errIndiscreet, name)
	}
	if strings.Contains(name, "RoundTripper") {
		require.ErrorIs(t, err, io.ErrUnexpectedEOF, name)
	}
	if name != "cause in a wait" { // the ApiError within has its header for whoever asks
		assert.Empty(t, findSecret(dumped(err)), name)
	}
	assertNoSecret(t, got, response, err, logs.String())
}

// onWait calls a func when the client logs that it is going to wait.
type onWait struct {
	slog.Handler
	call func()
}

func (h onWait) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "wait" {
			h.call()
		}
		return true
	})
	return h.Handler.Handle(ctx, r)
}

// What holds the secrets of a program shows none of them.
func TestSecrecy_Settings(t *testing.T) {
	t.Parallel()
	cfg := &xmsclient.Configuration{
		BaseURL:       "http://node/v1",
		TokenInHeader: xmsclient.APIKey{Key: secretNamed("headerkey"), Prefix: "Bearer"},
		TokenInQuery:  xmsclient.APIKey{Key: secretNamed("querykey")},
		DefaultHeader: http.Header{"Authorization": {secretNamed("authorize")}, "X-" + secretWord: {"1"}},
	}
	client := newClient(t, cfg)
	ctx := xmsclient.ContextWithAPIKey(t.Context(), cfg.TokenInHeader)
	for url := range strings.FieldsSeq("http://a:%s@node/v1 a:%s@node http://%s:%%@node " +
		"http://node?a=%s http://node/#%s") {
		cfg.FailoverURLs = append(cfg.FailoverURLs, fmt.Sprintf(url, shortSecret))
	}
	assertNoSecret(t, client, client.AccessTokensApi, ctx, cfg, cfg.TokenInHeader, &cfg.TokenInQuery)
	assert.Empty(t, findSecret(dumped(client)))
	assert.Contains(t, fmt.Sprint(cfg), `Configuration{URLs:["http://node/v1" "(not a base URL)" "(not a base URL)"`)
	assert.Contains(t, fmt.Sprint(cfg), `TokenInHeader:[redacted] TokenInQuery:[redacted] TokenSource:false`)
	encoded, err := json.Marshal(cfg)
	require.NoError(t, err)
	assert.Contains(t, string(encoded), `DefaultHeader:(2)`)
	assert.Equal(t, "[none]", fmt.Sprint(xmsclient.APIKey{Prefix: "Bearer"}))

	answered := &xmsclient.Response{StatusCode: 200, Server: "http://node/v1", Attempts: 1, Header: http.Header{
		"Set-Cookie": {secretNamed("cookie")}, "X-" + secretWord: {"1"},
	}}
	assertNoSecret(t, answered)
	const want = `xmsclient.Response{StatusCode:200 Header:(2) Server:"http://node/v1" Attempts:1}`
	assert.Equal(t, want, fmt.Sprint(answered))
}

// The uuid of a new token is for whoever asks for it by name, or encodes it on purpose.
func TestSecrecy_NewUUID(t *testing.T) {
	t.Parallel()
	for _, c := range calls() {
		if c.name != "CreateAccessToken" && c.name != "RegenerateAccessToken" {
			continue
		}
		var logs bytes.Buffer
		cfg := configuration()
		logged(cfg, &logs)
		cfg.BaseURL = repeat(t, onTheWire(c.status, "", `{"access_token":{"id":"x","uuid":"`+strangersUUID+`"}}`))
		got, response, err := c.do(t.Context(), newClient(t, cfg).AccessTokensApi)
		require.NoError(t, err)
		created, ok := got.(*xmsclient.AccessTokenCreateResp)
		require.True(t, ok)
		assert.Equal(t, strangersUUID, created.AccessToken.UUID)
		assert.Contains(t, logs.String(), "partly unreadable")
		assertNoSecret(t, response, logs.String())
	}
}

func TestSecrecy_NilsAreLoggedAsNil(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	for _, v := range []any{
		(*xmsclient.Response)(nil), (*xmsclient.ApiError)(nil), (*xmsclient.RequestError)(nil),
		(*xmsclient.DecodeError)(nil), (*xmsclient.ArgumentError)(nil), (*xmsclient.Configuration)(nil),
		(*xmsclient.AccessTokenResp)(nil), (*xmsclient.AccessTokensResp)(nil),
	} {
		b.Reset()
		slog.New(slog.NewTextHandler(&b, nil)).Info("", slog.Any("value", v))
		assert.Regexp(t, `value=<nil>\n$`, b.String(), "%T", v)
		b.Reset()
		slog.New(slog.NewJSONHandler(&b, nil)).Info("", slog.Any("value", v), slog.Duration("after", time.Second))
		assert.Regexp(t, `"value":(null|"<nil>"),"after"`, b.String(), "%T", v)
	}
}
