package xmsclient_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDependenciesAreExplained(t *testing.T) {
	t.Parallel()
	explanations, err := os.ReadFile("docs/dependencies.md")
	require.NoError(t, err)
	modfile, err := os.ReadFile("go.mod")
	require.NoError(t, err)
	requirements := regexp.MustCompile(`(?m)^(?:require)?\s+(\S+) v\d`).FindAllSubmatch(modfile, -1)
	require.NotEmpty(t, requirements)
	explained := regexp.MustCompile("`[^`]+`").FindAllString(string(explanations), -1)
	for _, requirement := range requirements {
		assert.Contains(t, explained, "`"+string(requirement[1])+"`", "docs/dependencies.md does not say why it is needed")
	}
}
