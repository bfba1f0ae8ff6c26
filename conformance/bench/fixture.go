package bench

import (
	"bytes"
	"fmt"
)

// What the server tells of the token that all of the single calls are about.
const (
	tokenID   = 7
	tokenName = "backup-volume-000007"
	tokenText = "Nightly backup of volume 000007"
	tokenUUID = "6f1d2a64-1b1c-4c57-9d0e-2f6a54a3b9d1" // #nosec G101 -- made up
)

// appendToken appends a token of about 249 bytes. members is what a record has beyond it.
func appendToken(body []byte, id int64, members string) []byte {
	return fmt.Appendf(body, `{"create":"2024-05-06T07:08:09.%06d+08:00","description":"Nightly backup of volume %06d","id":%d,`+
		`"name":"backup-volume-%06d","roles":["admin","viewer"],"update":"2024-06-07T08:09:10.%06d+08:00","used":%t,`+
		`"user":{"id":%d,"name":"ops-%d"}%s}`,
		id, id, id, id, id, id%2 == 0, id%8+1, id%8+1, members)
}

func tokenBody(members string) []byte {
	return append(appendToken([]byte(`{"access_token":`), tokenID, members), '}')
}

// listBody returns the page of limit tokens that begins at offset of a list of total.
func listBody(limit, offset, total int64) []byte {
	count := max(0, min(limit, total-offset))
	body := []byte(`{"access_tokens":[`)
	for i := range count {
		body = append(appendToken(body, offset+i+1, ""), ',')
	}
	body = bytes.TrimSuffix(body, []byte(","))
	return fmt.Appendf(body, `],"paging":{"count":%d,"limit":%d,"offset":%d,"total_count":%d}}`, count, limit, offset, total)
}
