package conformance

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

const allOK = "list: ok\ncreate: ok\nvalidate: ok\nget: ok\nupdate: ok\nregenerate: ok\ndelete: ok\n"

// TestWasm_UnderNode runs the SDK where net/http has fetch in place of connections. That is so in a
// browser, and in Node.js unless its argv0 begins with "node".
func TestWasm_UnderNode(t *testing.T) {
	t.Parallel()
	program := buildWasm(t)
	xms := xmstest.NewServer()
	t.Cleanup(xms.Close)
	dead := httptest.NewServer(nil)
	dead.Close()
	redirecting := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.TrimSuffix(xms.BaseURL(), "/v1")+r.RequestURI, http.StatusTemporaryRedirect)
	}))
	t.Cleanup(redirecting.Close)

	assert.Equal(t, allOK, program.run("fetch", xms.BaseURL(), xms.AdminToken()), "the seven calls")
	assert.Equal(t, allOK, program.run("fetch", dead.URL+"/v1,"+xms.BaseURL(), xms.AdminToken()), "a dead node")
	assert.Equal(t, allOK, program.run("node", "", ""), "a server in the same process, without fetch")

	received := len(xms.Requests())
	output := program.run("fetch", redirecting.URL+"/v1", xms.AdminToken())
	assert.Equal(t, 7, strings.Count(output, "unexpected redirect"), output)
	assert.Empty(t, xms.Requests()[received:], "a redirect was followed")
}

// wasm is a program for js/wasm, with what runs it.
type wasm struct {
	t                  *testing.T
	node, exec, binary string
}

// buildWasm compiles the program in directory wasm.
func buildWasm(t *testing.T) wasm {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip("Node.js is missing")
	}
	require.NoError(t, err)
	root, err := exec.CommandContext(t.Context(), "go", "env", "GOROOT").Output()
	require.NoError(t, err)
	binary := filepath.Join(t.TempDir(), "wasm")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./wasm")
	build.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	return wasm{t, node, filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec_node.js"), binary}
}

// run returns what the program prints. Node.js finds name as its argv0.
func (w wasm) run(name, baseURL, token string) string {
	w.t.Helper()
	command := exec.CommandContext(w.t.Context(), w.node, "--stack-size=8192", w.exec, w.binary)
	command.Args[0] = name
	// wasm_exec refuses an environment that is too large.
	command.Env = []string{"XMS_BASE_URL=" + baseURL, "XMS_AUTH_TOKEN=" + token}
	output, err := command.CombinedOutput()
	require.NoError(w.t, err, "%s", output)
	return string(output)
}
