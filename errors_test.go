package xmsclient_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

func TestErrors_Text(t *testing.T) {
	t.Parallel()
	refused := func(change func(*xmsclient.ApiError)) *xmsclient.ApiError {
		e := &xmsclient.ApiError{
			Operation: "GetAccessToken", Method: "GET", URL: "http://n/v1/access-tokens/1", StatusCode: 404, Server: "http://n/v1", Attempts: 1,
			Body: []byte("body"), Header: http.Header{"X-A": {"header"}}, RetryAfter: time.Second,
		}
		change(e)
		return e
	}
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"ApiError": {
			refused(func(*xmsclient.ApiError) {}),
			"xmsclient: GetAccessToken: GET http://n/v1/access-tokens/1: 404 Not Found",
		},
		"ApiError with message": {
			refused(func(e *xmsclient.ApiError) { e.Message = "no such token" }),
			"xmsclient: GetAccessToken: GET http://n/v1/access-tokens/1: 404 Not Found: no such token",
		},
		"ApiError with everything": {
			refused(func(e *xmsclient.ApiError) { e.Message, e.Code, e.Attempts = "no such token", "gone", 3 }),
			"xmsclient: GetAccessToken: GET http://n/v1/access-tokens/1: 404 Not Found: no such token (code gone) (after 3 attempts)",
		},
		"ApiError with code": {
			refused(func(e *xmsclient.ApiError) { e.Code = "gone" }),
			"xmsclient: GetAccessToken: GET http://n/v1/access-tokens/1: 404 Not Found (code gone)",
		},
		"RequestError": {
			&xmsclient.RequestError{Operation: "GetAccessToken", Server: "http://n/v1", Attempts: 1, Err: io.ErrUnexpectedEOF},
			"xmsclient: GetAccessToken: no answer from http://n/v1: unexpected EOF",
		},
		"RequestError after attempts": {
			&xmsclient.RequestError{Operation: "GetAccessToken", Server: "http://n/v1", Attempts: 2, Err: io.ErrUnexpectedEOF},
			"xmsclient: GetAccessToken: no answer from http://n/v1 (after 2 attempts): unexpected EOF",
		},
		"RequestError without attempt": {
			&xmsclient.RequestError{Operation: "GetAccessToken", Err: context.Canceled},
			"xmsclient: GetAccessToken: context canceled",
		},
		"DecodeError": {
			&xmsclient.DecodeError{
				Operation: "GetAccessToken", StatusCode: 200, ContentType: "text/plain", Body: []byte("four"), Err: io.ErrUnexpectedEOF,
			},
			`xmsclient: GetAccessToken: answer with status 200 cannot be used (4 bytes, content type "text/plain"): unexpected EOF`,
		},
		"ArgumentError": {
			&xmsclient.ArgumentError{Operation: "GetAccessToken", Argument: "accessTokenID", Reason: "must be positive"},
			"xmsclient: GetAccessToken: accessTokenID: must be positive",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.EqualError(t, test.err, test.want)
			assert.Equal(t, test.want, fmt.Sprint(test.err))
		})
	}
}

// The fields of an error hold a body that may be a secret, so no verb must print them, neither of a pointer nor of a value.
func TestErrors_Format(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	api := xmsclient.ApiError{Operation: "Op", StatusCode: 404, Body: []byte("hidden"), Header: http.Header{"Hidden": {"hidden"}}}
	request := xmsclient.RequestError{Operation: "Op", Server: "http://n", Err: cause}
	decode := xmsclient.DecodeError{Operation: "Op", StatusCode: 200, Body: []byte("hidden"), Err: cause}
	for _, printed := range []struct {
		text   string
		values []any
	}{
		{api.Error(), []any{api, &api}},
		{request.Error(), []any{request, &request}},
		{decode.Error(), []any{decode, &decode}},
	} {
		for _, value := range printed.values {
			for format, want := range map[string]string{
				"%v": printed.text, "%+v": printed.text, "%s": printed.text,
				"%q": strconv.Quote(printed.text), "%#v": strconv.Quote(printed.text),
				"%x":     hex.EncodeToString([]byte(printed.text)),
				"%d":     "%!d(string=" + printed.text + ")",
				"%.9s":   "xmsclient",
				"%300v":  fmt.Sprintf("%300s", printed.text),
				"%-300v": fmt.Sprintf("%-300s", printed.text),
			} {
				assert.Equal(t, want, fmt.Sprintf(format, value), "%s of %T", format, value)
			}
			assert.Equal(t, "["+printed.text+"]", fmt.Sprint([]any{value}))
		}
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("failed", slog.Any("error", printed.values[1]))
		assert.NotContains(t, out.String(), "hidden")
	}
}

func TestApiError_Is(t *testing.T) {
	t.Parallel()
	for status, want := range map[int][]error{
		0: nil, 100: nil, 200: nil, 302: nil, 399: nil, 402: nil, 405: nil, 408: nil, 410: nil, 418: nil, 499: nil,
		400: {xmsclient.ErrBadRequest},
		401: {xmsclient.ErrUnauthorized},
		403: {xmsclient.ErrForbidden},
		404: {xmsclient.ErrNotFound},
		409: {xmsclient.ErrConflict},
		429: {xmsclient.ErrTooManyRequests},
		500: {xmsclient.ErrServer},
		501: {xmsclient.ErrServer},
		599: {xmsclient.ErrServer},
	} {
		err := error(&xmsclient.ApiError{StatusCode: status})
		assertSentinels(t, err, want...)
		assertSentinels(t, fmt.Errorf("in a wrapper: %w", err), want...)
		require.NotErrorIs(t, err, io.EOF)
		require.NoError(t, errors.Unwrap(err))
	}
}

func TestSentinels_Text(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, sentinel := range sentinels() {
		assert.Regexp(t, `^xmsclient: [a-z]`, sentinel.Error())
		assert.False(t, seen[sentinel.Error()])
		seen[sentinel.Error()] = true
	}
}

func TestErrors_Unwrap(t *testing.T) {
	t.Parallel()
	timeout := &net.OpError{Op: "read", Net: "tcp", Err: context.DeadlineExceeded}
	failed := &xmsclient.RequestError{Operation: "GetAccessToken", Err: timeout}
	for name, err := range map[string]error{
		"RequestError": failed,
		"wrapped":      fmt.Errorf("listing: %w", failed),
		"DecodeError":  &xmsclient.DecodeError{Operation: "GetAccessToken", Err: failed},
	} {
		require.ErrorIs(t, err, context.DeadlineExceeded, name)
		require.NotErrorIs(t, err, context.Canceled, name)
		var asNet net.Error
		require.ErrorAs(t, err, &asNet, name)
		assert.True(t, asNet.Timeout(), name)
		var asRequest *xmsclient.RequestError
		require.ErrorAs(t, err, &asRequest, name)
		assert.Same(t, failed, asRequest, name)
		assertSentinels(t, err)
	}
	require.NoError(t, errors.Unwrap(&xmsclient.ArgumentError{}))
	assertSentinels(t, &xmsclient.DecodeError{Err: xmsclient.ErrResponseTooLarge}, xmsclient.ErrResponseTooLarge)
}

// What encoding/json says of a body can be got at.
func TestDecodeError_UnwrapsToJSON(t *testing.T) {
	t.Parallel()
	api, _ := mocked(t, answerJSON(http.StatusOK, `{"access_token":{"id":1,}}`))
	_, _, err := api.GetAccessToken(t.Context(), 1)
	var syntax *json.SyntaxError
	require.ErrorAs(t, err, &syntax)

	api, _ = mocked(t, answerJSON(http.StatusOK, `{"access_token":{"id":"one"}}`))
	_, _, err = api.GetAccessToken(t.Context(), 1)
	var wrongType *json.UnmarshalTypeError
	require.ErrorAs(t, err, &wrongType)
}

func TestErrors_OutcomeUnknownIsSaid(t *testing.T) {
	t.Parallel()
	const said = "; the request may have taken effect all the same"
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			for name, respond := range map[string]func(*http.Request) (*http.Response, error){
				"ApiError":     answerJSON(http.StatusInternalServerError, ""),
				"DecodeError":  answerJSON(op.success, "<html>"),
				"RequestError": func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF },
			} {
				api, _ := mocked(t, respond)
				_, _, err := op.call(t.Context(), api)
				require.Error(t, err, name)
				assert.Equal(t, op.unsafe, errors.Is(err, xmsclient.ErrOutcomeUnknown), name)
				if op.unsafe {
					assert.Regexp(t, said+"$", err.Error(), name)
				} else {
					assert.NotContains(t, err.Error(), said, name)
				}
			}
		})
	}
}

func TestRequestError_Fields(t *testing.T) {
	t.Parallel()
	broken := errors.New("the transport is broken")
	for _, op := range operations() {
		t.Run(op.name, func(t *testing.T) {
			t.Parallel()
			api, _ := mocked(t, func(*http.Request) (*http.Response, error) { return nil, broken })
			got, resp, err := op.call(t.Context(), api)
			assert.Nil(t, got)
			assert.Nil(t, resp)
			var failed *xmsclient.RequestError
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, op.name, failed.Operation)
			assert.Equal(t, mockURL, failed.Server)
			assert.Equal(t, 1, failed.Attempts)
			require.ErrorIs(t, err, broken)
			assert.NotContains(t, err.Error(), "access-tokens", "the URL may hold a secret")
		})
	}
}

// What a proxy echoes of a default header that authenticates does not show either.
func TestApiError_EchoedDefaultHeader(t *testing.T) {
	t.Parallel()
	api, _ := mocked(t, answer(http.StatusForbidden, "text/plain", "no access for Basic cHJveHktc2VjcmV0"), func(cfg *xmsclient.Configuration) {
		cfg.DefaultHeader = http.Header{"Authorization": {"Basic cHJveHktc2VjcmV0"}}
	})
	_, _, err := api.GetAccessToken(t.Context(), 7)
	require.ErrorContains(t, err, "no access for")
	assert.NotContains(t, err.Error(), "cHJveHktc2VjcmV0")
}
