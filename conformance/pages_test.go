package conformance

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const operationsPage = "docs/AccessTokensApi.md"

// pagesAgree compares the reference pages with the document, and the Go names in them with the SDK.
func pagesAgree(t *testing.T) {
	doc := readDocument(t)
	page := readPage(t, operationsPage)
	agree(t, side{documentName, documentedOverview(doc)}, side{"the overview in " + operationsPage, pageOverview(page)})
	agree(t, side{documentName, documentedSections(doc)}, side{operationsPage, pageSections(page)})
	models := readModelPages(t)
	agree(t, side{documentName, allMembers(documentedModels(doc))}, side{"the pages in docs/", pageMembers(models)})
	if t.Failed() {
		return
	}
	goNamesAgree(t, models)
	for _, model := range models {
		assert.Contains(t, page, "]("+model.title+".md)", "%s does not link to the page of %s", operationsPage, model.title)
	}
}

func readPage(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", name))
	require.NoError(t, err)
	return string(content)
}

func documentedOverview(doc document) claims {
	c := claims{}
	for _, op := range doc.operations() {
		c.add("operation "+op.OperationID, "request", op.method+" "+op.path)
	}
	return c
}

func pageOverview(page string) claims {
	c := claims{}
	rows, _ := table(page, "Method", "HTTP request", "Description")
	for _, row := range rows {
		c.add("operation "+row[0], "request", row[1])
	}
	return c
}

// beyondXMS are the failures that the page describes once for all operations: those of a gateway in front of XMS.
func beyondXMS(status int) bool { return status == 429 || status > 500 }

func documentedSections(doc document) claims {
	c := claims{}
	for _, op := range doc.operations() {
		subject := "operation " + op.OperationID
		c.add(subject, "request", op.method+" "+op.path)
		if body := op.body(); body != "" {
			c.add(subject, "body parameter", requiredness(op.RequestBody.Value.Required)+" "+body)
		}
		for _, in := range []string{"path", "query"} {
			for _, parameter := range op.parameters(in) {
				c.add(subject, in+" parameter "+parameter.Name, requiredness(parameter.Required)+" "+goType(parameter.Schema))
			}
		}
		status, answer := op.success()
		c.add(subject, "success", strconv.Itoa(status))
		if answer == "" {
			answer = "only the *Response"
		}
		c.add(subject, "answer", answer)
		var schemes []string
		for _, requirement := range doc.Security {
			for scheme := range requirement {
				schemes = append(schemes, scheme)
			}
		}
		c.add(subject, "authorization", strings.Join(schemes, " or "))
		for _, status := range op.failures() {
			if !beyondXMS(status) {
				c.add(subject, "failure "+strconv.Itoa(status), "listed")
			}
		}
	}
	return c
}

func pageSections(page string) claims {
	c := claims{}
	for _, part := range sections(page, "## ")[1:] {
		subject := "operation " + part.title
		c.add(subject, "request", line(part.text, "`([A-Z]+ /.*)`"))
		parameters, _ := table(part.text, "Parameter", "In", "Name", "Type", "Required", "Description")
		for _, row := range parameters {
			c.add(subject, strings.TrimSpace(row[1]+" parameter "+row[2]), pageRequiredness(row[4])+" "+strings.TrimPrefix(row[3], "*"))
		}
		c.add(subject, "success", line(part.text, `\*\*Success:\*\* (\d+)`))
		answer, _, _ := strings.Cut(plain(line(part.text, `\*\*Return type:\*\* (.*)`)), ".")
		c.add(subject, "answer", strings.TrimPrefix(answer, "*"))
		c.add(subject, "authorization", plain(line(part.text, `\*\*Authorization:\*\* (.*)`)))
		failures, _ := table(part.text, "Status", "errors.Is", "Meaning")
		for _, row := range failures {
			c.add(subject, "failure "+row[0], "listed")
		}
	}
	return c
}

// line returns what the group of a pattern matches in the first line that consists of it, or "".
func line(text, pattern string) string {
	if match := regexp.MustCompile(`(?m)^` + pattern + `$`).FindStringSubmatch(text); match != nil {
		return match[1]
	}
	return ""
}

func pageRequiredness(cell string) string {
	required, known := map[string]string{"yes": requiredness(true), "no": requiredness(false)}[cell]
	if !known {
		return "(neither yes nor no)"
	}
	return required
}
