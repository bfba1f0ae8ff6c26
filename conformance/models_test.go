package conformance

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

// modelsAgree compares the schemas of the document with the structs of the SDK.
func modelsAgree(t *testing.T) {
	doc := readDocument(t)
	documented := documentedModels(doc)
	agree(t, side{documentName, documented}, side{"the SDK's structs", structs()})
	everySchemaIsUsed(t, doc, documented)
	requiredAnswersAreRequired(t, doc)
	refusedWhenNilIsRefused(t)
}

// embedded stands in for the name of a member that consists of all members of another model.
const embedded = "(all of)"

// documentedModels returns the schemas that bodies and answers of success are made of.
func documentedModels(doc document) claims {
	c := claims{}
	for _, op := range doc.operations() {
		_, answer := op.success()
		for _, name := range []string{op.body(), answer} {
			addSchema(c, doc, name)
		}
	}
	return c
}

func addSchema(c claims, doc document, name string) {
	if name == "" || c["model "+name] != nil {
		return
	}
	c["model "+name] = map[string]string{}
	ref := doc.Components.Schemas[name]
	for _, part := range append(ref.Value.AllOf, ref) {
		if base := schemaName(part); base != "" {
			c.add("model "+name, embedded, base)
			addSchema(c, doc, base)
			continue
		}
		for member, schema := range part.Value.Properties {
			required := slices.Contains(part.Value.Required, member)
			c.add("model "+name, member, requiredness(required)+" "+goType(schema))
			addSchema(c, doc, schemaName(schema))
			if schema.Value.Items != nil {
				addSchema(c, doc, schemaName(schema.Value.Items))
			}
		}
	}
}

// everySchemaIsUsed fails for schemas of the document that neither a model nor a failure is made of.
func everySchemaIsUsed(t *testing.T, doc document, models claims) {
	t.Helper()
	used := map[string]bool{}
	for _, op := range doc.operations() {
		for _, status := range op.failures() {
			used[model(op.Responses.Status(status).Value.Content)] = true
		}
	}
	for name := range doc.Components.Schemas {
		assert.True(t, used[name] || models["model "+name] != nil, "schema %s: nothing in %s uses it", name, documentName)
	}
}
