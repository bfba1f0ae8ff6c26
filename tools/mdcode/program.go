package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// wellKnown returns the import path of a package that a block without a package clause may use without importing it.
func wellKnown(name string) (path string, known bool) {
	switch name {
	case "context", "errors", "fmt", "io", "log", "os", "strings", "sync", "testing", "time":
		return name, true
	case "fs":
		return "io/fs", true
	case "http":
		return "net/http", true
	case "slog":
		return "log/slog", true
	case "tls", "x509":
		return "crypto/" + name, true
	case "assert", "require":
		return "github.com/stretchr/testify/" + name, true
	case "httpmock":
		return "github.com/jarcoal/httpmock", true
	case "otelhttp":
		return "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", true
	case "xmsclient":
		return sdk, true
	case "xmstest":
		return sdk + "/xmstest", true
	}
	return "", false
}

// program is a block as a file that the compiler takes.
type program struct {
	source  string
	imports []string
	isTest  bool // holds tests, which are to be run
}

// newProgram makes a file of a block. It refuses one that is not formatted as gofmt would.
func newProgram(b block) (program, error) {
	if formatted, err := format.Source(b.code); err == nil && !bytes.Equal(bytes.TrimSpace(formatted), bytes.TrimSpace(b.code)) {
		return program{}, fmt.Errorf("/%s:%d: gofmt would change this block", b.file, b.line)
	}
	source := complete(b)
	file, err := parse(source)
	if err != nil {
		return program{}, err
	}
	p := program{source: source, imports: imports(file)}
	p.isTest = strings.HasSuffix(file.Name.Name, "_test") || slices.Contains(p.imports, "testing")
	return p, nil
}

// A snippet is a block without a package clause.
const (
	snippetHeader   = "package snippet\n"
	snippetFunction = "func _(ctx context.Context, client *xmsclient.APIClient, cfg *xmsclient.Configuration) error {\n{\n%s\n}\nreturn nil\n}\n"
)

// complete returns the code of a block with what it lacks to be a file.
func complete(b block) string {
	code := fmt.Sprintf("//line /%s:%d:1\n%s", b.file, b.line, b.code)
	if hasPackageClause(code) {
		return code
	}
	if _, err := parse(snippetHeader + code); err != nil {
		code = fmt.Sprintf(snippetFunction, code)
	}
	return snippetHeader + missingImports(snippetHeader+code) + code
}

func parse(source string) (*ast.File, error) {
	return parser.ParseFile(token.NewFileSet(), "", source, parser.SkipObjectResolution)
}

func hasPackageClause(source string) bool {
	_, err := parser.ParseFile(token.NewFileSet(), "", source, parser.PackageClauseOnly)
	return err == nil
}

// missingImports returns import declarations for the well-known packages that source uses, unless it has some of its own.
func missingImports(source string) string {
	file, err := parse(source)
	if err != nil || len(file.Imports) > 0 {
		return ""
	}
	var declarations []string
	ast.Inspect(file, func(node ast.Node) bool {
		selector, isSelector := node.(*ast.SelectorExpr)
		if !isSelector {
			return true
		}
		if name, isName := selector.X.(*ast.Ident); isName {
			if path, known := wellKnown(name.Name); known {
				declarations = append(declarations, fmt.Sprintf("import %s %q\n", name.Name, path))
			}
		}
		return true
	})
	slices.Sort(declarations)
	return strings.Join(slices.Compact(declarations), "")
}

func imports(file *ast.File) []string {
	var paths []string
	for _, spec := range file.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}
