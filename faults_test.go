package xmsclient_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// faultPatience is a Timeout for tests in which it must pass: long enough to get a request onto a loopback socket of a
// busy machine.
const faultPatience = 400 * time.Millisecond

// A fault in the answer of a node that has received the request. What may be sent again is; nothing else is.
func TestFaultInTheAnswer(t *testing.T) {
	t.Parallel()
	const attempts = 2 // for the operations that may be sent again
	tests := []struct {
		name    string
		answer  faultAnswer
		timeout time.Duration
		resent  bool // by the operations that may be
		want    func(*testing.T, error)
	}{
		{
			name: "accept then silence", answer: faultSilence, timeout: faultPatience, resent: true,
			want: func(t *testing.T, err error) {
				t.Helper()
				requireFaultTimeout(t, err)
				requireNoAnswer(t, err)
			},
		},
		{
			name: "reset before the answer", answer: faultReset, resent: true,
			want: func(t *testing.T, err error) {
				t.Helper()
				require.ErrorIs(t, err, syscall.ECONNRESET)
				requireNoAnswer(t, err)
			},
		},
		{
			name: "closed before the answer", answer: faultClose, resent: true,
			want: func(t *testing.T, err error) {
				t.Helper()
				require.ErrorIs(t, err, io.EOF)
				requireNoAnswer(t, err)
			},
		},
		{
			name: "closed in the header", answer: faultThen(faultText("HTTP/1.1 200 OK\r\n"), faultClose), resent: true,
			want: func(t *testing.T, err error) {
				t.Helper()
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				requireNoAnswer(t, err)
			},
		},
		{
			name: "not HTTP", answer: faultThen(faultText("SSH-2.0-OpenSSH_9.6\r\n\r\n"), faultClose), resent: true,
			want: requireNoAnswer,
		},
		{
			name: "nonsense for a Content-Length", resent: true,
			answer: faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n{}"), faultClose),
			want:   requireNoAnswer,
		},
		{
			name: "reset in the middle of the body", resent: true,
			answer: faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"access_token"), faultReset),
			want: func(t *testing.T, err error) {
				t.Helper()
				require.ErrorIs(t, err, syscall.ECONNRESET)
				requireBrokenOff(t, err)
			},
		},
		{
			name: "slow drip past the timeout", timeout: faultPatience, resent: true,
			answer: faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"), faultDrip),
			want: func(t *testing.T, err error) {
				t.Helper()
				requireFaultTimeout(t, err)
				requireBrokenOff(t, err)
			},
		},
		{
			name: "silence in the middle of the body", timeout: faultPatience, resent: true,
			answer: faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{"), faultSilence),
			want: func(t *testing.T, err error) {
				t.Helper()
				requireFaultTimeout(t, err)
				requireBrokenOff(t, err)
			},
		},
		{
			name: "Content-Length beyond the body", resent: true,
			answer: faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"+faultRecordBody), faultClose),
			want: func(t *testing.T, err error) {
				t.Helper()
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				requireBrokenOff(t, err)
				var decode *xmsclient.DecodeError
				require.ErrorAs(t, err, &decode)
				require.Equal(t, faultRecordBody, string(decode.Body), "what came must be kept") //nolint:testifylint // byte for byte, not as JSON
			},
		},
		{
			name: "chunked garbage", resent: true,
			answer: faultThen(faultText("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\nzebra\r\n"), faultClose),
			want:   requireBrokenOff,
		},
		{
			name: "chunks without an end", resent: true,
			answer: faultThen(faultText("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{\"\r\n"), faultClose),
			want: func(t *testing.T, err error) {
				t.Helper()
				require.ErrorIs(t, err, io.ErrUnexpectedEOF)
				requireBrokenOff(t, err)
			},
		},
		{
			name: "gzip that is none", resent: true,
			answer: faultStatus(200, "Content-Encoding: gzip\r\n", "plain text, whatever the header says"),
			want: func(t *testing.T, err error) {
				t.Helper()
				require.ErrorIs(t, err, gzip.ErrHeader)
				requireBrokenOff(t, err)
			},
		},
		{
			name: "HTML 200", answer: faultStatus(200, "Content-Type: text/html\r\n", "<!DOCTYPE html><title>Sign in</title>"),
			want: func(t *testing.T, err error) {
				t.Helper()
				decode := requireUnusable(t, err)
				require.ErrorContains(t, err, "HTML")
				require.ErrorContains(t, err, "Sign in")
				require.Equal(t, "text/html", decode.ContentType)
				require.Contains(t, string(decode.Body), "Sign in")
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			operations := faultOperations()
			if tt.timeout != 0 {
				operations = faultWaitingOperations(t)
			}
			faultEach(t, operations, func(t *testing.T, op faultOperation) {
				t.Helper()
				node := newFaultNode(t, tt.answer)
				client := faultClient(t, func(cfg *xmsclient.Configuration) {
					cfg.Retry.MaxAttempts = attempts
					if tt.timeout != 0 {
						cfg.Timeout = tt.timeout
					}
				}, node.url)

				out := op.call(t.Context(), client)

				require.Error(t, out.err)
				require.Nil(t, out.result)
				tt.want(t, out.err)
				requireFaultOutcome(t, !op.idempotent, out.err)
				sent := 1
				if tt.resent && op.idempotent {
					sent = attempts
				}
				node.requireReceived(t, op, sent)
				requireFaultAttempts(t, sent, out)
			})
		})
	}
}

// requireFaultTimeout fails unless err is recognisable as a timeout in every usual way.
func requireFaultTimeout(t *testing.T, err error) {
	t.Helper()
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
	require.ErrorContains(t, err, "Configuration.Timeout", "the text must say which bound it was")
}

// requireNoAnswer fails unless err is a RequestError that is not about a body.
func requireNoAnswer(t *testing.T, err error) {
	t.Helper()
	var request *xmsclient.RequestError
	require.ErrorAs(t, err, &request)
	var decode *xmsclient.DecodeError
	require.NotErrorAs(t, err, &decode)
}

// requireUnusable fails unless err is a DecodeError about a whole body.
func requireUnusable(t *testing.T, err error) *xmsclient.DecodeError {
	t.Helper()
	var decode *xmsclient.DecodeError
	require.ErrorAs(t, err, &decode)
	var request *xmsclient.RequestError
	require.NotErrorAs(t, err, &request)
	return decode
}

// requireBrokenOff fails unless err is a DecodeError about a body that did not come to its end.
func requireBrokenOff(t *testing.T, err error) {
	t.Helper()
	var decode *xmsclient.DecodeError
	require.ErrorAs(t, err, &decode)
	var request *xmsclient.RequestError
	require.ErrorAs(t, err, &request)
}

// A connection that was kept for the next call may break on it. What may not be sent again is not, by nobody: net/http repeats a
// GET by itself, and any request with a header that makes it look repeatable.
func TestFaultOnAKeptConnection(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]faultAnswer{"reset": faultReset, "closed": faultClose} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faultEachOperation(t, func(t *testing.T, op faultOperation) {
				t.Helper()
				node := newFaultNode(t, op.answer, fault, op.answer)
				client := faultClient(t, nil, node.url)
				require.NoError(t, op.call(t.Context(), client).err)

				out := op.call(t.Context(), client)

				requireFaultOutcome(t, !op.idempotent, out.err)
				if op.idempotent {
					require.NoError(t, out.err)
					node.requireReceived(t, op, 3)
					return
				}
				requireNoAnswer(t, out.err)
				requireFaultAttempts(t, 1, out)
				node.requireReceived(t, op, 2)
			})
		})
	}
}

// A whole body with 2xx that cannot be used is never asked for again. A delete has no use for a body and accepts any that
// is not HTML.
func TestFaultUnusableBody(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer, text string
		body               string
	}{
		{
			name: "truncated JSON", text: "unexpected end of JSON input", body: `{"access_token":{"id":7,"name":"c`,
			answer: "HTTP/1.1 200 OK\r\nContent-Length: 33\r\n\r\n" + `{"access_token":{"id":7,"name":"c`,
		},
		{
			name: "Content-Length short of the body", text: "unexpected end of JSON input", body: `{"access_token":{`,
			answer: "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 17\r\n\r\n" + faultTokenBody,
		},
		{name: "204 where a body is due", text: "the body is empty", answer: "HTTP/1.1 204 No Content\r\n\r\n"},
		{name: "empty 200", text: "the body is empty", answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
		{
			name: "deep nesting", text: "max depth", body: strings.Repeat("[", 1<<17),
			answer: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 1<<17) + strings.Repeat("[", 1<<17),
		},
		{
			name: "deep nesting of an unknown member", text: "max depth", body: `{"x":` + strings.Repeat(`{"x":`, 1<<16),
			answer: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 5*(1<<16+1)) + `{"x":` + strings.Repeat(`{"x":`, 1<<16),
		},
		{
			name: "two values", text: "after top-level value", body: faultTokenBody + faultTokenBody,
			answer: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", 2*len(faultTokenBody)) + faultTokenBody + faultTokenBody,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			faultEachOperation(t, func(t *testing.T, op faultOperation) {
				t.Helper()
				node := newFaultNode(t, faultText(tt.answer))

				out := op.call(t.Context(), faultClient(t, nil, node.url))

				node.requireReceived(t, op, 1)
				if op.name == "DeleteAccessToken" {
					require.NoError(t, out.err)
					return
				}
				decode := requireUnusable(t, out.err)
				require.ErrorContains(t, out.err, tt.text)
				require.Equal(t, tt.body, string(decode.Body))
				require.Nil(t, out.result)
				require.NotNil(t, out.resp, "there was an answer")
				requireFaultOutcome(t, !op.idempotent, out.err)
			})
		})
	}
}

// Oddities that encoding/json accepts are accepted.
func TestFaultOddBody(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, name string }{
		"invalid UTF-8":  {"{\"access_token\":{\"id\":7,\"name\":\"c\xffi\"}}", "c\uFFFDi"},
		"duplicate keys": {`{"access_token":{"id":1,"name":"a"},"access_token":{"id":7,"name":"ci"}}`, "ci"},
		"byte soup in an unknown member": {
			"{\"soup\":\"\xfe\xff\",\"access_token\":{\"id\":7,\"name\":\"ci\"}}", "ci",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := faultOperationNamed(t, "GetAccessToken")
			node := newFaultNode(t, faultStatus(200, "", tt.body))

			got, _, err := faultClient(t, nil, node.url).AccessTokensApi.GetAccessToken(t.Context(), 7)

			require.NoError(t, err)
			require.Equal(t, int64(7), got.AccessToken.ID)
			require.Equal(t, tt.name, got.AccessToken.Name)
			require.True(t, utf8.ValidString(got.AccessToken.Name))
			node.requireReceived(t, op, 1)
		})
	}
}

// A server that never stops sending is cut off after little more than MaxResponseBytes.
func TestFaultEndlessAnswer(t *testing.T) {
	t.Parallel()
	const (
		limit    = 1 << 20
		gib      = 1 << 30
		inFlight = 64 << 20 // what sockets may hold besides what was read, generously
	)
	tests := map[string]struct {
		header  string
		line    string
		request bool // the answer never begins as far as HTTP is concerned
	}{
		"1 GiB with its length": {header: fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", gib), line: "[[[[[[[["},
		"1 GiB in chunks":       {header: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", line: "10\r\n0123456789abcdef\r\n"},
		"1 GiB until the end":   {header: "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", line: "[[[[[[[["},
		"1 GiB of early hints":  {line: "HTTP/1.1 103 Early Hints\r\nX-Filler: 0123456789abcdef\r\n\r\n", request: true},
		"1 GiB of header":       {header: "HTTP/1.1 200 OK\r\n", line: "X-Filler: 0123456789abcdef\r\n", request: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range []faultOperation{
				faultOperationNamed(t, "ListAccessTokens"), faultOperationNamed(t, "RegenerateAccessToken"),
			} {
				var sent atomic.Int64
				node := newFaultNode(t, faultThen(faultText(tt.header), faultFlood(tt.line, gib, &sent), faultClose))
				client := faultClient(t, func(cfg *xmsclient.Configuration) {
					cfg.MaxResponseBytes = limit
					cfg.Retry.MaxAttempts = 1
				}, node.url)

				out := op.call(t.Context(), client)

				if tt.request {
					requireNoAnswer(t, out.err)
				} else {
					require.ErrorIs(t, out.err, xmsclient.ErrResponseTooLarge)
					require.LessOrEqual(t, len(requireUnusable(t, out.err).Body), 64<<10)
				}
				requireFaultOutcome(t, !op.idempotent, out.err)
				node.requireReceived(t, op, 1)
				assert.Less(t, sent.Load(), int64(inFlight))
			}
		})
	}
}

// A body that announces itself as too large is not read up to the limit first.
func TestFaultAnnouncedLength(t *testing.T) {
	t.Parallel()
	const limit, inFlight = 512 << 20, 128 << 20
	op := faultOperationNamed(t, "ListAccessTokens")
	var sent atomic.Int64
	header := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", limit+1)
	node := newFaultNode(t, faultThen(faultText(header), faultFlood("[[[[[[[[", limit, &sent), faultClose))
	client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.MaxResponseBytes = limit }, node.url)

	out := op.call(t.Context(), client)

	require.ErrorIs(t, out.err, xmsclient.ErrResponseTooLarge)
	node.requireReceived(t, op, 1)
	require.Less(t, sent.Load(), int64(inFlight))
}

// A body of exactly MaxResponseBytes is not too large; one byte more is, and is not asked for again.
func TestFaultMaxResponseBytes(t *testing.T) {
	t.Parallel()
	op := faultOperationNamed(t, "GetAccessToken")
	for name, header := range map[string]string{
		"with its length": fmt.Sprintf("Content-Length: %d\r\n", len(faultTokenBody)),
		"until the end":   "Connection: close\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for limit, tooLarge := range map[int]bool{
				len(faultTokenBody): false, len(faultTokenBody) - 1: true, 1: true, math.MaxInt64: false, math.MaxInt64 - 1: false,
			} {
				node := newFaultNode(t, faultThen(faultText("HTTP/1.1 200 OK\r\n"+header+"\r\n"+faultTokenBody), faultClose))
				client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.MaxResponseBytes = int64(limit) }, node.url)

				out := op.call(t.Context(), client)

				if tooLarge {
					require.ErrorIs(t, out.err, xmsclient.ErrResponseTooLarge, "limit %d", limit)
				} else {
					require.NoError(t, out.err, "limit %d", limit)
				}
				node.requireReceived(t, op, 1)
			}
		})
	}
}

// A length that no machine can hold is no reason to try.
func TestFaultAbsurdContentLength(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		header := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n{", int64(1)<<60)
		node := newFaultNode(t, faultThen(faultText(header), faultClose))
		client := faultClient(t, func(cfg *xmsclient.Configuration) {
			cfg.MaxResponseBytes = 1 << 62
			cfg.Retry.MaxAttempts = 1
		}, node.url)

		var out faultOutcome
		require.NotPanics(t, func() { out = op.call(t.Context(), client) })

		requireBrokenOff(t, out.err)
		requireFaultOutcome(t, !op.idempotent, out.err)
		node.requireReceived(t, op, 1)
	})
}

// The memory that a gzip bomb takes depends on MaxResponseBytes, not on the bomb.
//
//nolint:paralleltest // it measures memory, so nothing may run beside it
func TestFaultGzipBomb(t *testing.T) {
	const limit = 1 << 20
	bomb := gzipBomb(t, 1<<10)
	node := newFaultNode(t, faultStatus(200, "Content-Encoding: gzip\r\n", bomb))
	for _, op := range faultOperations() {
		client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.MaxResponseBytes = limit }, node.url)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)

		out := op.call(t.Context(), client)

		runtime.ReadMemStats(&after)
		require.ErrorIs(t, out.err, xmsclient.ErrResponseTooLarge)
		requireFaultOutcome(t, !op.idempotent, out.err)
		requireFaultAttempts(t, 1, out)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16*limit), "bytes allocated by %s", op.name)
	}
	require.Len(t, node.received(), len(faultOperations()))
}

// gzipBomb returns many MiB of zeros, compressed: the same member over and over, which is one stream to a reader.
func gzipBomb(t *testing.T, mebibytes int) string {
	t.Helper()
	var member bytes.Buffer
	writer := gzip.NewWriter(&member)
	_, err := writer.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, writer.Close())
	return strings.Repeat(member.String(), mebibytes)
}

// An error that is compressed, endless or dripping is still an error of that status, and read only as far as it is of use.
func TestFaultInTheBodyOfAnError(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	tests := map[string]struct {
		answer     faultAnswer
		message    string
		operations []faultOperation
	}{
		"broken off": {
			faultThen(faultText("HTTP/1.1 404 Not Found\r\nContent-Length: 99\r\n\r\ngone fishing"), faultReset),
			"gone fishing", faultOperations(),
		},
		"gzip bomb": {faultStatus(404, "Content-Encoding: gzip\r\n", gzipBomb(t, 1<<10)), "", faultOperations()},
		"1 GiB": {
			faultThen(faultText("HTTP/1.1 404 Not Found\r\nContent-Length: 1073741824\r\n\r\n"), faultFlood("x", 1<<30, &sent)),
			"xxxxxxxx", faultWaitingOperations(t),
		},
		"dripping": {
			faultThen(faultText("HTTP/1.1 404 Not Found\r\nContent-Length: 1000000\r\n\r\nslow"), faultDrip),
			"slow", faultWaitingOperations(t),
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faultEach(t, tt.operations, func(t *testing.T, op faultOperation) {
				t.Helper()
				node := newFaultNode(t, tt.answer)
				client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Timeout = faultPatience }, node.url)

				out := op.call(t.Context(), client)

				var api *xmsclient.ApiError
				require.ErrorAs(t, out.err, &api)
				require.ErrorIs(t, out.err, xmsclient.ErrNotFound)
				require.Contains(t, api.Message, tt.message)
				require.LessOrEqual(t, len(api.Body), 64<<10)
				require.Less(t, len(api.Error()), 2<<10)
				requireFaultOutcome(t, false, out.err)
				node.requireReceived(t, op, 1)
			})
		})
	}
	t.Cleanup(func() { assert.Less(t, sent.Load(), int64(len(faultWaitingOperations(t))*(64<<20))) })
}

// A node that takes the connection away from HTTP must not keep the caller.
func TestFaultSwitchingProtocols(t *testing.T) {
	t.Parallel()
	faultEach(t, faultWaitingOperations(t), func(t *testing.T, op faultOperation) {
		t.Helper()
		node := newFaultNode(t, faultThen(
			faultText("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), faultSilence))
		client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Timeout = faultPatience }, node.url)
		done := make(chan faultOutcome, 1)

		go func() { done <- op.call(t.Context(), client) }()

		select {
		case out := <-done:
			require.Error(t, out.err)
			node.requireReceived(t, op, 1)
			requireFaultOutcome(t, !op.idempotent, out.err)
		case <-time.After(10 * faultPatience):
			require.Fail(t, "the call goes on long after its timeout")
		}
	})
}

// A text of the server in an error is cut, whichever way it gets there.
func TestFaultErrorTextIsShort(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 1<<12)
	for name, answer := range map[string]faultAnswer{
		"title of a page with 200": faultStatus(200, "", "<html><title>"+long+"</title>"),
		"value of a wrong type":    faultStatus(200, "", `{"access_token":{"id":7,"create":"`+long+`"},"access_tokens":[{"create":"`+long+`"}]}`),
		"content type":             faultStatus(200, "Content-Type: "+long+"\r\n", "<html>"),
		"message of an error":      faultStatus(404, "", `{"message":"`+long+`","code":"`+long+`"}`),
		"status line":              faultThen(faultText("HTTP/1.1 "+long+"\r\n\r\n"), faultClose),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, op := range faultOperations() {
				if op.name == "DeleteAccessToken" && strings.Contains(name, "wrong type") {
					continue // a delete reads no values
				}
				node := newFaultNode(t, answer)
				client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Retry.MaxAttempts = 1 }, node.url)

				out := op.call(t.Context(), client)

				require.Error(t, out.err)
				assert.Less(t, len(out.err.Error()), 4<<10, op.name)
				node.requireReceived(t, op, 1)
			}
		})
	}
}

// Where no connection comes about, nothing was sent: every operation is tried again, on the same node or the next.
func TestFaultNoConnection(t *testing.T) {
	t.Parallel()
	resolver := newFaultResolver(t)
	tests := map[string]struct {
		url    string
		client *http.Client
		want   func(*testing.T, error)
	}{
		"refused": {
			url:  faultDeadURL,
			want: func(t *testing.T, err error) { t.Helper(); require.ErrorIs(t, err, syscall.ECONNREFUSED) },
		},
		"unknown name": {
			url: "http://node.invalid:8051/v1",
			client: &http.Client{Transport: &http.Transport{
				DialContext: (&net.Dialer{Resolver: resolver}).DialContext,
			}},
			want: func(t *testing.T, err error) {
				t.Helper()
				var dns *net.DNSError
				require.ErrorAs(t, err, &dns)
				require.True(t, dns.IsNotFound)
				require.ErrorContains(t, err, "node.invalid")
			},
		},
		"a dialer of the caller's that fails in its own way": {
			url: "http://10.0.0.1:8051/v1",
			client: &http.Client{Transport: &http.Transport{
				DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, errNoTunnel },
			}},
			want: func(t *testing.T, err error) { t.Helper(); require.ErrorIs(t, err, errNoTunnel) },
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faultEachOperation(t, func(t *testing.T, op faultOperation) {
				t.Helper()
				const attempts = 3
				client := faultClient(t, func(cfg *xmsclient.Configuration) {
					cfg.HTTPClient = tt.client
					cfg.Retry.MaxAttempts = attempts
				}, tt.url)

				out := op.call(t.Context(), client)

				requireNoAnswer(t, out.err)
				tt.want(t, out.err)
				requireFaultOutcome(t, false, out.err)
				requireFaultAttempts(t, attempts, out)
				require.Nil(t, out.resp)

				node := newFaultNode(t, op.answer)
				client = faultClient(t, func(cfg *xmsclient.Configuration) {
					if tt.client != nil {
						cfg.HTTPClient = faultOnlyFor(t, tt.url, tt.client)
					}
				}, tt.url, node.url)
				out = op.call(t.Context(), client)

				require.NoError(t, out.err)
				require.Equal(t, node.url, out.resp.Server)
				requireFaultAttempts(t, 2, out)
				node.requireReceived(t, op, 1)
			})
		})
	}
}

var errNoTunnel = errors.New("no tunnel")

// faultOnlyFor returns a client that is broken for the node at url and works for others.
func faultOnlyFor(t *testing.T, url string, broken *http.Client) *http.Client {
	t.Helper()
	sound := &http.Transport{}
	t.Cleanup(sound.CloseIdleConnections)
	return &http.Client{Transport: faultRoundTripper(func(r *http.Request) (*http.Response, error) {
		if strings.Contains(url, r.URL.Host) {
			return broken.Transport.RoundTrip(r)
		}
		return sound.RoundTrip(r)
	})}
}

type faultRoundTripper func(*http.Request) (*http.Response, error)

func (f faultRoundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// newFaultResolver returns a resolver whose name server does not know any name.
func newFaultResolver(t *testing.T) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		message := make([]byte, 1<<10)
		for {
			n, client, err := server.ReadFrom(message)
			if err != nil {
				return
			}
			const response, nameError = 0x80, 3
			message[2] |= response
			message[3] = message[3]&0xf0 | nameError
			_, _ = server.WriteTo(message[:n], client)
		}
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// A node that is not who it should be gets no request. Asking it again would not help, but another node may be the right one.
func TestFaultTLS(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config func(*xmsclient.Configuration)
		want   func(*testing.T, error)
	}{
		"unknown CA": {
			config: func(cfg *xmsclient.Configuration) { cfg.TLSConfig = nil },
			want: func(t *testing.T, err error) {
				t.Helper()
				var unknown x509.UnknownAuthorityError
				require.ErrorAs(t, err, &unknown)
			},
		},
		"wrong host": {
			config: func(cfg *xmsclient.Configuration) { cfg.TLSConfig.ServerName = "other.example" },
			want: func(t *testing.T, err error) {
				t.Helper()
				var host x509.HostnameError
				require.ErrorAs(t, err, &host)
				require.Equal(t, "other.example", host.Host)
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			served, roots := faultTLSConfigs(t)
			wrong := newFaultTLSNode(t, served, faultStatus(200, "", faultRecordBody))
			config := func(cfg *xmsclient.Configuration) {
				cfg.TLSConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
				tt.config(cfg)
			}
			faultEachOperation(t, func(t *testing.T, op faultOperation) {
				t.Helper()
				out := op.call(t.Context(), faultClient(t, config, wrong.url))

				requireNoAnswer(t, out.err)
				tt.want(t, out.err)
				var certificate *tls.CertificateVerificationError
				require.ErrorAs(t, out.err, &certificate)
				requireFaultOutcome(t, false, out.err)
				requireFaultAttempts(t, 1, out)

				node := newFaultNode(t, op.answer)
				out = op.call(t.Context(), faultClient(t, config, wrong.url, node.url))

				require.NoError(t, out.err)
				requireFaultAttempts(t, 2, out)
				node.requireReceived(t, op, 1)
			})
			t.Cleanup(func() {
				assert.Empty(t, wrong.received())
				assert.Equal(t, 2*len(faultOperations()), wrong.accepted(), "connections: one of each call")
			})
		})
	}
}

// A context that has ended before the call keeps everything from happening.
func TestFaultContextEndedBefore(t *testing.T) {
	t.Parallel()
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	expired, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	t.Cleanup(cancel)
	for name, ctx := range map[string]context.Context{"canceled": canceled, "expired": expired} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faultEachOperation(t, func(t *testing.T, op faultOperation) {
				t.Helper()
				node := newFaultNode(t, op.answer)

				out := op.call(ctx, faultClient(t, nil, node.url, faultDeadURL))

				requireNoAnswer(t, out.err)
				require.ErrorIs(t, out.err, ctx.Err())
				requireFaultOutcome(t, false, out.err)
				requireFaultAttempts(t, 0, out)
				require.Zero(t, node.accepted(), "connections")
			})
		})
	}
}

// A context that ends while a TokenSource is at work has ended before anything was sent.
func TestFaultContextEndsInTokenSource(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		node := newFaultNode(t, op.answer)
		ctx, cancel := context.WithCancel(t.Context())
		client := faultClient(t, func(cfg *xmsclient.Configuration) {
			cfg.TokenSource = xmsclient.TokenSourceFunc(func(context.Context) (string, error) {
				cancel()
				return faultUUID, nil
			})
		}, node.url)

		out := op.call(ctx, client)

		require.ErrorIs(t, out.err, context.Canceled)
		requireFaultOutcome(t, false, out.err)
		require.Empty(t, node.received())
	})
}

// A context that ends while an answer is due ends the call, and nothing is sent again.
func TestFaultContextEndsDuringTheAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		sent string
		body bool // end the context when the client has begun with the body, rather than when sent has been sent
		want func(*testing.T, error)
	}{
		"before the header": {"", false, requireNoAnswer},
		"in the header":     {"HTTP/1.1 200 OK\r\nContent-", false, requireNoAnswer},
		"in the body":       {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", true, requireBrokenOff},
		"in a chunked body": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n", true, requireBrokenOff},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			faultEachOperation(t, func(t *testing.T, op faultOperation) {
				t.Helper()
				ctx, cancel := context.WithCancel(t.Context())
				end := faultDo(cancel)
				if tt.body {
					end = faultDo(func() {})
				}
				node := newFaultNode(t, faultThen(faultText(tt.sent), end, faultSilence))
				other := newFaultNode(t, op.answer)
				client := faultClient(t, func(cfg *xmsclient.Configuration) {
					cfg.HTTPClient = faultCancelInBody(t, cancel)
				}, node.url, other.url)

				out := op.call(ctx, client)

				require.ErrorIs(t, out.err, context.Canceled)
				require.NotErrorIs(t, out.err, context.DeadlineExceeded)
				tt.want(t, out.err)
				require.Nil(t, out.result)
				requireFaultOutcome(t, !op.idempotent, out.err)
				requireFaultAttempts(t, 1, out)
				node.requireReceived(t, op, 1)
				require.Empty(t, other.received())
			})
		})
	}
}

// A context that ends in the body of an error ends the call with what is known by then: the error.
func TestFaultContextEndsInTheBodyOfAnError(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		node := newFaultNode(t, faultThen(
			faultText("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 99\r\n\r\nbusy"), faultSilence))
		client := faultClient(t, func(cfg *xmsclient.Configuration) {
			cfg.HTTPClient = faultCancelInBody(t, cancel)
		}, node.url)

		out := op.call(ctx, client)

		require.ErrorIs(t, out.err, xmsclient.ErrServer)
		require.ErrorContains(t, out.err, "busy")
		requireFaultOutcome(t, false, out.err)
		requireFaultAttempts(t, 1, out)
		node.requireReceived(t, op, 1)
	})
}

// faultCancelInBody returns a client that calls cancel when the first bytes of a body have been read.
func faultCancelInBody(t *testing.T, cancel context.CancelFunc) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: faultRoundTripper(func(r *http.Request) (*http.Response, error) {
		resp, err := transport.RoundTrip(r)
		if err == nil {
			resp.Body = &faultBody{ReadCloser: resp.Body, begun: cancel}
		}
		return resp, err
	})}
}

type faultBody struct {
	io.ReadCloser
	begun func()
}

func (b *faultBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if n > 0 {
		b.begun()
	}
	return n, err
}

// The caller's deadline is not the Timeout of an attempt: it is never followed by another attempt, and says so.
func TestFaultDeadlineDuringTheAnswer(t *testing.T) {
	t.Parallel()
	faultEach(t, faultWaitingOperations(t), func(t *testing.T, op faultOperation) {
		t.Helper()
		node := newFaultNode(t, faultSilence)
		ctx, cancel := context.WithTimeout(t.Context(), faultPatience)
		defer cancel()

		out := op.call(ctx, faultClient(t, nil, node.url))

		require.ErrorIs(t, out.err, context.DeadlineExceeded)
		require.NotContains(t, out.err.Error(), "Configuration.Timeout")
		requireNoAnswer(t, out.err)
		requireFaultOutcome(t, !op.idempotent, out.err)
		requireFaultAttempts(t, 1, out)
		node.requireReceived(t, op, 1)
	})
}

// A Timeout of the caller's own client bounds an attempt like Configuration.Timeout.
func TestFaultTimeoutOfTheCallersClient(t *testing.T) {
	t.Parallel()
	faultEach(t, faultWaitingOperations(t), func(t *testing.T, op faultOperation) {
		t.Helper()
		node := newFaultNode(t, faultSilence)
		client := faultClient(t, func(cfg *xmsclient.Configuration) {
			cfg.HTTPClient = &http.Client{Transport: &http.Transport{}, Timeout: faultPatience}
			cfg.Retry.MaxAttempts = 2
		}, node.url)

		out := op.call(t.Context(), client)

		requireNoAnswer(t, out.err)
		require.ErrorIs(t, out.err, context.DeadlineExceeded)
		requireFaultOutcome(t, !op.idempotent, out.err)
		if op.idempotent {
			node.requireReceived(t, op, 2)
		} else {
			node.requireReceived(t, op, 1)
		}
	})
}
