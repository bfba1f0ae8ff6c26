package secret

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// Withheld stands in place of a text that repeats a secret.
const Withheld = "not shown: it repeats a credential"

const (
	pieceLength = 16
	shortest    = 8        // characters of a secret that is looked for
	searched    = 4 << 10  // characters that are looked for of a longer secret
	longestText = 64 << 10 // bytes of a text that are searched, and shown
)

// Set holds the secrets of one call, and cleans texts that come from elsewhere. Adding is cheap:
// all work is done when a text is cleaned. The zero value is an empty set. A nil *Set is empty too,
// but nothing can be added to it. A Set is not safe for concurrent use.
//
// A text repeats a secret if it has 16 characters in a row out of the first 4,096 of the secret, or
// the whole of a shorter secret. Characters are letters and digits. The search ignores case, and
// all that stands between characters, escapes such as %2D, \x2d, \u002D, &#45;, &amp; and =2D
// included. It does not look for a secret of fewer than 8 characters, which would hide ordinary
// texts. It reads and returns the first 64 KiB of a text, so that no server keeps a client busy.
//
// It keeps funcs, because reflection cannot look into them.
type Set struct{ secrets []func() []string }

// Add adds a key or a token. What follows its first space is a secret too, since what stands before
// that may be a prefix.
func (s *Set) Add(value string) {
	if value == "" {
		return
	}
	s.secrets = append(s.secrets, func() []string {
		_, afterPrefix, _ := strings.Cut(value, " ")
		return []string{value, afterPrefix}
	})
}

// AddCookies adds the values in a Cookie header. Their names are no secrets, and servers mention
// them.
func (s *Set) AddCookies(header string) {
	for pair := range strings.SplitSeq(header, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok {
			value = name
		}
		s.secrets = append(s.secrets, func() []string { return []string{value} })
	}
}

// AddHeader adds the value of a secret header. Its parts at space, semicolon, equals sign and comma
// are secrets too. So are user:password and password of Basic credentials.
func (s *Set) AddHeader(value string) {
	s.secrets = append(s.secrets, func() []string {
		parts := strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(" ;=,", r) })
		user, password, _ := (&http.Request{Header: http.Header{"Authorization": {value}}}).BasicAuth()
		return append(parts, value, user+":"+password, password)
	})
}

// Text returns text, cut to 64 KiB, or Withheld if that repeats a secret.
func (s *Set) Text(text string) string {
	text = text[:min(len(text), longestText)]
	if s.repeatedBy(text) {
		return Withheld
	}
	return text
}

var hexRun = regexp.MustCompile("[0-9A-Fa-f]{8}[0-9A-Fa-f-]+")

// ServerText is Text for what a server wrote. First it replaces what has the form of a uuid.
func (s *Set) ServerText(text string) string {
	return s.Text(WithoutUUIDs(text[:min(len(text), longestText)]))
}

// WithoutUUIDs replaces what has the form of a uuid, as XMS's tokens have: 32 or more hexadecimal
// digits in a row, with dashes among them or without.
func WithoutUUIDs(text string) string {
	return hexRun.ReplaceAllStringFunc(text, func(run string) string {
		if len(run)-strings.Count(run, "-") < 32 {
			return run
		}
		return "[redacted]"
	})
}

// Err returns err itself if Text changes no text in its chain. Otherwise it returns a stand-in
// that answers errors.Is and Timeout as err does. Neither printing nor unwrapping leads from the
// stand-in to err.
func (s *Set) Err(err error) error {
	if !s.changes(err) {
		return err
	}
	return &withheldError{errors.New(s.Text(err.Error())), Hide(err)}
}

func (s *Set) changes(err error) bool {
	if err == nil {
		return false
	}
	inner := []error{errors.Unwrap(err)}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		inner = joined.Unwrap()
	}
	return s.Text(err.Error()) != err.Error() || slices.ContainsFunc(inner, s.changes)
}

type withheldError struct {
	error
	cause Hidden[error]
}

func (e *withheldError) Is(target error) bool { return errors.Is(e.cause.Reveal(), target) }

// Format prints the text for every verb.
func (e *withheldError) Format(f fmt.State, verb rune) { Print(f, verb, e.Error()) }

func (e *withheldError) Timeout() bool {
	var cause interface{ Timeout() bool }
	return errors.As(e.cause.Reveal(), &cause) && cause.Timeout()
}

// Temporary makes the stand-in a net.Error, the type by which callers ask for Timeout.
func (e *withheldError) Temporary() bool { return false }

// escapes are what may stand for a character: a mark, and a dot for each byte after it.
var escapes = []string{`\x..`, `\u....`, "%.."}

// mailEscapes are apart, because in token=abc the equals sign begins no escape.
var mailEscapes = append(slices.Clip(escapes), "=..")

// escapedMarks undoes what is escaped twice: %252D, &amp;#45;.
var escapedMarks = strings.NewReplacer("%25", "%", "&amp;", "&", `\u0026`, "&")

// repeatedBy reads the text three times: with its escapes, without them, and without those of mail.
func (s *Set) repeatedBy(text string) bool {
	return s != nil && (s.repeatedIn(text, nil) || s.repeatedIn(text, escapes) || s.repeatedIn(text, mailEscapes))
}

// repeatedIn deletes escapes from the secrets as from the text, because they may hold some.
func (s *Set) repeatedIn(text string, escapes []string) bool {
	chars, pieces := characters(text, escapes), make(map[[pieceLength]byte]bool)
	for _, secrets := range s.secrets {
		for _, secret := range secrets() {
			piece := characters(secret[:min(len(secret), 4*searched)], escapes)
			if len(piece) >= shortest && len(piece) < pieceLength && bytes.Contains(chars, piece) {
				return true
			}
			for i := range min(len(piece), searched) - pieceLength + 1 {
				pieces[[pieceLength]byte(piece[i:])] = true
			}
		}
	}
	for i := range len(chars) - pieceLength + 1 {
		if pieces[[pieceLength]byte(chars[i:])] {
			return true
		}
	}
	return false
}

// characters returns the letters and digits of text in lower case, without escapes. It gives each a
// byte, the last one of the character's number. Eight in a row tell texts apart all the same.
func characters(text string, escapes []string) (chars []byte) {
	text = html.UnescapeString(escapedMarks.Replace(text))
	for _, escape := range escapes {
		parts := strings.Split(text, strings.TrimRight(escape, "."))
		for i, part := range parts[1:] {
			parts[i+1] = part[min(len(part), strings.Count(escape, ".")):]
		}
		text = strings.Join(parts, "")
	}
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			chars = append(chars, byte(unicode.ToLower(r)&0xFF))
		}
	}
	return chars
}

// Clone returns a set with the same secrets, which grows by itself.
func (s *Set) Clone() *Set { return &Set{slices.Clip(s.secrets)} }
