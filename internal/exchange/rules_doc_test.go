package exchange

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the table into the documentation of the root package")

func TestRules_Documented(t *testing.T) {
	t.Parallel()
	const file, heading = "../../doc.go", "// # Retries\n"
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	before, after, found := strings.Cut(string(source), heading)
	require.True(t, found)
	block := regexp.MustCompile(`(?m)(^//\t.*\n)+`).FindString(after)
	require.NotEmpty(t, block)
	if *update {
		after = strings.Replace(after, block, documentation(), 1)
		require.NoError(t, os.WriteFile(file, []byte(before+heading+after), 0o644))
		return
	}
	assert.Equal(t, documentation(), block, "run go generate ./...")
}

// documentation returns the table as a preformatted block of a doc comment.
func documentation() string {
	rows := [][]string{
		{"how an attempt ends", "the server may have acted", "sent again", "node is left", "idle connections"}, nil,
	}
	for _, width := range widths {
		rows[1] = append(rows[1], strings.Repeat("-", width))
	}
	for _, r := range rules {
		rows = append(rows, []string{r.ending, string(r.acted), string(r.again), string(r.leave), string(r.idle)})
	}
	var text strings.Builder
	for _, row := range rows {
		for line := printLine(row); line != ""; line = printLine(row) {
			text.WriteString("//\t" + line + "\n")
			if row[0] != "" {
				row[0] = "  " + row[0]
			}
		}
	}
	return text.String()
}

// widths are those of the columns.
var widths = []int{32, 10, 12, 19, 11}

// printLine returns what fits into the next line of a row, and removes it from the row.
func printLine(row []string) string {
	var line strings.Builder
	for i, width := range widths {
		var cell string
		cell, row[i] = wrap(row[i], width)
		fmt.Fprintf(&line, "%-*s  ", width, cell)
	}
	return strings.TrimRight(line.String(), " ")
}

// wrap splits text at the last space that leaves a line of at most width.
func wrap(text string, width int) (line, rest string) {
	if len(text) <= width {
		return text, ""
	}
	at := strings.LastIndex(text[:width+1], " ")
	return text[:at], text[at+1:]
}
