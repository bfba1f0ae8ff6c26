package main

import (
	"cmp"
	"errors"
	"fmt"
	"go/types"
	"slices"
	"strings"

	"golang.org/x/tools/go/packages"
)

// exportedSurface lists, sorted, what the importable packages of the module in root export.
func exportedSurface(root string) ([]string, error) {
	pkgs, err := packages.Load(&packages.Config{Dir: root, Mode: packages.NeedName | packages.LoadTypes}, "./...")
	if err != nil {
		return nil, err
	}
	var lines []string
	for _, pkg := range pkgs {
		if err := loadErrors(pkg); err != nil {
			return nil, err
		}
		if !importable(pkg.Name, pkg.PkgPath) {
			continue
		}
		lines = append(lines, describe(pkg.Types)...)
	}
	slices.Sort(lines)
	return lines, nil
}

func loadErrors(pkg *packages.Package) error {
	errs := make([]error, 0, len(pkg.Errors))
	for _, err := range pkg.Errors {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func importable(name, path string) bool {
	return name != "main" && !slices.Contains(strings.Split(path, "/"), "internal")
}

// describe lists the exported declarations of pkg in the order of its scope.
func describe(pkg *types.Package) []string {
	d := describer{pkg: pkg}
	for _, name := range pkg.Scope().Names() {
		if obj := pkg.Scope().Lookup(name); obj.Exported() {
			d.object(obj)
		}
	}
	return d.lines
}

type describer struct {
	pkg   *types.Package
	lines []string
}

func (d *describer) addf(format string, args ...any) {
	d.lines = append(d.lines, "pkg "+d.pkg.Name()+", "+fmt.Sprintf(format, args...))
}

// object leaves out the values of constants and variables: a version that is raised is no change of the surface.
func (d *describer) object(obj types.Object) {
	switch obj := obj.(type) {
	case *types.Const:
		d.addf("const %s %s", obj.Name(), d.typeName(obj.Type()))
	case *types.Var:
		d.addf("var %s %s", obj.Name(), d.typeName(obj.Type()))
	case *types.Func:
		d.addf("func %s%s", obj.Name(), d.signature(obj.Signature()))
	case *types.TypeName:
		d.typeDecl(obj)
	}
}

func (d *describer) typeDecl(obj *types.TypeName) {
	if obj.IsAlias() {
		d.addf("type %s = %s", obj.Name(), d.typeName(types.Unalias(obj.Type())))
		return
	}
	named := obj.Type().(*types.Named) //nolint:forcetypeassert // a TypeName that is no alias declares a Named
	name := obj.Name() + d.typeParams(named.TypeParams())
	switch underlying := named.Underlying().(type) {
	case *types.Struct:
		d.addf("type %s struct", name)
		d.fields(name, underlying)
	case *types.Interface:
		d.addf("type %s interface", name)
		d.interfaceMethods(name, underlying)
	case *types.Signature:
		d.addf("type %s func%s", name, d.signature(underlying))
	default:
		d.addf("type %s %s", name, d.typeName(underlying))
	}
	d.methods(named)
}

func (d *describer) fields(name string, st *types.Struct) {
	for field := range st.Fields() {
		switch {
		case !field.Exported():
		case field.Embedded():
			d.addf("type %s struct, embedded %s", name, d.typeName(field.Type()))
		default:
			d.addf("type %s struct, %s %s", name, field.Name(), d.typeName(field.Type()))
		}
	}
}

// interfaceMethods names unexported methods too: the first one makes the interface impossible to implement elsewhere.
func (d *describer) interfaceMethods(name string, it *types.Interface) {
	for method := range it.Methods() {
		if method.Exported() {
			d.addf("type %s interface, %s%s", name, method.Name(), d.signature(method.Signature()))
		} else {
			d.addf("type %s interface, unexported methods", name)
		}
	}
}

// methods lists promoted methods too: embedding a type changes what its holder can be used as.
func (d *describer) methods(named *types.Named) {
	if types.IsInterface(named) {
		return
	}
	byValue := types.NewMethodSet(named)
	for selection := range types.NewMethodSet(types.NewPointer(named)).Methods() {
		method := selection.Obj().(*types.Func) //nolint:forcetypeassert // a method set holds methods only
		if !method.Exported() {
			continue
		}
		receiver := "*" + named.Obj().Name()
		if byValue.Lookup(d.pkg, method.Name()) != nil {
			receiver = named.Obj().Name()
		}
		d.addf("method (%s) %s%s", receiver, method.Name(), d.signature(method.Signature()))
	}
}

// signature leaves out the names of parameters and results: callers cannot depend on them.
func (d *describer) signature(sig *types.Signature) string {
	text := d.typeParams(sig.TypeParams()) + "(" + strings.Join(d.parameters(sig), ", ") + ")"
	results := d.tuple(sig.Results())
	switch len(results) {
	case 0:
		return text
	case 1:
		return text + " " + results[0]
	default:
		return text + " (" + strings.Join(results, ", ") + ")"
	}
}

func (d *describer) parameters(sig *types.Signature) []string {
	params := d.tuple(sig.Params())
	if last := len(params) - 1; sig.Variadic() {
		params[last] = "..." + strings.TrimPrefix(params[last], "[]")
	}
	return params
}

func (d *describer) tuple(tuple *types.Tuple) []string {
	var names []string
	for v := range tuple.Variables() {
		names = append(names, d.typeName(v.Type()))
	}
	return names
}

func (d *describer) typeParams(list *types.TypeParamList) string {
	if list.Len() == 0 {
		return ""
	}
	var params []string
	for param := range list.TypeParams() {
		params = append(params, param.Obj().Name()+" "+d.typeName(param.Constraint()))
	}
	return "[" + strings.Join(params, ", ") + "]"
}

func (d *describer) typeName(t types.Type) string {
	return types.TypeString(t, func(other *types.Package) string {
		if other == d.pkg {
			return ""
		}
		return other.Name()
	})
}

// difference lists, in the order of their text, the lines of one list alone, behind the sign a patch would give them.
func difference(recorded, found []string) []string {
	var diff []string
	for _, line := range recorded {
		if !slices.Contains(found, line) {
			diff = append(diff, "- "+line)
		}
	}
	for _, line := range found {
		if !slices.Contains(recorded, line) {
			diff = append(diff, "+ "+line)
		}
	}
	slices.SortStableFunc(diff, func(a, b string) int { return cmp.Compare(a[2:], b[2:]) })
	return diff
}
