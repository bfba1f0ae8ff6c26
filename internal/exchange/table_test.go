package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// way is a way in which an attempt can end: what every node, or a callback, does.
type way struct {
	name       string
	answer     http.HandlerFunc
	dial       dialer
	credential func(ctx context.Context, call int) (Credential, error)
	bound      func(ctx context.Context) (context.Context, context.CancelFunc)
	expired    bool // the nodes' certificates
	tls        bool
}

// want is what must follow. Histories name the nodes asked, and ~ a wait. Pairs are of a node that
// was silent, and of one that had just answered somebody.
type want struct {
	acted        bool
	safe, unsafe string
	left, closed [2]bool
}

var (
	neither = [2]bool{}
	both    = [2]bool{true, true}
	silent  = [2]bool{true, false}
)

func statuses(codes ...int) (ways []way) {
	for _, code := range codes {
		ways = append(ways, way{name: strconv.Itoa(code), answer: status(code)})
	}
	return ways
}

func redirects(codes ...int) (ways []way) {
	for _, code := range codes {
		ways = append(ways, way{name: strconv.Itoa(code), answer: status(code, "Location", "/ok")})
	}
	return ways
}

func pages(codes ...int) (ways []way) {
	for _, code := range codes {
		ways = append(ways, way{name: fmt.Sprint("page with ", code), answer: page(code)})
	}
	return ways
}

func deadline(d time.Duration) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, d) }
}

func cancelled(d time.Duration, cause error) func(context.Context) (context.Context, context.CancelFunc) {
	return func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(ctx)
		time.AfterFunc(d, func() { cancel(cause) })
		return ctx, func() { cancel(nil) }
	}
}

// handshake dials a server with config that speaks no HTTP. Without a config it says nothing at
// all.
func handshake(config *tls.Config) dialer {
	return func(context.Context) (net.Conn, error) {
		client, server := net.Pipe()
		go func() {
			defer func() { _ = server.Close() }()
			if config == nil {
				_, _ = io.Copy(io.Discard, server)
				return
			}
			config := config.Clone()
			config.Certificates = serverTLS.Certificates
			_ = tls.Server(server, config).Handshake()
		}()
		return client, nil
	}
}

func emptyServerHello(context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	go func() {
		_, _ = server.Read(make([]byte, 16<<10))
		_, _ = server.Write([]byte{22, 3, 3, 0, 4, 2, 0, 0, 0})
		_, _ = io.Copy(io.Discard, server)
	}()
	return client, nil
}

func hangUntilEnd(ctx context.Context) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
}

func tokens(_ context.Context, call int) (Credential, error) {
	token := fmt.Sprint("token-", call)
	return Credential{HeaderName: "Key", HeaderValue: token, Renewable: token}, nil
}

func noToken(ctx context.Context, _ int) (Credential, error) {
	<-ctx.Done()
	return Credential{}, ctx.Err()
}

func sameToken(ctx context.Context, _ int) (Credential, error) { return tokens(ctx, 0) }

const soon, late = 100 * time.Millisecond, 600 * time.Millisecond // within half a second, and after

var ends = []struct {
	want want
	ways []way
}{
	{want{false, "-", "-", neither, neither}, []way{
		{name: "no credential", credential: func(_ context.Context, call int) (Credential, error) {
			if call == 0 {
				return Credential{}, errors.New("no token today")
			}
			return Credential{}, nil
		}},
		{name: "deadline in TokenSource", bound: deadline(late), credential: noToken},
		{name: "ended before the call", bound: deadline(0)},
	}},
	{want{true, "1", "1", silent, silent}, []way{{name: "deadline", answer: hang, bound: deadline(soon)}}},
	{want{true, "1", "1", neither, neither}, []way{
		{name: "cancelled soon", answer: hang, bound: cancelled(soon, nil)},
		{name: "cancelled over another's deadline", answer: hang, bound: cancelled(soon, context.DeadlineExceeded)},
	}},
	{want{true, "1", "1", both, both}, []way{{name: "cancelled late", answer: hang, bound: cancelled(late, nil)}}},
	{want{false, "1", "1", both, both}, []way{
		{name: "cancelled dialling", dial: hangUntilEnd, bound: cancelled(late, nil)},
	}},
	{want{false, "1 2 3", "1 2 3", both, neither}, []way{
		{name: "certificate expired", tls: true, expired: true},
		{name: "alert of the client", tls: true, dial: emptyServerHello},
		{name: "alert in the handshake", tls: true, dial: handshake(&tls.Config{MaxVersion: tls.VersionTLS11})},
	}},
	{want{false, "1 2 3 ~ 1", "1 2 3 ~ 1", both, neither}, []way{
		{name: "dial fails", dial: func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}},
		{name: "dial hangs", dial: hangUntilEnd},
		{name: "handshake hangs", tls: true, dial: handshake(nil)},
	}},
	{want{true, "1 2 3 ~ 1", "1", both, both}, []way{
		{name: "timeout", answer: hang},
		{name: "cut", answer: raw("")},
		{name: "no HTTP", answer: raw("220 mail.example.com ESMTP\r\n\r\n")},
		{name: "status below 100", answer: raw("HTTP/1.1 042 Odd\r\nContent-Length: 0\r\n\r\n")},
		{name: "2xx broken off", answer: raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")},
		{name: "2xx stalls", answer: stall},
	}},
	{want{true, "1 2 3 ~ 1", "1", both, neither}, append(
		append(statuses(408, 502, 503, 504), pages(408, 502, 503, 504)...),
		way{name: "503 with Retry-After", answer: status(503, "Retry-After", "1")})},
	{want{false, "1 ~ 1 ~ 1 ~ 1", "1 ~ 1 ~ 1 ~ 1", neither, neither}, append(statuses(429),
		way{name: "page with 429", answer: slowly(late, page(429))})},
	{want{true, "1", "1", silent, neither}, append(statuses(500, 501, 505, 599, 600, 999), pages(500, 200, 201)...)},
	{want{false, "1 1", "1 1", neither, neither}, []way{
		{name: "401, another token", answer: slowly(late, status(401)), credential: tokens},
	}},
	{want{false, "1", "1", silent, neither}, append(pages(400, 404, 401), redirects(301, 307, 308)...)},
	{want{false, "1", "1", neither, neither}, append(statuses(400, 401, 403, 404, 409, 499),
		way{name: "404, slow", answer: slowly(late, status(404))},
		way{name: "401, the same token", answer: status(401), credential: sameToken})},
	{want{true, "1", "1", silent, neither}, append(redirects(300, 302, 303, 304),
		way{name: "101", answer: raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")})},
	{want{true, "1", "1", neither, neither}, append(statuses(200, 201, 204),
		way{name: "too large", answer: func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2<<20)) }})},
}

func TestRules_WhatFollowsFromAnEnd(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		for _, w := range end.ways {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				got := want{}
				synctest.Test(t, func(t *testing.T) { got.safe = w.run(t, get, 4, ofSilent).history })
				synctest.Test(t, func(t *testing.T) { got.unsafe = w.run(t, create, 4, ofSilent).history })
				for i, m := range []mode{ofSilent, ofFresh} {
					synctest.Test(t, func(t *testing.T) {
						seen := w.run(t, create, 1, m)
						got.acted, got.left[i], got.closed[i] = seen.acted, seen.preferred != "1", seen.closed
					})
				}
				assert.Equal(t, end.want, got)
			})
		}
	}
}

// A failure that is seen when another call has already left the node moves nothing.
func TestRules_StaleEnd(t *testing.T) {
	t.Parallel()
	for _, line := range []struct {
		way
		history string
		closed  bool
	}{
		{way{name: "cut", answer: raw("")}, "1", true},
		{way{name: "cancelled", answer: hang, bound: cancelled(time.Second, nil)}, "1", false},
		{way{name: "500", answer: status(500)}, "1", false},
		{way{name: "404", answer: status(404)}, "1", false},
		{way{name: "200", answer: ok}, "1", false},
		{way{name: "429", answer: status(429)}, "1 ~ 2 ~ 2 ~ 2", false},
	} {
		t.Run(line.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				seen := line.run(t, create, 4, ofLeft)
				assert.Equal(t, line.history, seen.history)
				assert.Equal(t, line.closed, seen.closed)
				assert.Equal(t, "2", seen.preferred)
			})
			synctest.Test(t, func(t *testing.T) {
				assert.Equal(t, "1", line.run(t, create, 1, ofRound).preferred)
			})
		})
	}
}

var update = flag.Bool("update", false, "write the table into the documentation of the root package")

func TestRules_Documented(t *testing.T) {
	t.Parallel()
	const file, heading = "../../doc.go", "// # Retries\n"
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	before, after, found := strings.Cut(string(source), heading)
	require.True(t, found)
	block := regexp.MustCompile(`(?m)(^//\t.*\n)+`).FindString(after)
	require.NotEmpty(t, block)
	if *update {
		after = strings.Replace(after, block, documentation(), 1)
		require.NoError(t, os.WriteFile(file, []byte(before+heading+after), 0o644))
		return
	}
	assert.Equal(t, documentation(), block, "run go generate ./...")
}

// documentation returns the table as a preformatted block of a doc comment.
func documentation() string {
	widths := []int{32, 10, 12, 19, 11}
	table := [][]string{
		{"how an attempt ends", "the server may have acted", "sent again", "node is left", "idle connections"}, nil,
	}
	for _, width := range widths {
		table[1] = append(table[1], strings.Repeat("-", width))
	}
	for _, r := range rules {
		table = append(table, []string{r.ending, string(r.acted), string(r.again), string(r.leave), string(r.idle)})
	}
	var text strings.Builder
	for _, row := range table {
		for line := 0; strings.Join(row, "") != ""; line++ {
			text.WriteString("//\t")
			var printed strings.Builder
			for i, width := range widths {
				if i == 0 && line > 0 && row[0] != "" {
					row[0] = "  " + row[0]
				}
				var cell string
				cell, row[i] = wrap(row[i], width)
				fmt.Fprintf(&printed, "%-*s  ", width, cell)
			}
			text.WriteString(strings.TrimRight(printed.String(), " ") + "\n")
		}
	}
	return text.String()
}

// wrap splits text at the last space that leaves a line of at most width.
func wrap(text string, width int) (line, rest string) {
	if len(text) <= width {
		return text, ""
	}
	at := strings.LastIndex(text[:width+1], " ")
	return text[:at], text[at+1:]
}

// mode is what the node of an attempt has done meanwhile.
type mode int

const (
	ofSilent mode = iota // it has answered nobody
	ofFresh              // it had just answered somebody
	ofLeft               // another call has left it
	ofRound              // other calls have left it, and all others after it
)

// seen is what can be seen of a call from outside.
type seen struct {
	history       string
	acted, closed bool
	preferred     string
}

// run makes a call whose attempts all end that way.
func (w way) run(t *testing.T, req Request, attempts int, m mode) (s seen) {
	t.Helper()
	var bad atomic.Bool
	var asked, answered atomic.Int64 // asked: for a credential
	cfg := config("http://node1", "http://node2", "http://node3")
	var nodeTLS *tls.Config
	if w.tls {
		cfg.Nodes = []string{"https://node1", "https://node2", "https://node3"}
		nodeTLS = serverTLS
		cfg.TLS = trust.Clone()
		cfg.TLS.Time = func() time.Time {
			if bad.Load() && w.expired {
				return time.Now().AddDate(100, 0, 0)
			}
			return time.Now()
		}
	}
	cfg.Timeout, cfg.InitialInterval, cfg.MaxAttempts = 2*time.Second, time.Second, attempts
	cfg.Credential = func(ctx context.Context, _ string) (Credential, error) {
		if bad.Load() && w.credential != nil {
			return w.credential(ctx, int(asked.Add(1)-1))
		}
		return Credential{}, nil
	}
	leaving := Request{Operation: "Leave", Method: http.MethodPost, Path: "/cut"}
	var history []string
	cfg.Observe = func(_ context.Context, event Event) {
		require.Less(t, len(history), 10, "the call does not end")
		if event.Operation == "Leave" {
			return
		}
		if history = append(history, number(event.Node)); event.Wait > 0 {
			history = append(history, "~")
		}
	}
	var client *Client
	dialers := make([]dialer, 4)
	dialers[3] = onPipes(t, nil, ok) // the bystander
	for i := range dialers[:3] {
		works := onPipes(t, nodeTLS, func(rw http.ResponseWriter, r *http.Request) {
			switch {
			case r.URL.Path == leaving.Path:
				raw("")(rw, r)
			case bad.Load() && w.answer != nil:
				if answered.Add(1) == 1 {
					for range map[mode]int{ofLeft: 1, ofRound: 3}[m] {
						do(r.Context(), client, leaving)
						keptIdle(t, client.wire.own)
					}
				}
				w.answer(rw, r)
			default:
				ok(rw, r)
			}
		})
		dialers[i] = func(ctx context.Context) (net.Conn, error) {
			if bad.Load() && w.dial != nil {
				return w.dial(ctx)
			}
			return works(ctx)
		}
	}
	client = inMemory(t, func(c *Config) { *c = cfg }, dialers...)
	if m == ofFresh {
		require.NoError(t, do(t.Context(), client, get).Err)
		client.CloseIdleConnections()
	}
	keptIdle(t, client.wire.own)

	bad.Store(true)
	history = nil
	ctx := t.Context()
	if w.bound != nil {
		bounded, cancel := w.bound(ctx)
		defer cancel()
		ctx = bounded
	}
	out := do(ctx, client, req)
	bad.Store(false)
	require.NoError(t, out.WaitErr)
	s = seen{history: strings.Join(history, " "), acted: out.MayHaveActed, closed: !keptIdle(t, client.wire.own)}
	assert.Len(t, regexp.MustCompile(`\d`).FindAllString(s.history, -1), out.Attempts)
	if w.answer != nil {
		assert.EqualValues(t, out.Attempts, answered.Load(), "requests that nodes got")
	}
	s.preferred = number(do(t.Context(), client, get).Node)
	return s
}

func number(node string) string {
	if node == "" {
		return "-"
	}
	return node[len(node)-1:]
}

// keptIdle makes a request to a host that is no node. It reports whether the connection of the one
// before had been kept.
func keptIdle(t *testing.T, transport *http.Transport) (kept bool) {
	t.Helper()
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { kept = info.Reused }}
	ctx := httptrace.WithClientTrace(t.Context(), trace)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://node4", nil)
	require.NoError(t, err)
	response, err := transport.RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	_, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	return kept
}
