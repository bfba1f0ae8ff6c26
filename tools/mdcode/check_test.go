package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writeTree makes a tree that stands in for the repository: an SDK, a module that only conformance/ requires, and README.md.
func writeTree(t *testing.T, readme string) (root string) {
	t.Helper()
	root = t.TempDir()
	for name, text := range map[string]string{
		"go.mod":             "module " + sdk + "\n\ngo 1.25\n",
		"go.sum":             "",
		"sdk.go":             "package xmsclient\n\ntype APIClient struct{}\n\ntype Configuration struct{ BaseURL string }\n",
		"conformance/go.mod": fmt.Sprintf("module c\n\ngo 1.25\n\nrequire other.example/x v0.0.0\n\nreplace other.example/x => %s/x\n", root),
		"conformance/go.sum": "",
		"x/go.mod":           "module other.example/x\n\ngo 1.25\n",
		"x/x.go":             "package x\n\nconst One = 1\n",
		"README.md":          readme,
		"node_modules/x.md":  fence("func"),
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	return root
}

// fence returns code as a Markdown block, whose first line of code is line 4.
func fence(code string) string { return "# Title\n\n```go\n" + strings.TrimSpace(code) + "\n```\n" }

const passingTest = `
package x_test

import "testing"

func TestX(t *testing.T) {}
`

func TestCheckTree(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		readme string
		want   string // part of the report or the error; "" for success
	}{
		"file":                  {fence("package main\n\nfunc main() {}"), ""},
		"file that imports":     {fence("package main\n\nimport _ \"" + sdk + "\"\n\nfunc main() {}"), ""},
		"declarations":          {fence("func base(cfg *xmsclient.Configuration) string { return cfg.BaseURL }"), ""},
		"declarations, imports": {fence("import \"os\"\n\nvar x = os.Args"), ""},
		"statements":            {fence("cfg.BaseURL = os.Args[1]\nif ctx.Err() != nil {\n\treturn ctx.Err()\n}"), ""},
		"statements, redeclare": {fence("ctx := 1\n_ = ctx"), ""},
		"statements, return":    {fence("return fmt.Errorf(\"%v\", client)"), ""},
		"other module":          {fence("import \"other.example/x\"\n\nvar y = x.One"), ""},
		"two blocks":            {fence("var x = 1") + fence("var x = 1"), ""},
		"in a list":             {"1. One\n\n   ```go\n   var x = 1\n   ```\n", ""},
		"passing test":          {fence(passingTest), ""},
		"other language":        {fence("var x = 1") + "```sh\ngo run\n```\n", ""},

		"no block":         {"# Title\n", "no Go code"},
		"syntax":           {fence("package main\n\nfunc main() {"), "/README.md:6:"},
		"snippet syntax":   {fence("_ = 1\n_ = )"), "/README.md:5:"},
		"type":             {fence("package main\n\nfunc main() { missing() }"), "/README.md:6:"},
		"snippet type":     {fence("_ = 1\nclient.Missing()"), "/README.md:5:"},
		"unused variable":  {fence("x := 1"), "declared and not used"},
		"vet":              {fence("fmt.Printf(\"%d\", \"x\")"), "/README.md:4:"},
		"unknown module":   {fence("import _ \"unknown.example/x\""), "unknown.example/x"},
		"format":           {fence("x:=1\n_ = x"), "/README.md:4: gofmt"},
		"failing test":     {fence(strings.Replace(passingTest, "{}", "{ t.Error() }", 1)), "FAIL"},
		"second of two":    {fence("var x = 1") + fence("var x = y"), "/README.md:9:"},
		"two that are bad": {fence("var x = )") + fence("var x = ]"), "/README.md:9:"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var report bytes.Buffer
			err := checkTree(t.Context(), writeTree(t, test.readme), &report)
			if test.want == "" {
				require.NoError(t, err, report.String())
				assert.Empty(t, report.String())
				return
			}
			require.Error(t, err)
			assert.Contains(t, report.String()+err.Error(), test.want)
		})
	}
}
