package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A marker, and the block of Go below it if there is one.
var marker = regexp.MustCompile("<!-- code: (\\S+) -->\n(?:\n*```go\n(?s:.*?)\n```\n)?")

// embedCode renews the code below each marker of README.md and docs/.
func embedCode(root string) error {
	pages, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		return err
	}
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		renewed := marker.ReplaceAllFunc(text, func(found []byte) []byte {
			place := string(marker.FindSubmatch(found)[1])
			code, failure := snippet(root, place)
			if failure != nil {
				err = fmt.Errorf("%s: %w", page, failure)
			}
			return fmt.Appendf(nil, "<!-- code: %s -->\n\n```go\n%s\n```\n", place, code)
		})
		if err != nil {
			return err
		}
		if err := os.WriteFile(page, renewed, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// snippet returns the source of the declarations that a marker names.
func snippet(root, place string) (string, error) {
	name, declarations, chosen := strings.Cut(place, "#")
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil || !chosen {
		return strings.TrimSpace(string(text)), err
	}
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, text, parser.ParseComments)
	if err != nil {
		return "", err
	}
	var parts []string
	for wanted := range strings.SplitSeq(declarations, ",") {
		i := slices.IndexFunc(file.Decls, func(d ast.Decl) bool { return declared(d) == wanted })
		if i < 0 {
			return "", fmt.Errorf("%s does not declare %s", name, wanted)
		}
		begin, end := file.Decls[i].Pos(), file.Decls[i].End()
		parts = append(parts, string(text[files.Position(begin).Offset:files.Position(end).Offset]))
	}
	return strings.Join(parts, "\n\n"), nil
}

// declared returns the name of a declaration: of a function, a method with its receiver's type, or
// the first type, variable or constant of a group.
func declared(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return d.Name.Name
		}
		receiver := d.Recv.List[0].Type
		if pointer, ok := receiver.(*ast.StarExpr); ok {
			receiver = pointer.X
		}
		return fmt.Sprint(receiver, ".", d.Name)
	case *ast.GenDecl:
		switch spec := d.Specs[0].(type) {
		case *ast.TypeSpec:
			return spec.Name.Name
		case *ast.ValueSpec:
			return spec.Names[0].Name
		}
	}
	return ""
}
