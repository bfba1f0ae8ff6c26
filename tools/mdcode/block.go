package main

import (
	"bytes"
	"io/fs"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"

	"github.com/xsky-storage/xms-client-go/tools/internal/markdown"
)

// block is a piece of Go code in a Markdown file.
type block struct {
	file string // slash-separated, from the root of the tree
	line int    // of its first line
	code []byte
}

// findBlocks returns the Go code in all Markdown files of a tree, in the order of file and line.
func findBlocks(tree fs.FS) ([]block, error) {
	var blocks []block
	err := markdown.Walk(tree, func(name string, source []byte) error {
		found, err := parseBlocks(name, source)
		blocks = append(blocks, found...)
		return err
	})
	return blocks, err
}

func parseBlocks(file string, source []byte) ([]block, error) {
	var blocks []block
	root := goldmark.DefaultParser().Parse(text.NewReader(source))
	err := ast.Walk(root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		fenced, isFenced := node.(*ast.FencedCodeBlock)
		if !entering || !isFenced || string(fenced.Language(source)) != "go" || fenced.Lines().Len() == 0 {
			return ast.WalkContinue, nil
		}
		lines := fenced.Lines()
		blocks = append(blocks, block{
			file: file,
			line: 1 + bytes.Count(source[:lines.At(0).Start], []byte("\n")),
			code: lines.Value(source),
		})
		return ast.WalkContinue, nil
	})
	return blocks, err
}
