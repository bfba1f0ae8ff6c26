package conformance

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// TestContract_GoAndDocumentAgree holds the models and operations that users see and
// docs/openapi.yaml together.
func TestContract_GoAndDocumentAgree(t *testing.T) {
	t.Parallel()
	doc := readDocument(t, contractPath)
	goModels := map[string]reflect.Type{}
	var names, want []string
	for method := range operations() {
		names = append(names, method.Name)
		for i := 2; i < method.Type.NumIn(); i++ {
			collect(goModels, method.Type.In(i))
		}
		collect(goModels, method.Type.Out(0))
	}
	for name := range documented(doc) {
		want = append(want, name)
	}
	require.ElementsMatch(t, want, names, "operations")
	for _, name := range models(doc) {
		model := goModels[name]
		if assert.NotNil(t, model, "no operation takes or returns the model %s", name) {
			schema := doc.Components.Schemas[name].Value
			assert.ElementsMatch(t, withoutRequired(properties(schema)), members(model), name)
		}
		delete(goModels, name)
	}
	assert.Empty(t, goModels, "models that the document does not have")
	for method := range operations() {
		t.Run(method.Name, func(t *testing.T) {
			t.Parallel()
			op := documented(doc)[method.Name]
			assert.ElementsMatch(t, documentedSignature(op), signature(method.Type))
			sendsItsParameters(t, doc, op, method)
			refusesWhatIsMissing(t, doc, op, method)
			tellsStatusesApart(t, doc, op, method)
		})
	}
}

type service = xmsclient.AccessTokensApiService

// operations yields the methods of the service that end in an error: all but the iterator.
func operations() func(yield func(reflect.Method) bool) {
	return func(yield func(reflect.Method) bool) {
		of := reflect.TypeFor[*service]()
		for i := range of.NumMethod() {
			out := of.Method(i).Type
			if out.Out(out.NumOut()-1) == reflect.TypeFor[error]() && !yield(of.Method(i)) {
				return
			}
		}
	}
}

// collect adds the structs that a type is made of, by name.
func collect(into map[string]reflect.Type, t reflect.Type) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[xmsclient.Response]() ||
		strings.HasSuffix(t.Name(), "Opts") || into[t.Name()] != nil {
		return
	}
	into[t.Name()] = t
	for _, field := range reflect.VisibleFields(t) {
		collect(into, field.Type)
	}
}

// members returns a line for each member of a model's JSON: its name and its type.
func members(model reflect.Type) []string {
	var lines []string
	for _, field := range reflect.VisibleFields(model) {
		if !field.Anonymous {
			lines = append(lines, jsonName(field)+" "+typeName(field.Type))
		}
	}
	return lines
}

func jsonName(field reflect.StructField) string {
	name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
	return name
}

func typeName(t reflect.Type) string { return strings.ReplaceAll(t.String(), "xmsclient.", "") }

func withoutRequired(lines []string) []string {
	for i := range lines {
		lines[i] = strings.TrimSuffix(lines[i], " required")
	}
	return lines
}

// documentedSignature and signature return a line for each thing that an operation takes or
// returns. A required query parameter is an argument, whose name reflection does not show.
func documentedSignature(op operation) []string {
	lines := []string{"answer " + op.answer()}
	if op.RequestBody != nil {
		lines = append(lines, "body "+modelOf(op.RequestBody.Value.Content))
	}
	for _, p := range op.parameters {
		switch {
		case p.Required:
			lines = append(lines, "argument "+goType(p.Schema))
		default:
			lines = append(lines, "option "+strings.ReplaceAll(p.Name, "_", "")+" "+goType(p.Schema))
		}
	}
	return lines
}

func signature(method reflect.Type) []string {
	answer := ""
	if method.NumOut() == 3 {
		answer = method.Out(0).Elem().Name()
	}
	lines := []string{"answer " + answer}
	for i := 2; i < method.NumIn(); i++ {
		switch in := method.In(i); in.Kind() {
		case reflect.Pointer:
			for _, field := range reflect.VisibleFields(in.Elem()) {
				lines = append(lines, "option "+strings.ToLower(field.Name)+" "+typeName(field.Type.Elem()))
			}
		case reflect.Struct:
			lines = append(lines, "body "+in.Name())
		default:
			lines = append(lines, "argument "+typeName(in))
		}
	}
	return lines
}

// sendsItsParameters calls with every argument and option set.
func sendsItsParameters(t *testing.T, doc *openapi3.T, op operation, method reflect.Method) {
	t.Helper()
	j := newJudge(t, doc)
	_, api := judged(t, j, nil)
	_ = invoke(t.Context(), api, method, arguments(method)) // the answer does not matter here
	var want []string
	for _, p := range op.parameters {
		if p.In == "query" {
			want = append(want, p.Name)
		}
	}
	require.Len(t, j.requests, 1)
	assert.Equal(t, op.OperationID, j.requests[0].operation, "the document has another operation at that path")
	assert.ElementsMatch(t, want, j.requests[0].query, "query parameters that were sent")
}

// refusesWhatIsMissing leaves out each member of a request, and all that is required of an answer.
func refusesWhatIsMissing(t *testing.T, doc *openapi3.T, op operation, method reflect.Method) {
	t.Helper()
	server, api := judged(t, nil, nil)
	var refused *xmsclient.ArgumentError
	if op.RequestBody != nil {
		envelope := func(in []reflect.Value) reflect.Value { return in[len(in)-1].Field(0) }
		in := arguments(method)
		envelope(in).SetZero()
		require.ErrorAs(t, invoke(t.Context(), api, method, in), &refused, "without a body")
		model := envelope(arguments(method)).Type().Elem()
		for i := range model.NumField() {
			in := arguments(method)
			envelope(in).Elem().Field(i).SetZero()
			name := jsonName(model.Field(i))
			required := slices.Contains(doc.Components.Schemas[model.Name()].Value.Required, name)
			err := invoke(t.Context(), api, method, in)
			assert.Equal(t, required, errors.As(err, &refused), "without %s: %v", name, err)
		}
	}
	if answer := doc.Components.Schemas[op.answer()]; answer != nil && len(answer.Value.Required) > 0 {
		server.Inject(xmstest.Fault{StatusCode: http.StatusOK, Body: "{}"})
		var unusable *xmsclient.DecodeError
		require.ErrorAs(t, invoke(t.Context(), api, method, arguments(method)), &unusable, "an answer without its members")
	}
}

// tellsStatusesApart answers with every status of failure that the document has, with JSON and
// without.
func tellsStatusesApart(t *testing.T, doc *openapi3.T, op operation, method reflect.Method) {
	t.Helper()
	anywhere := []string{"401", "429", "500", "502", "503", "504"} // from XMS or a gateway before it
	assert.Subset(t, op.Responses.Keys(), anywhere)
	server, api := judged(t, newJudge(t, doc), nil)
	for key, response := range op.Responses.Map() {
		status, err := strconv.Atoi(key)
		require.NoError(t, err)
		if status < http.StatusMultipleChoices {
			continue
		}
		bodies := []string{`{"message":"no"}`, `{"error":{"code":17,"message":"no"}}`}
		if len(response.Value.Content) == 0 {
			bodies = append(bodies, "", "no")
		}
		for _, body := range bodies {
			server.Inject(xmstest.Fault{StatusCode: status, Body: body})
			err := invoke(t.Context(), api, method, arguments(method))
			var failure *xmsclient.ApiError
			require.ErrorAs(t, err, &failure, "%d %s", status, body)
			assert.Equal(t, status, failure.StatusCode)
			require.ErrorIs(t, err, sentinel(status))
		}
	}
}

func sentinel(status int) error {
	if status >= http.StatusInternalServerError {
		return xmsclient.ErrServer
	}
	return map[int]error{
		http.StatusBadRequest: xmsclient.ErrBadRequest, http.StatusUnauthorized: xmsclient.ErrUnauthorized,
		http.StatusForbidden: xmsclient.ErrForbidden, http.StatusNotFound: xmsclient.ErrNotFound,
		http.StatusConflict: xmsclient.ErrConflict, http.StatusTooManyRequests: xmsclient.ErrTooManyRequests,
	}[status]
}

// arguments returns arguments for a method, its context left out, with every field set.
func arguments(method reflect.Method) []reflect.Value {
	var in []reflect.Value
	for i := 2; i < method.Type.NumIn(); i++ {
		v := reflect.New(method.Type.In(i)).Elem()
		fill(v)
		in = append(in, v)
	}
	return in
}

const someText = "sometext" // the same in a URL

func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		v.SetString(someText)
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(1)
	}
}

func invoke(ctx context.Context, api *service, method reflect.Method, in []reflect.Value) error {
	in = slices.Concat([]reflect.Value{reflect.ValueOf(api), reflect.ValueOf(ctx)}, in)
	out := method.Func.Call(in)
	err, _ := reflect.TypeAssert[error](out[len(out)-1])
	return err
}
