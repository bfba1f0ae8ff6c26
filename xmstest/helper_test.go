package xmstest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

const (
	adminToken = "0123456789abcdef0123456789abcdef"
	createBody = `{"access_token":{"name":"new","roles":["admin"]}}`
)

var uuidForm = regexp.MustCompile(`^[0-9a-f]{32}$`)

// sample is a request for one operation.
type sample struct {
	operation string
	method    string
	path      string
	body      string
	status    int
}

// samples has one request for each operation. On a server with the admin token adminToken and one
// token, id 1, they succeed in this order.
func samples() []sample {
	return []sample{
		{"GetAccessToken", http.MethodGet, "/access-tokens/1", "", 200},
		{"ListAccessTokens", http.MethodGet, "/access-tokens/", "", 200},
		{"UpdateAccessToken", http.MethodPatch, "/access-tokens/1", `{"access_token":{"name":"renamed"}}`, 200},
		{"CreateAccessToken", http.MethodPost, "/access-tokens/", createBody, 201},
		{"RegenerateAccessToken", http.MethodPost, "/access-tokens/1:regenerate", "", 200},
		{"ValidateAccessToken", http.MethodPost, "/access-tokens:validate?subject_access_token=" + adminToken, "", 200},
		{"DeleteAccessToken", http.MethodDelete, "/access-tokens/1", "", 204},
	}
}

// client sends raw requests to one server over its own connections.
type client struct {
	t      *testing.T
	server *xmstest.Server
	http   *http.Client
	token  string // sent in the header unless empty
}

// start starts a server and returns a client that trusts its certificate, if it has one.
func start(t *testing.T, opts ...xmstest.Option) *client {
	t.Helper()
	server := xmstest.NewServer(opts...)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(server.CertificatePEM())
	return newClient(t, server, &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true})
}

func newClient(t *testing.T, server *xmstest.Server, transport *http.Transport) *client {
	t.Helper()
	t.Cleanup(transport.CloseIdleConnections)
	return &client{
		t: t, server: server, token: server.AdminToken(),
		http: &http.Client{Transport: transport, Timeout: 20 * time.Second},
	}
}

// as returns a client with another credential, or none if it is empty.
func (c *client) as(token string) *client {
	other := *c
	other.token = token
	return &other
}

type reply struct {
	t      *testing.T
	status int
	header http.Header
	proto  string
	body   string
}

// try sends a request to a path below the base URL.
func (c *client) try(ctx context.Context, method, path, body string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.server.BaseURL()+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if c.token != "" {
		req.Header.Set("Xms-Auth-Token", c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	return reply{t: c.t, status: resp.StatusCode, header: resp.Header, proto: resp.Proto, body: string(content)}, err
}

func (c *client) send(method, path, body string) reply {
	c.t.Helper()
	r, err := c.try(c.t.Context(), method, path, body)
	require.NoError(c.t, err)
	return r
}

// create makes a token and returns its record.
func (c *client) create(name string) tokenJSON {
	c.t.Helper()
	r := c.send(http.MethodPost, "/access-tokens/", fmt.Sprintf(`{"access_token":{"name":%q,"roles":["admin"]}}`, name))
	require.Equal(c.t, http.StatusCreated, r.status, r.body)
	return r.token()
}

func (c *client) get(id int64) reply {
	c.t.Helper()
	return c.send(http.MethodGet, fmt.Sprintf("/access-tokens/%d", id), "")
}

func (c *client) list(query string) reply {
	c.t.Helper()
	return c.send(http.MethodGet, "/access-tokens/"+query, "")
}

func (c *client) validate(uuid string) reply {
	c.t.Helper()
	return c.send(http.MethodPost, "/access-tokens:validate?subject_access_token="+uuid, "")
}

// newRequest returns a request of admin for a handler.
func newRequest(s *xmstest.Server, method, target, body string) *http.Request {
	req := httptest.NewRequest(method, target, strings.NewReader(body))
	req.Header.Set("Xms-Auth-Token", s.AdminToken())
	return req
}

// serve asks the handler of a server without a connection. The error is what it panicked with.
func serve(ctx context.Context, s *xmstest.Server, req *http.Request) (w *httptest.ResponseRecorder, aborted error) {
	defer func() {
		if v := recover(); v != nil {
			aborted = v.(error)
		}
	}()
	w = httptest.NewRecorder()
	s.Handler().ServeHTTP(w, req.WithContext(ctx))
	return w, nil
}

// tokenJSON is spelt out here, so that these tests depend on the wire alone.
type tokenJSON struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Roles       []string  `json:"roles"`
	Used        bool      `json:"used"`
	UUID        string    `json:"uuid"`
	Create      time.Time `json:"create"`
	Update      time.Time `json:"update"`
	User        struct {
		ID        int64  `json:"id"`
		Name      string `json:"name"`
		SkipGuide bool   `json:"skip_guide"`
	} `json:"user"`
}

type pageJSON struct {
	AccessTokens []tokenJSON      `json:"access_tokens"`
	Paging       map[string]int64 `json:"paging"`
}

func (p pageJSON) ids() []int64 {
	all := []int64{}
	for _, token := range p.AccessTokens {
		all = append(all, token.ID)
	}
	return all
}

func (r reply) token() tokenJSON {
	r.t.Helper()
	var v map[string]tokenJSON
	require.NoError(r.t, json.Unmarshal([]byte(r.body), &v), r.body)
	require.Contains(r.t, v, "access_token")
	return v["access_token"]
}

func (r reply) page() pageJSON {
	r.t.Helper()
	require.Equal(r.t, http.StatusOK, r.status, r.body)
	var v pageJSON
	require.NoError(r.t, json.Unmarshal([]byte(r.body), &v), r.body)
	return v
}

// requireError checks the form that all errors of this server have.
func (r reply) requireError(status int, code string) {
	r.t.Helper()
	require.Equal(r.t, status, r.status, r.body)
	require.Equal(r.t, "application/json", r.header.Get("Content-Type"))
	var v map[string]string
	require.NoError(r.t, json.Unmarshal([]byte(r.body), &v), r.body)
	require.Equal(r.t, code, v["code"])
	require.NotEmpty(r.t, v["message"])
	require.Len(r.t, v, 2)
}
