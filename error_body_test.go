package xmsclient_test

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

const (
	asJSON  = "application/json"
	asHTML  = "text/html; charset=utf-8"
	asText  = "text/plain"
	aProxy  = "an HTML page, probably from a proxy"
	problem = "application/problem+json; charset=utf-8"
)

// refusal returns the error of a call that was refused with this body.
func refusal(t *testing.T, body string, header ...string) *xmsclient.ApiError {
	t.Helper()
	api, _ := mock(t, func(*http.Request) (*http.Response, error) {
		r := response(http.StatusBadRequest, body)
		r.Header = http.Header{}
		for i := 0; i < len(header); i += 2 {
			r.Header.Add(header[i], header[i+1])
		}
		return r, nil
	})
	_, _, err := api.GetAccessToken(t.Context(), 1)
	var refused *xmsclient.ApiError
	require.ErrorAs(t, err, &refused)
	return refused
}

func TestApiError_SaysWhatTheBodySays(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ contentType, body, code, message string }{
		// A text alone, wherever it stands.
		{asJSON, `{"message":"name is taken"}`, "", "name is taken"},
		{asJSON, `{"msg":"name is taken"}`, "", "name is taken"},
		{asJSON, `{"error":"name is taken"}`, "", "name is taken"},
		{asJSON, `{"errors":"name is taken"}`, "", "name is taken"},
		{asJSON, `{"error_msg":"name is taken"}`, "", "name is taken"},
		{asJSON, `{"detail":"name is taken"}`, "", "name is taken"},
		{asJSON, `{"title":"name is taken"}`, "", "name is taken"},
		{asJSON, `{"error":["name is taken"]}`, "", "name is taken"},
		{asJSON, `{"errors":["name is taken"]}`, "", "name is taken"},
		{asJSON, `{"errors":[{"message":"name is taken"}]}`, "", "name is taken"},
		{asJSON, `{"error":{"errors":[{"detail":"name is taken"}]}}`, "", "name is taken"},
		{asJSON, `["name is taken"]`, "", "name is taken"},
		{asJSON, `"name is taken"`, "", "name is taken"},
		{asText, "name is taken\n", "", "name is taken"},
		{asHTML, "no healthy upstream", "", "no healthy upstream"},
		{"", "\ufeff" + `{"message":"name is taken"}`, "", "name is taken"},
		{asHTML, `{"message":"<b> is taken"}`, "", "<b> is taken"},
		{asJSON, `{"message":"\u8bbf\u95ee \u0026 \"\u6743\u9650\""}`, "", `访问 & "权限"`},
		{asText, "first\r\n\tsecond\u2028third\x1b[31m \u202e\u00adend\x9b", "", "first second third [31m end\uFFFD"},
		// A code or a status beside the text.
		{asJSON, `{"code":40901,"message":"name is taken"}`, "40901", "name is taken"},
		{asJSON, `{"code":"taken","status":409,"msg":"name is taken"}`, "taken", "name is taken"},
		{asJSON, `{"error":{"code":"taken","message":"name is taken"}}`, "taken", "name is taken"},
		{asJSON, `{"code":1,"error":{"code":2,"message":"m"}}`, "1", "m"},
		{asJSON, `{"code":9223372036854775808,"message":"m"}`, "9223372036854775808", "m"},
		// The first known text, and the whole if more stands beside it.
		{
			asJSON, `{"title":"5","detail":"4","error":"3","message":"1"}`, "",
			`1 {"detail":"4","error":"3","message":"1","title":"5"}`,
		},
		{
			asJSON, `{"message":"","msg":null,"error":{},"detail":"d"}`, "",
			`d {"detail":"d","error":{},"message":"","msg":null}`,
		},
		{
			asJSON, `{"message":"Validation Failed","errors":[{"field":"name","code":"taken"}]}`, "",
			`Validation Failed {"errors":[{"code":"taken","field":"name"}],"message":"Validation Failed"}`,
		},
		{
			asJSON, `{"errors":["name is taken","role is unknown"]}`, "",
			`name is taken {"errors":["name is taken","role is unknown"]}`,
		},
		{
			asJSON, `{"errors":[{"message":"taken","field":"name"},{"message":"unknown"}]}`, "",
			`taken {"errors":[{"field":"name","message":"taken"},{"message":"unknown"}]}`,
		},
		{asJSON, `{"detail":[{"loc":["body","name"],"msg":"too short"}]}`, "",
			`too short {"detail":[{"loc":["body","name"],"msg":"too short"}]}`},
		{
			asJSON, `{"error":{"code":7,"message":"m","hint":"<h> \u8bbf"}}`, "7",
			`m {"error":{"code":7,"hint":"<h> 访","message":"m"}}`,
		},
		{
			problem, `{"type":"about:blank","title":"Conflict","status":409,"detail":"name is taken"}`, "",
			`name is taken {"detail":"name is taken","status":409,"title":"Conflict","type":"about:blank"}`,
		},
		{
			asJSON, `{"kind":"Status","apiVersion":"v1","status":"Failure",` +
				`"message":"not found","reason":"NotFound","code":404}`,
			"404", `not found {"apiVersion":"v1","code":404,"kind":"Status","message":"not found",` +
				`"reason":"NotFound","status":"Failure"}`,
		},
		// No known text.
		{asJSON, `{"errors":{"name":["taken"]}}`, "", `{"errors":{"name":["taken"]}}`},
		{asJSON, `{"reason":"\u8bbf"}`, "", `{"reason":"访"}`},
		{asJSON, `{"code":"taken"}`, "taken", `{"code":"taken"}`},
		{asJSON, `{"message":42,"error":true}`, "", `{"error":true,"message":42}`},
		{asJSON, ` { "x" : [ 1.50 , null ] } `, "", `{"x":[1.50,null]}`},
		{asJSON, `{}`, "", `{}`},
		{asJSON, `42`, "", `42`},
		{asJSON, `{"message":"name is taken","errors":[{"fie`, "", `{"message":"name is taken","errors":[{"fie`},
		{asJSON, "", "", ""},
		{asText, " \r\n", "", ""},
		// Pages and other documents.
		{asHTML, "<html><head><title>502 Bad Gateway</title></head><body><h1>…</h1></body></html>", "",
			aProxy + ": 502 Bad Gateway"},
		{
			asHTML, "<html><head><title> </title><style>p > b {}</style><script>if (a<b) {}</script></head><!-- <p> -->" +
				"<body><p>Too&nbsp;many <b>users</b></body>", "", aProxy + ": Too many users",
		},
		{asText, "\n<!DOCTYPE html><TITLE lang=en>\n Busy &lt;now&gt;\n</TITLE>", "", aProxy + ": Busy <now>"},
		{asHTML, "<html><title>Bu", "", aProxy + ": Bu"},
		{asHTML, "<html><body><script>if (a<b", "", aProxy},
		{asHTML, "<p>busy</p>", "", aProxy + ": busy"},
		{
			"application/xml", `<?xml version="1.0"?><Error><Code>Busy</Code>` +
				`<Message><![CDATA[too many]]> &amp; more</Message></Error>`, "",
			"an XML document: Busy too many & more",
		},
	} {
		refused := refusal(t, test.body, "Content-Type", test.contentType)
		assert.Equal(t, test.code, refused.Code, "code of %s", test.body)
		assert.Equal(t, test.message, refused.Message, "message of %s", test.body)
		assert.Equal(t, test.body, string(refused.Body))
		assert.Contains(t, refused.Error(), "400 Bad Request")
		assert.Contains(t, refused.Error(), test.message)
	}
}

func TestApiError_ShowsTheFirstKnownText(t *testing.T) {
	t.Parallel()
	body := "{}"
	for _, name := range []string{"title", "detail", "error_msg", "errors", "error", "msg", "message"} {
		body = `{"` + name + `":"from ` + name + `",` + strings.TrimPrefix(body, "{")
		body = strings.Replace(body, ",}", "}", 1)
		assert.Regexp(t, "^from "+name+"( |$)", refusal(t, body).Message)
	}
}

func TestApiError_CutsLongBodies(t *testing.T) {
	t.Parallel()
	full := strings.Repeat("x", 512)
	for _, test := range []struct{ body, code, message string }{
		{full, "", full},
		{full + "y", "", full + "…"},
		{full[:511] + "üy", "", full[:511] + "…"},
		{`{"message":"` + full + `y","code":"` + full + `y"}`, full + "…", full + "…"},
		{`{"message":"m","x":"` + full + `"}`, "", `m {"message":"m","x":"` + full[:490] + "…"},
		{"<html><title>" + full + "y</title>", "", aProxy + ": " + full + "…"},
		{strings.Repeat("漢", 64<<10), "", strings.Repeat("漢", 170) + "…"},
		{`{"data":"` + strings.Repeat("x", 32<<10) + `","message":"m"}`, "", `m {"data":"` + full[:501] + "…"},
		{strings.Repeat(`{"error":`, 9) + `"deep"` + strings.Repeat("}", 9), "", "deep"},
		{
			strings.Repeat(`{"error":`, 60) + `"deeper"` + strings.Repeat("}", 60), "",
			strings.Repeat(`{"error":`, 60)[:512] + "…",
		},
		{strings.Repeat("<!-- >", 10_922), "", "an XML document"},
	} {
		refused := refusal(t, test.body)
		assert.Equal(t, test.code, refused.Code)
		assert.Equal(t, test.message, refused.Message)
		assert.Equal(t, test.body[:min(len(test.body), 64<<10)], string(refused.Body))
		assert.True(t, utf8.ValidString(refused.Error()))
	}
}

func TestApiError_NamesAnEncodingThatItCannotRead(t *testing.T) {
	t.Parallel()
	for encoding, body := range map[string]string{"br": "\x0b\x02\x80{}\x03", "zstd": "\x28\xb5\x2f\xfd\x04\x00"} {
		refused := refusal(t, body, "Content-Encoding", encoding)
		assert.Equal(t, "a body that the client cannot read, encoded as: "+encoding, refused.Message)
	}
}
