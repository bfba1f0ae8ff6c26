package xmsclient

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const redacted = "[redacted]"

// shortestSecret is the length below which a value is not searched for in texts: replacing every "a" would hide the text
// and protect nothing.
const shortestSecret = 4

// looksLikeUUID matches what XMS hands out as tokens, so that a server that quotes someone else's token back at us does
// not get it into our error texts.
var looksLikeUUID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)[0-9a-f]{32,}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}`)
})

// redactor removes the secrets of one call from the texts that the call produces.
type redactor struct {
	secrets *regexp.Regexp // nil: there are none
	longest int            // bytes that a secret may take in a text
}

func newRedactor(secrets ...string) redactor {
	var patterns []string
	longest := 0
	for _, secret := range secrets {
		longest = max(longest, min(len(secret)*longestEscape, maxSearched-2*maxMessage))
		patterns = appendPattern(patterns, secret)
		if _, key, hasPrefix := strings.Cut(secret, " "); hasPrefix {
			patterns = appendPattern(patterns, key)
			patterns = appendPattern(patterns, key[strings.LastIndexByte(key, ' ')+1:]) // the prefix may be several words
		}
	}
	if len(patterns) == 0 {
		return redactor{}
	}
	// The longest first, or a secret that begins with another one would be replaced in part.
	slices.SortFunc(patterns, func(a, b string) int { return len(b) - len(a) })
	return redactor{regexp.MustCompile(strings.Join(patterns, "|")), longest}
}

const (
	unescaped     = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
	longestEscape = 24   // of one character, such as %255Cu0026%2334%3B
	longestGap    = 1000 // more is refused by package regexp
	mostGaps      = 16   // further ones may be of any length: package regexp spells out each bound
)

// appendPattern appends a pattern for secret in whatever notation it may turn up, be it escaped for a URL, JSON, Go or HTML or
// several of them in turn: none of them touches letters and digits, and what becomes of the rest is not long. A secret with
// hardly any of those, or with long runs of the rest, is searched for as it is.
func appendPattern(patterns []string, secret string) []string {
	if len(secret) < shortestSecret || len(secret) > maxSearched {
		return patterns
	}
	exact := regexp.QuoteMeta(strings.ToValidUTF8(secret, "\uFFFD")) // package regexp panics over what is not UTF-8
	var b strings.Builder
	gap, gaps, literal := 0, 0, 0
	for _, r := range secret {
		if !strings.ContainsRune(unescaped, r) {
			if gap += longestEscape; gap > longestGap {
				return append(patterns, exact)
			}
			continue
		}
		if gap > 0 && literal > 0 {
			if gaps++; gaps > mostGaps {
				b.WriteString("(?s:.+?)")
			} else {
				fmt.Fprintf(&b, "(?s:.{1,%d}?)", gap)
			}
		}
		gap = 0
		literal++
		b.WriteString(regexp.QuoteMeta(string(r)))
	}
	if literal < shortestSecret {
		return append(patterns, exact)
	}
	return append(patterns, b.String())
}

// known removes the secrets that this client sent.
func (r redactor) known(text string) string {
	if r.secrets == nil {
		return text
	}
	return r.secrets.ReplaceAllLiteralString(text, redacted)
}

// foreign removes, from a text that the server wrote, the secrets that this client sent and whatever looks like a token.
func (r redactor) foreign(text string) string {
	return looksLikeUUID().ReplaceAllLiteralString(r.known(text), redacted)
}

// maxSearched is how much of a text is searched for secrets, so that a server cannot keep us busy with it. It is far more than
// what is then shown.
const maxSearched = 16 << 10

// short is foreign, cut to limit bytes.
func (r redactor) short(text string, limit int) string {
	if len(text) <= maxSearched {
		return cut(r.foreign(text), limit)
	}
	text = r.foreign(text[:maxSearched])
	return cut(text[:max(0, len(text)-r.longest)], limit) // the end may be the beginning of a secret that has been cut
}

// cut cuts a text to limit bytes at a character's boundary.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// maxErrorText is how long the text of an error may be that has something of the server's in it.
const maxErrorText = 4 * maxMessage

// err returns err itself if no text in its chain holds a secret or is too long, and otherwise a stand-in that answers
// errors.Is and Timeout as err does but cannot be unwrapped to the text. Errors of net/http may quote what a server sent.
func (r redactor) err(err error) error {
	clean := func(text string) string { return r.short(text, maxErrorText) }
	if !leaks(err, clean) {
		return err
	}
	return &redactedError{text: clean(err.Error()), cause: func() error { return err }}
}

func leaks(err error, clean func(string) string) bool {
	if text := err.Error(); clean(text) != text {
		return true
	}
	switch wrapper := err.(type) { //nolint:errorlint // this is the walk along the chain itself
	case interface{ Unwrap() error }:
		inner := wrapper.Unwrap()
		return inner != nil && leaks(inner, clean)
	case interface{ Unwrap() []error }:
		return slices.ContainsFunc(wrapper.Unwrap(), func(inner error) bool { return leaks(inner, clean) })
	}
	return false
}

// redactedError stands in for an error with a secret in its text. It has no Unwrap on purpose; cause is out of reach of
// every printer since package fmt asks Error, and Format below for the verbs that would not.
type redactedError struct {
	text  string
	cause func() error // a func, so that a dump by reflection does not get to it
}

func (e *redactedError) Error() string                 { return e.text }
func (e *redactedError) Format(f fmt.State, verb rune) { formatText(f, verb, e.text) }
func (e *redactedError) Is(target error) bool          { return errors.Is(e.cause(), target) }
func (e *redactedError) Timeout() bool                 { return isTimeout(e.cause()) }
func (e *redactedError) Temporary() bool               { return false }

// formatText prints text for every verb, so that a verb like %#v or %d does not make package fmt walk the fields of what
// text stands for.
func formatText(f fmt.State, verb rune, text string) {
	_, _ = fmt.Fprintf(f, fmt.FormatString(f, verb), text)
}
