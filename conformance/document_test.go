package conformance

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/require"
)

const (
	contractPath = "../docs/openapi.yaml"
	vendorPath   = "testdata/eos-6.4.yaml"
)

// readDocument returns a valid document whose only server is that of xmstest.
func readDocument(t *testing.T, file string) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromFile(file)
	require.NoError(t, err)
	require.NoError(t, doc.Validate(t.Context()))
	doc.Servers = openapi3.Servers{{URL: "/v1"}}
	return doc
}

// operation is an operation of a document with what stands around it there.
type operation struct {
	*openapi3.Operation
	method, path string
	parameters   []*openapi3.Parameter
}

// documented returns the operations of a document by their names.
func documented(doc *openapi3.T) map[string]operation {
	found := map[string]operation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			o := operation{Operation: op, method: method, path: path}
			for _, p := range slices.Concat(item.Parameters, op.Parameters) {
				o.parameters = append(o.parameters, p.Value)
			}
			found[op.OperationID] = o
		}
	}
	return found
}

// answer returns the model of the answer of success, or "".
func (o operation) answer() string {
	for status, response := range o.Responses.Map() {
		if status[0] == '2' {
			return modelOf(response.Value.Content)
		}
	}
	return ""
}

func modelOf(content openapi3.Content) string {
	if media := content.Get("application/json"); media != nil {
		return path.Base(media.Schema.Ref)
	}
	return ""
}

// properties returns a line for each property of an object: its name, its type in Go, and whether
// it is required.
func properties(schema *openapi3.Schema) []string {
	var lines []string
	for name, property := range schema.Properties {
		line := name + " " + goType(property)
		if slices.Contains(schema.Required, name) {
			line += " required"
		}
		lines = append(lines, line)
	}
	for _, part := range schema.AllOf {
		lines = append(lines, properties(part.Value)...)
	}
	return slices.Sorted(slices.Values(lines))
}

// goType returns the type in Go of a schema's values. Members that are objects are pointers.
func goType(ref *openapi3.SchemaRef) string {
	if ref.Ref != "" {
		return "*" + path.Base(ref.Ref)
	}
	switch schema := ref.Value; {
	case schema.Type.Is("array"):
		return "[]" + strings.TrimPrefix(goType(schema.Items), "*")
	case schema.Format == "date-time":
		return "time.Time"
	case schema.Type.Is("integer"):
		return schema.Format
	case schema.Type.Is("boolean"):
		return "bool"
	default:
		return schema.Type.Slice()[0]
	}
}

// models returns the names of the schemas that have a type in Go: all but that of errors, which can
// be anything.
func models(doc *openapi3.T) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(doc.Components.Schemas)), func(name string) bool {
		return name == "Error"
	})
}
