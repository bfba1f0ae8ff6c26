// Command mdcode compiles the Go code in Markdown files, and runs the tests among it, so that none of it goes stale.
//
//	mdcode ..     takes every ```go block of every *.md below the directory
//
// A block with a package clause is a file of its own. Any other is made into one: declarations as they are, statements as the body
// of a function that has a context ctx, a client and its configuration cfg. What such a block uses of well-known packages need not
// be imported in it. Every block is compiled with the versions of the root's go.mod or, where that lacks a module, with those of
// conformance/go.mod. Positions in messages are those in the Markdown, from the top of the tree.
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if err := checkTree(context.Background(), root, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "mdcode:", err)
		os.Exit(1)
	}
}
