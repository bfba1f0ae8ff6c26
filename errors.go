package xmsclient

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xsky-storage/xms-client-go/internal/exchange"
	"github.com/xsky-storage/xms-client-go/internal/jsonread"
	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// errors.Is finds these in an *ApiError by its status.
//
// ErrNotFound says that nothing has the id on the node that answered. Only an operation with an id
// has it, and only if the 404 is not an HTML page. After a failover, a node that lags behind may
// answer it for a token that exists.
var (
	ErrBadRequest      = errors.New("xmsclient: bad request (400)")
	ErrUnauthorized    = errors.New("xmsclient: unauthorized (401)")
	ErrForbidden       = errors.New("xmsclient: forbidden (403)")
	ErrNotFound        = errors.New("xmsclient: not found (404)")
	ErrConflict        = errors.New("xmsclient: conflict (409)")
	ErrTooManyRequests = errors.New("xmsclient: too many requests (429)")
	ErrServer          = errors.New("xmsclient: server error (5xx)")
)

var sentinels = map[int]error{
	400: ErrBadRequest, 401: ErrUnauthorized, 403: ErrForbidden, 404: ErrNotFound, 409: ErrConflict,
	429: ErrTooManyRequests,
}

// ErrOutcomeUnknown is what errors.Is finds in the error of a create, regenerate, update or delete
// that failed and may have taken effect: a server may have acted on one of its attempts. The text
// of the error says what to do. After a create, look for the name with AllAccessTokens. If the
// token is there, regenerate it, because its uuid has not arrived.
var ErrOutcomeUnknown = errors.New("xmsclient: outcome unknown")

// ErrResponseTooLarge is what errors.Is finds if the body of an answer exceeds
// Configuration.MaxResponseBytes, or what it decodes to takes more than four times as much memory.
var ErrResponseTooLarge = errors.New("xmsclient: response too large")

// ApiError says that a server answered with a status other than 2xx. Its text is one line with
// operation, URL, status, what the body says, and how earlier attempts ended. Package fmt and slog
// write that text, which holds no secret. JSON, XML and YAML encoders leave out Body and Header.
type ApiError struct {
	Operation  string        // such as "GetAccessToken"
	Method     string        // HTTP method
	URL        string        // full URL, without any secret
	StatusCode int           // such as 404
	Code       string        // error code in the body; "" if there is none
	Message    string        // what the body says, cut at 512 bytes; withheld as a whole if it repeats a secret
	Body       []byte        `json:"-" xml:"-" yaml:"-"` // the first 64 KiB of the body, as it came; may hold secrets
	Header     http.Header   `json:"-" xml:"-" yaml:"-"` // header of the answer, as it came; may hold secrets
	RetryAfter time.Duration // Retry-After of the response; 0 if there is none
	Server     string        // base URL of the node that answered
	Attempts   int           // requests made, the last one included

	details   details
	wrongPath bool // a 404 of a route or page, not of an id
}

// Error describes the failure in one line without any secret.
func (e *ApiError) Error() string {
	status := "unknown status"
	if e.StatusCode != 0 {
		status = strings.TrimSpace(fmt.Sprint(e.StatusCode, " ", http.StatusText(e.StatusCode)))
	}
	text := line(e.Operation, strings.TrimSpace(e.Method+" "+e.URL), status, e.Message)
	if e.Code != "" {
		text += " (code " + e.Code + ")"
	}
	return text + afterAttempts(e.Attempts) + e.details.text()
}

// Format prints Error for every verb.
func (e ApiError) Format(f fmt.State, verb rune) { secret.Print(f, verb, e.Error()) }

// LogValue makes slog record Error.
func (e *ApiError) LogValue() slog.Value { return logValue(e) }

// Is makes errors.Is find the sentinel of the status code, and ErrOutcomeUnknown.
func (e *ApiError) Is(target error) bool {
	switch {
	case target == ErrServer:
		return e.StatusCode >= 500
	case target == ErrNotFound && e.wrongPath:
		return false
	}
	sentinel, ok := sentinels[e.StatusCode]
	return ok && sentinel == target || e.details.Is(target)
}

// RequestError says that no answer came: the connection failed or broke, a timeout passed, or the
// context ended. Or nothing was sent: the TokenSource or your middleware failed. errors.Is and
// errors.As find the cause: context.Canceled, context.DeadlineExceeded, the context's cause, a
// net.Error and so on. If the context ended while the call waited before its next attempt, they
// find the error of the last attempt too.
//
// Package fmt and slog write its text. JSON, XML and YAML encoders leave out Err.
type RequestError struct {
	Operation string // such as "GetAccessToken"
	Server    string // base URL of the node of the last attempt; "" if the call ended before one was chosen
	Attempts  int    // requests made; 0 if the call ended before the first
	Err       error  `json:"-" xml:"-" yaml:"-"` // the cause, without any secret in its text

	details details
	failed  string // what failed, such as "no connection to http://10.0.0.1:8051/v1"
}

// Error describes the failure in one line without any secret.
func (e *RequestError) Error() string {
	failed, cause := e.failed, errorText(e.Err)
	if failed == "" && cause == "" {
		failed = "no answer" + after(" from ", e.Server)
	}
	return line(e.Operation, failed, cause) + afterAttempts(e.Attempts) + e.details.text()
}

// Is makes errors.Is find ErrOutcomeUnknown.
func (e *RequestError) Is(target error) bool { return e.details.Is(target) }

// Format prints Error for every verb.
func (e RequestError) Format(f fmt.State, verb rune) { secret.Print(f, verb, e.Error()) }

// LogValue makes slog record Error.
func (e *RequestError) LogValue() slog.Value { return logValue(e) }

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }

// DecodeError says that a server answered with 2xx and a body that cannot be used: no JSON, an HTML
// page, cut off, empty, too large, or without what the call is for. If the body broke off,
// errors.Is finds the cause. AllAccessTokens also ends in one, without a Body, if the server's list
// has no order.
//
// Its text names the node and the place of what cannot be read. Package fmt and slog write that
// text. JSON, XML and YAML encoders leave out Body and Err. Body of a failed CreateAccessToken or
// RegenerateAccessToken may hold the new uuid: keep it, and keep it out of logs.
type DecodeError struct {
	Operation   string // such as "GetAccessToken"
	StatusCode  int    // a 2xx
	ContentType string // Content-Type of the answer
	Body        []byte `json:"-" xml:"-" yaml:"-"` // what came of the body; with ErrResponseTooLarge its first 64 KiB
	Err         error  `json:"-" xml:"-" yaml:"-"` // what is wrong with it
	Server      string // base URL of the node that answered
	Attempts    int    // requests made, the last one included

	details details
}

// Error describes the failure in one line.
func (e *DecodeError) Error() string {
	answer := "the answer" + after(" of ", e.Server)
	if e.StatusCode != 0 {
		answer += fmt.Sprintf(" with status %d", e.StatusCode)
	}
	answer += " cannot be used"
	if e.Body != nil {
		answer += fmt.Sprintf(" (%d bytes, content type %q)", len(e.Body), e.ContentType)
	}
	return line(e.Operation, answer, errorText(e.Err)) + afterAttempts(e.Attempts) + e.details.text()
}

// Is makes errors.Is find ErrOutcomeUnknown.
func (e *DecodeError) Is(target error) bool { return e.details.Is(target) }

// Format prints Error for every verb.
func (e DecodeError) Format(f fmt.State, verb rune) { secret.Print(f, verb, e.Error()) }

// LogValue makes slog record Error.
func (e *DecodeError) LogValue() slog.Value { return logValue(e) }

// Unwrap returns what is wrong with the body.
func (e *DecodeError) Unwrap() error { return e.Err }

// ArgumentError says that a call or a configuration was refused before anything was sent.
type ArgumentError struct {
	Operation string // operation or function that refused, such as "CreateAccessToken" or "NewAPIClient"
	Argument  string // what was refused, such as "accessTokenID", "body.AccessToken.Name" or "BaseURL"
	Reason    string // what is wrong with it and what would be right

	err error
}

// Error names the operation, the argument and what is wrong with it.
func (e *ArgumentError) Error() string {
	return line(e.Operation, e.Argument, cmp.Or(e.Reason, "invalid argument"))
}

// Unwrap returns the error behind the refusal, such as that of reading a file, or nil.
func (e *ArgumentError) Unwrap() error { return e.err }

func checkName(argument, name string) *ArgumentError {
	if name == "" {
		return &ArgumentError{Argument: argument, Reason: "must not be empty"}
	}
	return checkText(argument, name)
}

// checkText refuses what JSON cannot carry. encoding/json would replace it silently.
func checkText(argument, text string) *ArgumentError {
	if !utf8.ValidString(text) {
		return &ArgumentError{Argument: argument, Reason: "must be valid UTF-8"}
	}
	return nil
}

// details are what the text of an error says besides its fields.
type details struct {
	before  string // how earlier attempts ended
	unknown string // what may have happened and what to do; "" if nothing may have
	advice  string
}

// Is makes errors.Is find ErrOutcomeUnknown.
func (d details) Is(target error) bool { return target == ErrOutcomeUnknown && d.unknown != "" }

func (d details) text() string {
	return after("; attempts before: ", d.before) + after("; outcome unknown: ", d.unknown) + after("; ", d.advice)
}

// line returns the parts that are not empty, as the text of an error.
func line(parts ...string) string {
	parts = append([]string{"xmsclient"}, parts...)
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

// after returns text behind a word, or "" if there is no text.
func after(word, text string) string {
	if text == "" {
		return ""
	}
	return word + text
}

func afterAttempts(n int) string {
	if n <= 1 {
		return ""
	}
	return fmt.Sprintf(" (after %d attempts)", n)
}

// errorText returns the text of an error of a library as it stands in ours; "" for nil.
func errorText(err error) string {
	if err == nil {
		return ""
	}
	return shorten(oneLine(err.Error()), maxErrorText)
}

// logValue makes slog record what package fmt prints, or null for a nil pointer.
func logValue[T any](v *T) slog.Value {
	if v == nil {
		return slog.AnyValue(nil)
	}
	return slog.StringValue(fmt.Sprint(*v))
}

// words says in errors what came of one call.
type words struct {
	op   *operation
	args arguments
	serverText
}

// publicError returns the error of a call that got no whole 2xx, or nil.
func (w *words) publicError() error {
	var err error
	switch {
	case w.out.Status == 0:
		err = w.requestError()
	case w.out.Status/100 != 2:
		err = w.apiError()
	case w.out.Err != nil:
		err = w.decodeError(w.out.Err)
	default:
		return nil
	}
	if w.out.WaitErr == nil {
		return err
	}
	text := w.out.WaitErr.Error() + " while waiting for another attempt after: " + err.Error()
	return &RequestError{ // errors.Is finds ErrOutcomeUnknown through err
		Operation: w.op.name, Server: w.out.Node, Attempts: w.out.Attempts,
		Err: secret.Join(text, w.out.WaitErr, err),
	}
}

// newDetails returns what every error of the call says.
func (w *words) newDetails(advice ...string) details {
	d := details{before: history(w.out.Before), advice: strings.Join(advice, "; ")}
	if w.out.MayHaveActed {
		d.unknown = w.op.ifUnknown
	}
	return d
}

// history lists how earlier attempts ended, of many only the last ones.
func history(before []string) string {
	const most = 10
	if earlier := len(before) - most; earlier > 0 {
		before = append([]string{fmt.Sprintf("%d earlier ones", earlier)}, before[earlier:]...)
	}
	return strings.Join(before, "; ")
}

func (w *words) requestError() error {
	var failed, advice string
	switch {
	case w.out.Attempts == 0:
		failed = "nothing was sent"
	case !w.out.Sent:
		failed = "no further request was sent"
	case w.out.Connected:
		failed = "no answer from " + w.out.Node
	default:
		failed = "no connection to " + w.out.Node
		if w.out.Node == DefaultBaseURL {
			advice = "this is the default base URL: set Configuration.BaseURL or XMS_BASE_URL"
		}
	}
	return &RequestError{
		Operation: w.op.name, Server: w.out.Node, Attempts: w.out.Attempts, Err: w.out.Err,
		details: w.newDetails(advice), failed: failed,
	}
}

const askBaseURL = "is the base URL right? XMS answers below a path such as /v1 or /api/v1"

func (w *words) apiError() error {
	var advice []string
	wrongPath := w.out.Status == http.StatusNotFound && (w.op.idArgument == "" || w.out.Page)
	switch {
	case w.out.Status/100 == 3:
		advice = append(advice, w.redirectAdvice())
	case w.out.NoOtherToken != nil:
		advice = append(advice, "no other token: "+errorText(w.out.NoOtherToken))
	case w.out.Status == http.StatusUnauthorized && w.out.Anonymous:
		advice = append(advice, "the request carried no credential: set Configuration.TokenInHeader or XMS_AUTH_TOKEN")
	}
	if wrongPath || w.isForeignPage() {
		advice = append(advice, askBaseURL)
	}
	code, message := w.readError()
	return &ApiError{
		Operation: w.op.name, Method: w.op.method, URL: w.url(), StatusCode: w.out.Status,
		Code: code, Message: message, Body: w.out.Body, Header: w.out.Header,
		RetryAfter: w.out.RetryAfter, Server: w.out.Node, Attempts: w.out.Attempts,
		details: w.newDetails(advice...), wrongPath: wrongPath,
	}
}

// url returns the URL of the last attempt, without secrets.
func (w *words) url() string {
	return w.out.Node + w.op.fill(w.args.id) + after("?", encodeQuery(w.args.query, true))
}

// isForeignPage reports whether an HTML page answers where XMS would, such as the console's. With
// 408, 429 and 5xx it is a proxy's page, and the base URL may be right.
func (w *words) isForeignPage() bool {
	status := w.out.Status
	return w.out.Page && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests
}

// redirectAdvice says where a 3xx points to, and what BaseURL should be.
func (w *words) redirectAdvice() string {
	path, location := w.op.fill(w.args.id), w.out.Header.Get("Location")
	base, _ := url.Parse(w.out.Node + path) // a base URL that has been checked
	target, err := base.Parse(location)
	if location == "" || err != nil {
		return "redirects are not followed"
	}
	pointsTo := target.Scheme + "://" + target.Host + target.EscapedPath()
	advice := "redirects to " + w.clean(pointsTo) + " (not followed)"
	if root, ok := strings.CutSuffix(pointsTo, path); ok && root != w.out.Node {
		return advice + "; BaseURL should be " + w.clean(root)
	}
	return advice + "; BaseURL should be the address at which XMS itself answers"
}

func (w *words) decodeError(err error) error {
	body, advice := w.out.Body, []string(nil)
	switch {
	case errors.Is(err, exchange.ErrTooLarge), errors.Is(err, jsonread.ErrTooLarge):
		err, body = ErrResponseTooLarge, bytes.Clone(body[:min(len(body), maxErrorBody)])
		advice = append(advice, "Configuration.MaxResponseBytes sets the bound; Body has the beginning")
	case w.out.Status != w.op.success:
		advice = append(advice, fmt.Sprintf("the API documents status %d", w.op.success))
	}
	if w.isForeignPage() {
		advice = append(advice, askBaseURL)
	}
	return &DecodeError{
		Operation: w.op.name, StatusCode: w.out.Status, ContentType: w.clean(w.out.Header.Get("Content-Type")),
		Body: body, Err: err, Server: w.out.Node, Attempts: w.out.Attempts,
		details: w.newDetails(advice...),
	}
}
