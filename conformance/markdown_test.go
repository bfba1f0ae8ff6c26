package conformance

import (
	"regexp"
	"strings"
)

// section is the part of a page below a heading, up to the next one of the same level or above.
type section struct{ title, text string }

// sections splits a page at its headings of a level, such as "## ". What comes before the first has no title. Code blocks are
// left out, since a comment in one looks like a heading.
func sections(page, level string) []section {
	all := []section{{}}
	inCode := false
	for line := range strings.Lines(page) {
		last := &all[len(all)-1]
		title, isHeading := strings.CutPrefix(line, level)
		switch {
		case strings.HasPrefix(line, "```"):
			inCode = !inCode
		case inCode:
		case isHeading:
			all = append(all, section{title: strings.TrimSpace(title)})
		default:
			last.text += line
		}
	}
	return all
}

// table returns the rows of the table with these column names, cell by cell, and whether there is one.
func table(text string, columns ...string) (rows [][]string, found bool) {
	inTable := false
	for line := range strings.Lines(text) {
		cells := cells(line)
		switch {
		case cells == nil:
			inTable = false
		case !inTable && strings.Join(cells, "|") == strings.Join(columns, "|"):
			inTable, found = true, true
		case inTable && !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, cells)
		}
	}
	return rows, found
}

// cells returns the plain text of the cells of a table's line, or nil for any other line.
func cells(line string) []string {
	line, isRow := strings.CutPrefix(strings.TrimSpace(line), "|")
	if !isRow {
		return nil
	}
	columns := strings.Split(strings.TrimSuffix(line, "|"), "|")
	for i, cell := range columns {
		columns[i] = plain(cell)
	}
	return columns
}

var link = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// plain removes links and code quotes.
func plain(text string) string {
	text = strings.ReplaceAll(strings.TrimSpace(text), "`", "")
	// In a list type such as []AccessToken the brackets are the type's own.
	text = strings.ReplaceAll(text, "[]", "\u0001")
	text = link.ReplaceAllString(text, "$1")
	return strings.ReplaceAll(text, "\u0001", "[]")
}
