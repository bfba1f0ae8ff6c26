package xmsclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"
)

// failure is what an attempt came to that was not answered with 2xx and a whole body.
type failure struct {
	err           error // for the caller, if there is no further attempt
	class         failureClass
	status        int // of the answer; 0 if none came, or none whose body could be read
	mayHaveEffect bool
	retryAfter    time.Duration // 0 if the server did not ask for it
}

// failureClass is the kind of a failure, in the words of the log.
type failureClass string

const (
	classConnect     failureClass = "connect"     // the connection could not be made
	classCertificate failureClass = "certificate" // the server is not who it should be
	classTransport   failureClass = "transport"   // the connection broke, or what came over it is not HTTP
	classTimeout     failureClass = "timeout"     // Configuration.Timeout has passed
	classCanceled    failureClass = "canceled"    // the caller's context has ended
	classCredential  failureClass = "credential"  // TokenSource gave no token
	classRedirect    failureClass = "redirect"    // the caller's CheckRedirect refused
	classStatus      failureClass = "status"      // the server answered with another status than 2xx
	classBody        failureClass = "body"        // 2xx with an unusable body
)

// transient reports whether a failure without an answer can pass, on this node or on another.
func (c failureClass) transient() bool {
	switch c {
	case classConnect, classCertificate, classTransport, classTimeout:
		return true
	case classCanceled, classCredential, classRedirect, classStatus, classBody:
	}
	return false
}

func (in *call) redactor() redactor {
	secrets := append([]string{in.cred.headerKey, in.cred.queryKey}, in.formerKeys...)
	if in.cred.others != nil {
		secrets = append(secrets, in.cred.others()...)
	}
	for i, p := range in.op.query {
		if p.secret {
			secrets = append(secrets, *in.query[i])
		}
	}
	return newRedactor(secrets...)
}

// requestFailure is a failure for which no answer, or no whole one, came.
func (in *call) requestFailure(class failureClass, mayHaveEffect bool, err error) *failure {
	r := in.redactor()
	return &failure{class: class, mayHaveEffect: mayHaveEffect, err: &RequestError{
		Operation: in.op.name, Server: in.server, Attempts: in.attempts, Err: r.err(err),
		outcomeUnknown: mayHaveEffect && !in.op.idempotent,
	}}
}

// noCredential is the failure of an attempt that could not begin.
func (in *call) noCredential(ctx, bounded context.Context, err error) *failure {
	class, err := classify(ctx, bounded, err)
	if class != classCanceled {
		class = classCredential
	}
	in.server = ""
	return in.requestFailure(class, false, err)
}

// noAnswer is the failure of an attempt that ended before the header of an answer came. The http.Client returns both a
// response and an error only when the caller's CheckRedirect has refused.
func (in *call) noAnswer(ctx, bounded context.Context, resp *http.Response, err error) *failure {
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err // whose text, unlike the outer one, does not have the whole URL
	}
	if resp != nil {
		return in.requestFailure(classRedirect, mayHaveEffect(resp.StatusCode, false), err)
	}
	unsent := in.sent.provablyNot(err)
	class, err := classify(ctx, bounded, err)
	return in.requestFailure(class, !unsent, err)
}

// classify returns the class of err, and err so that errors.Is finds the context's error in it if that is what ended the
// attempt.
func classify(ctx, bounded context.Context, err error) (failureClass, error) {
	switch {
	case ctx.Err() != nil:
		if !errors.Is(err, ctx.Err()) {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return classCanceled, err
	case bounded.Err() != nil:
		return classTimeout, context.Cause(bounded)
	case isTimeout(err):
		return classTimeout, err
	case isCertificateError(err):
		return classCertificate, err
	case isDialError(err):
		return classConnect, err
	}
	return classTransport, err
}

func isCertificateError(err error) bool {
	var certificate *tls.CertificateVerificationError
	return errors.As(err, &certificate)
}

func isDialError(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// brokenOff is the failure of an attempt whose 2xx answer could not be read to its end. What came of the body is kept.
func (in *call) brokenOff(ctx, bounded context.Context, ans answer, err error) *failure {
	f := &failure{class: classBody, mayHaveEffect: true}
	if !errors.Is(err, ErrResponseTooLarge) {
		class, cause := classify(ctx, bounded, err)
		f = in.requestFailure(class, false, cause) // the error around it says that there may be an effect
		f.mayHaveEffect = true
		err = f.err
	}
	f.err = in.decodeError(ans, err)
	return f
}

// unusable is the failure of a call that was answered with 2xx and a body that err says cannot be used.
func (in *call) unusable(ans answer, err error) *failure {
	if status := ans.response.StatusCode; status != in.op.success {
		err = fmt.Errorf("%w; the API documents status %d", err, in.op.success)
	}
	return &failure{class: classBody, mayHaveEffect: true, err: in.decodeError(ans, err)}
}

func (in *call) decodeError(ans answer, err error) *DecodeError {
	r := in.redactor()
	return &DecodeError{
		Operation: in.op.name, StatusCode: ans.response.StatusCode, ContentType: r.short(oneLine(ans.contentType()), maxMessage),
		Body: bytes.Clone(ans.body.Bytes()), Err: r.err(err), outcomeUnknown: !in.op.idempotent,
	}
}

// maxErrorRead is how much of the body of an error is read, to make out what it says and to keep the connection, maxErrorBody how
// much of that is kept.
const (
	maxErrorRead = 256 << 10
	maxErrorBody = 64 << 10
)

// readRefusal reads the body of an error. If it breaks off, the status still says what there is to know. That of a 101 is
// the bare connection, which nothing would stop us from reading forever.
func readRefusal(resp *http.Response) []byte {
	if resp.StatusCode == http.StatusSwitchingProtocols {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorRead))
	return body
}

// refused is the failure of an attempt that was answered with another status than 2xx.
func (in *call) refused(resp *http.Response, n *node) *failure {
	body := readRefusal(resp)
	r := in.redactor()
	code, message := readErrorBody(resp.Header.Get("Content-Type"), body)
	if target := redirectTarget(resp); target != "" {
		message = "redirect to " + target + " not followed"
	}
	retryAfter, asked := readRetryAfter(resp.Header.Get("Retry-After"), time.Now())
	f := &failure{
		class: classStatus, status: resp.StatusCode, retryAfter: retryAfter,
		mayHaveEffect: mayHaveEffect(resp.StatusCode, asked),
	}
	var shown url.URL
	n.setURL(&shown, in.op, in.id, in.op.encodeQuery(in.query, false))
	f.err = &ApiError{
		Operation: in.op.name, Method: in.op.method, URL: shown.String(), StatusCode: resp.StatusCode,
		Code: r.short(code, maxMessage), Message: r.short(message, maxMessage), Body: bytes.Clone(body[:min(len(body), maxErrorBody)]), Header: resp.Header,
		RetryAfter: retryAfter, Server: n.base, Attempts: in.attempts,
		outcomeUnknown: f.mayHaveEffect && !in.op.idempotent,
	}
	return f
}

// redirectTarget returns the origin that a 3xx points to. The rest of its URL may hold secrets.
func redirectTarget(resp *http.Response) string {
	if resp.StatusCode/100 != 3 {
		return ""
	}
	target, err := resp.Location()
	if err != nil {
		return ""
	}
	return target.Scheme + "://" + target.Host
}

// sendTrace watches whether a request gets as far as a connection. As long as it does not, no server can have seen it.
type sendTrace struct {
	httptrace.ClientTrace
	asked, got atomic.Bool
}

// attach returns ctx with the trace in it. An http.Transport asks for a connection again only if nothing of the request was
// written to the one it had; asksSafely says that it is one, since others may try again for any reason.
func (t *sendTrace) attach(ctx context.Context, asksSafely bool) context.Context {
	t.GetConn = func(string) {
		t.asked.Store(true)
		if asksSafely {
			t.got.Store(false)
		}
	}
	t.GotConn = func(httptrace.GotConnInfo) { t.got.Store(true) }
	return httptrace.WithClientTrace(ctx, &t.ClientTrace)
}

// provablyNot reports whether a request that ended in err was certainly not sent. A RoundTripper that is not made of
// http.Transport may not support tracing; then only the error of a failed dial proves it.
func (t *sendTrace) provablyNot(err error) bool {
	return t != nil && !t.got.Load() && (t.asked.Load() || isDialError(err))
}

// timeoutError is the cause of an attempt that Configuration.Timeout ended.
type timeoutError struct{ after time.Duration }

func (e timeoutError) Error() string {
	return fmt.Sprintf("no complete answer within %v (Configuration.Timeout)", e.after)
}

func (timeoutError) Timeout() bool        { return true }
func (timeoutError) Temporary() bool      { return true }
func (timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
