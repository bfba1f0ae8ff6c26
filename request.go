package xmsclient

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
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

// newRequest makes the request of the attempt that in is at.
func (c *core) newRequest(ctx context.Context, in *call, n *node) *http.Request {
	req := blankRequest.WithContext(ctx)
	req.Method = in.op.method
	req.URL = n.url(in.op, in.id, joinQuery(in.op.encodeQuery(in.query, true), in.cred.query))
	req.Header = c.header(in.op.body)
	if in.cred.header != nil {
		req.Header[authHeader] = in.cred.header
	}
	if in.op.body {
		body := in.body
		req.ContentLength = int64(len(body))
		req.Body = newPayload(body)
		req.GetBody = func() (io.ReadCloser, error) { return newPayload(body), nil }
	}
	return req
}

// payload is an encoded body on its way out.
type payload struct{ bytes.Reader }

func newPayload(body []byte) *payload {
	p := &payload{}
	p.Reset(body)
	return p
}

// Close does nothing: a payload is memory.
func (p *payload) Close() error { return nil }
