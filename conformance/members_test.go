package conformance

import (
	"github.com/getkin/kin-openapi/openapi3"
)

// membersOfAnswers returns the members of the models that answers are made of, but for the one that only some versions of XMS
// send and xmstest does not.
func membersOfAnswers(doc document) claims {
	models := claims{}
	for _, op := range doc.operations() {
		_, answer := op.success()
		addSchema(models, doc, answer)
	}
	c := claims{}
	for model, members := range allMembers(models) {
		for member := range members {
			if model != "model UserNestview" || member != "skip_guide" {
				c.add(model, member, "sent")
			}
		}
	}
	return c
}

// addMembers adds the members of a JSON value to those of the model that it is an instance of, known to the document or not.
func addMembers(c claims, schema *openapi3.SchemaRef, value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			if schema.Value.Items != nil {
				addMembers(c, schema.Value.Items, element)
			}
		}
	case map[string]any:
		for name, member := range value {
			c.add("model "+schemaName(schema), name, "sent")
			if known := property(schema, name); known != nil {
				addMembers(c, known, member)
			}
		}
	}
}

// property returns the schema of a member, or nil.
func property(schema *openapi3.SchemaRef, name string) *openapi3.SchemaRef {
	if found := schema.Value.Properties[name]; found != nil {
		return found
	}
	for _, part := range schema.Value.AllOf {
		if found := property(part, name); found != nil {
			return found
		}
	}
	return nil
}
