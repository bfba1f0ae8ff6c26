package xmsclient

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/xsky-storage/xms-client-go/internal/exchange"
	"github.com/xsky-storage/xms-client-go/internal/jsonread"
)

// knownTexts are the members under which servers write what went wrong, in the order in which they
// are looked at.
var knownTexts = [7]string{"message", "msg", "error", "errors", "error_msg", "detail", "title"}

// readErrorBody returns what the body of an error says. No document defines its form, so it accepts
// every form that XMS and the gateways before it have been seen to use.
func readErrorBody(out exchange.Outcome, clean cleaner) (code, message string) {
	body := trimBody(out.Body)
	switch {
	case out.Page:
		return "", readPage(body, clean)
	case len(body) > 0 && body[0] == '<':
		return "", document("an XML document", string(markup.ReplaceAll(body, []byte(" "))), clean)
	}
	value, ok := parseJSON(body)
	if !ok {
		if encoding := foreignEncoding(out); encoding != "" {
			return "", document("a body that the client cannot read, encoded as", encoding, clean)
		}
		return "", clean(string(body))
	}
	text, code, rest := findText(value, deepestText)
	switch {
	case text == "":
		text = compact(value)
	case rest != nil:
		text += " " + compact(rest)
	}
	return clean(code), clean(text)
}

var (
	markup = regexp.MustCompile(
		`(?is)<!--.*?(?:-->|\z)|<(?:style|script)\b.*?(?:</(?:style|script)\s*>|\z)|<!\[CDATA\[|\]\]>|<[^>]*>`)
	title = regexp.MustCompile(`(?is)<title\b[^>]*>(.*?)</title`)
)

// readPage returns what an HTML page says: its title, or else its text.
func readPage(body []byte, clean cleaner) string {
	body = body[:min(len(body), maxErrorBody)]
	text := markup.ReplaceAll(body, []byte(" "))
	if m := title.FindSubmatch(body); m != nil && len(bytes.TrimSpace(m[1])) > 0 {
		text = m[1]
	}
	return document("an HTML page, probably from a proxy", string(text), clean)
}

// document names a document and says what stands in it.
func document(what, text string, clean cleaner) string {
	if text = clean(html.UnescapeString(text)); text != "" {
		what += ": " + text
	}
	return what
}

// reported are the members of an answer under which servers report errors, as they are written.
type reported [7][]byte

var reportedFields = func() (fields jsonread.Object[reported]) {
	for i, name := range knownTexts {
		fields = append(fields, jsonread.Raw(name, func(r *reported) *[]byte { return &r[i] }))
	}
	return fields
}()

// reportedErrors returns the members of an answer under which servers report errors. It leaves the
// others unread: an answer may be large.
func reportedErrors(body []byte) map[string]any {
	written, _, _ := jsonread.Read(trimBody(body), reportedFields, math.MaxInt64) // also what came before an error
	members := map[string]any{}
	for i, text := range written {
		if text == nil {
			continue
		}
		value, ok := parseJSON(text[:min(len(text), maxErrorBody)])
		if !ok {
			value = fmt.Sprintf("a text of %d bytes", len(text))
		}
		members[knownTexts[i]] = value
	}
	return members
}

func isEmpty(value any) bool {
	if text, ok := value.(string); ok {
		return strings.TrimSpace(text) == ""
	}
	return slices.Contains([]string{`null`, `false`, `0`, `[]`, `{}`}, compact(value))
}

// deepestText is how many levels down a text is looked for.
const deepestText = 10

// findText returns the first known text in a JSON value, the code beside it, and the rest of the
// value, which is nil if there is nothing else to say.
func findText(value any, levels int) (text, code string, rest any) {
	if levels == 0 {
		return "", "", nil
	}
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v), "", nil
	case []any:
		return findTextInList(v, levels-1)
	case map[string]any:
		return findTextInObject(v, levels-1)
	}
	return "", "", nil
}

func findTextInList(list []any, levels int) (text, code string, rest any) {
	for i, element := range list {
		text, code, left := findText(element, levels)
		if text == "" {
			continue
		}
		rest := slices.Delete(slices.Clone(list), i, i+1)
		if left != nil {
			rest = slices.Insert(rest, i, left)
		}
		if len(rest) == 0 {
			return text, code, nil
		}
		return text, code, rest
	}
	return "", "", nil
}

// findTextInObject takes a code and a status alone for nothing else to say.
func findTextInObject(members map[string]any, levels int) (text, code string, rest any) {
	code = scalar(members["code"])
	for _, name := range knownTexts {
		text, inner, left := findText(members[name], levels)
		if text == "" {
			continue
		}
		others := maps.Clone(members)
		if others[name] = left; left == nil {
			delete(others, name)
		}
		for other := range others {
			if other != "code" && other != "status" {
				return text, cmp.Or(code, inner), others
			}
		}
		return text, cmp.Or(code, inner), nil
	}
	return "", code, nil
}

func scalar(value any) string {
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v)
	case json.Number:
		return v.String()
	}
	return ""
}

func parseJSON(text []byte) (value any, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	err := decoder.Decode(&value)
	_, end := decoder.Token()
	return value, err == nil && errors.Is(end, io.EOF)
}

// compact returns a value as JSON with readable characters.
func compact(value any) string {
	text, _ := encode(value) // what was JSON can be JSON again
	return string(text)
}
