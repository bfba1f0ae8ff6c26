package xmsclient_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// refusal returns the error of a call that was refused with this body.
func refusal(t *testing.T, contentType, body string) *xmsclient.ApiError {
	t.Helper()
	api, _ := mocked(t, answer(http.StatusBadRequest, contentType, body))
	_, _, err := api.GetAccessToken(t.Context(), 1)
	var refused *xmsclient.ApiError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, http.StatusBadRequest, refused.StatusCode)
	return refused
}

func TestErrorBody(t *testing.T) {
	t.Parallel()
	const (
		asJSON    = "application/json"
		asProblem = "application/problem+json; charset=utf-8"
		asText    = "text/plain"
		asHTML    = "text/html; charset=utf-8"
		page      = "an HTML page, probably from a proxy"
	)
	for name, test := range map[string]struct{ contentType, body, code, message string }{
		// objects, by the name of the member that has the text
		"message":             {asJSON, `{"message":"name is taken"}`, "", "name is taken"},
		"msg":                 {asJSON, `{"msg":"name is taken"}`, "", "name is taken"},
		"error text":          {asJSON, `{"error":"name is taken"}`, "", "name is taken"},
		"error object":        {asJSON, `{"error":{"code":"taken","message":"name is taken"}}`, "taken", "name is taken"},
		"error object, msg":   {asJSON, `{"error":{"msg":"name is taken"}}`, "", "name is taken"},
		"error object, code":  {asJSON, `{"error":{"code":7}}`, "7", ""},
		"detail":              {asJSON, `{"detail":"name is taken"}`, "", "name is taken"},
		"title":               {asJSON, `{"title":"name is taken"}`, "", "name is taken"},
		"errors of text":      {asJSON, `{"errors":["name is taken","role is unknown"]}`, "", "name is taken"},
		"errors of objects":   {asJSON, `{"errors":[{"code":"taken","message":"name is taken"},{"message":"second"}]}`, "taken", "name is taken"},
		"errors, outer code":  {asJSON, `{"code":"outer","errors":[{"code":"inner","message":"name is taken"}]}`, "outer", "name is taken"},
		"list of objects":     {asJSON, `[{"code":"taken","message":"name is taken"}]`, "taken", "name is taken"},
		"list of text":        {asJSON, `["name is taken"]`, "", "name is taken"},
		"text in JSON":        {asJSON, `"name is taken"`, "", "name is taken"},
		"problem":             {asProblem, `{"type":"about:blank","title":"Conflict","status":409,"detail":"name is taken"}`, "", "name is taken"},
		"problem without":     {asProblem, `{"type":"about:blank","title":"Conflict","status":409}`, "", "Conflict"},
		"code as text":        {asJSON, `{"code":"taken","message":"m"}`, "taken", "m"},
		"code as number":      {asJSON, `{"code":40901,"message":"m"}`, "40901", "m"},
		"code large":          {asJSON, `{"code":9223372036854775808,"message":"m"}`, "9223372036854775808", "m"},
		"code alone":          {asJSON, `{"code":"taken"}`, "taken", ""},
		"outer code first":    {asJSON, `{"code":1,"error":{"code":2,"message":"m"}}`, "1", "m"},
		"inner code":          {asJSON, `{"error":{"code":2},"message":"m"}`, "", "m"},
		"code of error":       {asJSON, `{"error":{"code":2},"detail":"m"}`, "2", "m"},
		"first name wins":     {asJSON, `{"title":"5","detail":"4","error":"3","msg":"2","message":"1"}`, "", "1"},
		"second name wins":    {asJSON, `{"title":"5","detail":"4","error":"3","msg":"2"}`, "", "2"},
		"third name wins":     {asJSON, `{"title":"5","detail":"4","error":"3"}`, "", "3"},
		"fourth name wins":    {asJSON, `{"title":"5","detail":"4","errors":["6"]}`, "", "4"},
		"fifth name wins":     {asJSON, `{"errors":["6"],"title":"5"}`, "", "5"},
		"empty ones passed":   {asJSON, `{"message":"","msg":null,"error":{},"detail":"name is taken"}`, "", "name is taken"},
		"odd types passed":    {asJSON, `{"code":[1],"message":["a"],"msg":true,"error":[],"errors":"x","detail":"name is taken"}`, "", "name is taken"},
		"number as message":   {asJSON, `{"message":42}`, "", "42"},
		"other case":          {asJSON, `{"Code":"taken","Message":"name is taken"}`, "taken", "name is taken"},
		"escapes":             {asJSON, `{"message":"\u00fc \ud83d\ude00 \"q\" \\"}`, "", `ü 😀 "q" \`},
		"white space around":  {asJSON, "\r\n {\"message\":\"m\"}\n", "", "m"},
		"labelled as text":    {asText, `{"code":1,"message":"m"}`, "1", "m"},
		"no content type":     {"", `{"message":"m"}`, "", "m"},
		"unknown members":     {asJSON, `{"reason":"m"}`, "", ""},
		"empty object":        {asJSON, `{}`, "", ""},
		"empty list":          {asJSON, `[]`, "", ""},
		"errors empty":        {asJSON, `{"errors":[]}`, "", ""},
		"list in list":        {asJSON, `[["m"]]`, "", ""},
		"null":                {asJSON, `null`, "", "null"},
		"number":              {asJSON, `42`, "", "42"},
		"truncated object":    {asJSON, `{"message":"m`, "", ""},
		"truncated text":      {asJSON, `"name is`, "", `"name is`},
		"deep nesting":        {asJSON, strings.Repeat(`{"error":`, 2000) + `"m"` + strings.Repeat("}", 2000), "", ""},
		"deep list":           {asJSON, strings.Repeat(`[`, 20000), "", ""},
		"large":               {asJSON, `{"data":"` + strings.Repeat("x", 100<<10) + `","message":"m"}`, "", "m"},
		"truncated and large": {asJSON, `{"data":"` + strings.Repeat("x", 300<<10) + `","message":"m"}`, "", ""},
		"blank message":       {asJSON, `{"message":" \n","detail":"d"}`, "", "d"},
		"blank first error":   {asJSON, `{"errors":["",{"code":7},"second"]}`, "7", "second"},
		"JSON called HTML":    {asHTML, `{"code":"c","message":"m"}`, "c", "m"},
		"byte order mark":     {asJSON, "\ufeff" + `{"message":"m"}`, "", "m"},

		// what is no JSON
		"nothing":               {asJSON, "", "", ""},
		"blank":                 {asText, " \r\n\t", "", ""},
		"text":                  {asText, "no healthy upstream", "", "no healthy upstream"},
		"text without type":     {"", "no healthy upstream\n", "", "no healthy upstream"},
		"lines":                 {asText, "first\r\n\tsecond\n\nthird  ", "", "first second third"},
		"page":                  {asHTML, "<html><head><title>502 Bad Gateway</title></head><body>…</body></html>", "", page + ": 502 Bad Gateway"},
		"page without title":    {asHTML, "<html><body>…</body></html>", "", page},
		"page after a comment":  {"", "<!-- x --><html><title>Busy</title>", "", page + ": Busy"},
		"page after a mark":     {"", "\ufeff<html><title>Busy</title>", "", page + ": Busy"},
		"page by type alone":    {asHTML, "<center>busy</center>", "", page},
		"page by doctype":       {asText, "\n<!doctype HTML><title lang=en>\n Busy &lt;now&gt;\n</title>", "", page + ": Busy <now>"},
		"page by first element": {"", "<HEAD><TITLE>Busy</TITLE>", "", page + ": Busy"},
		"page with empty title": {asHTML, "<html><title></title>", "", page},
		"page cut in title":     {asHTML, "<html><title>Busy", "", page},
		"page, type in caps":    {"TEXT/HTML", "busy", "", page},
		"XHTML":                 {"application/xhtml+xml", `<?xml version="1.0"?><html><title>Busy</title></html>`, "", page + ": Busy"},
		"control characters":    {asText, "a\x00b\x1b[31mc\x7fd\u0085e\u009bf", "", "a b [31mc d e f"},
		"control in JSON":       {asJSON, `{"code":"a\u0000b","message":"c\n\u001b[2Jd"}`, "a b", "c [2Jd"},
		"control in title":      {asHTML, "<html><title>a&#10;&#27;b</title>", "", page + ": a b"},
		"not UTF-8":             {asText, "caf\xe9 \xff\xfe", "", "caf\uFFFD \uFFFD"},
		"not UTF-8 in JSON":     {asJSON, "{\"message\":\"caf\xe9\"}", "", "caf\uFFFD"},
		"half a pair":           {asJSON, `{"message":"\ud83d!"}`, "", "\uFFFD!"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused := refusal(t, test.contentType, test.body)
			assert.Equal(t, test.code, refused.Code)
			assert.Equal(t, test.message, refused.Message)
			kept := test.body
			if len(kept) > 64<<10 {
				kept = kept[:64<<10]
			}
			assert.Equal(t, kept, string(refused.Body), "as it came")
			assertReadable(t, refused)
		})
	}
}

// assertReadable checks that an error's text is fit for a log or a terminal.
func assertReadable(t *testing.T, refused *xmsclient.ApiError) {
	t.Helper()
	const most = 512 + len("…")
	assert.LessOrEqual(t, len(refused.Message), most)
	assert.LessOrEqual(t, len(refused.Code), most)
	text := refused.Error()
	assert.True(t, utf8.ValidString(text))
	assert.False(t, strings.ContainsFunc(text, unicode.IsControl))
	assert.Contains(t, text, "400 Bad Request")
}

func TestErrorBody_Long(t *testing.T) {
	t.Parallel()
	exact := strings.Repeat("x", 512)
	for name, test := range map[string]struct{ body, code, message string }{
		"just fits":       {exact, "", exact},
		"one too many":    {exact + "y", "", exact + "…"},
		"within a rune":   {exact[:511] + "üy", "", exact[:511] + "…"},
		"in JSON":         {`{"message":"` + exact + `yz","code":"` + exact + `yz"}`, exact + "…", exact + "…"},
		"title":           {"<html><title>" + exact + "</title>", "", ("an HTML page, probably from a proxy: " + exact)[:512] + "…"},
		"more than kept":  {strings.Repeat("x", 1<<20), "", exact + "…"},
		"white space":     {"a" + strings.Repeat(" \n", 1000) + "b", "", "a b"},
		"broken encoding": {strings.Repeat("\xff", 2000), "", "\uFFFD"},
		"wide characters": {strings.Repeat("漢", 2000), "", strings.Repeat("漢", 170) + "…"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused := refusal(t, "", test.body)
			assert.Equal(t, test.code, refused.Code)
			assert.Equal(t, test.message, refused.Message)
			assertReadable(t, refused)
		})
	}
}

// Up to 64 KiB of a body are kept, and a long one does not stand in the way of the next call.
func TestErrorBody_Kept(t *testing.T) {
	t.Parallel()
	for _, size := range []int{64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20} {
		srv := start(t)
		srv.Seed(1)
		body := strings.Repeat("0123456789", size/10+1)[:size]
		srv.Inject(xmstest.Fault{StatusCode: http.StatusBadRequest, Body: body, Header: http.Header{"Content-Type": {"text/plain"}}})
		api := client(t, srv)
		_, _, err := api.GetAccessToken(t.Context(), 1)
		var refused *xmsclient.ApiError
		require.ErrorAs(t, err, &refused)
		assert.Len(t, refused.Body, min(size, 64<<10))
		assert.True(t, strings.HasPrefix(body, string(refused.Body)))
		_, _, err = api.GetAccessToken(t.Context(), 1)
		require.NoError(t, err)
	}
}
