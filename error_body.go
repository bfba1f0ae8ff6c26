package xmsclient

import (
	"bytes"
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
	body = bytes.TrimSpace(body)
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
		return readFirstError(list)
	}
	var e errorJSON
	// One member of a surprising type does not spoil the others, so what Unmarshal complains about does not matter here.
	_ = json.Unmarshal(raw, &e)
	code = scalar(e.Code)
	for _, member := range []json.RawMessage{e.Message, e.Msg, e.Error, e.Detail, e.Title} {
		innerCode, text := readErrorValue(member)
		if code == "" {
			code = innerCode
		}
		if text != "" {
			return code, text
		}
	}
	innerCode, text := readFirstError(e.Errors)
	if code == "" {
		code = innerCode
	}
	return code, text
}

func readFirstError(list []json.RawMessage) (code, message string) {
	if len(list) == 0 {
		return "", ""
	}
	return readErrorValue(list[0])
}

// readErrorValue reads a text, or an object that holds one.
func readErrorValue(raw json.RawMessage) (code, message string) {
	if len(raw) == 0 || raw[0] != '{' {
		return "", scalar(raw)
	}
	var e errorJSON
	_ = json.Unmarshal(raw, &e)
	for _, member := range []json.RawMessage{e.Message, e.Msg, e.Error, e.Detail, e.Title} {
		if text := scalar(member); text != "" {
			return scalar(e.Code), text
		}
	}
	return scalar(e.Code), ""
}

// scalar returns a JSON string or number as text, and "" for anything else.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

func isHTML(contentType string, body []byte) bool {
	if strings.Contains(strings.ToLower(contentType), "html") {
		return true
	}
	start := strings.ToLower(string(body[:min(len(body), 64)]))
	return strings.HasPrefix(start, "<!doctype html") || strings.HasPrefix(start, "<html") || strings.HasPrefix(start, "<head")
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

// shorten cuts a text to maxMessage bytes at a character's boundary.
func shorten(text string) string {
	if len(text) <= maxMessage {
		return text
	}
	return strings.ToValidUTF8(text[:maxMessage], "") + "…"
}
