package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/xsky-storage/xms-client-go/tools/internal/markdown"
)

// checkTree returns one line for every broken link below root, in the order of file and line.
func checkTree(root string) ([]string, error) {
	tree := os.DirFS(root)
	docs, err := readDocuments(tree)
	if err != nil {
		return nil, err
	}
	if len(docs) == 0 {
		return nil, fmt.Errorf("no Markdown file below %s", root)
	}
	var problems []string
	for _, file := range slices.Sorted(maps.Keys(docs)) {
		for _, l := range docs[file].links {
			if reason := checkLink(tree, docs, file, l.target); reason != "" {
				problems = append(problems, fmt.Sprintf("%s:%d: %s: %s", file, l.line, l.target, reason))
			}
		}
	}
	return problems, nil
}

func readDocuments(tree fs.FS) (map[string]document, error) {
	docs := map[string]document{}
	err := markdown.Walk(tree, func(name string, source []byte) (err error) {
		docs[name], err = parseDocument(source)
		return err
	})
	return docs, err
}

// checkLink says what is wrong with a link in file, or nothing.
func checkLink(tree fs.FS, docs map[string]document, file, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "is no URL"
	}
	if u.Scheme != "" || u.Host != "" {
		return ""
	}
	name := destination(file, u.Path)
	if _, err := fs.Stat(tree, name); err != nil {
		return describeMissing(err)
	}
	if doc, isDocument := docs[name]; isDocument && u.Fragment != "" && !doc.anchors[u.Fragment] {
		return "no such heading in " + name
	}
	return ""
}

// destination resolves a link's path as a code host does: from the file's folder, or from the top when it is absolute.
func destination(file, target string) string {
	switch {
	case target == "":
		return file
	case strings.HasPrefix(target, "/"):
		return path.Clean("." + target)
	default:
		return path.Join(path.Dir(file), target)
	}
}

func describeMissing(err error) string {
	if errors.Is(err, fs.ErrInvalid) {
		return "leads out of the tree"
	}
	return "no such file"
}
