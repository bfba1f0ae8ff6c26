// Command page writes the results in conformance/bench/results into docs/performance.md, each table
// between a line `<!-- bench: NAME -->` and a line `<!-- end -->`, and draws docs/performance.svg.
package main

//go:generate go run .

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

const (
	results = "../results"
	page    = "../../../docs/performance.md"
	picture = "../../../docs/performance.svg"
)

var block = regexp.MustCompile(`(?s)<!-- bench: (\w+) -->\n.*?<!-- end -->`)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

func run() error {
	files, err := filepath.Glob(filepath.Join(results, "go*.json"))
	if err != nil {
		return err
	}
	versions := make([]bench.Results, len(files))
	for i, file := range files {
		if err := bench.Load(file, &versions[i]); err != nil {
			return err
		}
	}
	var importing bench.ImportResults
	if err := bench.Load(filepath.Join(results, "importing.json"), &importing); err != nil {
		return err
	}
	tables := map[string]string{
		"calls": calls(versions), "callers": callers(versions), "memory": memory(versions), "importing": imports(importing),
	}
	text, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	text = block.ReplaceAllFunc(text, func(found []byte) []byte {
		name := string(block.FindSubmatch(found)[1])
		return fmt.Appendf(nil, "<!-- bench: %s -->\n\n%s\n<!-- end -->", name, tables[name])
	})
	if err := os.WriteFile(page, text, 0o644); err != nil {
		return err
	}
	return drawPicture(versions)
}
