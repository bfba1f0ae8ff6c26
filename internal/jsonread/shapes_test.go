package jsonread_test

import (
	"encoding/json"
	"fmt"
	"strings"
)

// usualToken is an element of a list as servers write it.
const usualToken = `{"create":"2020-12-30T10:30:51.675098636+08:00","description":"backup of node 1","id":%d,` +
	`"name":"backup-%06[1]d","roles":["admin","viewer"],"update":"2021-01-02T03:04:05Z","used":true,` +
	`"user":{"id":1,"name":"admin","skip_guide":true}}`

// shape is a way to write a list.
type shape struct{ name, replaced, by string }

func shapes() []shape {
	return []shape{
		{"usual", "", ""},
		{"chinese", "backup of node 1", "节点一的备份"},
		{"indented", "", ""},
		{"an escape in one of a hundred", "", ""},
		{"escapes", "backup of node 1", `\u003cbackup\u003e of \"node 1\"`},
		{"new object", `,"used"`, `,"policy":{"id":1,"name":"daily"},"used"`},
		{"new array", `,"used"`, `,"scopes":["read","write"],"used"`},
		{"new fraction", `,"used"`, `,"ratio":0.25,"used"`},
		{"new 19-digit number", `,"used"`, `,"serial":1234567890123456789,"used"`},
		{"new camel case", `,"used"`, `,"lastUsedBy":"admin","used"`},
	}
}

func (s shape) list(n int) []byte {
	var list strings.Builder
	for i := range n {
		if i > 0 {
			list.WriteByte(',')
		}
		token := strings.Replace(usualToken, s.replaced, s.by, 1)
		if s.name == "an escape in one of a hundred" && i%100 == 99 {
			token = strings.Replace(token, "backup of", `backup \u0026 of`, 1)
		}
		fmt.Fprintf(&list, token, i)
	}
	body := `{"access_tokens":[` + list.String() + `],"paging":{"count":100,"limit":100,"offset":0,"total_count":100}}`
	if s.name == "indented" {
		var parsed any
		must(json.Unmarshal([]byte(body), &parsed))
		indented, err := json.MarshalIndent(parsed, "", "  ")
		must(err)
		return indented
	}
	return []byte(body)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
