package xmsclient

import (
	"bytes"
	"cmp"
	"encoding/json"
	"html"
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// maxMessage is how many bytes of a server's text an error repeats.
const maxMessage = 512

// readErrorBody makes out what the body of an error says. No document defines its form, so this accepts every form that XMS, its
// console and the gateways in front of it have been seen to use, and returns "" for what it cannot make out.
func readErrorBody(contentType string, body []byte) (code, message string) {
	body = trimBody(body)
	switch {
	case len(body) == 0:
	case isHTML(contentType, body):
		message = "an HTML page, probably from a proxy"
		if title := htmlTitle(body); title != "" {
			message += ": " + title
		}
	case body[0] == '{' || body[0] == '[':
		code, message = readErrorJSON(body)
	case body[0] == '"' && json.Unmarshal(body, &message) == nil:
	default:
		message = string(body)
	}
	return oneLine(code), oneLine(message)
}

// errorJSON has a member for every name under which errors carry their text.
type errorJSON struct {
	Code    json.RawMessage   `json:"code"`
	Message json.RawMessage   `json:"message"`
	Msg     json.RawMessage   `json:"msg"`
	Error   json.RawMessage   `json:"error"`
	Detail  json.RawMessage   `json:"detail"`
	Title   json.RawMessage   `json:"title"`
	Errors  []json.RawMessage `json:"errors"`
}

func readErrorJSON(raw []byte) (code, message string) {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return readErrorList(list)
	}
	var e errorJSON
	// One member of a surprising type does not spoil the others, so what Unmarshal complains about does not matter here.
	_ = json.Unmarshal(raw, &e)
	code, message = readErrorList([]json.RawMessage{e.Message, e.Msg, e.Error, e.Detail, e.Title})
	if message == "" {
		var inner string
		inner, message = readErrorList(e.Errors)
		code = cmp.Or(code, inner)
	}
	return cmp.Or(scalar(e.Code), code), message
}

// readErrorList returns the first text in a list of values, and the first code up to there.
func readErrorList(list []json.RawMessage) (code, message string) {
	for _, value := range list {
		inner, text := readErrorValue(value)
		code = cmp.Or(code, inner)
		if text != "" {
			return code, text
		}
	}
	return code, ""
}

// readErrorValue reads a text, or an object that holds one.
func readErrorValue(raw json.RawMessage) (code, message string) {
	if len(raw) == 0 || raw[0] != '{' {
		return "", scalar(raw)
	}
	var e errorJSON
	_ = json.Unmarshal(raw, &e)
	return scalar(e.Code), cmp.Or(scalar(e.Message), scalar(e.Msg), scalar(e.Error), scalar(e.Detail), scalar(e.Title))
}

// scalar returns a JSON string or number as text without white space around it, and "" for anything else.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return strings.TrimSpace(s)
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// isHTML reports whether a body is a page, or an XML document, rather than what XMS sends. A body that looks like JSON is not, whatever
// its content type.
func isHTML(contentType string, body []byte) bool {
	body = trimBody(body)
	if len(body) == 0 || body[0] == '{' || body[0] == '[' {
		return false
	}
	return body[0] == '<' || strings.Contains(strings.ToLower(contentType), "html")
}

// trimBody removes white space, and the byte order mark that some servers begin with.
func trimBody(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\ufeff")))
}

var titleElement = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title`)
})

func htmlTitle(body []byte) string {
	if m := titleElement().FindSubmatch(body); m != nil {
		return html.UnescapeString(string(m[1]))
	}
	return ""
}

// oneLine makes a server's text fit to stand in an error: valid UTF-8, one line, no control characters.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(text), " ")
}
