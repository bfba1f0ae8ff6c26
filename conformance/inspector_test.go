package conformance

import (
	"bytes"
	"context"
	"encoding/json"
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
	"github.com/stretchr/testify/require"
)

// inspector is an http.RoundTripper that holds each request and its answer against the document and passes them on.
type inspector struct {
	router routers.Router
	next   http.RoundTripper
	client string // who sends the requests
	server string // who answers them
	// prepare changes the body of an answer before it is judged; nil: as it came.
	prepare func([]byte) []byte

	mu         sync.Mutex
	violations map[string]int              // how often, by what is wrong
	answered   map[string]map[int]struct{} // statuses seen, by operation
	members    claims                      // members seen in answers of success, by model
}

// newInspector returns an inspector of what goes on below the document's servers.
func newInspector(t *testing.T, doc document) *inspector {
	t.Helper()
	router, err := gorillamux.NewRouter(doc.T)
	require.NoError(t, err)
	return &inspector{
		router: router, next: http.DefaultTransport, client: "the SDK", server: "xmstest",
		violations: map[string]int{}, answered: map[string]map[int]struct{}{}, members: claims{},
	}
}

// below returns a copy of the document in which all operations are below one path of any server.
func (d document) below(path string) document {
	moved := *d.T
	moved.Servers = openapi3.Servers{{URL: path}}
	return document{&moved}
}

// RoundTrip sends the request on.
func (i *inspector) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := drain(req.Body)
	if err != nil {
		return nil, err
	}
	req = req.Clone(req.Context())
	req.Body = io.NopCloser(bytes.NewReader(body))
	judged := i.judgeRequest(req, body)
	resp, err := i.next.RoundTrip(req)
	if err != nil || judged == nil {
		return resp, err
	}
	answer, err := drain(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body = io.NopCloser(bytes.NewReader(answer))
	i.judgeAnswer(judged, resp, answer)
	return resp, nil
}

func drain(body io.ReadCloser) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	defer body.Close()
	return io.ReadAll(body)
}

// judgeRequest returns what its answer is to be judged by, or nil if the request is none of an operation.
func (i *inspector) judgeRequest(req *http.Request, body []byte) *openapi3filter.RequestValidationInput {
	route, parameters, err := i.router.FindRoute(req)
	if err != nil {
		i.objectf("%s sends %s %s, which is no operation of %s", i.client, req.Method, req.URL.EscapedPath(), documentName)
		return nil
	}
	options := &openapi3filter.Options{
		AuthenticationFunc: carriesCredential, IncludeResponseStatus: true, MultiError: true, RejectWhenRequestBodyNotSpecified: true,
		SkipSettingDefaults: true,
	}
	options.WithCustomSchemaErrorFunc(func(err *openapi3.SchemaError) string {
		return "at /" + strings.Join(err.JSONPointer(), "/") + ": " + err.Reason
	})
	judged := req.Clone(req.Context())
	judged.Body = io.NopCloser(bytes.NewReader(body))
	input := &openapi3filter.RequestValidationInput{Request: judged, PathParams: parameters, Route: route, Options: options}
	errs := []error{openapi3filter.ValidateRequest(req.Context(), input), unknownParameters(route, judged)}
	if err := errors.Join(errs...); err != nil {
		i.objectf("%s: the request of %s violates %s: %v", route.Operation.OperationID, i.client, documentName, err)
	}
	return input
}

// carriesCredential is satisfied with a credential in the place that the scheme names, whatever its value.
func carriesCredential(_ context.Context, input *openapi3filter.AuthenticationInput) error {
	scheme, request := input.SecurityScheme, input.RequestValidationInput.Request
	if scheme.In == "header" && request.Header.Get(scheme.Name) != "" || scheme.In == "query" && request.URL.Query().Get(scheme.Name) != "" {
		return nil
	}
	return fmt.Errorf("nothing in the %s %s", scheme.In, scheme.Name)
}

// unknownParameters returns an error that names the query parameters that the document does not have, which the validator lets
// pass.
func unknownParameters(route *routers.Route, req *http.Request) error {
	query := req.URL.Query()
	for _, parameter := range slices.Concat(route.PathItem.Parameters, route.Operation.Parameters) {
		query.Del(parameter.Value.Name)
	}
	for _, scheme := range route.Spec.Components.SecuritySchemes {
		query.Del(scheme.Value.Name)
	}
	if len(query) == 0 {
		return nil
	}
	return fmt.Errorf("unknown query parameters %q", slices.Sorted(maps.Keys(query)))
}

func (i *inspector) judgeAnswer(request *openapi3filter.RequestValidationInput, resp *http.Response, body []byte) {
	operation := request.Route.Operation
	if i.prepare != nil {
		body = i.prepare(body)
	}
	i.see(operation, resp.StatusCode, body)
	err := openapi3filter.ValidateResponse(resp.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: resp.StatusCode, Header: resp.Header, Options: request.Options,
		Body: io.NopCloser(bytes.NewReader(body)),
	})
	switch {
	case operation.Responses.Status(resp.StatusCode) == nil:
		i.objectf("%s: %s answers with status %d; %s has only %s", operation.OperationID, i.server, resp.StatusCode, documentName,
			strings.Join(slices.Sorted(maps.Keys(operation.Responses.Map())), " "))
	case err != nil:
		i.objectf("%s: the answer of %s with status %d violates %s: %v", operation.OperationID, i.server, resp.StatusCode, documentName, err)
	}
}

func (i *inspector) objectf(format string, args ...any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.violations[fmt.Sprintf(format, args...)]++
}

func (i *inspector) see(op *openapi3.Operation, status int, body []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.answered[op.OperationID] == nil {
		i.answered[op.OperationID] = map[int]struct{}{}
	}
	i.answered[op.OperationID][status] = struct{}{}
	response := op.Responses.Status(status)
	if response == nil || status/100 != 2 {
		return
	}
	if media := response.Value.Content.Get("application/json"); media != nil {
		var value any
		_ = json.Unmarshal(body, &value) // the validator says what is wrong with it
		addMembers(i.members, media.Schema, value)
	}
}

// report fails the test with each violation once.
func (i *inspector) report(t *testing.T) {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, violation := range slices.Sorted(maps.Keys(i.violations)) {
		t.Errorf("%s (%d times)", violation, i.violations[violation])
	}
}
