package conformance

import (
	"maps"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// modelPage is a page about a model, with the rows of its table of fields.
type modelPage struct {
	title string
	rows  [][]string
}

// readModelPages returns the pages that have a table of fields.
func readModelPages(t *testing.T) []modelPage {
	t.Helper()
	files, err := filepath.Glob("../docs/*.md")
	require.NoError(t, err)
	var pages []modelPage
	for _, file := range files {
		name := filepath.Base(file)
		page := readPage(t, "docs/"+name)
		if rows, found := table(page, "Field", "JSON", "Type", "Required", "Description"); found {
			title := sections(page, "# ")[1].title
			assert.Equal(t, name, title+".md", "the title of docs/%s is that of another page", name)
			pages = append(pages, modelPage{title, rows})
		}
	}
	return pages
}

// pageMembers returns what the pages say of the members as they are on the wire.
func pageMembers(pages []modelPage) claims {
	c := claims{}
	for _, page := range pages {
		c["model "+page.title] = map[string]string{}
		for _, row := range page.rows {
			c.add("model "+page.title, row[1], pageRequiredness(row[3])+" "+row[2])
		}
	}
	return c
}

// allMembers returns models with the members of the embedded model in place of its name.
func allMembers(models claims) claims {
	c := claims{}
	for subject, members := range models {
		c[subject] = maps.Clone(members)
		if base, ok := members[embedded]; ok {
			delete(c[subject], embedded)
			maps.Copy(c[subject], models["model "+base])
		}
	}
	return c
}

// goNamesAgree compares the names that the pages give the members in Go with those of the SDK's fields.
func goNamesAgree(t *testing.T, pages []modelPage) {
	t.Helper()
	types := modelTypes()
	for _, page := range pages {
		names := map[string]string{}
		for _, field := range reflect.VisibleFields(types[page.title]) {
			wire, _ := jsonTag(types[page.title], field)
			names[wire] = field.Name
		}
		for _, row := range page.rows {
			assert.Equal(t, names[row[1]], row[0], "docs/%s.md does not call %s what the SDK calls it", page.title, row[1])
		}
	}
}
