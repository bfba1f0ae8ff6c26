package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sdk is the module whose documentation is checked.
const sdk = "github.com/xsky-storage/xms-client-go"

// module is a temporary Go module, with the dependencies of one of the repository's, that programs are put into.
type module struct {
	dir      string
	requires []string // paths of the modules it may import
	tests    []string // directories that hold tests, relative
	programs int
}

// newModule makes a module in dir, a new directory, with the dependencies of the one in base, and with the SDK of the tree at root.
func newModule(ctx context.Context, dir, base, root string) (*module, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(base, name))
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil { //nolint:gosec // dir is a directory of our own
			return nil, err
		}
	}
	m := &module{dir: dir}
	if _, err := m.run(ctx, "mod", "edit", "-module=markdown", "-require="+sdk+"@v0.0.0", "-replace="+sdk+"="+root); err != nil {
		return nil, err
	}
	return m, m.readRequires(ctx)
}

func (m *module) readRequires(ctx context.Context) error {
	out, err := m.run(ctx, "mod", "edit", "-json")
	if err != nil {
		return err
	}
	var file struct{ Require []struct{ Path string } }
	if err := json.Unmarshal(out, &file); err != nil {
		return err
	}
	for _, r := range file.Require {
		m.requires = append(m.requires, r.Path)
	}
	return nil
}

// resolves reports whether all packages that p imports are of the standard library or of modules that m requires.
func (m *module) resolves(p program) bool {
	for _, path := range p.imports {
		if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") && !m.requiresPackage(path) {
			return false
		}
	}
	return true
}

func (m *module) requiresPackage(path string) bool {
	for _, r := range m.requires {
		if path == r || strings.HasPrefix(path, r+"/") {
			return true
		}
	}
	return false
}

// add puts a program into a directory of its own.
func (m *module) add(p program) error {
	m.programs++
	dir := fmt.Sprintf("block%d", m.programs)
	name := "block.go"
	if p.isTest {
		name = "block_test.go"
		m.tests = append(m.tests, "./"+dir)
	}
	if err := os.Mkdir(filepath.Join(m.dir, dir), 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(m.dir, dir, name), []byte(p.source), 0o600)
}

// check compiles all programs, and runs those that are tests. What the go command finds goes to report.
func (m *module) check(ctx context.Context, report io.Writer) error {
	if m.programs == 0 {
		return nil
	}
	// Statements may end with a return, before the one that their function is completed with.
	if out, err := m.run(ctx, "vet", "-unreachable=false", "./..."); err != nil {
		_, _ = report.Write(out)
		return errors.New("there is code that does not compile")
	}
	if len(m.tests) == 0 {
		return nil
	}
	if out, err := m.run(ctx, append([]string{"test", "-vet=off"}, m.tests...)...); err != nil {
		_, _ = report.Write(out)
		return errors.New("there is a test that fails")
	}
	return nil
}

// run runs the go command in the module and returns what it prints.
func (m *module) run(ctx context.Context, args ...string) ([]byte, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are those above
	cmd.Dir, cmd.Stdout, cmd.Stderr = m.dir, &out, &out
	cmd.Env = append(cmd.Environ(), "GOWORK=off")
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("go %s: %w", args[0], err)
	}
	return out.Bytes(), nil
}
