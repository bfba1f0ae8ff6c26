package main

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func describeSource(t *testing.T, source string) []string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", source, 0)
	require.NoError(t, err)
	config := types.Config{Importer: importer.ForCompiler(fset, "source", nil)}
	pkg, err := config.Check("example.org/p", fset, []*ast.File{file}, nil)
	require.NoError(t, err)
	return describe(pkg)
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		source string
		want   []string
	}{
		"constant without its value":   {`const Version = "1.2.3"`, []string{`pkg p, const Version untyped string`}},
		"typed constant":               {`const Limit int64 = 3`, []string{`pkg p, const Limit int64`}},
		"variable":                     {`var ErrGone error`, []string{`pkg p, var ErrGone error`}},
		"unexported names stay out":    {`const a = 1; var b int; func c() {}; type d struct{ E int }`, nil},
		"function without param names": {`func F(a, b int, c ...string) (n int, err error) { return }`, []string{`pkg p, func F(int, int, ...string) (int, error)`}},
		"function of one result":       {`func F() error { return nil }`, []string{`pkg p, func F() error`}},
		"generic function":             {`func Ptr[T any](v T) *T { return &v }`, []string{`pkg p, func Ptr[T any](T) *T`}},
		"imported type":                {`import "io"; func F(r io.Reader) {}`, []string{`pkg p, func F(io.Reader)`}},
		"alias":                        {`type A = []int`, []string{`pkg p, type A = []int`}},
		"function type":                {`type F func(n int) error`, []string{`pkg p, type F func(int) error`}},
		"struct": {`type S struct { Base; Name string; secret int }; type Base struct{}; func (Base) M() {}; func (*S) N(id int) {}; func (*S) hidden() {}`, []string{
			`pkg p, type Base struct`,
			`pkg p, method (Base) M()`,
			`pkg p, type S struct`,
			`pkg p, type S struct, embedded Base`,
			`pkg p, type S struct, Name string`,
			`pkg p, method (S) M()`,
			`pkg p, method (*S) N(int)`,
		}},
		"interface": {`type I interface { M(n int) error; sealed() }`, []string{
			`pkg p, type I interface`,
			`pkg p, type I interface, M(int) error`,
			`pkg p, type I interface, unexported methods`,
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, describeSource(t, "package p\n"+test.source))
		})
	}
}

func TestImportable(t *testing.T) {
	t.Parallel()
	assert.True(t, importable("p", "example.org/p"))
	assert.False(t, importable("main", "example.org/p/cmd/x"))
	assert.False(t, importable("x", "example.org/p/internal/x"))
	assert.True(t, importable("x", "example.org/internals/x"))
}

func TestDifference(t *testing.T) {
	t.Parallel()
	assert.Empty(t, difference([]string{"a", "b"}, []string{"a", "b"}))
	assert.Equal(t,
		[]string{"- func F()", "+ func F(int)", "- var X int"},
		difference([]string{"func F()", "type T", "var X int"}, []string{"func F(int)", "type T"}))
}
