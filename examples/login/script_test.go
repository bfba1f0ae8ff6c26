//go:build unix

package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

// runScript runs the shell function with a user and a password typed in. It returns what the script
// leaves in XMS_AUTH_TOKEN, and the command lines of curl.
func runScript(t *testing.T, typed string) (token, stderr, commands string, err error) {
	t.Helper()
	curl, err := exec.LookPath("curl")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("curl is missing")
	}
	require.NoError(t, err)
	dir := t.TempDir()
	recorder := fmt.Sprintf("#!/bin/sh\necho \"$*\" >>'%s/commands'\nexec '%s' \"$@\"\n", dir, curl)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "curl"), []byte(recorder), 0o755))
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))

	script := `. ./first-token.sh; first_token 'back\"up' admin || exit; printf %s "$XMS_AUTH_TOKEN"`
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script)
	var failures bytes.Buffer
	cmd.Stdin, cmd.Stderr = strings.NewReader(typed), &failures
	output, err := cmd.Output()
	lines, readErr := os.ReadFile(filepath.Join(dir, "commands"))
	require.NoError(t, readErr)
	return string(output), failures.String(), string(lines), err
}

func TestScript_MakesATokenAndLogsOut(t *testing.T) {
	server := newServer(t, xmstest.WithTLS(), xmstest.WithUser(`dom\eve"`, `p"a\s's &$w%d`))
	ca := filepath.Join(t.TempDir(), "the ca.pem")
	require.NoError(t, os.WriteFile(ca, server.CertificatePEM(), 0o600))
	t.Setenv("XMS_CA_FILE", ca)
	t.Setenv("XMS_BASE_URL", server.BaseURL()+",http://another.example")
	token, stderr, commands, err := runScript(t, `dom\eve"`+"\n"+`p"a\s's &$w%d`+"\n")
	require.NoError(t, err, stderr)
	assert.Equal(t, "user: password: \n", stderr)
	_, _, err = server.Client().AccessTokensApi.ValidateAccessToken(t.Context(), token)
	require.NoError(t, err)
	assertSessionEnded(t, server)
	assert.Equal(t, 1, operations(server)["Login"])
	tokens := tokensOf(t, server)
	require.Len(t, tokens, 1)
	assert.Equal(t, `back\"up`, tokens[0].Name)
	assert.NotRegexp(t, uuidForm, commands)
	assert.NotContains(t, commands, "w%d")
}

func TestScript_Failures(t *testing.T) {
	server := newServer(t)
	_, stderr, _, err := runScript(t, "ops@example.com\nwrong\n")
	require.Error(t, err)
	assert.Contains(t, stderr, "wrong name or password")
	assert.Equal(t, map[string]int{"Login": 1}, operations(server))

	server.Inject(xmstest.Fault{Operation: "CreateAccessToken", StatusCode: 403, Body: `{"message":"not allowed"}`})
	_, stderr, _, err = runScript(t, "ops@example.com\n"+password+"\n")
	require.Error(t, err)
	assert.Contains(t, stderr, "not allowed")
	assertSessionEnded(t, server)
}
