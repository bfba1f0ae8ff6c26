package conformance

import (
	"reflect"
	"strings"
)

// modelTypes returns the structs that the SDK's methods take and return as JSON, by their names.
func modelTypes() map[string]reflect.Type {
	models := map[string]reflect.Type{}
	for i := range service().NumMethod() {
		method := service().Method(i)
		if method.Name == iterator {
			continue
		}
		if answerOf(method.Type) != "" {
			addModel(models, method.Type.Out(0))
		}
		if last := method.Type.In(method.Type.NumIn() - 1); last.Kind() == reflect.Struct {
			addModel(models, last)
		}
	}
	return models
}

// addModel adds the struct of the SDK that a type is, points to or is a list of, and those in its fields.
func addModel(models map[string]reflect.Type, of reflect.Type) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.PkgPath() != service().Elem().PkgPath() || models[of.Name()] != nil {
		return
	}
	models[of.Name()] = of
	for i := range of.NumField() {
		addModel(models, of.Field(i).Type)
	}
}

// structs returns what the SDK's models say of their members.
func structs() claims {
	c := claims{}
	for name, of := range modelTypes() {
		c["model "+name] = map[string]string{}
		for i := range of.NumField() {
			field := of.Field(i)
			if field.Anonymous {
				c.add("model "+name, embedded, field.Type.Name())
			} else if wire, required := jsonTag(of, field); wire != "-" {
				c.add("model "+name, wire, requiredness(required)+" "+sdkType(field.Type))
			}
		}
	}
	return c
}

// jsonTag returns a field's name in JSON and whether it must be there. What is left out when empty is optional.
func jsonTag(of reflect.Type, field reflect.StructField) (name string, required bool) {
	name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
	if name == "" {
		name = field.Name
	}
	leftOut := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
	_, refused := refusedWhenNil()[of.Name()+"."+name]
	return name, !leftOut && !refused
}
