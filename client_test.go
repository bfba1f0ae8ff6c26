package xmsclient_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"math"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// assertArgument checks that err is an ArgumentError which names these.
func assertArgument(t *testing.T, err error, operation, argument string) {
	t.Helper()
	var refused *xmsclient.ArgumentError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, operation, refused.Operation)
	assert.Equal(t, argument, refused.Argument)
	assert.NotEmpty(t, refused.Reason)
	assertSentinels(t, err)
}

func TestNewAPIClient_Nil(t *testing.T) {
	t.Parallel()
	c, err := xmsclient.NewAPIClient(nil)
	assert.Nil(t, c)
	assertArgument(t, err, "NewAPIClient", "cfg")
}

func TestCalls_BadArguments(t *testing.T) {
	t.Parallel()
	const notUTF8 = "a\xc3("
	type bad struct {
		operation, argument string
		call                func(context.Context, *service) (any, *xmsclient.Response, error)
	}
	create := func(argument string, body xmsclient.AccessTokenCreateReq) bad {
		return bad{"CreateAccessToken", argument, func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
			return s.CreateAccessToken(ctx, body)
		}}
	}
	update := func(argument string, id int64, body xmsclient.AccessTokenUpdateReq) bad {
		return bad{"UpdateAccessToken", argument, func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
			return s.UpdateAccessToken(ctx, id, body)
		}}
	}
	calls := map[string]bad{
		"create without body":         create("body.AccessToken", xmsclient.AccessTokenCreateReq{}),
		"create without name":         create("body.AccessToken.Name", creation("d", "", "admin")),
		"create name not UTF-8":       create("body.AccessToken.Name", creation("d", notUTF8, "admin")),
		"create description no UTF-8": create("body.AccessToken.Description", creation(notUTF8, "n", "admin")),
		"create nil roles":            create("body.AccessToken.Roles", creation("d", "n")),
		"create no roles":             create("body.AccessToken.Roles", creation("d", "n", []string{}...)),
		"create empty role":           create("body.AccessToken.Roles[1]", creation("d", "n", "admin", "")),
		"create role not UTF-8":       create("body.AccessToken.Roles[0]", creation("d", "n", notUTF8)),
		"update without body":         update("body.AccessToken", 1, xmsclient.AccessTokenUpdateReq{}),
		"update without name":         update("body.AccessToken.Name", 1, renaming("")),
		"update name not UTF-8":       update("body.AccessToken.Name", 1, renaming(notUTF8)),
		"validate nothing": {"ValidateAccessToken", "subjectAccessToken", func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
			return s.ValidateAccessToken(ctx, "")
		}},
	}
	for _, id := range []int64{0, -1, math.MinInt64} {
		calls[fmt.Sprintf("update %d", id)] = update("accessTokenID", id, renaming("n"))
		calls[fmt.Sprintf("get %d", id)] = bad{"GetAccessToken", "accessTokenID", func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
			return s.GetAccessToken(ctx, id)
		}}
		calls[fmt.Sprintf("regenerate %d", id)] = bad{"RegenerateAccessToken", "accessTokenID", func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
			return s.RegenerateAccessToken(ctx, id)
		}}
		calls[fmt.Sprintf("delete %d", id)] = bad{"DeleteAccessToken", "accessTokenID", func(ctx context.Context, s *service) (any, *xmsclient.Response, error) {
			resp, err := s.DeleteAccessToken(ctx, id)
			return nil, resp, err
		}}
	}
	for name, test := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, rec := mocked(t, answerJSON(http.StatusOK, recordJSON))
			got, resp, err := test.call(t.Context(), api)
			assert.Nil(t, got)
			assert.Nil(t, resp)
			assertArgument(t, err, test.operation, test.argument)
			assert.Empty(t, rec.all(), "nothing is sent")
		})
	}
}

func TestCalls_NilContext(t *testing.T) {
	t.Parallel()
	var none context.Context
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			api, rec := mocked(t, answerJSON(op.success, op.answer))
			_, resp, err := op.call(none, api)
			assert.Nil(t, resp)
			assertArgument(t, err, op.name, "ctx")
			assert.Empty(t, rec.all())
		})
	}
	api, _ := mocked(t, answerJSON(http.StatusOK, listJSON))
	got := collect(none, api, nil)
	require.Len(t, got.errs, 1)
	assertArgument(t, got.errs[0], "ListAccessTokens", "ctx")
}

func TestCalls_UnusableAnswer(t *testing.T) {
	t.Parallel()
	const page = "<!DOCTYPE html>\n<html><head><title>Sign in &amp; go on</title></head></html>"
	const isPage = "an HTML page, probably from a proxy"
	list := []string{"ListAccessTokens"}
	records := []string{"CreateAccessToken", "RegenerateAccessToken"}
	required := append([]string{"ListAccessTokens"}, records...)
	returning := append([]string{"GetAccessToken", "UpdateAccessToken", "ValidateAccessToken"}, required...)
	all := append([]string{"DeleteAccessToken"}, returning...)
	for name, test := range map[string]struct {
		contentType, body string
		of                []string // operations to which it is unusable
		text              string   // what the error says; "": what encoding/json says
	}{
		"page":                        {"text/html; charset=utf-8", page, all, isPage + ": Sign in & go on"},
		"page that says to be JSON":   {"application/json", page, all, isPage},
		"page without a content type": {"", "\n <HTML lang=en>", all, isPage},
		"text":                        {"text/plain", "please wait", returning, ""},
		"empty":                       {"application/json", "", returning, "the body is empty"},
		"blank":                       {"application/json", " \r\n\t", returning, "the body is empty"},
		"truncated":                   {"application/json", `{"access_token":{"id":4`, returning, ""},
		"truncated list":              {"application/json", `{"access_tokens":[{"id":4},`, returning, ""},
		"followed by more":            {"application/json", recordJSON + "{}", returning, ""},
		"array":                       {"application/json", `[]`, returning, ""},
		"number":                      {"application/json", `42`, returning, ""},
		"text for a number":           {"application/json", `{"access_token":{"id":"42"},"access_tokens":[{"id":"42"}]}`, returning, ""},
		"number too large":            {"application/json", `{"access_token":{"id":9223372036854775808},"access_tokens":[{"id":9223372036854775808}]}`, returning, ""},
		"no time":                     {"application/json", `{"access_token":{"create":"noon"},"access_tokens":[{"create":"noon"}]}`, returning, ""},
		"without token":               {"application/json", `{"access_tokens":[]}`, records, `required field "access_token" is missing`},
		"token null":                  {"application/json", `{"access_token":null,"access_tokens":[]}`, records, `required field "access_token" is missing`},
		"without list":                {"application/json", recordJSON, list, `required field "access_tokens" is missing`},
		"list null":                   {"application/json", `{"access_tokens":null,"access_token":{}}`, list, `required field "access_tokens" is missing`},
		"null":                        {"application/json", `null`, required, "is missing"},
		"empty object":                {"", `{}`, required, "is missing"},
	} {
		for _, op := range operations() {
			t.Run(name+"/"+op.name, func(t *testing.T) {
				t.Parallel()
				api, rec := mocked(t, answer(op.success, test.contentType, test.body))
				got, resp, err := op.call(t.Context(), api)
				rec.only(t)
				require.NotNil(t, resp)
				assert.Equal(t, op.success, resp.StatusCode)
				if !slices.Contains(test.of, op.name) {
					require.NoError(t, err)
					return
				}
				assert.Nil(t, got)
				unusable := assertUnusable(t, err, op, test.body)
				assert.Equal(t, op.success, unusable.StatusCode)
				assert.Equal(t, test.contentType, unusable.ContentType)
				require.ErrorContains(t, err, test.text)
				assert.NotContains(t, err.Error(), "documents", "the status is as it should be")
			})
		}
	}
}

func assertUnusable(t *testing.T, err error, op operation, body string) *xmsclient.DecodeError {
	t.Helper()
	var unusable *xmsclient.DecodeError
	require.ErrorAs(t, err, &unusable)
	assert.Equal(t, op.name, unusable.Operation)
	assert.Equal(t, body, string(unusable.Body))
	if op.unsafe {
		assertSentinels(t, err, xmsclient.ErrOutcomeUnknown)
	} else {
		assertSentinels(t, err)
	}
	return unusable
}

// A text that is HTML by nothing but its content type is taken for it only when it is not JSON: some gateways mislabel that.
func TestCalls_HTMLByContentType(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		if op.want == nil {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			api, _ := mocked(t, answer(op.success, "text/HTML", "please wait"))
			_, _, err := op.call(t.Context(), api)
			unusable := assertUnusable(t, err, op, "please wait")
			assert.Equal(t, "text/HTML", unusable.ContentType)
			require.ErrorContains(t, err, "an HTML page")

			api, _ = mocked(t, answer(op.success, "text/html", op.answer))
			got, _, err := op.call(t.Context(), api)
			require.NoError(t, err)
			assert.Equal(t, op.want, got)
		})
	}
}

// A page in answer to a delete comes from a proxy: nothing has been deleted.
func TestDeleteAccessToken_Page(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ contentType, body string }{
		"by content type": {"text/html; charset=utf-8", "please log in"},
		"fragment":        {"text/html", "<center>Please log in</center>"},
		"after a comment": {"", "<!-- busy --><html>"},
		"after a mark":    {"", "\ufeff<html>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, _ := mocked(t, answer(http.StatusOK, test.contentType, test.body))
			_, err := api.DeleteAccessToken(t.Context(), 1)
			var unusable *xmsclient.DecodeError
			require.ErrorAs(t, err, &unusable)
			require.ErrorContains(t, err, "an HTML page")
			assert.Equal(t, test.body, string(unusable.Body))
		})
	}
	api, _ := mocked(t, answerJSON(http.StatusOK, `{"task":7}`))
	_, err := api.DeleteAccessToken(t.Context(), 1)
	require.NoError(t, err, "what else it says does not matter")
}

// A call whose context has ended before it began has certainly had no effect.
func TestCalls_ContextEndedBefore(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, resp, err := op.call(ctx, client(t, srv))
			assert.Nil(t, resp)
			var failed *xmsclient.RequestError
			require.ErrorAs(t, err, &failed)
			assert.Zero(t, failed.Attempts)
			assert.Empty(t, failed.Server)
			require.ErrorIs(t, err, context.Canceled)
			require.NotErrorIs(t, err, xmsclient.ErrOutcomeUnknown)
			assert.Empty(t, srv.Requests())
		})
	}
}

// A status that the operation does not have, with a body that it does not have, says what was to be expected.
func TestCalls_NoContent(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		if op.want == nil {
			continue
		}
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			srv.Inject(xmstest.Fault{StatusCode: http.StatusNoContent})
			_, resp, err := op.call(t.Context(), client(t, srv))
			require.NotNil(t, resp)
			unusable := assertUnusable(t, err, op, "")
			assert.Equal(t, http.StatusNoContent, unusable.StatusCode)
			require.ErrorContains(t, err, "the body is empty")
			require.ErrorContains(t, err, fmt.Sprintf("the API documents status %d", op.success))
		})
	}
}

// The body that an error keeps is the error's own, not memory that the next answer is read into.
func TestCalls_UnusableBodyIsKept(t *testing.T) {
	t.Parallel()
	srv := start(t)
	api := client(t, srv)
	// so long that the answers to come fit into the memory that it was read into
	body := `{"access_token":{"uuid":"0123456789abcdef0123456789abcdef","name":"` + strings.Repeat("backup", 1000)
	srv.Inject(xmstest.Fault{StatusCode: http.StatusCreated, Body: body})
	_, _, err := api.CreateAccessToken(t.Context(), creation("", "backup", "admin"))
	for range 20 {
		_, _, err := api.CreateAccessToken(t.Context(), creation("", strings.Repeat("x", 1+len(srv.Requests())), "admin"))
		require.NoError(t, err)
	}
	unusable := assertUnusable(t, err, operation{name: "CreateAccessToken", unsafe: true}, body)
	assert.Equal(t, http.StatusCreated, unusable.StatusCode)
}

func TestCalls_Get_TokenLeftOut(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `null`, `{"access_token":null}`} {
		api, _ := mocked(t, answerJSON(http.StatusOK, body))
		got, _, err := api.GetAccessToken(t.Context(), 1)
		require.NoError(t, err, "the API allows it")
		assert.Equal(t, &xmsclient.AccessTokenResp{}, got)
	}
}

func TestOperationFromContext(t *testing.T) {
	t.Parallel()
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			var names []string
			api, _ := mocked(t, func(r *http.Request) (*http.Response, error) {
				name, ok := xmsclient.OperationFromContext(r.Context())
				assert.True(t, ok)
				names = append(names, name)
				return answerJSON(op.success, op.answer)(r)
			})
			_, _, err := op.call(t.Context(), api)
			require.NoError(t, err)
			assert.Equal(t, []string{op.name}, names)
		})
	}
	name, ok := xmsclient.OperationFromContext(t.Context())
	assert.False(t, ok)
	assert.Empty(t, name)
}

func TestOperationFromContext_EveryPage(t *testing.T) {
	t.Parallel()
	var names []string
	api, _ := mocked(t, func(r *http.Request) (*http.Response, error) {
		name, _ := xmsclient.OperationFromContext(r.Context())
		names = append(names, name)
		body := `{"access_tokens":[]}`
		if len(names) == 1 {
			body = `{"access_tokens":[{"id":1}]}`
		}
		return answerJSON(http.StatusOK, body)(r)
	})
	assert.Equal(t, collected{ids: []int64{1}}, collect(t.Context(), api, nil))
	assert.Equal(t, []string{"ListAccessTokens", "ListAccessTokens"}, names)
}

// What a caller puts into the context reaches the transport, so that tracing works.
func TestCalls_PassContextOn(t *testing.T) {
	t.Parallel()
	type contextKey struct{}
	api, _ := mocked(t, func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, "the caller's", r.Context().Value(contextKey{}))
		return answerJSON(http.StatusOK, tokenJSON)(r)
	})
	_, _, err := api.GetAccessToken(context.WithValue(t.Context(), contextKey{}, "the caller's"), 1)
	require.NoError(t, err)
}

func TestResponse(t *testing.T) {
	t.Parallel()
	srv := start(t)
	api := client(t, srv)
	srv.Inject(xmstest.Fault{StatusCode: http.StatusServiceUnavailable})
	srv.Inject(xmstest.Fault{Header: http.Header{"X-Request-Id": {"17"}}})
	_, resp, err := api.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "17", resp.Header.Get("X-Request-Id"))
	assert.Equal(t, srv.BaseURL(), resp.Server)
	assert.Equal(t, 2, resp.Attempts)

	_, resp, err = api.GetAccessToken(t.Context(), 1)
	require.Error(t, err)
	assert.Equal(t, http.StatusNotFound, resp.StatusCode)
	assert.Equal(t, srv.BaseURL(), resp.Server)
	assert.Equal(t, 1, resp.Attempts)

	srv.Close()
	_, resp, err = api.GetAccessToken(t.Context(), 1)
	require.Error(t, err)
	assert.Nil(t, resp)
}

func TestResponse_Printed(t *testing.T) {
	t.Parallel()
	resp := xmsclient.Response{
		StatusCode: 200, Header: http.Header{"Set-Cookie": {"session=marker"}, "Date": {"today"}}, Server: mockURL, Attempts: 2,
	}
	const want = `xmsclient.Response{StatusCode:200 Header:["Date" "Set-Cookie"] Server:"http://xms.test/v1" Attempts:2}`
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		assert.Equal(t, want, fmt.Sprintf(verb, resp))
		assert.Equal(t, want, fmt.Sprintf(verb, &resp))
	}
	var out bytes.Buffer
	slog.New(slog.NewJSONHandler(&out, nil)).Info("call", slog.Any("response", resp))
	var record struct{ Response string }
	require.NoError(t, json.Unmarshal(out.Bytes(), &record))
	assert.Equal(t, want, record.Response)
}

func TestNewAPIClient_LeavesHTTPClientAlone(t *testing.T) {
	t.Parallel()
	srv := start(t)
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	own := &http.Client{Transport: transport, Jar: jar, Timeout: time.Minute}
	before := *own
	api := client(t, srv, func(cfg *xmsclient.Configuration) { cfg.HTTPClient = own })
	_, _, err = api.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	assert.Equal(t, before, *own)
	assert.Nil(t, own.CheckRedirect)
}

func TestNewAPIClient_HTTPClientWithoutTransport(t *testing.T) {
	t.Parallel()
	srv := start(t)
	_, _, err := client(t, srv, func(cfg *xmsclient.Configuration) { cfg.HTTPClient = &http.Client{} }).ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
}

func TestNewAPIClient_TLS(t *testing.T) {
	t.Parallel()
	srv := start(t, xmstest.WithTLS())
	cfg := srv.Configuration()
	require.True(t, strings.HasPrefix(cfg.BaseURL, "https://"))
	trusting := cfg.TLSConfig.Clone()
	api := serviceOf(t, cfg)
	cfg.TLSConfig.RootCAs = nil // is too late
	_, _, err := api.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	assert.Nil(t, cfg.TLSConfig.NextProtos, "what net/http adds, it adds to a copy")

	_, _, err = client(t, srv, func(cfg *xmsclient.Configuration) {
		cfg.TLSConfig = nil
		cfg.Retry.MaxAttempts = 1
	}).ListAccessTokens(t.Context(), nil)
	require.ErrorContains(t, err, "certificate")

	trusting.MinVersion = 0
	_, _, err = client(t, srv, func(cfg *xmsclient.Configuration) { cfg.TLSConfig = trusting }).ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
}

// The client speaks TLS 1.1 to nobody unless it is told to.
func TestNewAPIClient_TLSVersion(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, tokenJSON) }))
	srv.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	t.Cleanup(srv.Close)
	roots := x509.NewCertPool()
	roots.AddCert(srv.Certificate())
	for version, want := range map[uint16]bool{0: false, tls.VersionTLS10: true} {
		api := serviceOf(t, &xmsclient.Configuration{
			BaseURL: srv.URL, TLSConfig: &tls.Config{RootCAs: roots, MinVersion: version}, Retry: xmsclient.RetryPolicy{MaxAttempts: 1},
		})
		_, _, err := api.GetAccessToken(t.Context(), 1)
		assert.Equal(t, want, err == nil, "%v", err)
	}
}

func TestCalls_Concurrently(t *testing.T) {
	t.Parallel()
	srv := start(t)
	api := client(t, srv)
	const callers = 16
	names, errs := make([]string, callers), make([]error, callers)
	var calls sync.WaitGroup
	for i := range callers {
		calls.Go(func() {
			created, _, err := api.CreateAccessToken(t.Context(), creation("", fmt.Sprintf("token-%d", i), "admin"))
			if err != nil {
				errs[i] = err
				return
			}
			got, _, err := api.ValidateAccessToken(t.Context(), created.AccessToken.UUID)
			if err != nil {
				errs[i] = err
				return
			}
			names[i] = got.AccessToken.Name
		})
	}
	calls.Wait()
	for i := range callers {
		require.NoError(t, errs[i])
		assert.Equal(t, fmt.Sprintf("token-%d", i), names[i])
	}
	assert.Len(t, collect(t.Context(), api, nil).ids, callers)
}
