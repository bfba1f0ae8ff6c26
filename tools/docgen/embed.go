package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A marker, and the block of Go or shell below it if there is one.
var marker = regexp.MustCompile("<!-- code: (\\S+) -->\n(?:\n*```(?:go|sh)\n(?s:.*?)\n```\n)?")

// embedCode renews the code below each marker of README.md and docs/.
func embedCode(root string) {
	pages := must(filepath.Glob(filepath.Join(root, "docs", "*.md")))
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		renewed := marker.ReplaceAllFunc(must(os.ReadFile(page)), func(found []byte) []byte {
			place := string(marker.FindSubmatch(found)[1])
			name, _, _ := strings.Cut(place, "#")
			language := filepath.Ext(name)[1:]
			return fmt.Appendf(nil, "<!-- code: %s -->\n\n```%s\n%s\n```\n", place, language, snippet(root, place))
		})
		must(0, os.WriteFile(page, renewed, 0o644))
	}
}

// snippet returns the source of the declarations that a marker names.
func snippet(root, place string) string {
	name, declarations, chosen := strings.Cut(place, "#")
	text := must(os.ReadFile(filepath.Join(root, name)))
	if !chosen {
		return strings.TrimSpace(string(text))
	}
	files := token.NewFileSet()
	file := must(parser.ParseFile(files, name, text, parser.ParseComments))
	var parts []string
	for wanted := range strings.SplitSeq(declarations, ",") {
		i := slices.IndexFunc(file.Decls, func(d ast.Decl) bool { return declared(d) == wanted })
		if i < 0 {
			log.Fatalf("docgen: %s does not declare %s", name, wanted)
		}
		begin, end := file.Decls[i].Pos(), file.Decls[i].End()
		parts = append(parts, string(text[files.Position(begin).Offset:files.Position(end).Offset]))
	}
	return strings.Join(parts, "\n\n")
}

// declared returns the name of a function, a method with its receiver's type, or the first type of
// a group.
func declared(d ast.Decl) string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil {
			return d.Name.Name
		}
		return strings.TrimPrefix(types.ExprString(d.Recv.List[0].Type), "*") + "." + d.Name.Name
	case *ast.GenDecl:
		if spec, ok := d.Specs[0].(*ast.TypeSpec); ok {
			return spec.Name.Name
		}
	}
	return ""
}
