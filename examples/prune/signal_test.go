//go:build unix

package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/examples/internal/process"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestMain(m *testing.M) {
	process.TestMain(m, main)
}

func TestPrune_SIGTERMEndsItWithASummary(t *testing.T) {
	server := newServer(t)
	server.Inject(xmstest.Fault{Operation: "DeleteAccessToken", Delay: time.Hour})
	p := process.Start(t, "-delete")
	require.Eventually(t, func() bool { return len(server.Requests()) == 2 }, 10*time.Second, time.Millisecond)
	p.Terminate()
	status, output := p.Wait()
	assert.Equal(t, 1, status, output)
	assert.Contains(t, output, "2 tokens: 1 old and never used, 0 deleted")
}
