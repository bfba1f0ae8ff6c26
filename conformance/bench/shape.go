package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// What the server tells of the token that all of the single calls are about.
const (
	tokenID   = 7
	tokenUUID = "6f1d2a641b1c4c579d0e2f6a54a3b9d1" // #nosec G101 -- made up
)

// Shape is a form that the tokens of an answer have.
type Shape struct {
	Name              string
	name, description string // of a token, with a place for its id
	odd               string // takes the place of description in one of a hundred
	member            string // what a token has besides the documented members
	indented          bool
}

// Shapes returns them all, the usual one first.
func Shapes() []Shape {
	const name, description = "backup-volume-%06d", "Nightly backup of volume %06d"
	const escapes = `Nightly backup of \u0026 \u003cvolume\u003e \"%06d\"`
	return []Shape{
		{Name: "usual", name: name, description: description},
		{Name: "chinese", name: "备份-%06d", description: "卷 %06d 的每晚备份任务"},
		{Name: "indented", name: name, description: description, indented: true},
		{Name: "1% escapes", name: name, description: description, odd: escapes},
		{Name: "escapes", name: `backup\u0026volume-%06d`, description: escapes},
		{Name: "new object", name: name, description: description, member: `,"quota":{"limit":10,"unit":"GiB"}`},
		{Name: "new array", name: name, description: description, member: `,"tags":["nightly",["a"],{"b":null}]`},
		{Name: "new fraction", name: name, description: description, member: `,"load":0.25`},
		{Name: "19 digits", name: name, description: description, member: `,"trace":1234567890123456789`},
		{Name: "camelCase", name: name, description: description, member: `,"createdBy":"admin"`},
	}
}

// appendToken appends a token of about 249 bytes. members is what a record has besides.
func (s Shape) appendToken(body []byte, id int64, members string) []byte {
	description := s.description
	if s.odd != "" && id%100 == tokenID {
		description = s.odd
	}
	return fmt.Appendf(body, `{"create":"2024-05-06T07:08:09.%06d+08:00","description":"`+description+`","id":%d,"name":"`+
		s.name+`","roles":["admin","viewer"],"update":"2024-06-07T08:09:10.%06d+08:00","used":%t,`+
		`"user":{"id":%d,"name":"ops-%d","skip_guide":false}%s%s}`,
		id, id, id, id, id, id%2 == 0, id%8+1, id%8+1, s.member, members)
}

func (s Shape) token(members string) []byte {
	return s.finish(append(s.appendToken([]byte(`{"access_token":`), tokenID, members), '}'))
}

// list returns a page of the tokens 1 to n.
func (s Shape) list(n int64) []byte {
	body := []byte(`{"access_tokens":[`)
	for id := int64(1); id <= n; id++ {
		body = append(s.appendToken(body, id, ""), ',')
	}
	body = bytes.TrimSuffix(body, []byte(","))
	return s.finish(fmt.Appendf(body, `],"paging":{"count":%d,"limit":%d,"offset":0,"total_count":%d}}`, n, n, n))
}

func (s Shape) finish(body []byte) []byte {
	if !s.indented {
		return body
	}
	var out bytes.Buffer
	if err := json.Indent(&out, body, "", "  "); err != nil {
		panic(err)
	}
	return out.Bytes()
}
