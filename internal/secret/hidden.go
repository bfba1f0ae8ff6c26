// Package secret keeps secrets out of what is printed. A Hidden holds a value that printing cannot
// reach, and a Set withholds texts that repeat a secret.
package secret

import "fmt"

// Hidden keeps a value out of reach of whatever prints a value or walks over it by reflection:
// every verb of package fmt, slog, encoders, the dump of a failed test. The zero value reveals the
// zero value of T.
//
// It keeps a func, since reflection cannot look into one.
type Hidden[T any] struct{ reveal func() T }

// Hide returns v, hidden.
func Hide[T any](v T) Hidden[T] { return Hidden[T]{func() T { return v }} }

// Reveal returns the value.
func (h Hidden[T]) Reveal() (v T) {
	if h.reveal != nil {
		v = h.reveal()
	}
	return v
}

// Print prints text for every verb, so that package fmt does not walk over what text stands for.
func Print(f fmt.State, verb rune, text string) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), text)
}

// Join returns an error with a text of its own in which others are found. Package fmt does not walk
// into them, whatever the verb.
func Join(text string, errs ...error) error { return &joined{text, errs} }

type joined struct {
	text string
	errs []error
}

func (j *joined) Error() string                 { return j.text }
func (j *joined) Unwrap() []error               { return j.errs }
func (j *joined) Format(f fmt.State, verb rune) { Print(f, verb, j.text) }
