package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// checkTree compiles the Go code in all Markdown files below root, and runs the tests among it. What the go command finds goes to
// report, the rest is in the error.
func checkTree(ctx context.Context, root string, report io.Writer) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	blocks, err := findBlocks(os.DirFS(root))
	if err != nil {
		return err
	}
	if len(blocks) == 0 {
		return fmt.Errorf("no Go code in Markdown below %s", root)
	}
	dir, err := os.MkdirTemp("", "mdcode")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	modules := &modules{root: root, dir: dir}
	var problems []error
	for _, b := range blocks {
		problems = append(problems, modules.add(ctx, b))
	}
	return errors.Join(append(problems, modules.check(ctx, report))...)
}

// modules are the temporary modules in dir. They are made when something is first added to them.
type modules struct {
	root, dir   string
	base        *module // requires what the module at root does
	conformance *module // requires what root/conformance does
}

// add puts a block into the first module that has all it imports.
func (s *modules) add(ctx context.Context, b block) error {
	p, err := newProgram(b)
	if err != nil {
		return err
	}
	if s.base == nil {
		if s.base, err = newModule(ctx, filepath.Join(s.dir, "base"), s.root, s.root); err != nil {
			return err
		}
	}
	if s.base.resolves(p) {
		return s.base.add(p)
	}
	if s.conformance == nil {
		base := filepath.Join(s.root, "conformance")
		if s.conformance, err = newModule(ctx, filepath.Join(s.dir, "conformance"), base, s.root); err != nil {
			return err
		}
	}
	return s.conformance.add(p)
}

func (s *modules) check(ctx context.Context, report io.Writer) error {
	var problems []error
	for _, m := range []*module{s.base, s.conformance} {
		if m != nil {
			problems = append(problems, m.check(ctx, report))
		}
	}
	return errors.Join(problems...)
}
