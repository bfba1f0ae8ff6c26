package xmsclient_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// sentAgain says when a request is sent again after an answer.
type sentAgain int

const (
	never sentAgain = iota
	ifSafe
	always
)

// statusRow says what follows from a status.
type statusRow struct {
	status   int
	acted    bool // the server may have acted
	again    sentAgain
	sentinel error
}

// statuses has a row for each status but a 2xx.
var statuses = []statusRow{
	{101, true, never, nil}, {300, true, never, nil}, {301, false, never, nil}, {302, true, never, nil},
	{303, true, never, nil}, {304, true, never, nil}, {307, false, never, nil}, {308, false, never, nil},
	{399, true, never, nil},
	{400, false, never, xmsclient.ErrBadRequest}, {401, false, never, xmsclient.ErrUnauthorized},
	{403, false, never, xmsclient.ErrForbidden}, {404, false, never, xmsclient.ErrNotFound},
	{408, true, ifSafe, nil}, {409, false, never, xmsclient.ErrConflict}, {418, false, never, nil},
	{429, false, always, xmsclient.ErrTooManyRequests}, {499, false, never, nil},
	{500, true, never, xmsclient.ErrServer}, {501, true, never, xmsclient.ErrServer},
	{502, true, ifSafe, xmsclient.ErrServer}, {503, true, ifSafe, xmsclient.ErrServer},
	{504, true, ifSafe, xmsclient.ErrServer}, {599, true, never, xmsclient.ErrServer},
	{600, true, never, xmsclient.ErrServer}, {999, true, never, xmsclient.ErrServer},
}

// respond is a responder for one answer that is JSON, an HTML page or empty, as its body says. It
// always asks to be left alone for a moment, which allows no create to be sent again.
func respond(status int, body string) httpmock.Responder {
	header := http.Header{"Content-Type": {http.DetectContentType([]byte(body))}, "Retry-After": {"0.001"}}
	return respondWith(header, status, body)
}

func respondWith(header http.Header, status int, body string) httpmock.Responder {
	return func(*http.Request) (*http.Response, error) {
		response := httpmock.NewStringResponse(status, body)
		response.Header = header.Clone()
		return response, nil
	}
}

func TestAPIClient_Statuses(t *testing.T) {
	t.Parallel()
	for _, c := range calls() {
		for _, s := range statuses {
			s.check(t, c, "", "")
			if s.status != http.StatusSwitchingProtocols { // behind which there is no body
				s.check(t, c, `{"code":"E7","message":"disk full"}`, "disk full")
				s.check(t, c, aPage, "an HTML page, probably from a proxy: Welcome")
			}
		}
	}
}

// attempts is how many requests a call makes to a node that always answers so.
func (s statusRow) attempts(c call) int {
	if s.again == always || s.again == ifSafe && c.safe {
		return 4
	}
	return 1
}

// asksBaseURL reports whether the error of a call asks if the base URL is right.
func (s statusRow) asksBaseURL(c call, body string) bool {
	isForeign := body == aPage && s.status >= 200 && s.status < 500 && s.status != 408 && s.status != 429
	return isForeign || s.status == 404 && !c.hasID
}

// sentinels are those that errors.Is finds in the error of a call.
func (s statusRow) sentinels(c call, body string) (list []error) {
	if s.sentinel != nil && (s.status != 404 || !s.asksBaseURL(c, body)) {
		list = append(list, s.sentinel)
	}
	if s.acted {
		list = append(list, c.unknown()...)
	}
	return list
}

// check makes a call to a node that always answers with the status and this body.
func (s statusRow) check(t *testing.T, c call, body, message string) {
	t.Helper()
	t.Run(fmt.Sprintf("%s/%d/%.6s", c.name, s.status, body), func(t *testing.T) {
		t.Parallel()
		api, transport := mock(t, respond(s.status, body))
		got, response, err := c.do(t.Context(), api)
		assert.Nil(t, got)
		assert.Equal(t, s.attempts(c), transport.GetTotalCallCount())
		assert.Equal(t, s.attempts(c), response.Attempts, "Response.Attempts")
		assert.Equal(t, s.status, response.StatusCode, "Response.StatusCode")
		assert.Equal(t, mockURL, response.Server, "Response.Server")

		shown := mockURL + c.path
		if c.query != "" {
			shown += "?" + strings.Replace(c.query, subject, "[redacted]", 1)
		}
		var failed *xmsclient.ApiError
		require.ErrorAs(t, err, &failed)
		assert.Equal(t, c.name, failed.Operation, "Operation")
		assert.Equal(t, c.method, failed.Method, "Method")
		assert.Equal(t, shown, failed.URL, "URL")
		assert.Equal(t, s.status, failed.StatusCode, "StatusCode")
		assert.Equal(t, message, failed.Message, "Message")
		assert.Equal(t, body, string(failed.Body), "Body")
		assert.Equal(t, response.Header, failed.Header, "Header")
		assert.Equal(t, mockURL, failed.Server, "Server")
		assert.Equal(t, s.attempts(c), failed.Attempts, "Attempts")
		assert.Equal(t, time.Millisecond, failed.RetryAfter, "RetryAfter")

		text := err.Error()
		assertSentinels(t, err, s.sentinels(c, body)...)
		assert.Equal(t, s.acted && c.writes, strings.Contains(text, "outcome unknown: the "), text)
		if s.acted {
			assert.Contains(t, text, c.advice)
		}
		assert.Equal(t, s.asksBaseURL(c, body), strings.Contains(text, "is the base URL right?"), text)
		assert.Equal(t, s.status/100 == 3, strings.Contains(text, "redirects are not followed"), text)
	})
}

func TestAPIClient_SuccessStatuses(t *testing.T) {
	t.Parallel()
	for _, c := range calls() {
		for _, status := range []int{200, 201, 202, 204, 206, 299} {
			checkSuccess(t, c, status, c.answer)
			checkUnusable(t, c, status, aPage)
			if c.answer != "" {
				checkUnusable(t, c, status, "")
			}
		}
	}
}

// A 204 says that the token is deleted, whatever a mock sends with it.
func TestDeleteAccessToken_NoContent(t *testing.T) {
	t.Parallel()
	checkSuccess(t, callNamed(t, "DeleteAccessToken"), http.StatusNoContent, `{"code":403}`)
}

func checkSuccess(t *testing.T, c call, status int, body string) {
	t.Helper()
	api, transport := mock(t, respond(status, body))
	got, response, err := c.do(t.Context(), api)
	require.NoError(t, err)
	assert.Equal(t, c.want, got)
	assert.Equal(t, status, response.StatusCode, "StatusCode")
	assert.Equal(t, 1, transport.GetTotalCallCount())
}

func checkUnusable(t *testing.T, c call, status int, body string) {
	t.Helper()
	api, transport := mock(t, respond(status, body))
	got, response, err := c.do(t.Context(), api)
	assert.Nil(t, got)
	assert.Equal(t, status, response.StatusCode, "Response.StatusCode")
	assert.Equal(t, 1, transport.GetTotalCallCount())
	var failed *xmsclient.DecodeError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, c.name, failed.Operation, "Operation")
	assert.Equal(t, status, failed.StatusCode, "StatusCode")
	assert.Equal(t, body, string(failed.Body), "Body")
	assert.Equal(t, mockURL, failed.Server, "Server")
	assert.Equal(t, 1, failed.Attempts, "Attempts")
	assertSentinels(t, err, c.unknown()...)
	text, documented := err.Error(), fmt.Sprintf("the API documents status %d", c.status)
	assert.Contains(t, text, fmt.Sprintf("%s: the answer of %s with status %d cannot be used", c.name, mockURL, status))
	assert.Equal(t, status != c.status, strings.Contains(text, documented), text)
	assert.Equal(t, body == aPage, strings.Contains(text, "is the base URL right?"), text)
}

// Nothing at all reaches the origin that a redirect points to.
func TestAPIClient_FollowsNoRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		for _, c := range calls() {
			checkNotFollowed(t, c, status)
		}
	}
}

func checkNotFollowed(t *testing.T, c call, status int) {
	t.Helper()
	there := startNode(t, answer(200, c.answer))
	here := startNode(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", there.URL+"/api"+r.RequestURI)
		w.WriteHeader(status)
	})
	cfg := configuration(here)
	cfg.TokenInQuery.Key = "1f3870be274f6c49b3e31a0c6728957f"
	cfg.HTTPClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return nil }}
	_, response, err := c.do(t.Context(), newClient(t, cfg).AccessTokensApi)

	assert.Empty(t, there.requests())
	assert.Len(t, here.requests(), 1)
	assert.Equal(t, status, response.StatusCode)
	require.ErrorContains(t, err, "redirects to "+there.URL+"/api/v1"+c.path+" (not followed)")
	require.ErrorContains(t, err, "BaseURL should be "+there.URL+"/api/v1")
	for _, secret := range []string{aKey, cfg.TokenInQuery.Key, subject} {
		assert.NotContains(t, err.Error(), secret)
	}
}

func TestAPIClient_RedirectSaysWhatBaseURLShouldBe(t *testing.T) {
	t.Parallel()
	const elsewhere = "BaseURL should be the address at which XMS itself answers"
	for location, want := range map[string][]string{
		"https://xms.test/v1/access-tokens/42": {
			"redirects to https://xms.test/v1/access-tokens/42 (", "BaseURL should be https://xms.test/v1",
		},
		"/api/v1/access-tokens/42":            {"BaseURL should be http://xms.test/api/v1"},
		"//other.test:8056/access-tokens/42":  {"BaseURL should be http://other.test:8056"},
		"https://sso.test/login?back=%2Fv1#a": {"redirects to https://sso.test/login (", elsewhere},
		"https://user:pass@sso.test/login":    {"redirects to https://sso.test/login (", elsewhere},
		"/v1/access-tokens/42?again=1":        {"redirects to http://xms.test/v1/access-tokens/42 (", elsewhere},
		"":                                    {"redirects are not followed"},
	} {
		t.Run(location, func(t *testing.T) {
			t.Parallel()
			api, _ := mock(t, respondWith(http.Header{"Location": {location}}, 302, ""))
			_, _, err := api.GetAccessToken(t.Context(), 42)
			for _, text := range want {
				require.ErrorContains(t, err, text)
			}
			assert.NotContains(t, err.Error(), "=")
			assert.NotContains(t, err.Error(), "pass")
		})
	}
}

// A definite failure does not undo an indefinite one before it.
func TestAPIClient_OutcomeStaysUnknown(t *testing.T) {
	t.Parallel()
	api, n := serve(t, answers(lost, answer(404, "")))
	response, err := api.DeleteAccessToken(t.Context(), 42)
	require.NotNil(t, response)
	assertSentinels(t, err, xmsclient.ErrNotFound, xmsclient.ErrOutcomeUnknown)
	assert.Equal(t, 2, response.Attempts)
	require.ErrorContains(t, err, "attempts before: "+n.URL+"/v1: connection broke")

	synctest.Test(t, func(t *testing.T) {
		first := make(chan bool, 1)
		first <- true
		api, _ := mock(t, func(r *http.Request) (*http.Response, error) {
			select {
			case <-first:
				<-r.Context().Done() // Configuration.Timeout
				return nil, r.Context().Err()
			default:
				return httpmock.NewStringResponse(403, ""), nil
			}
		})
		_, response, err := api.UpdateAccessToken(t.Context(), 42, renaming("a"))
		require.NotNil(t, response)
		assertSentinels(t, err, xmsclient.ErrForbidden, xmsclient.ErrOutcomeUnknown)
		assert.Equal(t, 2, response.Attempts)
		require.ErrorContains(t, err, "attempts before: "+mockURL+": timeout")
	})
}

func TestAPIClient_CancelledWaitKeepsTheLastError(t *testing.T) {
	t.Parallel()
	for _, c := range calls() {
		synctest.Test(t, func(t *testing.T) {
			if c.safe {
				checkCancelledWait(t, c, 503, append(c.unknown(), xmsclient.ErrServer))
			} else {
				checkCancelledWait(t, c, 429, []error{xmsclient.ErrTooManyRequests})
			}
		})
	}
}

func checkCancelledWait(t *testing.T, c call, status int, sentinels []error) {
	t.Helper()
	api, transport := mock(t, respondWith(http.Header{"Retry-After": {"20"}}, status, ""))
	cause := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(10*time.Second, func() { cancel(cause) })
	began := time.Now()
	got, response, err := c.do(ctx, api)

	assert.Equal(t, 10*time.Second, time.Since(began))
	assert.Equal(t, 1, transport.GetTotalCallCount())
	assert.Nil(t, got)
	assert.Equal(t, status, response.StatusCode)
	var ended *xmsclient.RequestError
	require.ErrorAs(t, err, &ended)
	assert.Equal(t, c.name, ended.Operation, "Operation")
	assert.Equal(t, mockURL, ended.Server, "Server")
	assert.Equal(t, 1, ended.Attempts, "Attempts")
	require.ErrorAs(t, err, new(*xmsclient.ApiError))
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, err, cause)
	assertSentinels(t, err, sentinels...)
	require.ErrorContains(t, err, "context canceled: shutting down while waiting for another attempt after: ")
	require.ErrorContains(t, err, http.StatusText(status))
}

func TestAPIClient_ContextEndedBefore(t *testing.T) {
	t.Parallel()
	api, transport := mock(t, httpmock.NewStringResponder(500, ""))
	cause := errors.New("shutting down")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	for _, c := range calls() {
		got, response, err := c.do(ctx, api)
		assert.Nil(t, got, c.name)
		assert.Nil(t, response, c.name)
		var ended *xmsclient.RequestError
		require.ErrorAs(t, err, &ended, c.name)
		assert.Zero(t, ended.Attempts, c.name)
		require.ErrorIs(t, err, context.Canceled, c.name)
		require.ErrorIs(t, err, cause, c.name)
		assertSentinels(t, err)
		require.ErrorContains(t, err, c.name+": nothing was sent: ")
	}
	assert.Zero(t, transport.GetTotalCallCount())
}

func TestCallInfoFromContext(t *testing.T) {
	t.Parallel()
	for _, c := range calls() {
		cfg := configuration(startNode(t, answers(answer(429, ""), answer(429, ""), answer(c.status, c.answer))))
		var got []xmsclient.CallInfo
		cfg.WrapTransport = before(func(r *http.Request) {
			info, ok := xmsclient.CallInfoFromContext(r.Context())
			assert.True(t, ok)
			got = append(got, info)
		})
		_, _, err := c.do(t.Context(), newClient(t, cfg).AccessTokensApi)
		require.NoError(t, err)
		assert.Equal(t, []xmsclient.CallInfo{
			{Operation: c.name, PathTemplate: c.template, Attempt: 1},
			{Operation: c.name, PathTemplate: c.template, Attempt: 2},
			{Operation: c.name, PathTemplate: c.template, Attempt: 3},
		}, got)
	}
	info, ok := xmsclient.CallInfoFromContext(t.Context())
	assert.False(t, ok)
	assert.Zero(t, info)
}

// records are the records of a slog.JSONHandler.
type records struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *records) Write(line []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(line)
}

func (r *records) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (r *records) all(t *testing.T) (list []map[string]any) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range bytes.Lines(r.text.Bytes()) {
		record := map[string]any{}
		require.NoError(t, json.Unmarshal(line, &record))
		delete(record, "time")
		if duration, ok := record["duration"].(float64); assert.True(t, ok) && assert.Positive(t, duration) {
			delete(record, "duration")
		}
		list = append(list, record)
	}
	return list
}

func TestAPIClient_LogsEachAttemptAsItEnds(t *testing.T) {
	t.Parallel()
	var logged records
	a := startNode(t, lost)
	b := startNode(t, func(w http.ResponseWriter, r *http.Request) {
		assert.Len(t, logged.all(t), 2, "the attempt at the first node is logged")
		answer(404, "")(w, r)
	})
	cfg := configuration(a, b)
	cfg.Logger = logged.logger()
	api := newClient(t, cfg).AccessTokensApi
	_, _, err := api.GetAccessToken(t.Context(), 42)
	require.ErrorIs(t, err, xmsclient.ErrNotFound)

	all := logged.all(t)
	assert.NotEmpty(t, all[0]["error"])
	attempt := map[string]any{
		"level": "DEBUG", "msg": "xms attempt", "operation": "GetAccessToken", "server": a.URL + "/v1", "attempt": 1.0,
		"result": "connection broke", "error": all[0]["error"],
	}
	left := maps.Clone(attempt)
	left["level"], left["msg"], left["next_server"] = "WARN", "xms node left", b.URL+"/v1"
	assert.Equal(t, []map[string]any{attempt, left, {
		"level": "DEBUG", "msg": "xms attempt", "operation": "GetAccessToken", "server": b.URL + "/v1", "attempt": 2.0,
		"result": "404", "status": 404.0,
	}}, all)
}

func TestAPIClient_LogsTheWait(t *testing.T) {
	t.Parallel()
	var logged records
	cfg := configuration(startNode(t, answers(answer(429, "", "Retry-After", "0.001"), answer(409, ""))))
	cfg.Logger = logged.logger()
	_, _, err := newClient(t, cfg).AccessTokensApi.CreateAccessToken(t.Context(), creation("a", "", "admin"))
	require.ErrorIs(t, err, xmsclient.ErrConflict)
	all := logged.all(t)
	require.Len(t, all, 2, "no warning: XMS meant what it said")
	assert.GreaterOrEqual(t, all[0]["wait"], float64(time.Millisecond))
	assert.NotContains(t, all[1], "wait")
}

// refuseConnection asks for a connection, as net/http does, and gets none.
func refuseConnection(r *http.Request) (*http.Response, error) {
	httptrace.ContextClientTrace(r.Context()).GetConn(r.URL.Host)
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
}

func deadTransport() *http.Client { return &http.Client{Transport: roundTripper(refuseConnection)} }

// Of a long history, an error has the end.
func TestAPIClient_ErrorCountsAttemptsOfLongAgo(t *testing.T) {
	t.Parallel()
	for attempts, want := range map[int]string{
		11: "attempts before: http://a: no connection; http://a: no connection",
		12: "attempts before: 1 earlier ones; http://a: no connection; http://a: no connection",
	} {
		cfg := configuration()
		cfg.BaseURL, cfg.HTTPClient, cfg.Retry.MaxAttempts = "http://a", deadTransport(), attempts
		_, _, err := newClient(t, cfg).AccessTokensApi.GetAccessToken(t.Context(), 42)
		require.ErrorContains(t, err, want)
		assert.Equal(t, 10, strings.Count(err.Error(), "http://a: no connection;")+1)
	}
}

func TestAPIClient_ErrorTellsTheHistory(t *testing.T) {
	t.Parallel()
	cfg := configuration()
	cfg.BaseURL, cfg.FailoverURLs, cfg.Retry.MaxAttempts = "http://a", []string{"http://b"}, 3
	cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "b" {
			return httpmock.NewStringResponse(503, ""), nil
		}
		return refuseConnection(r)
	})}
	_, response, err := newClient(t, cfg).AccessTokensApi.GetAccessToken(t.Context(), 42)
	assert.Nil(t, response, "the last attempt has no answer")
	require.EqualError(t, err, "xmsclient: GetAccessToken: no connection to http://a: dial tcp: connection refused "+
		"(after 3 attempts); attempts before: http://a: no connection; http://b: 503")
	var failed *xmsclient.RequestError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, "http://a", failed.Server)
	assert.Equal(t, 3, failed.Attempts)
	var dial *net.OpError
	assert.ErrorAs(t, err, &dial)
}

func TestAPIClient_SaysWhatIsNotConfigured(t *testing.T) {
	t.Parallel()
	const noCredential, defaultBase = "the request carried no credential", "this is the default base URL"
	refuse := func(status int) *http.Client { return &http.Client{Transport: roundTripper(respond(status, ""))} }
	key := xmsclient.APIKey{Key: aKey}
	sealed := xmsclient.TokenSourceFunc(func(context.Context) (string, error) { return "", errors.New("sealed") })
	for name, test := range map[string]struct {
		cfg    xmsclient.Configuration
		advice string
	}{
		"401 with a cookie": {xmsclient.Configuration{
			BaseURL: mockURL, HTTPClient: refuse(401), DefaultHeader: http.Header{"Cookie": {"XMS_AUTH_TOKEN=" + aKey}},
		}, ""},
		"401 without a key":  {xmsclient.Configuration{BaseURL: mockURL, HTTPClient: refuse(401)}, noCredential},
		"401 with a key":     {xmsclient.Configuration{BaseURL: mockURL, HTTPClient: refuse(401), TokenInHeader: key}, ""},
		"403 without a key":  {xmsclient.Configuration{BaseURL: mockURL, HTTPClient: refuse(403)}, ""},
		"no connection":      {xmsclient.Configuration{BaseURL: mockURL, HTTPClient: deadTransport()}, ""},
		"default base":       {xmsclient.Configuration{HTTPClient: deadTransport()}, defaultBase},
		"answer from there":  {xmsclient.Configuration{HTTPClient: refuse(401)}, noCredential},
		"nothing sent there": {xmsclient.Configuration{HTTPClient: deadTransport(), TokenSource: sealed}, ""},
	} {
		test.cfg.Retry.MaxAttempts = 1
		_, _, err := newClient(t, &test.cfg).AccessTokensApi.GetAccessToken(t.Context(), 42)
		require.Error(t, err, name)
		for _, advice := range []string{noCredential, defaultBase} {
			assert.Equal(t, advice == test.advice, strings.Contains(err.Error(), advice), "%s: %v", name, err)
		}
	}
}

// Middleware that refuses has not tried to connect, so the base URL is not to blame.
func TestAPIClient_GivesNoAdviceWhenNothingWasSent(t *testing.T) {
	t.Parallel()
	isOpen := false
	cfg := xmsclient.Configuration{HTTPClient: &http.Client{Transport: roundTripper(respond(403, ""))}}
	cfg.WrapTransport = func(inner http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if isOpen {
				return nil, errors.New("the breaker is open")
			}
			return inner.RoundTrip(r)
		})
	}
	api := newClient(t, &cfg).AccessTokensApi
	_, _, err := api.GetAccessToken(t.Context(), 42)
	require.ErrorIs(t, err, xmsclient.ErrForbidden)
	isOpen = true
	_, _, err = api.GetAccessToken(t.Context(), 42)
	require.EqualError(t, err, "xmsclient: GetAccessToken: nothing was sent: the breaker is open")
	var failed *xmsclient.RequestError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, xmsclient.DefaultBaseURL, failed.Server, "Server")
}

func TestAPIClient_ConcurrentUse(t *testing.T) {
	t.Parallel()
	broken := startNode(t, lost)
	healthy := startNode(t, func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, "/v1/access-tokens/")
		assert.Equal(t, "key-"+id, r.Header.Get("Xms-Auth-Token"))
		assert.Equal(t, "ab", r.Header.Get("X-Own"))
		fmt.Fprintf(w, `{"access_token":{"id":%s,"name":"n%s"}}`, id, id)
	})
	cfg := configuration(broken, healthy)
	cfg.DefaultHeader = http.Header{"X-Own": {"a"}}
	cfg.WrapTransport = before(func(r *http.Request) {
		r.Header["X-Own"][0] += "b" // the values of a header belong to the request
	})
	client := newClient(t, cfg)
	get := func(id int64) {
		ctx := xmsclient.ContextWithAPIKey(t.Context(), xmsclient.APIKey{Key: fmt.Sprintf("key-%d", id)})
		got, _, err := client.AccessTokensApi.GetAccessToken(ctx, id)
		if assert.NoError(t, err) {
			assert.Equal(t, &xmsclient.AccessToken{ID: id, Name: fmt.Sprintf("n%d", id)}, got.AccessToken)
		}
	}
	var wg sync.WaitGroup
	for i := range int64(500) {
		wg.Go(func() { get(1 + i%100) })
	}
	wg.Wait()
}

func TestAPIClient_SaysThatNoFurtherRequestWasSent(t *testing.T) {
	t.Parallel()
	cfg := configuration(startNode(t, answer(http.StatusServiceUnavailable, "")))
	tokens := []error{nil, errors.New("vault is sealed")}
	cfg.TokenSource = xmsclient.TokenSourceFunc(func(context.Context) (string, error) {
		err := tokens[0]
		tokens = tokens[1:]
		return "token", err
	})
	_, _, err := newClient(t, cfg).AccessTokensApi.GetAccessToken(t.Context(), 7)
	require.ErrorContains(t, err, "no further request was sent: TokenSource: vault is sealed")
	assert.ErrorContains(t, err, "attempts before: "+cfg.BaseURL+": 503")
}
