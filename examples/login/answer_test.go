package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnswer_Words(t *testing.T) {
	t.Parallel()
	const hidden = "(text not shown: it repeats a secret)"
	for body, want := range map[string]string{
		`{"message":"wrong name or password"}`:              "wrong name or password",
		`{"msg":"a"}`:                                       "a",
		`{"error":{"code":1,"message":"b"}}`:                "b",
		`{"errors":[{"detail":"c"},"d"]}`:                   "c",
		`{"message":null,"title":"e\n\u001b[31mf"}`:         "e [31mf",
		"plain text\n":                                      "plain text",
		`{"message":"p@ss-word/1 is wrong"}`:                hidden,
		`{"message":"P&#64;SS-WORD/1"}`:                     hidden,
		`{"message":"p%40ss.word.1"}`:                       hidden,
		`{"message":"p@ss\\-word\\/1"}`:                     hidden,
		`p@ss-word/1`:                                       hidden,
		`{"message":"0123456789abcdef0123456789abcdef is"}`: "[uuid] is",
		`<html>p@ss-word/1</html>`:                          "",
		`{"message":{}}`:                                    "",
		`7`:                                                 "",
		``:                                                  "",
	} {
		if want != "" {
			want = ": " + want
		}
		got := answer{url: "http://xms/v1", status: 401, body: []byte(body)}.words("p@ss-word/1")
		assert.Equal(t, "http://xms/v1: 401 Unauthorized"+want, got, body)
	}
	assert.Equal(t, "http://xms/v1: 499", answer{url: "http://xms/v1", status: 499}.words("x"))
}

func TestAnswer_Session(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, test := range map[string]struct {
		body string
		want time.Time
	}{
		"by the clock of XMS": {
			`{"token":{"uuid":"u","create":"2020-12-30T10:30:51.6+08:00","expires":"2020-12-30T03:30:51.6Z","roles":null}}`,
			begun.Add(time.Hour),
		},
		"no create":  {`{"token":{"uuid":"u","expires":"2026-01-02T03:05:05Z"}}`, begun.Add(time.Minute)},
		"no expires": {`{"token":{"uuid":"u","create":"2020-12-30T10:30:51Z"}}`, time.Time{}},
		"null":       {`{"token":{"uuid":"u","create":null,"expires":null}}`, time.Time{}},
		"before the create": {
			`{"token":{"uuid":"u","create":"2020-12-30T10:30:51Z","expires":"0001-01-01T00:00:00Z"}}`, time.Time{},
		},
	} {
		got, err := answer{body: []byte(test.body)}.session(begun)
		require.NoError(t, err, name)
		assert.Equal(t, "u", got.uuid, name)
		assert.True(t, test.want.Equal(got.expires), "%s: %v", name, got.expires)
	}
	for _, body := range []string{
		``, `{}`, `null`, `{"token":null}`, `{"token":{"uuid":""}}`, `{"token":{"uuid":1}}`, `<html>`,
	} {
		_, err := answer{url: "http://xms/v1", status: 201, body: []byte(body)}.session(begun)
		require.EqualError(t, err, "login: http://xms/v1: 201 Created: the answer holds no session", body)
	}
}
