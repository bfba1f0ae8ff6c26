package xmsclient

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// RetryPolicy says how often and how fast a failed call is tried again. Its zero value means the defaults; negative values are
// refused. What may be tried again at all is not a matter of policy: the package documentation has the table.
type RetryPolicy struct {
	// MaxAttempts is the number of tries in all. 0 means 4, or one more than there are nodes if that is more; 1 means
	// never to try again, be it on another node or with a rotated token.
	MaxAttempts int

	// InitialInterval is the upper bound of the random wait before the second round through the nodes. It doubles with each
	// round. 0 means 250 ms, or MaxInterval if that is less.
	InitialInterval time.Duration

	// MaxInterval is what the upper bound of the wait grows to. 0 means 5 s, or InitialInterval if that is more.
	MaxInterval time.Duration

	// MaxRetryAfter is the longest Retry-After that is waited out; when a server asks for more, the error is returned at
	// once, unless there is another node that has not been tried yet. 0 means 30 s.
	MaxRetryAfter time.Duration
}

func (p RetryPolicy) check() error {
	for _, field := range []struct {
		name  string
		value int64
	}{
		{"MaxAttempts", int64(p.MaxAttempts)},
		{"InitialInterval", int64(p.InitialInterval)},
		{"MaxInterval", int64(p.MaxInterval)},
		{"MaxRetryAfter", int64(p.MaxRetryAfter)},
	} {
		if field.value < 0 {
			return configError("Retry."+field.name, "must not be negative; 0 means the default")
		}
	}
	if p.MaxInterval != 0 && p.InitialInterval > p.MaxInterval {
		return configError("Retry.InitialInterval", "must not exceed Retry.MaxInterval")
	}
	return nil
}

func (p RetryPolicy) withDefaults(nodes int) RetryPolicy {
	if p.MaxAttempts == 0 {
		p.MaxAttempts = max(4, nodes+1)
	}
	if p.InitialInterval == 0 {
		p.InitialInterval = 250 * time.Millisecond
		if p.MaxInterval != 0 {
			p.InitialInterval = min(p.InitialInterval, p.MaxInterval)
		}
	}
	if p.MaxInterval == 0 {
		p.MaxInterval = max(5*time.Second, p.InitialInterval)
	}
	if p.MaxRetryAfter == 0 {
		p.MaxRetryAfter = 30 * time.Second
	}
	return p
}

// newBackOff returns intervals with full jitter: uniformly between 0 and a bound that doubles. The library spreads its
// intervals around a middle, which is therefore half the bound.
func (p RetryPolicy) newBackOff() *backoff.ExponentialBackOff {
	return &backoff.ExponentialBackOff{
		InitialInterval: p.InitialInterval / 2, MaxInterval: p.MaxInterval / 2, Multiplier: 2, RandomizationFactor: 1,
	}
}

// mayHaveEffect reports whether the server may have acted on a request that it answered with status. 4xx refuses a request, 307
// and 308 ask to send it elsewhere, and 503 with Retry-After asks to send it later; a 303, say, may report that it was done.
func mayHaveEffect(status int, hasRetryAfter bool) bool {
	switch {
	case status == http.StatusTemporaryRedirect, status == http.StatusPermanentRedirect:
		return false
	case status == http.StatusServiceUnavailable:
		return !hasRetryAfter
	}
	return status < 400 || status >= 500
}

// nodeFailed reports whether status says that the node, or the gateway in front of it, could not serve the request now.
func nodeFailed(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// mayResend reports whether op may be sent again after f, on this node or another.
func (f *failure) mayResend(op *operationRow) bool {
	switch {
	case f.status == 0:
		return f.class.transient() && (op.idempotent || !f.mayHaveEffect)
	case f.status == http.StatusTooManyRequests:
		return true
	}
	return nodeFailed(f.status) && (op.idempotent || f.status == http.StatusServiceUnavailable && !f.mayHaveEffect)
}

// next decides, once an attempt of in has failed with f, whether and after which wait there is another one, and on which node.
func (c *core) next(ctx context.Context, in *call, f *failure) (wait time.Duration, again bool) {
	if f == nil || in.attempts >= c.retry.MaxAttempts || ctx.Err() != nil {
		return 0, false
	}
	if f.status == http.StatusUnauthorized {
		bounded, cancel := c.bound(ctx)
		defer cancel()
		return 0, c.auth.rotated(bounded, in)
	}
	if !f.mayResend(in.op) {
		return 0, false
	}
	in.uncertain = in.uncertain || f.mayHaveEffect
	in.hopeful = in.hopeful || f.class != classCertificate
	in.pause = max(in.pause, f.retryAfter)
	in.node = (in.node + 1) % len(c.nodes)
	if in.tried++; in.tried < len(c.nodes) {
		return 0, true
	}
	return c.nextRound(ctx, in)
}

// nextRound begins another round through the nodes, all of which have failed in this one.
func (c *core) nextRound(ctx context.Context, in *call) (wait time.Duration, again bool) {
	if in.backoff == nil {
		in.backoff = c.retry.newBackOff()
	}
	wait = max(in.pause, in.backoff.NextBackOff())
	if !in.hopeful || in.pause > c.retry.MaxRetryAfter {
		return 0, false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return 0, false
	}
	in.tried, in.pause, in.hopeful = 0, 0, false
	return wait, true
}

// alreadyRemoved reports whether status says that what in is to remove has been removed by an attempt before.
func (in *call) alreadyRemoved(status int) bool {
	return in.op.removes && in.uncertain && status == http.StatusNotFound
}

// sleep waits before the next attempt. It returns last and true, or, when ctx ends first, what the call then comes to.
func (in *call) sleep(ctx context.Context, wait time.Duration, last *failure) (f *failure, again bool) {
	if wait <= 0 {
		return last, true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return last, true
	case <-ctx.Done():
		err := fmt.Errorf("%w while waiting to try again after: %w", ctx.Err(), last.err)
		return in.requestFailure(classCanceled, false, err), false
	}
}

// readRetryAfter reads a Retry-After header: seconds, or a date which it compares with now. ok is false if there is none that
// makes sense.
func readRetryAfter(value string, now time.Time) (wait time.Duration, ok bool) {
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now)), true
	}
	seconds, err := strconv.ParseUint(value, 10, 64)
	switch {
	case err != nil && !isAllDigits(value):
		return 0, false
	case err != nil || seconds > uint64(math.MaxInt64/time.Second):
		return math.MaxInt64, true
	}
	return time.Duration(seconds) * time.Second, true // #nosec G115 -- bounded above
}

func isAllDigits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
