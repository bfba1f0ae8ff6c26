package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// answer is what a node has answered to a login or a logout.
type answer struct {
	url    string
	status int
	body   []byte
}

// session reads the answer to a login that was sent at begun.
func (a answer) session(begun time.Time) (session, error) {
	var body struct {
		Token struct {
			UUID            string
			Create, Expires any // texts, but a session must not be lost because they are not
		}
	}
	if err := json.Unmarshal(a.body, &body); err != nil || body.Token.UUID == "" {
		return session{}, fmt.Errorf("login: %s: the answer holds no session", a.statusLine())
	}
	opened := session{uuid: body.Token.UUID}
	expires, err := time.Parse(time.RFC3339, fmt.Sprint(body.Token.Expires))
	if err != nil {
		return opened, nil //nolint:nilerr // a 401 will tell when it has expired
	}
	created, err := time.Parse(time.RFC3339, fmt.Sprint(body.Token.Create))
	if err != nil {
		created = begun
	}
	if lifetime := expires.Sub(created); lifetime > 0 { // the clocks of XMS and this machine may differ
		opened.expires = begun.Add(lifetime)
	}
	return opened, nil
}

func (a answer) statusLine() string {
	return strings.TrimSpace(fmt.Sprintf("%s: %d %s", a.url, a.status, http.StatusText(a.status)))
}

var uuidForm = regexp.MustCompile(`[0-9A-Fa-f]{32}`)

// words is the status and what the node says about it, if that does not repeat secret.
func (a answer) words(secret string) string {
	text := textOf(a.body)
	if !json.Valid(a.body) && !strings.HasPrefix(strings.TrimSpace(string(a.body)), "<") {
		text = string(a.body)
	}
	said := strings.Join(strings.FieldsFunc(text, func(c rune) bool { return c == ' ' || !unicode.IsPrint(c) }), " ")
	switch {
	case said == "":
		return a.statusLine()
	case repeats(said, secret):
		said = "(text not shown: it repeats a secret)"
	}
	return fmt.Sprintf("%s: %.300s", a.statusLine(), uuidForm.ReplaceAllString(said, "[uuid]"))
}

// withoutSecret is err, or another error if that repeats the secret.
func withoutSecret(err error, secret string) error {
	if err != nil && repeats(err.Error(), secret) {
		return errors.New("no answer (the reason is not shown: it repeats a secret)")
	}
	return err
}

var escape = regexp.MustCompile(`%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}`)

// repeats also finds a secret that is escaped.
func repeats(text, secret string) bool {
	unescaped := escape.ReplaceAllStringFunc(html.UnescapeString(text), func(code string) string {
		if code[0] == '%' {
			char, _ := url.PathUnescape(code)
			return char
		}
		char, _ := strconv.ParseUint(code[len(`\u`):], 16, 16)
		return string(rune(char))
	})
	if lettersAndDigits(secret) == "" {
		return strings.Contains(text, secret) || strings.Contains(unescaped, secret)
	}
	return strings.Contains(lettersAndDigits(text), lettersAndDigits(secret)) ||
		strings.Contains(lettersAndDigits(unescaped), lettersAndDigits(secret))
}

func lettersAndDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// textOf finds the text of an error in the forms that XMS and gateways give it.
func textOf(body []byte) string {
	var text string
	if json.Unmarshal(body, &text) == nil {
		return text
	}
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil && len(list) > 0 {
		return textOf(list[0])
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return ""
	}
	for _, name := range []string{"message", "msg", "error", "errors", "error_msg", "detail", "title"} {
		if text := textOf(object[name]); text != "" {
			return text
		}
	}
	return ""
}
