package xmsclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

func TestErrors_Text(t *testing.T) {
	t.Parallel()
	const get = "xmsclient: GetAccessToken: GET http://n/v1/access-tokens/1: "
	refused := xmsclient.ApiError{Operation: "GetAccessToken", Method: "GET", URL: "http://n/v1/access-tokens/1",
		StatusCode: 404}
	odd, full := refused, refused
	odd.StatusCode = 599
	full.Message, full.Code, full.Attempts = "no such token", "gone", 3
	for _, test := range []struct {
		err  error
		want string
	}{
		{&refused, get + "404 Not Found"},
		{&odd, get + "599"},
		{&full, get + "404 Not Found: no such token (code gone) (after 3 attempts)"},
		{&xmsclient.RequestError{Operation: "Op", Attempts: 1, Err: io.EOF}, "xmsclient: Op: EOF"},
		{&xmsclient.RequestError{Operation: "Op", Attempts: 2, Err: io.EOF}, "xmsclient: Op: EOF (after 2 attempts)"},
		{
			&xmsclient.DecodeError{Operation: "Op", StatusCode: 200, ContentType: "text/plain", Body: []byte("four"),
				Err: io.EOF},
			`xmsclient: Op: the answer with status 200 cannot be used (4 bytes, content type "text/plain"): EOF`,
		},
		{&xmsclient.DecodeError{Operation: "Op", StatusCode: 200},
			"xmsclient: Op: the answer with status 200 cannot be used"},
		{&xmsclient.ArgumentError{Operation: "Op", Argument: "id", Reason: "must be positive"},
			"xmsclient: Op: id: must be positive"},
		{
			&xmsclient.DecodeError{Operation: "Op", StatusCode: 200, Server: "http://n", Attempts: 2, Err: io.EOF},
			"xmsclient: Op: the answer of http://n with status 200 cannot be used: EOF (after 2 attempts)",
		},
		// What callers' fakes leave out.
		{&xmsclient.ApiError{}, "xmsclient: unknown status"},
		{&xmsclient.ApiError{StatusCode: 404}, "xmsclient: 404 Not Found"},
		{&xmsclient.ApiError{Operation: "Op", StatusCode: 404}, "xmsclient: Op: 404 Not Found"},
		{&xmsclient.ApiError{StatusCode: 409, Message: "taken"}, "xmsclient: 409 Conflict: taken"},
		{&xmsclient.ApiError{Method: "GET", StatusCode: 404}, "xmsclient: GET: 404 Not Found"},
		{&xmsclient.ApiError{Message: "taken", Code: "E7"}, "xmsclient: unknown status: taken (code E7)"},
		{&xmsclient.RequestError{}, "xmsclient: no answer"},
		{&xmsclient.RequestError{Server: "http://n"}, "xmsclient: no answer from http://n"},
		{&xmsclient.RequestError{Err: io.EOF}, "xmsclient: EOF"},
		{&xmsclient.DecodeError{}, "xmsclient: the answer cannot be used"},
		{&xmsclient.DecodeError{Err: io.EOF}, "xmsclient: the answer cannot be used: EOF"},
		{&xmsclient.ArgumentError{}, "xmsclient: invalid argument"},
		{&xmsclient.ArgumentError{Argument: "id"}, "xmsclient: id: invalid argument"},
		{&xmsclient.ArgumentError{Reason: "must be positive"}, "xmsclient: must be positive"},
	} {
		require.EqualError(t, test.err, test.want)
	}
}

func TestErrors_PrintTheirTextForEveryVerb(t *testing.T) {
	t.Parallel()
	api := xmsclient.ApiError{Operation: "Op", StatusCode: 404, Body: []byte("hidden"),
		Header: http.Header{"Hidden": {"hidden"}}}
	request := xmsclient.RequestError{Operation: "Op", Err: errors.New("cause")}
	decode := xmsclient.DecodeError{Operation: "Op", StatusCode: 200, Body: []byte("hidden"), Err: errors.New("cause")}
	for text, values := range map[string][]any{
		api.Error(): {api, &api}, request.Error(): {request, &request}, decode.Error(): {decode, &decode},
	} {
		for _, value := range values {
			for verb, want := range map[string]string{
				"%v": text, "%+v": text, "%s": text, "%q": strconv.Quote(text), "%#v": strconv.Quote(text),
				"%x": fmt.Sprintf("%x", text), "%d": "%!d(string=" + text + ")", "%t": "%!t(string=" + text + ")",
				"%.9s": "xmsclient", "%-300v|": fmt.Sprintf("%-300s|", text),
			} {
				assert.Equal(t, want, fmt.Sprintf(verb, value), "%s of %T", verb, value)
			}
			assert.Equal(t, "["+text+"]", fmt.Sprint([]any{value}))
		}
	}
}

func TestErrors_SentinelsOfWhatACallerMakes(t *testing.T) {
	t.Parallel()
	for status, want := range map[int][]error{
		0: nil, 200: nil, 302: nil, 402: nil, 408: nil, 410: nil, 428: nil, 499: nil,
		400: {xmsclient.ErrBadRequest}, 401: {xmsclient.ErrUnauthorized}, 403: {xmsclient.ErrForbidden},
		404: {xmsclient.ErrNotFound}, 409: {xmsclient.ErrConflict}, 429: {xmsclient.ErrTooManyRequests},
		500: {xmsclient.ErrServer}, 503: {xmsclient.ErrServer}, 599: {xmsclient.ErrServer}, 600: {xmsclient.ErrServer},
	} {
		err := &xmsclient.ApiError{StatusCode: status}
		assertSentinels(t, err, want...)
		joined := fmt.Errorf("in a wrapper: %w", errors.Join(err, xmsclient.ErrOutcomeUnknown))
		assertSentinels(t, joined, append(want, xmsclient.ErrOutcomeUnknown)...)
		var found *xmsclient.ApiError
		require.ErrorAs(t, joined, &found)
		assert.Same(t, err, found)
	}
	timeout := &net.OpError{Op: "read", Net: "tcp", Err: context.DeadlineExceeded}
	for _, err := range []error{
		&xmsclient.RequestError{Err: timeout}, &xmsclient.DecodeError{Err: timeout},
	} {
		assertSentinels(t, err)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var found net.Error
		require.ErrorAs(t, err, &found)
		assert.True(t, found.Timeout())
	}
	assertSentinels(t, &xmsclient.DecodeError{Err: xmsclient.ErrResponseTooLarge}, xmsclient.ErrResponseTooLarge)
	assertSentinels(t, &xmsclient.ArgumentError{})
}

func TestErrors_AreOneLine(t *testing.T) {
	t.Parallel()
	const odd = "a\nb\u2028c\u009bd\u202ee\u00adf\u3000g"
	const plain = "b c def g"
	failing := func(status int, body string, header http.Header, err error) error {
		api, _ := mock(t, func(*http.Request) (*http.Response, error) {
			if err != nil {
				return nil, err
			}
			r := response(status, body)
			r.Header = header
			return r, nil
		})
		_, _, err = api.GetAccessToken(t.Context(), 1)
		require.Error(t, err)
		return err
	}
	for name, err := range map[string]error{
		"message":      failing(400, odd, nil, nil),
		"code":         failing(400, `{"code":"a\nb\u2028c\u009bd\u202ee\u00adf\u3000g"}`, nil, nil),
		"content type": failing(200, "", http.Header{"Content-Type": {odd}}, nil),
		"location":     failing(302, "", http.Header{"Location": {"http://n/" + odd[3:]}}, nil),
		"value":        failing(200, `{"access_token":{"id":"`+odd[2:]+`"}}`, nil, nil),
		"cause":        failing(0, "", nil, errors.New(odd)),
		"made by hand": &xmsclient.RequestError{Err: errors.New(odd)},
		"broken off":   &xmsclient.DecodeError{Err: errors.New(odd)},
	} {
		text := err.Error()
		for _, char := range "\n\u2028\u009b\u202e\u00ad\u3000" {
			assert.NotContains(t, text, string(char), name)
		}
		if name != "location" { // which is escaped
			assert.Contains(t, text, plain, name)
		}
	}
	var failed *xmsclient.RequestError
	require.ErrorAs(t, failing(0, "", nil, errors.New(odd)), &failed)
	require.EqualError(t, failed.Err, odd, "the chain stays as it was")
}
