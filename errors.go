package xmsclient

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/xsky-storage/xms-client-go/internal/exchange"
	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// errors.Is matches these with an *ApiError by its status. ErrNotFound needs an operation with an
// id, and a body that is not an HTML page.
var (
	ErrBadRequest      = errors.New("xmsclient: bad request (400)")
	ErrUnauthorized    = errors.New("xmsclient: unauthorized (401)")
	ErrForbidden       = errors.New("xmsclient: forbidden (403)")
	ErrNotFound        = errors.New("xmsclient: not found (404)")
	ErrConflict        = errors.New("xmsclient: conflict (409)")
	ErrTooManyRequests = errors.New("xmsclient: too many requests (429)")
	ErrServer          = errors.New("xmsclient: server error (5xx)")
)

// ErrOutcomeUnknown is what errors.Is finds in the error of a create, regenerate, update or delete
// that failed and may have taken effect: a server may have acted on one of its attempts. The
// error's text says what to do. For a create: look for the name with AllAccessTokens; if the token
// is there, regenerate it, since its uuid has not arrived.
var ErrOutcomeUnknown = errors.New("xmsclient: outcome unknown")

// ErrResponseTooLarge is what errors.Is finds if the body of an answer exceeds
// Configuration.MaxResponseBytes, or what it decodes to takes more than four times as much memory.
var ErrResponseTooLarge = errors.New("xmsclient: response too large")

// ApiError says that a server answered with a status other than 2xx. Its text says it all in one
// line: operation, URL, status, what the body says, and how the attempts before ended. Printing or
// logging it shows that text, which holds no secret.
type ApiError struct {
	Operation  string        // such as "GetAccessToken"
	Method     string        // HTTP method
	URL        string        // full URL, without any secret
	StatusCode int           // such as 404
	Code       string        // error code in the body; "" if there is none
	Message    string        // what the body says, cut at 512 bytes; withheld as a whole if it repeats a secret
	Body       []byte        `json:"-"` // the body as it came, up to its first 64 KiB; it may hold secrets
	Header     http.Header   `json:"-"` // header of the answer, as it came
	RetryAfter time.Duration // Retry-After of the response; 0 if there is none
	Server     string        // base URL of the node that answered
	Attempts   int           // requests made, the last one included

	details
	notByID bool // a 404 that does not say that there is nothing with this id
}

// details are what the text of an error says besides its fields.
type details struct {
	before  string // how the attempts before ended
	unknown string // what may have happened and what to do; "" if nothing may have
	advice  string
}

// Is makes errors.Is find ErrOutcomeUnknown.
func (d details) Is(target error) bool { return target == ErrOutcomeUnknown && d.unknown != "" }

func (d details) text() (text string) {
	if d.before != "" {
		text += "; attempts before: " + d.before
	}
	if d.unknown != "" {
		text += "; outcome unknown: " + d.unknown
	}
	if d.advice != "" {
		text += "; " + d.advice
	}
	return text
}

// Error describes the failure in one line without any secret.
func (e *ApiError) Error() string {
	status := strings.TrimSpace(fmt.Sprint(e.StatusCode, " ", http.StatusText(e.StatusCode)))
	text := fmt.Sprintf("xmsclient: %s: %s %s: %s", e.Operation, e.Method, e.URL, status)
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Code != "" {
		text += " (code " + e.Code + ")"
	}
	return text + afterAttempts(e.Attempts) + e.details.text()
}

// Format prints Error for every verb.
func (e ApiError) Format(f fmt.State, verb rune) { secret.Print(f, verb, e.Error()) }

// LogValue makes slog record Error.
func (e *ApiError) LogValue() slog.Value { return logError(e == nil, e) }

// Is makes errors.Is find the sentinel of the status code, and ErrOutcomeUnknown.
func (e *ApiError) Is(target error) bool {
	switch target {
	case ErrBadRequest:
		return e.StatusCode == http.StatusBadRequest
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound && !e.notByID
	case ErrConflict:
		return e.StatusCode == http.StatusConflict
	case ErrTooManyRequests:
		return e.StatusCode == http.StatusTooManyRequests
	case ErrServer:
		return e.StatusCode >= 500
	}
	return e.details.Is(target)
}

// RequestError says that no answer came: no connection could be made or it broke, a timeout
// passed, or the context ended. errors.Is and errors.As reach the cause: context.Canceled,
// context.DeadlineExceeded, the context's cause, net.Error and the like. If the context ended while
// the call waited for its next attempt, they reach the error of the last attempt too.
type RequestError struct {
	Operation string // such as "GetAccessToken"
	Server    string // base URL of the node of the last attempt; "" if that got to none
	Attempts  int    // requests made; 0 if the call ended before the first
	Err       error  `json:"-"` // the cause, without any secret in its text

	details
	lead string
}

// Error describes the failure in one line without any secret.
func (e *RequestError) Error() string {
	text := "xmsclient: " + e.Operation + ": " + e.lead
	if e.Err != nil {
		text += shorten(oneLine(e.Err.Error()), maxErrorText)
	}
	return text + afterAttempts(e.Attempts) + e.details.text()
}

// Format prints Error for every verb.
func (e RequestError) Format(f fmt.State, verb rune) { secret.Print(f, verb, e.Error()) }

// LogValue makes slog record Error.
func (e *RequestError) LogValue() slog.Value { return logError(e == nil, e) }

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }

// DecodeError says that a server answered with 2xx and a body that cannot be used: no JSON, an HTML
// page, cut off, empty, too large, or without what the call is for. If the body broke off, the
// cause is in the chain.
//
// Its text names the place of what cannot be read. Body of a failed CreateAccessToken or
// RegenerateAccessToken may hold the new uuid: keep it, and keep it out of logs.
type DecodeError struct {
	Operation   string // such as "GetAccessToken"
	StatusCode  int    // a 2xx
	ContentType string // Content-Type of the answer
	Body        []byte `json:"-"` // what came of the body; with ErrResponseTooLarge only its first 64 KiB
	Err         error  `json:"-"` // what is wrong with it

	details
}

// Error describes the failure in one line.
func (e *DecodeError) Error() string {
	text := fmt.Sprintf("xmsclient: %s: the answer with status %d cannot be used", e.Operation, e.StatusCode)
	if e.Body != nil {
		text += fmt.Sprintf(" (%d bytes, content type %q)", len(e.Body), e.ContentType)
	}
	if e.Err != nil {
		text += ": " + shorten(oneLine(e.Err.Error()), maxErrorText)
	}
	return text + e.details.text()
}

// Format prints Error for every verb.
func (e DecodeError) Format(f fmt.State, verb rune) { secret.Print(f, verb, e.Error()) }

// LogValue makes slog record Error.
func (e *DecodeError) LogValue() slog.Value { return logError(e == nil, e) }

// Unwrap returns what is wrong with the body.
func (e *DecodeError) Unwrap() error { return e.Err }

// ArgumentError says that a call or a configuration was refused before anything was sent.
type ArgumentError struct {
	Operation string // operation or function that refused, such as "CreateAccessToken" or "NewAPIClient"
	Argument  string // the culprit, such as "accessTokenID", "body.AccessToken.Name" or "BaseURL"
	Reason    string // what is wrong with it and what would be right

	err error
}

// Error names the operation, the argument and what is wrong with it.
func (e *ArgumentError) Error() string {
	return "xmsclient: " + e.Operation + ": " + e.Argument + ": " + e.Reason
}

// Unwrap returns the error behind the refusal, such as that of reading a file, or nil.
func (e *ArgumentError) Unwrap() error { return e.err }

func checkName(argument, name string) *ArgumentError {
	if name == "" {
		return &ArgumentError{Argument: argument, Reason: "must not be empty"}
	}
	return checkText(argument, name)
}

// checkText refuses what JSON cannot carry: encoding/json would replace it without a word.
func checkText(argument, text string) *ArgumentError {
	if !utf8.ValidString(text) {
		return &ArgumentError{Argument: argument, Reason: "must be valid UTF-8"}
	}
	return nil
}

const (
	maxMessage   = 512  // bytes of a server's text that an error repeats
	maxErrorText = 2048 // bytes of an error of a library that has something of the server's in it
	maxErrorBody = 64 << 10
)

// publicError puts into words what the machine reports of a call. decodeErr is why a whole 2xx
// cannot be used. The error is nil if the call succeeded.
func publicError(op *operation, args arguments, out exchange.Outcome, decodeErr error, clean cleaner) error {
	d := details{before: history(out.Before)}
	if out.MayHaveActed {
		d.unknown = op.ifUnknown
	}
	var err error
	switch {
	case out.Status == 0:
		err = requestError(op, out, d)
	case out.Status/100 != 2:
		err = apiError(op, args, out, d, clean)
	case out.Err != nil:
		err = decodeError(op, out, d, clean, out.Err)
	case decodeErr != nil:
		err = decodeError(op, out, d, clean, decodeErr)
	default:
		return nil
	}
	if out.WaitErr == nil {
		return err
	}
	text := out.WaitErr.Error() + " while waiting for another attempt after: " + err.Error()
	return &RequestError{
		Operation: op.name, Server: out.Node, Attempts: out.Attempts,
		Err: secret.Join(text, out.WaitErr, err),
	}
}

// history lists how the attempts before ended, the last ones if they are many.
func history(before []string) string {
	const most = 10
	if earlier := len(before) - most; earlier > 0 {
		before = append([]string{fmt.Sprintf("%d earlier ones", earlier)}, before[earlier:]...)
	}
	return strings.Join(before, "; ")
}

func requestError(op *operation, out exchange.Outcome, d details) error {
	e := &RequestError{Operation: op.name, Server: out.Node, Attempts: out.Attempts, Err: out.Err, details: d}
	switch {
	case out.Attempts == 0:
		e.lead = "nothing was sent: "
	case !out.Sent:
		e.lead = "no further request was sent: "
	case !out.Connected:
		e.lead = "no connection to " + out.Node + ": "
	default:
		e.lead = "no answer from " + out.Node + ": "
	}
	if out.Sent && !out.Connected && out.Node == DefaultBaseURL {
		e.advice = "this is the default base URL: set Configuration.BaseURL or XMS_BASE_URL"
	}
	return e
}

func apiError(op *operation, args arguments, out exchange.Outcome, d details, clean cleaner) error {
	code, message := readErrorBody(out, clean)
	shown := out.Node + op.fill(args.id)
	if query := encodeQuery(args.query, true); query != "" {
		shown += "?" + query
	}
	e := &ApiError{
		Operation: op.name, Method: op.method, URL: shown, StatusCode: out.Status,
		Code: code, Message: message, Body: out.Body, Header: out.Header,
		RetryAfter: out.RetryAfter, Server: out.Node, Attempts: out.Attempts, details: d,
	}
	switch {
	case out.Status/100 == 3:
		e.advice = redirectAdvice(op.fill(args.id), out, clean)
	case out.NoOtherToken != nil:
		e.advice = "no other token: " + shorten(oneLine(out.NoOtherToken.Error()), maxErrorText)
	case out.Status == http.StatusUnauthorized && out.Anonymous:
		e.advice = "the request carried no credential: set Configuration.TokenInHeader or XMS_AUTH_TOKEN"
	case out.Status == http.StatusNotFound && (op.idArgument == "" || out.Page):
		e.notByID = true
		e.advice = "is the base URL right? XMS answers below a path such as /v1 or /api/v1"
	}
	return e
}

// redirectAdvice says where a 3xx points to, and what BaseURL should be.
func redirectAdvice(path string, out exchange.Outcome, clean cleaner) string {
	location := out.Header.Get("Location")
	base, err := url.Parse(out.Node + path)
	if location == "" || err != nil {
		return "redirects are not followed"
	}
	target, err := base.Parse(location)
	if err != nil {
		return "redirects are not followed"
	}
	pointsTo := target.Scheme + "://" + target.Host + target.EscapedPath()
	advice := "redirects to " + clean(pointsTo) + " (not followed)"
	if root, ok := strings.CutSuffix(pointsTo, path); ok && root != out.Node {
		return advice + "; BaseURL should be " + clean(root)
	}
	return advice + "; BaseURL should be the address at which XMS itself answers"
}

func decodeError(op *operation, out exchange.Outcome, d details, clean cleaner, err error) error {
	e := &DecodeError{
		Operation: op.name, StatusCode: out.Status, ContentType: clean(out.Header.Get("Content-Type")),
		Body: out.Body, Err: err, details: d,
	}
	switch {
	case errors.Is(err, exchange.ErrTooLarge), errors.Is(err, ErrResponseTooLarge):
		e.Err, e.Body = ErrResponseTooLarge, bytes.Clone(e.Body[:min(len(e.Body), maxErrorBody)])
		e.advice = "Configuration.MaxResponseBytes sets the bound; Body has the beginning"
	case out.Status != op.success:
		e.advice = fmt.Sprintf("the API documents status %d", op.success)
	}
	return e
}

func afterAttempts(n int) string {
	if n <= 1 {
		return ""
	}
	return fmt.Sprintf(" (after %d attempts)", n)
}

func logError(isNil bool, err error) slog.Value {
	if isNil {
		return slog.AnyValue(nil)
	}
	return slog.StringValue(err.Error())
}

// cleaner makes a text of a server fit to stand in ours: without secrets, short, in one line.
type cleaner func(text string) string

func cleanerFor(secrets *secret.Set) cleaner {
	return func(text string) string {
		text = oneLine(text[:min(len(text), maxErrorBody)])
		return shorten(secrets.ServerText(text), maxMessage)
	}
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
