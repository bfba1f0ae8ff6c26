package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// mark is the comment under which CHANGELOG.md names the record that its newest entries describe.
var mark = regexp.MustCompile(`<!-- ` + regexp.QuoteMeta(recordFile) + ` sha256:[0-9a-f]{16} -->`)

// checkChangelog holds the first mark of the changelog, the newest, against the record. Older marks, below it, stay
// with the releases they were made for.
func checkChangelog(root string) error {
	record, err := os.ReadFile(filepath.Join(root, recordFile))
	if err != nil {
		return err
	}
	changelog, err := os.ReadFile(filepath.Join(root, changelogFile))
	if err != nil {
		return err
	}
	want := fmt.Sprintf("<!-- %s sha256:%.8x -->", recordFile, sha256.Sum256(record))
	if string(mark.Find(changelog)) == want {
		return nil
	}
	return fmt.Errorf("%s has no entry for this %s: describe the change of the exported API under \"## Unreleased\" and put there\n%s",
		changelogFile, recordFile, want)
}
