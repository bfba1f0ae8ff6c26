package conformance

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// operationsAgree compares the document's operations with the rows of the SDK's table, with the methods that callers see,
// and with what xmstest routes.
func operationsAgree(t *testing.T) {
	doc := readDocument(t)
	agree(t, side{documentName, documentedRows(doc)}, side{tableName, tableRows(t)})
	agree(t, side{documentName, documentedSignatures(doc)}, side{"the methods of AccessTokensApiService", signatures()})
	agree(t, side{documentName, documentedRoutes(doc)}, side{"the routes of xmstest", routes(t, doc)})
}

func documentedRows(doc document) claims {
	c := claims{}
	for _, op := range doc.operations() {
		subject := "operation " + op.OperationID
		c.add(subject, "method", op.method)
		c.add(subject, "path", op.path)
		for _, parameter := range op.parameters("query") {
			c.add(subject, "query parameter "+parameter.Name, requiredness(parameter.Required))
		}
		c.add(subject, "presence of a body", strconv.FormatBool(op.RequestBody != nil))
		status, _ := op.success()
		c.add(subject, "status of success", strconv.Itoa(status))
	}
	return c
}

func tableRows(t *testing.T) claims {
	t.Helper()
	c := claims{}
	for _, row := range readTable(t) {
		subject := "operation " + row.name
		if c[subject] != nil {
			t.Errorf("%s has %s twice", tableName, subject)
		}
		c.add(subject, "method", row.method)
		c.add(subject, "path", row.path)
		for name, required := range row.query {
			c.add(subject, "query parameter "+name, required)
		}
		c.add(subject, "presence of a body", strconv.FormatBool(row.body))
		c.add(subject, "status of success", strconv.FormatInt(row.success, 10))
	}
	return c
}

func documentedSignatures(doc document) claims {
	c := claims{}
	for _, op := range doc.operations() {
		subject := "operation " + op.OperationID
		_, answer := op.success()
		c.add(subject, "answer", orNone(answer))
		if body := op.body(); body != "" {
			c.add(subject, "body", body)
		}
		for _, parameter := range op.parameters("path") {
			c.add(subject, "path parameter", goType(parameter.Schema))
		}
		for _, parameter := range op.parameters("query") {
			name := parameter.Name
			if parameter.Required {
				name = "(as an argument)"
			}
			c.add(subject, "query parameter "+name, goType(parameter.Schema))
		}
	}
	return c
}

// iterator is the one method that is not an operation but makes use of one.
const iterator = "AllAccessTokens"

func signatures() claims {
	c := claims{}
	for i := range service().NumMethod() {
		method := service().Method(i)
		if method.Name == iterator {
			continue
		}
		subject := "operation " + method.Name
		c.add(subject, "answer", orNone(answerOf(method.Type)))
		for i := 2; i < method.Type.NumIn(); i++ { // after the receiver and the context
			switch in := method.Type.In(i); {
			case in.Kind() == reflect.Struct:
				c.add(subject, "body", in.Name())
			case in.Kind() == reflect.Pointer:
				for _, field := range reflect.VisibleFields(in.Elem()) {
					c.add(subject, "query parameter "+snakeCase(field.Name), sdkType(field.Type.Elem()))
				}
			case in.Kind() == reflect.String:
				c.add(subject, "query parameter (as an argument)", sdkType(in))
			default:
				c.add(subject, "path parameter", sdkType(in))
			}
		}
	}
	return c
}

func service() reflect.Type { return reflect.TypeFor[*xmsclient.AccessTokensApiService]() }

// answerOf returns the name of the model that a method returns, or "".
func answerOf(method reflect.Type) string {
	if first := method.Out(0); first != reflect.TypeFor[*xmsclient.Response]() {
		return first.Elem().Name()
	}
	return ""
}

// sdkType is a type as the SDK's own source writes it.
func sdkType(t reflect.Type) string { return strings.ReplaceAll(t.String(), "xmsclient.", "") }

func orNone(name string) string {
	if name == "" {
		return "none"
	}
	return name
}

// snakeCase turns a Go name into that of the parameter it stands for: UserID is user_id.
func snakeCase(name string) string {
	var out strings.Builder
	before := 'A'
	for _, r := range name {
		if unicode.IsUpper(r) && !unicode.IsUpper(before) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
		before = r
	}
	return out.String()
}

func documentedRoutes(doc document) claims {
	c := claims{}
	for _, op := range doc.operations() {
		c.add("path "+op.path, op.method, op.OperationID)
	}
	return c
}

// routes finds out what xmstest takes a request for, by every method on every path of the document, and on what a path becomes
// when its slash is forgotten, one is added, or its colon escaped.
func routes(t *testing.T, doc document) claims {
	t.Helper()
	server := xmstest.NewServer()
	defer server.Close()
	c := claims{}
	for path := range doc.Paths.Map() {
		for _, path := range []string{path, toggleSlash(path), strings.ReplaceAll(path, ":", "%3A")} {
			for _, method := range []string{
				http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
			} {
				if operation := routed(server, method, path); operation != "" {
					c.add("path "+path, method, operation)
				}
			}
		}
	}
	return c
}

func toggleSlash(path string) string {
	if cut, had := strings.CutSuffix(path, "/"); had {
		return cut
	}
	return path + "/"
}

// routed returns the operation that xmstest takes a request for, or "".
func routed(server *xmstest.Server, method, path string) string {
	target := server.BaseURL() + strings.ReplaceAll(path, "{access_token_id}", "7")
	server.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, target, http.NoBody))
	requests := server.Requests()
	return requests[len(requests)-1].Operation
}
