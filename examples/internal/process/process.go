// Package process runs an example as a process, for tests that send it a signal.
package process

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// asMain tells a test binary to be the program that it tests.
const asMain = "XMS_EXAMPLE_RUN_MAIN"

// TestMain is what a TestMain calls with the main function of its program.
func TestMain(m *testing.M, main func()) {
	if os.Getenv(asMain) != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// Process is a program that runs.
type Process struct {
	t      *testing.T
	cmd    *exec.Cmd
	output io.ReadCloser // of stdout and stderr
	lines  *bufio.Scanner
	said   strings.Builder
}

// Start starts the program under test with the environment of the test.
func Start(t *testing.T, args ...string) *Process {
	t.Helper()
	p := &Process{t: t, cmd: exec.CommandContext(t.Context(), os.Args[0], args...)} //nolint:gosec // it is this test
	p.cmd.Env = append(os.Environ(), asMain+"=1")
	output, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stderr = p.cmd.Stdout
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.output, p.lines = output, bufio.NewScanner(output)
	return p
}

// Terminate sends SIGTERM.
func (p *Process) Terminate() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
}

// WaitFor waits until the program has printed a line that contains text.
func (p *Process) WaitFor(text string) {
	p.t.Helper()
	for p.lines.Scan() {
		p.said.WriteString(p.lines.Text() + "\n")
		if strings.Contains(p.lines.Text(), text) {
			return
		}
	}
	p.t.Fatalf("the program ended without %q: %s", text, p.said.String())
}

// Wait waits until the program has ended. It returns its exit status, which is -1 if a signal has
// killed it, and all that it has printed.
func (p *Process) Wait() (status int, output string) {
	p.t.Helper()
	for p.lines.Scan() {
		p.said.WriteString(p.lines.Text() + "\n")
	}
	_ = p.cmd.Wait() // its error is the status
	return p.cmd.ProcessState.ExitCode(), p.said.String()
}
