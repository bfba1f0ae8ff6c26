package exchange

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// way is a way in which an attempt can end: what every node, a callback or middleware does.
type way struct {
	name       string
	answer     http.HandlerFunc
	dial       dialer
	wrap       func(r *http.Request) (*http.Response, error) // middleware that passes nothing on
	credential func(ctx context.Context, call int) (Credential, error)
	bound      func(ctx context.Context) (context.Context, context.CancelFunc)
	cancels    bool // answer begins when the caller has cancelled
	acts       bool // the request takes effect before answer
	expired    bool // the nodes' certificates
	tls        bool
}

// want is what must follow if all attempts end in one way.
type want struct {
	acted        bool   // a server may have acted
	safe, unsafe string // the nodes that a call asks, and ~ for a wait; safe to repeat or not
	left, closed leave  // the node; the idle connections
}

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
	return Credential{HeaderName: "Key", HeaderValue: token, SourceToken: token}, nil
}

func noToken(ctx context.Context, _ int) (Credential, error) {
	<-ctx.Done()
	return Credential{}, ctx.Err()
}

func sameToken(ctx context.Context, _ int) (Credential, error) { return tokens(ctx, 0) }

const soon, late = 100 * time.Millisecond, 600 * time.Millisecond // within half a second, and after

const roundAndAgain, sameAgain = "1 2 3 ~ 1", "1 ~ 1 ~ 1 ~ 1"

var ends = []struct {
	want want
	ways []way
}{
	{want{safe: "-", unsafe: "-", left: stays, closed: stays}, []way{
		{name: "no credential", credential: func(context.Context, int) (Credential, error) {
			return Credential{}, errors.New("no token today")
		}},
		{name: "deadline in TokenSource", bound: deadline(late), credential: noToken},
		{name: "ended before the call", bound: deadline(0)},
	}},
	{want{safe: "1", unsafe: "1", left: stays, closed: stays}, []way{
		{name: "middleware refuses", wrap: func(*http.Request) (*http.Response, error) {
			return nil, errors.New("the breaker is open")
		}},
		{name: "middleware waits until Timeout", wrap: waits},
		{name: "middleware waits until the deadline", wrap: waits, bound: deadline(late)},
	}},
	{want{acted: true, safe: "1", unsafe: "1", left: ifSilent, closed: ifSilent}, []way{
		{name: "deadline", answer: hang, bound: deadline(soon)},
	}},
	{want{acted: true, safe: "1", unsafe: "1", left: stays, closed: stays}, []way{
		{name: "cancelled at once", answer: hang, cancels: true},
		{name: "cancelled soon", answer: hang, bound: cancelled(soon, nil)},
		{name: "cancelled over another's deadline", answer: hang, bound: cancelled(soon, context.DeadlineExceeded)},
	}},
	{want{acted: true, safe: "1", unsafe: "1", left: leaves, closed: leaves}, []way{
		{name: "cancelled late", answer: hang, bound: cancelled(late, nil)},
	}},
	{want{safe: "1", unsafe: "1", left: leaves, closed: leaves}, []way{
		{name: "cancelled dialling", dial: hangUntilEnd, bound: cancelled(late, nil)},
	}},
	{want{safe: "1 2 3", unsafe: "1 2 3", left: leaves, closed: stays}, append(redirects(307, 301, 308), []way{
		{name: "certificate expired", tls: true, expired: true},
		{name: "alert of the client", tls: true, dial: emptyServerHello},
		{name: "alert in the handshake", tls: true, dial: handshake(&tls.Config{MaxVersion: tls.VersionTLS11})},
		{name: "page with 307", answer: page(307)},
	}...)},
	{want{safe: roundAndAgain, unsafe: roundAndAgain, left: leaves, closed: stays}, []way{
		{name: "dial fails", dial: func(context.Context) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}},
		{name: "dial hangs", dial: hangUntilEnd},
		{name: "handshake hangs", tls: true, dial: handshake(nil)},
	}},
	{want{acted: true, safe: roundAndAgain, unsafe: "1", left: ifSilent, closed: ifSilent}, []way{
		{name: "2xx broken off", answer: raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")},
	}},
	{want{acted: true, safe: roundAndAgain, unsafe: "1", left: leaves, closed: leaves}, []way{
		{name: "cut", answer: raw("")},
		{name: "timeout", answer: hang},
		{name: "no HTTP", answer: raw("220 mail.example.com ESMTP\r\n\r\n")},
		{name: "status below 100", answer: raw("HTTP/1.1 042 Odd\r\nContent-Length: 0\r\n\r\n")},
		{name: "2xx that Timeout breaks off at a node long silent", answer: stall},
	}},
	{want{acted: true, safe: roundAndAgain, unsafe: "1", left: leaves, closed: stays}, append(
		append(statuses(503, 408, 502, 504), pages(408, 502, 503, 504)...),
		way{name: "503 with Retry-After", answer: status(503, "Retry-After", "1")})},
	{want{safe: sameAgain, unsafe: sameAgain, left: stays, closed: stays}, append(statuses(429),
		way{name: "page with 429", answer: slowly(late, page(429))})},
	{want{acted: true, safe: "1", unsafe: "1", left: ifSilent, closed: stays}, append(
		statuses(500, 501, 505, 599, 600, 999), pages(500, 200, 201)...)},
	{want{safe: "1 1", unsafe: "1 1", left: stays, closed: stays}, []way{
		{name: "401, another token", answer: status(401), credential: tokens},
		{name: "401, another token, slow", answer: slowly(late, status(401)), credential: tokens},
		{name: "page with 401, another token", answer: page(401), credential: tokens},
	}},
	{want{safe: "1", unsafe: "1", left: ifSilent, closed: stays}, pages(400, 404, 401)},
	{want{safe: "1", unsafe: "1", left: stays, closed: stays}, append(statuses(409, 400, 401, 403, 404, 499),
		way{name: "404, slow", answer: slowly(late, status(404))},
		way{name: "401, the same token", answer: status(401), credential: sameToken})},
	{want{acted: true, safe: "1", unsafe: "1", left: ifSilent, closed: stays}, append(redirects(302, 300, 303, 304),
		way{name: "101", answer: raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")})},
	{want{acted: true, safe: "1", unsafe: "1", left: stays, closed: stays}, append(statuses(200, 201, 204),
		way{name: "too large", answer: func(w http.ResponseWriter, _ *http.Request) { w.Write(make([]byte, 2<<20)) }})},
}

func waits(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestRules_WhatFollowsFromAnEnd(t *testing.T) {
	t.Parallel()
	for _, end := range ends {
		for _, w := range end.ways {
			bubble(t, w.name, func(t *testing.T) {
				t.Helper()
				assert.Equal(t, end.want.safe, w.run(t, get, 4, ofSilent).history, "safe to repeat")
				assert.Equal(t, end.want.unsafe, w.run(t, create, 4, ofSilent).history, "not safe to repeat")
				silent, fresh := w.run(t, create, 1, ofSilent), w.run(t, create, 1, ofFresh)
				assert.Equal(t, end.want.acted, silent.acted, "may have acted")
				assert.Equal(t, end.want.left, seenWhen(silent.preferred != "1", fresh.preferred != "1"), "node is left")
				assert.Equal(t, end.want.closed, seenWhen(silent.closed, fresh.closed), "idle connections are closed")
			})
		}
	}
}

// seenWhen says when something happens that was seen at a node that was silent, or at one that had
// just answered.
func seenWhen(ofSilent, ofFresh bool) leave {
	return map[[2]bool]leave{{}: stays, {true, false}: ifSilent, {true, true}: leaves}[[2]bool{ofSilent, ofFresh}]
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
		{way{name: "429", answer: status(429)}, "1 2 ~ 2 ~ 2", false},
	} {
		bubble(t, line.name, func(t *testing.T) {
			t.Helper()
			seen := line.run(t, create, 4, ofLeft)
			assert.Equal(t, line.history, seen.history)
			assert.Equal(t, line.closed, seen.closed)
			assert.Equal(t, "2", seen.preferred)
			assert.Equal(t, "1", line.run(t, create, 1, ofRound).preferred)
		})
	}
}

// A node that has just answered is not left for a 2xx that breaks off. It is asked again, but not
// at once.
func TestRules_WaitsBeforeItAsksTheSameNodeAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := way{answer: raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")}
		assert.Equal(t, "1 ~ 1", w.run(t, get, 2, ofFresh).history)
	})
}

// step is how one attempt of a sequence ends, and what must follow if all did.
type step struct {
	way
	want want
}

// steps has a way of each kind, before and after the request takes effect.
func steps() (all []step) {
	for _, end := range ends {
		w := end.ways[0]
		if w.bound != nil { // it would bound the call from its beginning
			continue
		}
		all = append(all, step{w, end.want})
		if w.acts = end.want.acted; w.acts {
			all = append(all, step{w, end.want})
		}
	}
	return all
}

// After every sequence of up to three ends the nodes are healthy.
func TestRules_EverySequence(t *testing.T) {
	t.Parallel()
	for _, req := range []Request{get, create} {
		t.Run(req.Operation, func(t *testing.T) {
			t.Parallel()
			sequences := [][]step{nil}
			for range 3 {
				sequences = longer(t, req, sequences)
			}
			assert.NotEmpty(t, sequences)
		})
	}
}

// longer checks each sequence with one more step, and returns those after which the call goes on.
func longer(t *testing.T, req Request, sequences [][]step) (goOn [][]step) {
	t.Helper()
	for _, sequence := range sequences {
		renewed := len(sequence) > 0 && sequence[len(sequence)-1].want.safe == "1 1"
		for _, s := range steps() {
			if renewed && s.credential != nil && s.answer == nil { // nobody is asked for another credential
				continue
			}
			next, again := append(slices.Clone(sequence), s), false
			synctest.Test(t, func(t *testing.T) { again = check(t, req, next) })
			if again {
				goOn = append(goOn, next)
			}
		}
	}
	return goOn
}

// check reports whether the call goes on after the last step.
func check(t *testing.T, req Request, sequence []step) (again bool) {
	t.Helper()
	var name []string
	s := newScene(t, "http", 2, func(attempt int) *way {
		if attempt < len(sequence) {
			return &sequence[attempt].way
		}
		return nil
	})
	s.client.cfg.MaxAttempts = len(sequence) + 1
	s.client.cfg.Observe = func(ctx context.Context, event Event) {
		s.observe(ctx, event)
		s.client.CloseIdleConnections() // so that each attempt dials
	}
	out := s.call(t.Context(), req)
	mayHaveActed, left, refused := false, 0, false
	for i, step := range sequence {
		name = append(name, step.name)
		history := map[bool]string{true: step.want.safe, false: step.want.unsafe}[req.SafeToRepeat]
		event := s.events[i]
		if event.LeftFor != "" {
			left++
		}
		again = map[string]bool{roundAndAgain: true, sameAgain: true, "1 1": !refused, "1 2 3": left < 2}[history]
		require.Equal(t, again, i+1 < len(s.events), "goes on after %v", name)
		waits := again && history != "1 1" && (left >= 2 || event.LeftFor == "")
		assert.Equal(t, waits, event.Wait > 0, "waits after %v", name)
		if waits {
			left = 0
		}
		mayHaveActed, refused = mayHaveActed || step.want.acted, refused || event.is(http.StatusUnauthorized)
	}
	assert.Equal(t, mayHaveActed || again, out.MayHaveActed, "may have acted after %v", name)
	assert.Equal(t, again, string(out.Body) == `{"ok": true}`, "success after %v", name)
	atMost := map[bool]int{true: len(sequence), false: 1}[req.SafeToRepeat]
	assert.True(t, s.acted == 0 || out.MayHaveActed && s.acted <= atMost, "acted %d times in %v", s.acted, name)
	return again
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
func (w way) run(t *testing.T, req Request, attempts int, m mode) (got seen) {
	t.Helper()
	scheme := map[bool]string{true: "https", false: "http"}[w.tls]
	s := newScene(t, scheme, 3, func(int) *way { return &w })
	s.client.cfg.MaxAttempts = attempts
	s.meanwhile = func() {
		for range map[mode]int{ofLeft: 1, ofRound: 3}[m] {
			do(t.Context(), s.client, leaving)
			keptIdle(t, s.client.tracker.own)
		}
	}
	if m == ofFresh {
		require.NoError(t, do(t.Context(), s.client, get).Err)
		s.client.CloseIdleConnections()
	}
	keptIdle(t, s.client.tracker.own)
	ctx := t.Context()
	if w.bound != nil {
		bounded, cancel := w.bound(ctx)
		defer cancel()
		ctx = bounded
	}
	out := s.call(ctx, req)
	require.NoError(t, out.WaitErr)
	got = seen{history: strings.Join(s.history, " "), acted: out.MayHaveActed, closed: !keptIdle(t, s.client.tracker.own)}
	if w.wrap == nil {
		assert.Len(t, regexp.MustCompile(`\d`).FindAllString(got.history, -1), out.Attempts)
	}
	if w.answer != nil {
		assert.Equal(t, out.Attempts, s.answered, "requests that nodes got")
	}
	got.preferred = number(do(t.Context(), s.client, get).Node)
	return got
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
