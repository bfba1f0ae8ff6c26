package xmstest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxBody is far above any body that the API knows.
const maxBody = 1 << 20

// call is a request that has been received whole. The caller is known once it is authenticated.
type call struct {
	endpoint
	ctx        context.Context
	resource   resource
	id         int64
	query      url.Values
	queryErr   error
	body       []byte
	bodyErr    error
	credential string
	caller     user
}

func newCall(w http.ResponseWriter, r *http.Request, routes routeTable) call {
	c := call{ctx: r.Context()}
	c.resource, c.id = parsePath(r.URL.EscapedPath())
	c.endpoint = routes[c.resource][r.Method]
	c.query, c.queryErr = url.ParseQuery(r.URL.RawQuery)
	c.body, c.bodyErr = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	c.credential = credential(r.Header, c.query)
	return c
}

// credential returns the key a request carries, without its prefix. A header that is present wins, even a wrong one.
func credential(header http.Header, query url.Values) string {
	value := query.Get("token")
	if values := header.Values("Xms-Auth-Token"); len(values) > 0 {
		value = values[0]
	}
	return value[strings.LastIndexByte(value, ' ')+1:]
}

// decode reads the JSON body into v and tells whether it could.
func (c call) decode(v any) bool {
	return c.bodyErr == nil && json.Unmarshal(c.body, v) == nil
}
