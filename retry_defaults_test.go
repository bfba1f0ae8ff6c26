package xmsclient

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRetryPolicy_Defaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ given, want RetryPolicy }{
		"none": {RetryPolicy{}, RetryPolicy{4, 250 * time.Millisecond, 5 * time.Second, 30 * time.Second}},
		"short": {
			RetryPolicy{MaxInterval: time.Millisecond},
			RetryPolicy{4, time.Millisecond, time.Millisecond, 30 * time.Second},
		},
		"long": {
			RetryPolicy{InitialInterval: time.Minute},
			RetryPolicy{4, time.Minute, time.Minute, 30 * time.Second},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, test.given.withDefaults(1))
		})
	}
	assert.Equal(t, 6, RetryPolicy{}.withDefaults(5).MaxAttempts)
}
