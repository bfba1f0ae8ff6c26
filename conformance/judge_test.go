package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// judge is an http.RoundTripper that holds each request and its answer against a document.
type judge struct {
	router    routers.Router
	tolerated []int // statuses that no operation has in the document

	mu         sync.Mutex
	violations []string
	requests   []seen
}

// seen is a request that the document knows.
type seen struct {
	operation string
	query     []string // names of parameters, without that of a credential
}

// newJudge returns a judge that fails the test at its end if there was a violation.
func newJudge(t *testing.T, doc *openapi3.T, tolerated ...int) *judge {
	t.Helper()
	router, err := gorillamux.NewRouter(doc)
	require.NoError(t, err)
	j := &judge{router: router, tolerated: tolerated}
	t.Cleanup(func() { assert.Empty(t, j.violations) })
	return j
}

// RoundTrip sends the request.
func (j *judge) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(body))
	}
	input, err := j.judgeRequest(req, body)
	if err != nil {
		j.objectf("request: %s %s: %v", req.Method, req.URL.EscapedPath(), err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || input == nil {
		return resp, err
	}
	answer, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	j.judgeAnswer(input, resp, answer)
	return resp, nil
}

// judgeRequest returns what the answer is to be judged by, or nil if the document does not know the
// request.
func (j *judge) judgeRequest(req *http.Request, body []byte) (*openapi3filter.RequestValidationInput, error) {
	route, parameters, err := j.router.FindRoute(req)
	if err != nil {
		return nil, err
	}
	judged := req.Clone(req.Context())
	judged.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{
		Request: judged, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{
			AuthenticationFunc: carriesCredential, IncludeResponseStatus: true, MultiError: true,
			RejectWhenRequestBodyNotSpecified: true, SkipSettingDefaults: true,
		},
	}
	return input, errors.Join(openapi3filter.ValidateRequest(req.Context(), input), unknownParameters(route, judged))
}

// carriesCredential is satisfied with any value in the place that the scheme names.
func carriesCredential(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	scheme, req := input.SecurityScheme, input.RequestValidationInput.Request
	if scheme.In == "header" && req.Header.Get(scheme.Name) != "" ||
		scheme.In == "query" && req.URL.Query().Get(scheme.Name) != "" {
		return nil
	}
	return fmt.Errorf("no credential in the %s %s", scheme.In, scheme.Name)
}

// unknownParameters looks for query parameters that the document does not have, which the validator
// lets pass.
func unknownParameters(route *routers.Route, req *http.Request) error {
	query := parametersIn(req)
	for _, p := range documented(route.Spec)[route.Operation.OperationID].parameters {
		query = slices.DeleteFunc(query, func(name string) bool { return name == p.Name })
	}
	if len(query) > 0 {
		return fmt.Errorf("unknown query parameters %q", query)
	}
	return nil
}

func parametersIn(req *http.Request) []string {
	query := req.URL.Query()
	query.Del("token")
	return slices.Sorted(maps.Keys(query))
}

func (j *judge) judgeAnswer(input *openapi3filter.RequestValidationInput, resp *http.Response, body []byte) {
	op := input.Route.Operation
	j.mu.Lock()
	j.requests = append(j.requests, seen{op.OperationID, parametersIn(resp.Request)})
	j.mu.Unlock()
	if slices.Contains(j.tolerated, resp.StatusCode) {
		return
	}
	err := openapi3filter.ValidateResponse(resp.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Options: input.Options,
		Body: io.NopCloser(bytes.NewReader(body)),
	})
	if err != nil {
		j.objectf("answer with %d to %s: %v", resp.StatusCode, op.OperationID, err)
	}
}

func (j *judge) objectf(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.violations = append(j.violations, fmt.Sprintf(format, args...))
}

func TestJudge_FindsViolations(t *testing.T) {
	t.Parallel()
	j := newJudge(t, readDocument(t, contractPath))
	for _, bad := range []struct{ method, target, header, body, want string }{
		{"GET", "/v1/access-tokens", "k", "", "no matching operation"},
		{"GET", "/v1/access-tokens/?page=1", "k", "", "unknown query parameters"},
		{"GET", "/v1/access-tokens/?limit=x", "k", "", "limit"},
		{"GET", "/v1/access-tokens/7", "", "", "no credential"},
		{"POST", "/v1/access-tokens/", "k", `{"access_token":{"name":"a"}}`, "roles"},
		{"POST", "/v1/access-tokens/7:regenerate", "k", `{}`, "body"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), bad.method, bad.target, strings.NewReader(bad.body))
		require.NoError(t, err)
		req.Header.Set("Xms-Auth-Token", bad.header)
		if bad.body != "" {
			req.Header.Set("Content-Type", "application/json")
		}
		_, err = j.judgeRequest(req, []byte(bad.body))
		assert.ErrorContains(t, err, bad.want, "%s %s", bad.method, bad.target)
	}
}
