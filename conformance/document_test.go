package conformance

import (
	"cmp"
	"path"
	"slices"
	"strconv"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

const documentName = "docs/openapi.yaml"

type document struct{ *openapi3.T }

func readDocument(t *testing.T) document {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile("../" + documentName)
	require.NoError(t, err, documentName)
	require.NoError(t, doc.Validate(t.Context(), openapi3.EnableExamplesValidation()), documentName)
	return document{doc}
}

// operation is an operation of the document.
type operation struct {
	*openapi3.Operation
	method, path string
	inherited    openapi3.Parameters // those of the path
}

// operations returns all operations of the document, by their id.
func (d document) operations() []operation {
	var all []operation
	for path, item := range d.Paths.Map() {
		for method, op := range item.Operations() {
			all = append(all, operation{Operation: op, method: method, path: path, inherited: item.Parameters})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return cmp.Compare(a.OperationID, b.OperationID) })
	return all
}

// parameters returns those of a place, "path" or "query".
func (op operation) parameters(in string) []*openapi3.Parameter {
	var found []*openapi3.Parameter
	for _, ref := range slices.Concat(op.inherited, op.Parameters) {
		if ref.Value.In == in {
			found = append(found, ref.Value)
		}
	}
	return found
}

// body returns the name of the model that the operation takes, or "".
func (op operation) body() string {
	if op.RequestBody == nil {
		return ""
	}
	return model(op.RequestBody.Value.Content)
}

// success returns the status of success, and the name of the model that is answered with it, or "".
func (op operation) success() (status int, answer string) {
	for _, status := range op.statuses() {
		if status/100 == 2 {
			return status, model(op.Responses.Status(status).Value.Content)
		}
	}
	return 0, ""
}

// failures returns the documented statuses other than that of success, in order.
func (op operation) failures() []int {
	return slices.DeleteFunc(op.statuses(), func(status int) bool { return status/100 == 2 })
}

func (op operation) statuses() []int {
	var statuses []int
	for _, key := range op.Responses.Keys() {
		if status, err := strconv.Atoi(key); err == nil {
			statuses = append(statuses, status)
		}
	}
	slices.Sort(statuses)
	return statuses
}

// model returns the name of the schema of JSON content, or "" if there is none.
func model(content openapi3.Content) string {
	if media := content.Get("application/json"); media != nil && media.Schema != nil {
		return schemaName(media.Schema)
	}
	return ""
}

// schemaName returns the name under which a schema stands in the components.
func schemaName(ref *openapi3.SchemaRef) string {
	if ref.Ref == "" {
		return ""
	}
	return path.Base(ref.Ref)
}

// goType returns the Go type that the values of a schema should have. Members that are objects are pointers.
func goType(ref *openapi3.SchemaRef) string {
	if name := schemaName(ref); name != "" {
		return "*" + name
	}
	schema := ref.Value
	switch kind := schema.Type.Slice(); {
	case len(kind) != 1:
		return "(several types)"
	case kind[0] == "array":
		element := goType(schema.Items)
		if schemaName(schema.Items) != "" {
			element = element[1:]
		}
		return "[]" + element
	case kind[0] == "integer" && schema.Format == "int64":
		return "int64"
	case kind[0] == "boolean":
		return "bool"
	case kind[0] == "string" && schema.Format == "date-time":
		return "time.Time"
	case kind[0] == "string":
		return "string"
	default:
		return "(" + kind[0] + " " + schema.Format + ")"
	}
}

func requiredness(required bool) string {
	if required {
		return "required"
	}
	return "optional"
}
