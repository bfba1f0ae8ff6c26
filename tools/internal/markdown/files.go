// Package markdown finds the Markdown of a repository.
package markdown

import (
	"io/fs"
	"path"
)

// Walk calls visit with the name and content of every Markdown file in tree, in the order of their names. What is not the
// repository's own, such as node_modules, is left out.
func Walk(tree fs.FS, visit func(name string, source []byte) error) error {
	return fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".md":
			return nil
		}
		source, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		return visit(name, source)
	})
}
