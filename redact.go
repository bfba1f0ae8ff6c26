package xmsclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
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
	return regexp.MustCompile(`(?i)\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b`)
})

// redactor removes the secrets of one call from the texts that the call produces.
type redactor struct{ replacer *strings.Replacer }

func newRedactor(secrets ...string) redactor {
	var forms []string
	for _, secret := range secrets {
		forms = appendForms(forms, secret)
		if _, key, hasPrefix := strings.Cut(secret, " "); hasPrefix {
			forms = appendForms(forms, key)
		}
	}
	// The longest first, or a form that begins with another one would be replaced in part.
	slices.SortFunc(forms, func(a, b string) int { return len(b) - len(a) })
	pairs := make([]string, 0, 2*len(forms))
	for _, form := range forms {
		pairs = append(pairs, form, redacted)
	}
	return redactor{strings.NewReplacer(pairs...)}
}

// appendForms appends the forms in which secret may turn up.
func appendForms(forms []string, secret string) []string {
	if len(secret) < shortestSecret {
		return forms
	}
	quoted := strconv.Quote(secret)
	encoded, _ := json.Marshal(secret) // a string always encodes
	query, path := url.QueryEscape(secret), url.PathEscape(secret)
	return append(forms, secret, quoted[1:len(quoted)-1], string(encoded[1:len(encoded)-1]), html.EscapeString(secret),
		query, lowerEscapes(query), path, lowerEscapes(path))
}

// lowerEscapes writes %2F as %2f, as some proxies do.
func lowerEscapes(text string) string {
	return percentEscape().ReplaceAllStringFunc(text, strings.ToLower)
}

var percentEscape = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`%[0-9A-F]{2}`) })

// known removes the secrets that this client sent.
func (r redactor) known(text string) string { return r.replacer.Replace(text) }

// foreign removes, from a text that the server wrote, the secrets that this client sent and whatever looks like a token.
func (r redactor) foreign(text string) string {
	return looksLikeUUID().ReplaceAllLiteralString(r.known(text), redacted)
}

// maxErrorText is how long the text of an error may be that has something of the server's in it.
const maxErrorText = 4 * maxMessage

// err returns err itself if no text in its chain holds a secret or is too long, and otherwise a stand-in that answers
// errors.Is and Timeout as err does but cannot be unwrapped to the text. Errors of net/http may quote what a server sent.
func (r redactor) err(err error) error {
	clean := func(text string) string { return cut(r.foreign(text), maxErrorText) }
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
