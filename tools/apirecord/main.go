// Command apirecord keeps api/v1.txt, the record of everything that the module exports, one declaration a line.
//
//	apirecord -root ..          fails when the exported declarations differ from the record, and shows how
//	apirecord -root .. -write   rewrites the record
//
// The record is tied to the changelog: CHANGELOG.md carries the record's checksum in a comment (see changelog.go), so
// that a record which changed without anybody opening the changelog fails too. Neither check needs the history: both
// give the same verdict in a shallow clone, in a tarball and before a commit.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

const (
	recordFile    = "api/v1.txt"
	changelogFile = "CHANGELOG.md"
)

func main() {
	root := flag.String("root", ".", "directory of the module")
	write := flag.Bool("write", false, "rewrite the record instead of checking it")
	flag.Parse()
	if err := run(*root, *write, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "apirecord:", err)
		os.Exit(1)
	}
}

func run(root string, write bool, out io.Writer) error {
	lines, err := exportedSurface(root)
	if err != nil {
		return err
	}
	record := strings.Join(lines, "\n") + "\n"
	if write {
		return writeRecord(root, record, out)
	}
	return errors.Join(checkRecord(root, lines), checkChangelog(root))
}

func writeRecord(root, record string, out io.Writer) error {
	path := filepath.Join(root, recordFile)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(record), 0o644); err != nil {
		return err
	}
	if err := checkChangelog(root); err != nil {
		_, err = fmt.Fprintln(out, err)
		return err
	}
	return nil
}

func checkRecord(root string, want []string) error {
	recorded, err := os.ReadFile(filepath.Join(root, recordFile))
	if err != nil {
		return err
	}
	diff := difference(strings.Split(strings.TrimSpace(string(recorded)), "\n"), want)
	if len(diff) == 0 {
		return nil
	}
	return fmt.Errorf("the exported declarations differ from %s (- recorded, + found); `make api` records them:\n%s",
		recordFile, strings.Join(diff, "\n"))
}
