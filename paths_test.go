package xmsclient_test

import (
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// urlCode is all code of the package that makes, changes or takes apart a URL. A path comes from a row of the operation table
// through fill; whatever else gets into a URL is escaped.
func urlCode() []string {
	return []string{
		// base URLs, as they are configured
		`url.Parse(strings.TrimRight(raw, "/"))`,
		`url.Parse(base)`,
		`Path: u.Path`,
		`RawPath: u.RawPath`,
		// paths and queries of requests
		`u.Path = n.paths[op]`,
		`u.Path = op.fill(n.root.Path, id)`,
		`u.RawPath = op.fill(u.RawPath, id)`,
		`u.RawQuery = query`,
		`op.query[i].name + "=" + text`,
		`authQuery + "=" + url.QueryEscape(cfg.TokenInQuery.value())`,
		`joined += "&"`,
		`req.URL.RawQuery = joinQuery(req.URL.RawQuery, query)`,
		// for people and logs to read
		`"xms-client-go/" + Version`,
		`target.Scheme + "://" + target.Host`,
		`u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)`,
	}
}

func TestURLsAreMadeOfTheOperationTable(t *testing.T) {
	t.Parallel()
	s := &urlScan{t: t, files: token.NewFileSet()}
	for _, file := range sourceFiles(t) {
		parsed, err := parser.ParseFile(s.files, file, nil, 0)
		require.NoError(t, err)
		for _, declaration := range parsed.Decls {
			s.function = declaredName(declaration)
			ast.Inspect(declaration, s.visit)
		}
	}
	for _, code := range urlCode() {
		if !slices.Contains(s.found, code) {
			t.Errorf("urlCode in this test has %s, the package has not", code)
		}
	}
}

// sourceFiles returns the names of the files of the package other than tests.
func sourceFiles(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	var files []string
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
			files = append(files, name)
		}
	}
	require.NotEmpty(t, files)
	return files
}

// declaredName returns the name of a function, with that of its receiver's type, or "" for any other declaration.
func declaredName(declaration ast.Decl) string {
	function, ok := declaration.(*ast.FuncDecl)
	if !ok {
		return ""
	}
	if function.Recv == nil {
		return function.Name.Name
	}
	receiver := function.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	if name, ok := receiver.(*ast.Ident); ok {
		return name.Name + "." + function.Name.Name
	}
	return function.Name.Name
}

// urlScan looks for code that has to do with URLs.
type urlScan struct {
	t        *testing.T
	files    *token.FileSet
	function string
	found    []string
}

var (
	// urlField is a member of url.URL, but for those that cannot hold a path or a query.
	urlField = regexp.MustCompile(`^(Path|RawPath|RawQuery|Opaque)$`)
	// urlCall makes a URL or a request out of text.
	urlCall = regexp.MustCompile(`^(url\.(Parse|ParseRequestURI|JoinPath)|path\.Join|http\.NewRequest(WithContext)?|.*\.(JoinPath|ResolveReference))$`)
	// urlText, at the beginning or end of a text that is joined with others, makes part of a URL.
	urlText = regexp.MustCompile(`^"[/?&=%]|[/?&=%]"$`)
	// urlFormat inserts values into a URL.
	urlFormat = regexp.MustCompile(`[/?&=]%[^%]|%[a-z][/?&]`)
)

func (s *urlScan) visit(node ast.Node) bool {
	switch node := node.(type) {
	case *ast.CompositeLit:
		if name, ok := node.Type.(*ast.Ident); ok && name.Name == "operationRow" {
			return false
		}
	case *ast.AssignStmt:
		if slices.ContainsFunc(node.Lhs, isURLField) || node.Tok == token.ADD_ASSIGN && isURLText(node.Rhs[0]) {
			s.note(node)
		}
	case *ast.KeyValueExpr:
		if name, ok := node.Key.(*ast.Ident); ok && urlField.MatchString(name.Name) {
			s.note(node)
		}
	case *ast.BinaryExpr:
		if node.Op == token.ADD && isURLText(node) {
			s.note(node)
			return false
		}
	case *ast.CallExpr:
		if called := s.text(node.Fun); urlCall.MatchString(called) || called == "fmt.Sprintf" && isURLFormat(node.Args[0]) {
			s.note(node)
		}
	case *ast.BasicLit:
		if node.Kind == token.STRING && strings.Contains(node.Value, "access-token") {
			s.note(node)
		}
	}
	return true
}

func isURLField(target ast.Expr) bool {
	selector, ok := target.(*ast.SelectorExpr)
	return ok && urlField.MatchString(selector.Sel.Name)
}

// isURLText reports whether a text, or one of several that are joined, is part of a URL.
func isURLText(text ast.Expr) bool {
	switch text := text.(type) {
	case *ast.BinaryExpr:
		return isURLText(text.X) || isURLText(text.Y)
	case *ast.BasicLit:
		return text.Kind == token.STRING && (urlText.MatchString(text.Value) || text.Value == `"://"`)
	}
	return false
}

func isURLFormat(format ast.Expr) bool {
	literal, ok := format.(*ast.BasicLit)
	return ok && urlFormat.MatchString(literal.Value)
}

// note checks that what was found is in urlCode.
func (s *urlScan) note(node ast.Node) {
	code := s.text(node)
	s.found = append(s.found, code)
	where := s.function
	if where == "" {
		where = "a declaration"
	}
	if !slices.Contains(urlCode(), code) {
		s.t.Errorf("%s: %s makes a URL by itself: %s\nPaths come from the operation table through operationRow.fill, values through "+
			"operationRow.encodeQuery. If this is neither a path nor an unescaped value, add it to urlCode in this test.",
			s.files.Position(node.Pos()), where, code)
	}
}

func (s *urlScan) text(node ast.Node) string {
	var b strings.Builder
	require.NoError(s.t, printer.Fprint(&b, s.files, node))
	return b.String()
}

// TestValuesCannotLeaveTheirPlace sends values that would change a URL if they were not escaped.
func TestValuesCannotLeaveTheirPlace(t *testing.T) {
	t.Parallel()
	const harmless, hostile = "a", "/../admin?role=root&all=true;limit=1#x%2F+\" \\\r\n\x00é"
	for name, call := range map[string]func(api *xmsclient.AccessTokensApiService, value string) error{
		"role": func(api *xmsclient.AccessTokensApiService, value string) error {
			_, _, err := api.ListAccessTokens(t.Context(), &xmsclient.ListAccessTokensOpts{Role: &value})
			return err
		},
		"subject token": func(api *xmsclient.AccessTokensApiService, value string) error {
			_, _, err := api.ValidateAccessToken(t.Context(), value)
			return err
		},
	} {
		path, query := sentURL(t, harmless, call)
		hostilePath, hostileQuery := sentURL(t, hostile, call)
		assert.Equal(t, path, hostilePath, name)
		for parameter, values := range query {
			if values[0] == harmless {
				query[parameter] = []string{hostile}
			}
		}
		assert.Equal(t, query, hostileQuery, name)
	}
}

// sentURL makes a call with value and returns what arrives of it. The client's own query parameter needs escaping too.
func sentURL(t *testing.T, value string, call func(*xmsclient.AccessTokensApiService, string) error) (path string, query url.Values) {
	t.Helper()
	received := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		received <- r.RequestURI
		w.WriteHeader(http.StatusTeapot)
	}))
	defer server.Close()
	key := xmsclient.APIKey{Key: "k&limit=2", Prefix: "?#"}
	client, err := xmsclient.NewAPIClient(&xmsclient.Configuration{BaseURL: server.URL + "/v1", TokenInQuery: key})
	require.NoError(t, err)
	var answered *xmsclient.ApiError
	require.ErrorAs(t, call(client.AccessTokensApi, value), &answered)
	path, raw, _ := strings.Cut(<-received, "?")
	query, err = url.ParseQuery(raw)
	require.NoError(t, err)
	require.Len(t, query, 2)
	return path, query
}
