package main

import (
	"io"
	"net/http"
	"net/http/httptest"
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

func TestAnswer_WordsHideAnEscapedPassword(t *testing.T) {
	t.Parallel()
	for password, said := range map[string]string{
		"p@ss-word/1":          "100% wrong: p%40ss-word%2F1",
		"horse&battery<staple": `bad request: {"password":"horse\u0026battery\u003cstaple"}`,
		"你好吗":                  "wrong: %E4%BD%A0%E5%A5%BD%E5%90%97",
		"!?!?":                 "wrong: !?!?",
	} {
		words := answer{url: "u", status: 401, body: []byte(said)}.words(password)
		assert.Contains(t, words, "it repeats a secret", said)
	}
	words := answer{url: "u", status: 401, body: []byte("wrong name or password")}.words("!?!?")
	assert.Contains(t, words, "wrong name or password")
}

// An error of net/http quotes what an odd service sends.
func TestLogin_ErrorOfTheTransportHidesThePassword(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		assert.NoError(t, err)
		_, _ = conn.Write(append(body, "\r\n\r\n"...))
		_ = conn.Close()
	}))
	t.Cleanup(echo.Close)
	setEnv(t, echo.URL+"/v1")
	t.Setenv("XMS_PASSWORD", "pure-gold")
	_, _, stderr := logIn(t)
	assert.Contains(t, stderr, "it repeats a secret")
	assert.NotContains(t, stderr, "pure-gold")
}

func TestAnswer_SessionWithOddTimes(t *testing.T) {
	t.Parallel()
	got, err := answer{body: []byte(`{"token":{"uuid":"f0e1","create":null,"expires":1609298000}}`)}.session(time.Now())
	require.NoError(t, err)
	assert.Equal(t, session{uuid: "f0e1"}, got)
}
