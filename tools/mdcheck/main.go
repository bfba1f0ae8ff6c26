// Command mdcheck reports relative links in Markdown files that lead to no file or no heading. Links to other hosts
// are not followed, so that its verdict depends on the tree alone.
//
//	mdcheck ..     checks every *.md below the directory
package main

import (
	"fmt"
	"os"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	problems, err := checkTree(root)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mdcheck:", err)
		os.Exit(2)
	}
	for _, p := range problems {
		fmt.Fprintln(os.Stderr, p)
	}
	if len(problems) > 0 {
		os.Exit(1)
	}
}
