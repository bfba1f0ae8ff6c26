package conformance

import (
	"go/ast"
	"go/constant"
	"go/types"
	"testing"

	"github.com/stretchr/testify/require"
)

const tableName = "the SDK's operation table"

// row is a row of the SDK's operation table, as its source has it.
type row struct {
	name, method, path string
	query              map[string]string // requiredness by name
	body               bool
	success            int64
}

// readTable returns every row of the SDK's operation table.
func readTable(t *testing.T) []row {
	t.Helper()
	sdk := load(t, "..")
	var rows []row
	for _, file := range sdk.Syntax {
		ast.Inspect(file, func(node ast.Node) bool {
			literal, ok := node.(*ast.CompositeLit)
			if ok && isOperationRow(sdk.TypesInfo.TypeOf(literal)) {
				rows = append(rows, rowReader{t, sdk.TypesInfo}.row(literal))
			}
			return true
		})
	}
	return rows
}

func isOperationRow(of types.Type) bool {
	if pointer, ok := of.(*types.Pointer); ok {
		of = pointer.Elem()
	}
	named, ok := of.(*types.Named)
	return ok && named.Obj().Name() == "operationRow"
}

// rowReader reads constants out of the source of a row.
type rowReader struct {
	t    *testing.T
	info *types.Info
}

func (r rowReader) row(literal *ast.CompositeLit) row {
	members := r.members(literal)
	read := row{name: r.text(members["name"]), method: r.text(members["method"]), path: r.text(members["path"]), query: map[string]string{}}
	if list, ok := members["query"].(*ast.CompositeLit); ok {
		for _, element := range list.Elts {
			parameter := r.members(element)
			read.query[r.text(parameter["name"])] = requiredness(r.text(parameter["required"]) != "")
		}
	}
	if value := r.constant(members["body"]); value != nil {
		read.body = constant.BoolVal(value)
	}
	if value := r.constant(members["success"]); value != nil {
		read.success, _ = constant.Int64Val(value)
	}
	return read
}

// members returns the members of a composite literal by their names.
func (r rowReader) members(node ast.Expr) map[string]ast.Expr {
	literal, ok := node.(*ast.CompositeLit)
	require.True(r.t, ok, "%s has something else than a literal in it", tableName)
	members := map[string]ast.Expr{}
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		require.True(r.t, ok, "%s has a member without a name", tableName)
		key, ok := pair.Key.(*ast.Ident)
		require.True(r.t, ok, "%s has a member without a name", tableName)
		members[key.Name] = pair.Value
	}
	return members
}

// text returns the value of a string, "" if it is left out.
func (r rowReader) text(node ast.Expr) string {
	if value := r.constant(node); value != nil {
		return constant.StringVal(value)
	}
	return ""
}

func (r rowReader) constant(node ast.Expr) constant.Value {
	if node == nil {
		return nil
	}
	value := r.info.Types[node].Value
	require.NotNil(r.t, value, "%s has something else than a constant in it", tableName)
	return value
}
