// Package metrics counts what a client of XMS does, for Prometheus.
package metrics

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// handler counts the SDK's log records and passes on what the program's own handler wants.
type handler struct {
	slog.Handler
	attempts *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	left     *prometheus.CounterVec
}

// NewHandler returns a handler for Configuration.Logger. Its metrics are in registerer.
func NewHandler(next slog.Handler, registerer prometheus.Registerer) slog.Handler {
	factory := promauto.With(registerer)
	return &handler{
		Handler: next,
		attempts: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "xms_attempts_total", Help: "Attempts of calls to XMS.",
		}, []string{"operation", "result"}),
		seconds: factory.NewHistogramVec(prometheus.HistogramOpts{
			Name: "xms_attempt_duration_seconds", Help: "How long attempts of calls to XMS take.",
		}, []string{"operation"}),
		left: factory.NewCounterVec(prometheus.CounterOpts{
			Name: "xms_nodes_left_total", Help: "How often the client has left a node of XMS for the next one.",
		}, []string{"server"}),
	}
}

// Enabled wants all records: an attempt is one at Debug.
func (h *handler) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs and WithGroup keep counting.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler { return h.on(h.Handler.WithAttrs(attrs)) }

func (h *handler) WithGroup(name string) slog.Handler { return h.on(h.Handler.WithGroup(name)) }

func (h *handler) on(next slog.Handler) slog.Handler {
	other := *h
	other.Handler = next
	return &other
}

func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	values := map[string]slog.Value{}
	record.Attrs(func(a slog.Attr) bool {
		values[a.Key] = a.Value
		return true
	})
	switch operation := values["operation"].String(); record.Message {
	case "xms attempt":
		h.attempts.WithLabelValues(operation, values["result"].String()).Inc()
		h.seconds.WithLabelValues(operation).Observe(values["duration"].Duration().Seconds())
	case "xms node left":
		h.left.WithLabelValues(values["server"].String()).Inc()
	}
	if !h.Handler.Enabled(ctx, record.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, record)
}
