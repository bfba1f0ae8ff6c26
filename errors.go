package xmsclient

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// These are what errors.Is finds in an *ApiError with the status that each names.
var (
	ErrBadRequest      = errors.New("xmsclient: bad request (400)")
	ErrUnauthorized    = errors.New("xmsclient: unauthorized (401)")
	ErrForbidden       = errors.New("xmsclient: forbidden (403)")
	ErrNotFound        = errors.New("xmsclient: not found (404)")
	ErrConflict        = errors.New("xmsclient: conflict (409)")
	ErrTooManyRequests = errors.New("xmsclient: too many requests (429)")
	ErrServer          = errors.New("xmsclient: server error (5xx)")
)

// ErrOutcomeUnknown is what errors.Is finds in the error of a CreateAccessToken or RegenerateAccessToken that may have taken
// effect although it failed: the request was sent, and the answer did not come, could not be used, or does not rule it
// out. Look with ListAccessTokens before doing it again; a token made this way can only be used after regenerating it,
// since its uuid has not arrived.
var ErrOutcomeUnknown = errors.New("xmsclient: outcome unknown")

// ErrResponseTooLarge is what errors.Is finds when the body of an answer exceeds Configuration.MaxResponseBytes.
var ErrResponseTooLarge = errors.New("xmsclient: response too large")

const unknownOutcomeText = "; the request may have taken effect all the same"

// ApiError says that a server answered with a status other than 2xx. Its text names operation, URL, status and what the body
// says, and holds no secret; printing it with any verb prints just that.
type ApiError struct {
	Operation  string        // such as "GetAccessToken"
	Method     string        // HTTP method
	URL        string        // full URL, with secrets in the query replaced
	StatusCode int           // such as 404
	Code       string        // error code in the body; "" if there is none
	Message    string        // readable text in the body, cut when long, tokens replaced; "" if there is none
	Body       []byte        // the body as it came, up to its first 64 KiB; may hold what Message leaves out
	Header     http.Header   // header of the answer, as it came
	RetryAfter time.Duration // how long the server asked to be left alone; 0 if it did not
	Server     string        // base URL of the node that answered
	Attempts   int           // tries made, this one included

	outcomeUnknown bool
}

// Error describes the failure in one line without any secret.
func (e *ApiError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "xmsclient: %s: %s %s: %d %s", e.Operation, e.Method, e.URL, e.StatusCode, http.StatusText(e.StatusCode))
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Code != "" {
		b.WriteString(" (code " + e.Code + ")")
	}
	b.WriteString(afterAttempts(e.Attempts))
	if e.outcomeUnknown {
		b.WriteString(unknownOutcomeText)
	}
	return b.String()
}

// Format prints Error for every verb.
func (e ApiError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// LogValue makes slog record Error.
func (e ApiError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Is makes errors.Is find the sentinel of the status code, and ErrOutcomeUnknown where it holds.
func (e *ApiError) Is(target error) bool {
	switch target {
	case ErrBadRequest:
		return e.StatusCode == http.StatusBadRequest
	case ErrUnauthorized:
		return e.StatusCode == http.StatusUnauthorized
	case ErrForbidden:
		return e.StatusCode == http.StatusForbidden
	case ErrNotFound:
		return e.StatusCode == http.StatusNotFound
	case ErrConflict:
		return e.StatusCode == http.StatusConflict
	case ErrTooManyRequests:
		return e.StatusCode == http.StatusTooManyRequests
	case ErrServer:
		return e.StatusCode >= 500
	case ErrOutcomeUnknown:
		return e.outcomeUnknown
	}
	return false
}

// RequestError says that no usable answer came: the connection could not be made or broke, a timeout passed, or the context
// ended. errors.Is and errors.As reach the cause: context.Canceled, context.DeadlineExceeded, net.Error and the like.
type RequestError struct {
	Operation string // such as "GetAccessToken"
	Server    string // base URL of the node that was tried last; "" if none was
	Attempts  int    // tries made; 0 if the call ended before the first
	Err       error  // the cause, without any secret in its text

	outcomeUnknown bool
}

// Error describes the failure in one line without any secret.
func (e *RequestError) Error() string {
	text := "xmsclient: " + e.Operation
	if e.Server != "" {
		text += ": no answer from " + e.Server + afterAttempts(e.Attempts)
	}
	text += ": " + e.Err.Error()
	if e.outcomeUnknown {
		text += unknownOutcomeText
	}
	return text
}

// Format prints Error for every verb.
func (e RequestError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// LogValue makes slog record Error.
func (e RequestError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Unwrap returns the cause.
func (e *RequestError) Unwrap() error { return e.Err }

// Is makes errors.Is find ErrOutcomeUnknown where it holds.
func (e *RequestError) Is(target error) bool { return target == ErrOutcomeUnknown && e.outcomeUnknown }

// DecodeError says that a server answered with 2xx and a body that cannot be used: not JSON, HTML from a proxy, cut off, empty, too
// large, or without a required field. If the body broke off, a *RequestError with the cause is in the chain too.
//
// The text quotes no more of the body than encoding/json does of a value that it cannot read, or a page's title. Body of a failed CreateAccessToken or RegenerateAccessToken may hold the new uuid:
// keep it, and keep it out of logs.
type DecodeError struct {
	Operation   string // such as "GetAccessToken"
	StatusCode  int    // a 2xx
	ContentType string // Content-Type of the answer
	Body        []byte // what came of the body; with ErrResponseTooLarge only its first 64 KiB
	Err         error  // what is wrong with it

	outcomeUnknown bool
}

// Error describes the failure in one line without quoting the body.
func (e *DecodeError) Error() string {
	text := fmt.Sprintf("xmsclient: %s: answer with status %d cannot be used (%d bytes, content type %q): %v",
		e.Operation, e.StatusCode, len(e.Body), e.ContentType, e.Err)
	if e.outcomeUnknown {
		text += unknownOutcomeText
	}
	return text
}

// Format prints Error for every verb.
func (e DecodeError) Format(f fmt.State, verb rune) { formatText(f, verb, e.Error()) }

// LogValue makes slog record Error.
func (e DecodeError) LogValue() slog.Value { return slog.StringValue(e.Error()) }

// Unwrap returns what is wrong with the body.
func (e *DecodeError) Unwrap() error { return e.Err }

// Is makes errors.Is find ErrOutcomeUnknown where it holds.
func (e *DecodeError) Is(target error) bool { return target == ErrOutcomeUnknown && e.outcomeUnknown }

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

func afterAttempts(n int) string {
	if n <= 1 {
		return ""
	}
	return fmt.Sprintf(" (after %d attempts)", n)
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}
