//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/examples/internal/process"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestMain(m *testing.M) {
	process.TestMain(m, main)
}

// holdCreates makes the tokens that are asked for, and answers when it is told to.
func holdCreates(xms http.Handler, made chan<- struct{}, answers <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/access-tokens/") {
			xms.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		xms.ServeHTTP(answer, r)
		made <- struct{}{}
		<-answers
		w.WriteHeader(answer.Code)
		_, _ = answer.Body.WriteTo(w)
	})
}

func TestLogin_SIGTERMInTheMiddleOfTheCreateLeavesNothing(t *testing.T) {
	xms := xmstest.NewServer(xmstest.WithUser("ops@example.com", password))
	t.Cleanup(xms.Close)
	made, answers := make(chan struct{}), make(chan struct{})
	gateway := httptest.NewServer(holdCreates(xms.Handler(), made, answers))
	t.Cleanup(gateway.Close)
	gone := httptest.NewServer(nil)
	gone.Close()
	setEnv(t, gone.URL+"/v1,"+gateway.URL+"/v1")
	file := filepath.Join(t.TempDir(), "token")

	p := process.Start(t, "-name", "backup", "-roles", "admin", "-out", file)
	<-made
	info, err := os.Stat(file)
	require.NoError(t, err, "the file is opened before the create")
	assert.Equal(t, os.FileMode(0o600), info.Mode())
	require.Len(t, tokensOf(t, xms), 1)
	p.Terminate()
	p.WaitFor("interrupted")
	close(answers)
	status, output := p.Wait()
	assert.Equal(t, 1, status, output)
	assert.Contains(t, output, "token 1 deleted")
	assert.Empty(t, tokensOf(t, xms))
	assert.NoFileExists(t, file)
	assertSessionEnded(t, xms)
}
