package xmsclient

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
)

const contentTypeJSON = "application/json"

// newHeader returns the func that makes the header of a request, with or without a body. Requests share the value slices: a RoundTripper that
// changes a header replaces or appends to its slice, as http.Header does, and these have no room to append to.
func newHeader(cfg *Configuration) func(withBody bool) http.Header {
	plain := http.Header{"Accept": {contentTypeJSON}, "User-Agent": {cfg.UserAgent}}
	for name, values := range cfg.DefaultHeader {
		name = http.CanonicalHeaderKey(name)
		plain[name] = slices.Clip(append(plain[name], values...))
	}
	typed := maps.Clone(plain)
	typed["Content-Type"] = []string{contentTypeJSON}
	return func(withBody bool) http.Header {
		if withBody {
			return maps.Clone(typed)
		}
		return maps.Clone(plain)
	}
}

// blankRequest is what http.NewRequest would make but for what an attempt fills in, without parsing a URL again.
var blankRequest = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

// outgoing is what the request of one attempt is made of, allocated at once. It is the request's context too, and tells the
// operation to whom it may concern.
type outgoing struct {
	context.Context
	op    *operationRow
	url   url.URL
	body  bytes.Reader
	trace sendTrace
}

type operationContextKey struct{}

// Value is that of context.Context.
func (o *outgoing) Value(key any) any {
	if _, ok := key.(operationContextKey); ok {
		return o.op
	}
	return o.Context.Value(key)
}

// String keeps a printed context from showing the URL.
func (o *outgoing) String() string { return "xmsclient." + o.op.name }

// Format prints String for every verb.
func (o *outgoing) Format(f fmt.State, verb rune) { formatText(f, verb, o.String()) }

// newRequest makes the request of the attempt that in is at.
func (c *core) newRequest(ctx context.Context, in *call, n *node) *http.Request {
	o := &outgoing{Context: ctx, op: in.op}
	ctx = o
	if in.op.needsTrace() {
		in.sent = &o.trace
		ctx = o.trace.attach(ctx, c.netHTTP)
	}
	n.setURL(&o.url, in.op, in.id, joinQuery(in.op.encodeQuery(in.query, true), in.cred.query))
	req := blankRequest.WithContext(ctx)
	req.Method = in.op.method
	req.URL = &o.url
	req.Header = c.header(in.op.body)
	if in.cred.header != nil {
		req.Header[authHeader] = in.cred.header
	}
	if in.op.body {
		body := in.body
		o.body.Reset(body)
		req.ContentLength = int64(len(body))
		// net/http knows these types to be memory, and sends header and body in one packet.
		req.Body = io.NopCloser(&o.body)
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return req
}
