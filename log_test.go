package xmsclient_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// logSink collects what a logger writes, one JSON object a record.
type logSink struct {
	mu sync.Mutex
	bytes.Buffer
}

func (s *logSink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.Write(p)
}

func (s *logSink) text() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.String()
}

func (s *logSink) logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(s, &slog.HandlerOptions{Level: level}))
}

// logRecord is a record as a JSON handler writes it. Pointers tell what is not there.
type logRecord struct {
	Level      string         `json:"level"`
	Message    string         `json:"msg"`
	Operation  string         `json:"operation"`
	Server     string         `json:"server"`
	Attempt    *int           `json:"attempt"`
	Attempts   *int           `json:"attempts"`
	Status     *int           `json:"status"`
	Duration   *time.Duration `json:"duration"`
	ErrorClass *string        `json:"error_class"`
	Wait       *time.Duration `json:"wait"`
	Error      *string        `json:"error"`
}

// records returns those of a level. No record may have attributes that logRecord does not know.
func (s *logSink) records(t *testing.T, level slog.Level) []logRecord {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader([]byte(s.text())))
	decoder.DisallowUnknownFields()
	var records []logRecord
	for decoder.More() {
		var r struct {
			logRecord
			Time time.Time `json:"time"`
		}
		require.NoError(t, decoder.Decode(&r))
		if r.Level == level.String() {
			records = append(records, r.logRecord)
		}
	}
	return records
}

// A call that succeeds at once writes one record, at debug level.
func TestLogSuccess(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		node := newFaultNode(t, op.answer)
		var sink logSink
		client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Logger = sink.logger(slog.LevelDebug) }, node.url)

		out := op.call(t.Context(), client)

		require.NoError(t, out.err)
		records := sink.records(t, slog.LevelDebug)
		require.Len(t, records, 1)
		r := records[0]
		require.Equal(t, op.name, r.Operation)
		require.Equal(t, node.url, r.Server)
		require.Equal(t, 1, *r.Attempt)
		require.Equal(t, out.resp.StatusCode, *r.Status)
		require.Positive(t, *r.Duration)
		require.Nil(t, r.ErrorClass)
		require.Nil(t, r.Wait)
		require.Empty(t, sink.records(t, slog.LevelWarn))
	})
}

// Every attempt has its record, the call that fails after them one warning, with the error as the caller gets it.
func TestLogFailureAfterRetries(t *testing.T) {
	t.Parallel()
	faultEachOperation(t, func(t *testing.T, op faultOperation) {
		t.Helper()
		node := newFaultNode(t, faultStatus(429, "", ""), faultStatus(403, "", `{"message":"no"}`))
		var sink logSink
		client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Logger = sink.logger(slog.LevelDebug) }, faultDeadURL, node.url)

		out := op.call(t.Context(), client)

		require.ErrorIs(t, out.err, xmsclient.ErrForbidden, "each node has had its turn twice")
		records := sink.records(t, slog.LevelDebug)
		require.Len(t, records, 4)
		for i, want := range []struct {
			server, class string
			status        int
		}{{faultDeadURL, "connect", 0}, {node.url, "status", 429}, {faultDeadURL, "connect", 0}, {node.url, "status", 403}} {
			r := records[i]
			require.Equal(t, op.name, r.Operation)
			require.Equal(t, want.server, r.Server)
			require.Equal(t, i+1, *r.Attempt)
			require.Equal(t, want.class, *r.ErrorClass)
			if want.status == 0 {
				require.Nil(t, r.Status)
			} else {
				require.Equal(t, want.status, *r.Status)
			}
		}
		warnings := sink.records(t, slog.LevelWarn)
		require.Len(t, warnings, 1)
		require.Equal(t, op.name, warnings[0].Operation)
		require.Equal(t, node.url, warnings[0].Server)
		require.Equal(t, 4, *warnings[0].Attempts)
		require.Equal(t, "status", *warnings[0].ErrorClass)
		require.Equal(t, out.err.Error(), *warnings[0].Error)
	})
}

// A call that fails at the first attempt is the caller's to report, and one that succeeds in the end nobody's.
func TestLogWarnsOnlyAfterRetries(t *testing.T) {
	t.Parallel()
	for name, answers := range map[string][]faultAnswer{
		"fails at once":  {faultStatus(404, "", "")},
		"succeeds later": {faultStatus(429, "", ""), faultStatus(429, "", ""), faultStatus(200, "", faultTokenBody)},
	} {
		node := newFaultNode(t, answers...)
		var sink logSink
		client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Logger = sink.logger(slog.LevelDebug) }, node.url)

		_ = faultOperationNamed(t, "GetAccessToken").call(t.Context(), client)

		require.Len(t, sink.records(t, slog.LevelDebug), len(answers), name)
		require.Empty(t, sink.records(t, slog.LevelWarn), name)
	}
}

// The level decides what is written: warnings alone, or nothing.
func TestLogLevels(t *testing.T) {
	t.Parallel()
	for level, want := range map[slog.Level]int{slog.LevelDebug: 4 + 1, slog.LevelInfo: 1, slog.LevelWarn: 1, slog.LevelError: 0} {
		var sink logSink
		client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Logger = sink.logger(level) }, faultDeadURL)

		out := faultOperationNamed(t, "CreateAccessToken").call(t.Context(), client)

		requireFaultAttempts(t, 4, out)
		require.Equal(t, want, strings.Count(sink.text(), "\n"), level.String())
	}
}

// The class of an error says in one word what went wrong.
func TestLogErrorClass(t *testing.T) {
	t.Parallel()
	served, roots := faultTLSConfigs(t)
	tests := map[string]struct {
		class  string
		status int
		answer faultAnswer
		config func(*xmsclient.Configuration)
	}{
		"refused connection": {class: "connect", config: func(cfg *xmsclient.Configuration) { cfg.BaseURL = faultDeadURL }},
		"unknown name": {class: "connect", config: func(cfg *xmsclient.Configuration) {
			cfg.BaseURL = "http://node.invalid/v1"
			cfg.HTTPClient.Transport.(*http.Transport).DialContext = (&net.Dialer{Resolver: newFaultResolver(t)}).DialContext
		}},
		"wrong certificate": {class: "certificate", config: func(cfg *xmsclient.Configuration) {
			cfg.BaseURL = newFaultTLSNode(t, served, faultSilence).url
		}},
		"right certificate": {class: "status", status: 418, config: func(cfg *xmsclient.Configuration) {
			cfg.BaseURL = newFaultTLSNode(t, served, faultStatus(418, "", "")).url
			cfg.HTTPClient.Transport.(*http.Transport).TLSClientConfig.RootCAs = roots
		}},
		"reset":         {class: "transport", answer: faultReset},
		"not HTTP":      {class: "transport", answer: faultThen(faultText("hello\r\n\r\n"), faultClose)},
		"broken off":    {class: "transport", status: 200, answer: faultThen(faultText("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), faultClose)},
		"silence":       {class: "timeout", answer: faultSilence, config: func(cfg *xmsclient.Configuration) { cfg.Timeout = faultPatience }},
		"too large":     {class: "body", status: 200, answer: faultStatus(200, "", faultListBody), config: func(cfg *xmsclient.Configuration) { cfg.MaxResponseBytes = 3 }},
		"unusable":      {class: "body", status: 200, answer: faultStatus(200, "", "surprise")},
		"field missing": {class: "body", status: 201, answer: faultStatus(201, "", "{}")},
		"refused":       {class: "status", status: 409, answer: faultStatus(409, "", "")},
		"redirect":      {class: "status", status: 302, answer: faultStatus(302, "Location: http://other.invalid/\r\n", "")},
		"refused to move": {class: "redirect", answer: faultStatus(307, "Location: /v2\r\n", ""), config: func(cfg *xmsclient.Configuration) {
			cfg.HTTPClient.CheckRedirect = func(*http.Request, []*http.Request) error { return errNoTunnel }
		}},
		"no token": {class: "credential", config: func(cfg *xmsclient.Configuration) {
			cfg.TokenSource = &retrySource{tokens: []string{"!"}}
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := faultOperationNamed(t, "CreateAccessToken")
			transport := &http.Transport{TLSClientConfig: served.Clone()}
			t.Cleanup(transport.CloseIdleConnections)
			var sink logSink
			client := faultClient(t, func(cfg *xmsclient.Configuration) {
				cfg.HTTPClient = &http.Client{Transport: transport}
				cfg.Logger = sink.logger(slog.LevelDebug)
				cfg.Retry.MaxAttempts = 1
				if tt.answer != nil {
					cfg.BaseURL = newFaultNode(t, tt.answer).url
				}
				if tt.config != nil {
					tt.config(cfg)
				}
			}, faultDeadURL)

			out := op.call(t.Context(), client)

			require.Error(t, out.err)
			records := sink.records(t, slog.LevelDebug)
			require.Len(t, records, 1)
			require.NotNil(t, records[0].ErrorClass)
			require.Equal(t, tt.class, *records[0].ErrorClass)
			if tt.status == 0 {
				require.Nil(t, records[0].Status)
			} else {
				require.Equal(t, tt.status, *records[0].Status)
			}
		})
	}
}

// A call that its context ends says so, before it, in an attempt or in a wait.
func TestLogCanceled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sink logSink
		stub := &retryStub{answers: []http.RoundTripper{retryStatus(429, "10", ""), faultRoundTripper(retrySilence)}}
		client := stub.client(t, 1, func(cfg *xmsclient.Configuration) { cfg.Logger = sink.logger(slog.LevelDebug) })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(12*time.Second, cancel)

		out := faultOperationNamed(t, "GetAccessToken").call(ctx, client)

		require.ErrorIs(t, out.err, context.Canceled)
		records := sink.records(t, slog.LevelDebug)
		require.Len(t, records, 2)
		require.Equal(t, 10*time.Second, *records[0].Wait)
		require.Zero(t, *records[0].Duration)
		require.Equal(t, "canceled", *records[1].ErrorClass)
		require.Zero(t, *records[1].Wait)
		require.InDelta(t, 2*time.Second, *records[1].Duration, 5)
		warnings := sink.records(t, slog.LevelWarn)
		require.Len(t, warnings, 1)
		require.Equal(t, "canceled", *warnings[0].ErrorClass)
	})
}

// A handler sees the caller's context, so that records find their trace.
func TestLogContext(t *testing.T) {
	t.Parallel()
	type key struct{}
	handler := &logContextHandler{key: key{}}
	client := faultClient(t, func(cfg *xmsclient.Configuration) { cfg.Logger = slog.New(handler) }, faultDeadURL)

	out := faultOperationNamed(t, "GetAccessToken").call(context.WithValue(t.Context(), key{}, "trace-7"), client)

	require.Error(t, out.err)
	require.Equal(t, []any{"trace-7", "trace-7", "trace-7", "trace-7", "trace-7"}, handler.seen)
}

// logContextHandler notes the value that each record's context has under key.
type logContextHandler struct {
	key  any
	mu   sync.Mutex
	seen []any
}

func (*logContextHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h *logContextHandler) Handle(ctx context.Context, _ slog.Record) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = append(h.seen, ctx.Value(h.key))
	return nil
}

func (h *logContextHandler) WithAttrs([]slog.Attr) slog.Handler { return h }

func (h *logContextHandler) WithGroup(string) slog.Handler { return h }
