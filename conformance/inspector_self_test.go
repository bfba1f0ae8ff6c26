package conformance

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const sampleDocument = `
openapi: 3.0.3
info: {title: sample, version: v1}
servers: [{url: /v1}]
security: [{inHeader: []}, {inQuery: []}]
paths:
  /things/:
    get:
      operationId: ListThings
      parameters: [{name: limit, in: query, schema: {type: integer, format: int64}}]
      responses:
        "200":
          description: things
          content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}
        "503": {description: anything}
    post:
      operationId: MakeThing
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}
      responses: {"201": {description: made}}
  /things/{id}:verb:
    post:
      operationId: VerbThing
      parameters: [{name: id, in: path, required: true, schema: {type: integer, format: int64}}]
      responses: {"204": {description: done}}
components:
  schemas:
    Thing:
      type: object
      additionalProperties: false
      required: [name]
      properties:
        name: {type: string}
        made: {type: string, format: date-time}
        id: {type: integer, format: int64}
  securitySchemes:
    inHeader: {type: apiKey, in: header, name: X-Key}
    inQuery: {type: apiKey, in: query, name: key}
`

// canned is an http.RoundTripper that answers everything alike.
type canned struct {
	status      int
	contentType string
	body        string
}

func (c canned) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: c.status, Header: http.Header{"Content-Type": {c.contentType}}, Body: io.NopCloser(strings.NewReader(c.body)), Request: req,
	}, nil
}

func TestInspectorNoticesViolations(t *testing.T) {
	t.Parallel()
	good := canned{200, "application/json", `{"name":"a","made":"2024-05-06T07:08:09Z","id":9223372036854775807}`}
	made, done := canned{status: 201}, canned{status: 204}
	for name, test := range map[string]struct {
		method, target, body string
		answer               canned
		want                 string // "": nothing is wrong
	}{
		"nothing":             {"GET", "/v1/things/?key=a&limit=-9223372036854775808", "", good, ""},
		"nothing in a body":   {"POST", "/v1/things/?key=a", `{"name":"a"}`, made, ""},
		"nothing with a verb": {"POST", "/v1/things/7:verb?key=a", "", done, ""},
		"free-form failure":   {"GET", "/v1/things/?key=a", "", canned{503, "text/html", "<html>"}, ""},

		"slash dropped":         {"GET", "/v1/things?key=a", "", good, "no operation"},
		"slash added":           {"POST", "/v1/things/7:verb/?key=a", "", done, "no operation"},
		"colon escaped":         {"POST", "/v1/things/7%3Averb?key=a", "", done, "no operation"},
		"other base":            {"GET", "/v2/things/?key=a", "", good, "no operation"},
		"other method":          {"PUT", "/v1/things/?key=a", "", good, "no operation"},
		"no credential":         {"GET", "/v1/things/", "", good, "nothing in the header X-Key"},
		"unknown parameter":     {"GET", "/v1/things/?key=a&size=1", "", good, `unknown query parameters ["size"]`},
		"parameter's type":      {"GET", "/v1/things/?key=a&limit=many", "", good, `parameter "limit" in query`},
		"path parameter's type": {"POST", "/v1/things/x:verb?key=a", "", done, `parameter "id" in path`},
		"no body":               {"POST", "/v1/things/?key=a", "", made, "request body"},
		"body undocumented":     {"POST", "/v1/things/7:verb?key=a", "{}", done, "request body"},
		"member left out":       {"POST", "/v1/things/?key=a", `{"id":1}`, made, "the request of the SDK violates " + documentName},
		"member unknown":        {"POST", "/v1/things/?key=a", `{"name":"a","size":1}`, made, "size"},
		"other status":          {"POST", "/v1/things/?key=a", `{"name":"a"}`, canned{status: 200}, "xmstest answers with status 200; " + documentName + " has only 201"},
		"redirect":              {"GET", "/v1/things/?key=a", "", canned{status: 307}, "status 307"},
		"answer's type":         {"GET", "/v1/things/?key=a", "", canned{200, "text/html", "<html>"}, "text/html"},
		"answer's member":       {"GET", "/v1/things/?key=a", "", canned{200, "application/json", `{"name":5}`}, "at /name"},
		"answer's time":         {"GET", "/v1/things/?key=a", "", canned{200, "application/json", `{"name":"a","made":"noon"}`}, "at /made"},
		"answer is no JSON":     {"GET", "/v1/things/?key=a", "", canned{200, "application/json", `{`}, "the answer of xmstest with status 200 violates"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, err := openapi3.NewLoader().LoadFromData([]byte(sampleDocument))
			require.NoError(t, err)
			i := newInspector(t, document{doc})
			i.next = test.answer
			req := httptest.NewRequest(test.method, "http://127.0.0.1"+test.target, strings.NewReader(test.body))
			if test.body != "" {
				req.Header.Set("Content-Type", "application/json")
			}
			resp, err := i.RoundTrip(req)
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, test.answer.body, string(body), "passed on unchanged")
			found := slices.Collect(maps.Keys(i.violations))
			if test.want == "" {
				assert.Empty(t, found)
				return
			}
			require.Len(t, found, 1)
			assert.Contains(t, found[0], test.want)
		})
	}
}
