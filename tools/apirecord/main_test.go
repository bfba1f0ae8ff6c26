package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// module lays out a module of one package in a temporary directory.
func module(t *testing.T, source, changelog string) string {
	t.Helper()
	root := t.TempDir()
	writeFile(t, root, "go.mod", "module example.org/p\n\ngo 1.25\n")
	writeFile(t, root, "p.go", source)
	writeFile(t, root, changelogFile, changelog)
	return root
}

func writeFile(t *testing.T, root, name, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o600))
}

func readFile(t *testing.T, root, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	require.NoError(t, err)
	return string(text)
}

// recordedMark records the surface of root and returns the mark that writing the record asked for.
func recordedMark(t *testing.T, root string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, run(root, true, &out))
	asked := mark.FindString(out.String())
	require.NotEmpty(t, asked, out.String())
	return asked
}

func TestRunAcceptsWhatIsRecordedAndDescribed(t *testing.T) {
	t.Parallel()
	root := module(t, "package p\n\nfunc F() {}\n", "## Unreleased\n")
	writeFile(t, root, changelogFile, "## Unreleased\n"+recordedMark(t, root)+"\n")

	require.NoError(t, run(root, false, io.Discard))
	assert.Equal(t, "pkg p, func F()\n", readFile(t, root, recordFile))

	var out bytes.Buffer
	require.NoError(t, run(root, true, &out))
	assert.Empty(t, out.String(), "nothing is left to do")
}

func TestRunShowsAnUnrecordedChange(t *testing.T) {
	t.Parallel()
	root := module(t, "package p\n\nfunc F() {}\n", "")
	writeFile(t, root, changelogFile, recordedMark(t, root))
	writeFile(t, root, "p.go", "package p\n\nfunc G() {}\n")

	err := run(root, false, io.Discard)
	require.ErrorContains(t, err, "- pkg p, func F()\n+ pkg p, func G()")
	assert.NotContains(t, err.Error(), changelogFile, "the changelog still describes the record")
}

func TestRunWantsARecordedChangeInTheChangelog(t *testing.T) {
	t.Parallel()
	root := module(t, "package p\n\nfunc F() {}\n", "")
	released := recordedMark(t, root)
	writeFile(t, root, "p.go", "package p\n\nfunc G() {}\n")
	next := recordedMark(t, root)

	writeFile(t, root, changelogFile, "## Unreleased\n\n## 1.0.0\n"+released)
	require.ErrorContains(t, run(root, false, io.Discard), next)

	writeFile(t, root, changelogFile, "## Unreleased\n"+next+"\n\n## 1.0.0\n"+released)
	require.NoError(t, run(root, false, io.Discard))

	writeFile(t, root, changelogFile, "## Unreleased\n"+released+"\n\n## 1.0.0\n"+next)
	require.Error(t, run(root, false, io.Discard), "only the newest mark counts")
}

func TestRunReportsWhatDoesNotCompile(t *testing.T) {
	t.Parallel()
	root := module(t, "package p\n\nfunc F() { return 1 }\n", "")
	require.ErrorContains(t, run(root, true, io.Discard), "too many return values")
}
