package xmsclient

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/xsky-storage/xms-client-go/internal/exchange"
	"github.com/xsky-storage/xms-client-go/internal/jsonread"
	"github.com/xsky-storage/xms-client-go/internal/secret"
)

const (
	maxMessage   = 512  // bytes of a server's text that an error repeats
	maxErrorText = 2048 // bytes of an error of a library, which may repeat something of the server's
	maxErrorBody = 64 << 10
	maxDepth     = 10 // levels down to which a text is looked for
)

// serverText quotes the last answer of a call.
type serverText struct {
	out       exchange.Outcome
	secrets   *secret.Set // of the call
	newSecret string      // name of the member in which the answer shows a new secret; "": it shows none
}

// clean makes a text of the server fit to stand in ours: without secrets, short, in one line.
func (s *serverText) clean(text string) string {
	text = oneLine(text[:min(len(text), maxErrorBody)])
	return shorten(s.allSecrets().ServerText(text), maxMessage)
}

// allSecrets returns the secrets of the call and those of its answer. It looks for the latter by
// name, because the body need not be JSON. Calls that succeed do not need it.
func (s *serverText) allSecrets() *secret.Set {
	const most = 16 // an answer shows one; more only cost time
	all := s.secrets.Clone()
	if s.newSecret == "" {
		return all
	}
	for _, rest := range bytes.SplitN(s.out.Body, []byte(`"`+s.newSecret+`"`), most)[1:] {
		between, rest, _ := bytes.Cut(rest, []byte(`"`))
		if value, _, _ := bytes.Cut(rest, []byte(`"`)); string(bytes.TrimSpace(between)) == ":" {
			all.Add(string(value))
		}
	}
	return all
}

// knownTexts are the members under which servers write what went wrong. The first one wins.
var knownTexts = [7]string{"message", "msg", "error", "errors", "error_msg", "detail", "title"}

// readError returns what the body of an error says. No document defines its form, so it accepts
// every form that XMS and the gateways before it have been seen to use.
func (s *serverText) readError() (code, message string) {
	body := s.body()
	switch {
	case s.out.Page:
		return "", s.page()
	case len(body) > 0 && body[0] == '<':
		return "", s.document("an XML document", string(markup.ReplaceAll(body, []byte(" "))))
	}
	value, ok := parseJSON(body)
	if !ok {
		if encoding := s.foreignEncoding(); encoding != "" {
			return "", s.document("a body that the client cannot read, encoded as", encoding)
		}
		return "", s.clean(string(body))
	}
	text, code, isAll := findText(value, maxDepth)
	if !isAll || text == "" {
		text = strings.TrimSpace(text + " " + string(encode(value)))
	}
	return s.clean(code), s.clean(text)
}

var (
	markup = regexp.MustCompile(
		`(?is)<!--.*?(?:-->|\z)|<(?:style|script)\b.*?(?:</(?:style|script)\s*>|\z)|<!\[CDATA\[|\]\]>|<[^>]*>`)
	title = regexp.MustCompile(`(?is)<title\b[^>]*>(.*?)</title`)
)

// page returns what an HTML page says: its title, or else its text.
func (s *serverText) page() string {
	body := s.body()
	body = body[:min(len(body), maxErrorBody)]
	text := markup.ReplaceAll(body, []byte(" "))
	if m := title.FindSubmatch(body); m != nil && len(bytes.TrimSpace(m[1])) > 0 {
		text = m[1]
	}
	return s.document("an HTML page, probably from a proxy", string(text))
}

// document names a document and says what stands in it.
func (s *serverText) document(what, text string) string {
	return strings.TrimSuffix(what+": "+s.clean(html.UnescapeString(text)), ": ")
}

// reportedFields reads the members with these names, as they are written.
var reportedFields = func() (fields jsonread.Object[[len(knownTexts)][]byte]) {
	for i, name := range knownTexts {
		fields = append(fields, jsonread.Raw(name, func(r *[len(knownTexts)][]byte) *[]byte { return &r[i] }))
	}
	return fields
}()

// reported returns the members of an answer under which servers report errors. It leaves the others
// unread, because an answer may be large.
func (s *serverText) reported() map[string]any {
	written, _, _ := jsonread.Read(s.body(), reportedFields, math.MaxInt64) // also what came before an error
	members := map[string]any{}
	for i, text := range written {
		if value, ok := parseJSON(text[:min(len(text), maxErrorBody)]); ok {
			members[knownTexts[i]] = value
		} else if text != nil {
			members[knownTexts[i]] = fmt.Sprintf("a text of %d bytes", len(text))
		}
	}
	return members
}

// reportedError returns an error if the body of a 2xx has a non-empty "error" or "errors".
func (s *serverText) reportedError() error {
	reported := s.reported()
	if isEmpty(reported["error"]) && isEmpty(reported["errors"]) {
		return nil
	}
	words, _, _ := findText(reported, maxDepth)
	return errors.New("the server reports an error: " + s.clean(cmp.Or(words, string(encode(reported)))))
}

// explain adds to err, which says why a 2xx cannot be used, what the answer itself says about it.
func (s *serverText) explain(err error) error {
	if encoding := s.foreignEncoding(); encoding != "" {
		err = fmt.Errorf("%w; the body is encoded as %q, which the client cannot read", err, s.clean(encoding))
	}
	if words, _, _ := findText(s.reported(), maxDepth); words != "" {
		err = fmt.Errorf("%w; the server says: %s", err, s.clean(words))
	}
	return err
}

// foreignEncoding returns the Content-Encoding that the body still has, or "". net/http removes one
// gzip and its header, also if there was a second one.
func (s *serverText) foreignEncoding() string {
	switch {
	case utf8.Valid(s.out.Body):
		return "" // a text, whatever the header says
	case bytes.HasPrefix(s.out.Body, []byte("\x1f\x8b")):
		return "gzip"
	}
	return strings.Join(s.out.Header.Values("Content-Encoding"), ", ")
}

// body returns the body without white space around it and without the byte order mark that some
// servers begin with.
func (s *serverText) body() []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(s.out.Body), []byte("\ufeff")))
}

func isEmpty(value any) bool {
	if text, ok := value.(string); ok {
		return strings.TrimSpace(text) == ""
	}
	return slices.Contains([]string{`null`, `false`, `0`, `[]`, `{}`}, string(encode(value)))
}

// findText returns the first known text in a JSON value, the code beside it, and whether the value
// says nothing else.
func findText(value any, levels int) (text, code string, isAll bool) {
	if levels == 0 {
		return "", "", false
	}
	switch v := value.(type) {
	case string:
		return strings.TrimSpace(v), "", true
	case []any:
		for _, element := range v {
			if text, code, isAll = findText(element, levels-1); text != "" {
				return text, code, isAll && len(v) == 1
			}
		}
	case map[string]any:
		code = scalar(v["code"])
		for _, name := range knownTexts {
			if text, inner, isAll := findText(v[name], levels-1); text != "" {
				return text, cmp.Or(code, inner), isAll && isAlone(name, v)
			}
		}
	}
	return "", code, false
}

// isAlone reports whether an object has a member with this name and besides it at most a code and a
// status.
func isAlone(name string, object map[string]any) bool {
	for other := range object {
		if other != name && other != "code" && other != "status" {
			return false
		}
	}
	return true
}

// scalar returns a text or a number as a text.
func scalar(value any) string {
	switch value.(type) {
	case string, json.Number:
		return strings.TrimSpace(fmt.Sprint(value))
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

// oneLine makes a text of somebody else fit to stand in ours: valid UTF-8, one line, nothing that
// does not print.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r):
			return -1
		case !unicode.IsPrint(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	return strings.Join(strings.Fields(text), " ")
}

// shorten cuts a text to limit bytes at a character's boundary.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}
