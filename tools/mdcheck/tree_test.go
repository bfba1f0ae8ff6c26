package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// writeTree puts files, by their path, into a temporary directory.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	}
	return root
}

func TestCheckTree(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		markdown string
		want     []string
	}{
		"file beside":              {"[x](other.md)", nil},
		"file above":               {"[x](../README.md)", nil},
		"file from the top":        {"[x](/README.md)", nil},
		"folder":                   {"[x](../docs/)", nil},
		"own heading":              {"# A title\n[x](#a-title)", nil},
		"heading elsewhere":        {"[x](../README.md#quick-start)", nil},
		"line of a source file":    {"[x](../main.go#L3)", nil},
		"other host":               {"[x](https://example.org/none.md#none) <https://example.org>", nil},
		"mail":                     {"[x](mailto:nobody@example.org)", nil},
		"code is no link":          {"`[x](none.md)`\n\n```\n[x](none.md)\n```", nil},
		"missing file":             {"first\n\n[x](none.md)", []string{"docs/page.md:3: none.md: no such file"}},
		"missing image":            {"![x](none.png)", []string{"docs/page.md:1: none.png: no such file"}},
		"missing, by reference":    {"[x][r]\n\n[r]: none.md", []string{"docs/page.md:1: none.md: no such file"}},
		"missing, in a table":      {"| a |\n| --- |\n| [x](none.md) |", []string{"docs/page.md:3: none.md: no such file"}},
		"missing heading":          {"[x](#none)", []string{"docs/page.md:1: #none: no such heading in docs/page.md"}},
		"missing heading beside":   {"[x](other.md#none)", []string{"docs/page.md:1: other.md#none: no such heading in docs/other.md"}},
		"out of the tree":          {"[x](../../none.md)", []string{"docs/page.md:1: ../../none.md: leads out of the tree"}},
		"unreadable":               {"[x](%zz)", []string{"docs/page.md:1: %zz: is no URL"}},
		"two on a page":            {"[x](1.md)\n[y](2.md)", []string{"docs/page.md:1: 1.md: no such file", "docs/page.md:2: 2.md: no such file"}},
		"heading of another depth": {"[x](other.md#fine)", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := writeTree(t, map[string]string{
				"README.md":                "# Quick start\n",
				"main.go":                  "package main\n",
				"docs/other.md":            "### Fine\n",
				"docs/page.md":             test.markdown,
				"node_modules/x/README.md": "[x](none.md)",
			})
			problems, err := checkTree(root)
			require.NoError(t, err)
			assert.Equal(t, test.want, problems)
		})
	}
}

func TestCheckTreeWantsMarkdown(t *testing.T) {
	t.Parallel()
	_, err := checkTree(t.TempDir())
	require.ErrorContains(t, err, "no Markdown file")
}

func TestAnchors(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"# Plain":                      "plain",
		"# Two words":                  "two-words",
		"# What's `code` (v1.2), then": "whats-code-v12-then",
		"# A *b* [c](#a-b-c)":          "a-b-c",
		"# snake_case and-hyphen":      "snake_case-and-hyphen",
		"# Größe":                      "größe",
		"# a / b":                      "a--b",
	}
	for markdown, want := range tests {
		t.Run(markdown, func(t *testing.T) {
			t.Parallel()
			doc, err := parseDocument([]byte(markdown))
			require.NoError(t, err)
			assert.Equal(t, map[string]bool{want: true}, doc.anchors)
		})
	}
	t.Run("repeated", func(t *testing.T) {
		t.Parallel()
		doc, err := parseDocument([]byte("# x\n# x\n# x\n"))
		require.NoError(t, err)
		assert.Equal(t, map[string]bool{"x": true, "x-1": true, "x-2": true}, doc.anchors)
	})
}
