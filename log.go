package xmsclient

import (
	"context"
	"log/slog"
	"time"
)

// callLog writes the records that Configuration.Logger asks for. Attributes are made only when their level is enabled, and
// hold what errors hold: no secrets.
type callLog struct{ logger *slog.Logger }

func (l callLog) enabled(ctx context.Context, level slog.Level) bool {
	return l.logger != nil && l.logger.Enabled(ctx, level)
}

// now returns the time if somebody is going to ask how long an attempt took.
func (l callLog) now(ctx context.Context) time.Time {
	if !l.enabled(ctx, slog.LevelDebug) {
		return time.Time{}
	}
	return time.Now()
}

// attempt records one attempt, which failed with f unless that is nil and is followed by another after wait if again says so.
func (l callLog) attempt(ctx context.Context, in *call, ans answer, f *failure, started time.Time, wait time.Duration) {
	if started.IsZero() {
		return
	}
	attrs := []slog.Attr{
		slog.String("operation", in.op.name),
		slog.String("server", in.server),
		slog.Int("attempt", in.attempts),
		slog.Duration("duration", time.Since(started)),
	}
	if ans.response != nil {
		attrs = append(attrs, slog.Int("status", ans.response.StatusCode))
	}
	if f != nil {
		attrs = append(attrs, slog.String("error_class", string(f.class)), slog.Duration("wait", wait))
	}
	l.logger.LogAttrs(ctx, slog.LevelDebug, "xms attempt", attrs...)
}

// failed records a call that failed after retries.
func (l callLog) failed(ctx context.Context, in *call, f *failure) {
	if in.attempts < 2 || !l.enabled(ctx, slog.LevelWarn) {
		return
	}
	l.logger.LogAttrs(ctx, slog.LevelWarn, "xms call failed",
		slog.String("operation", in.op.name),
		slog.String("server", in.server),
		slog.Int("attempts", in.attempts),
		slog.String("error_class", string(f.class)),
		slog.String("error", f.err.Error()))
}
