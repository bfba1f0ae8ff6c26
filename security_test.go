package xmsclient_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every test that SECURITY.md calls as a witness exists.
func TestSecurityPage_NamesItsTests(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("SECURITY.md")
	require.NoError(t, err)
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var code strings.Builder
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		code.Write(source)
	}
	names := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(string(page), -1)
	require.NotEmpty(t, names)
	for _, name := range names {
		assert.Contains(t, code.String(), "func "+name[1]+"(t *testing.T)")
	}
}
