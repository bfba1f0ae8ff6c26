package conformance

import (
	"go/types"
	"testing"

	"github.com/stretchr/testify/require"
)

const consumer = "internal/testdata/consumer"

// consumerAgrees finds the public names that the consumer, whose build holds their types, does not use.
func consumerAgrees(t *testing.T) {
	program := load(t, "../"+consumer)
	used := map[types.Object]bool{}
	for _, object := range program.TypesInfo.Uses {
		used[origin(object)] = true
	}
	for _, path := range []string{"github.com/xsky-storage/xms-client-go", "github.com/xsky-storage/xms-client-go/xmstest"} {
		imported := program.Imports[path]
		require.NotNil(t, imported, "%s does not import %s", consumer, path)
		for name, object := range publicNames(imported.Types) {
			if !used[object] {
				t.Errorf("%s is public, but %s does not use it", name, consumer)
			}
		}
	}
}

// origin returns the generic function that an instance is of, and any other object itself.
func origin(object types.Object) types.Object {
	if function, ok := object.(*types.Func); ok {
		return function.Origin()
	}
	return object
}

// publicNames returns what a package exports, with the fields and methods of its types, by names such as "xmstest.Fault.Times".
func publicNames(of *types.Package) map[string]types.Object {
	public := map[string]types.Object{}
	for _, name := range of.Scope().Names() {
		object := of.Scope().Lookup(name)
		if !object.Exported() {
			continue
		}
		name = of.Name() + "." + name
		public[name] = object
		if typeName, ok := object.(*types.TypeName); ok {
			for _, member := range membersOf(typeName.Type()) {
				if member.Exported() {
					public[name+"."+member.Name()] = member
				}
			}
		}
	}
	return public
}

// membersOf returns the methods that a type declares, and its fields if it is a struct.
func membersOf(of types.Type) []types.Object {
	var members []types.Object
	if named, ok := of.(*types.Named); ok {
		for method := range named.Methods() {
			members = append(members, method)
		}
	}
	switch underlying := of.Underlying().(type) {
	case *types.Struct:
		for field := range underlying.Fields() {
			members = append(members, field)
		}
	case *types.Interface:
		for method := range underlying.ExplicitMethods() {
			members = append(members, method)
		}
	}
	return members
}
