package xmstest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
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

// client sends raw requests to one server over connections of its own.
type client struct {
	t      *testing.T
	server *xmstest.Server
	http   *http.Client
	token  string // sent in the header unless empty
}

func start(t *testing.T, opts ...xmstest.Option) *client {
	t.Helper()
	server := xmstest.NewServer(opts...)
	t.Cleanup(server.Close)
	return newClient(t, server, &http.Transport{})
}

func newClient(t *testing.T, server *xmstest.Server, transport *http.Transport) *client {
	t.Helper()
	t.Cleanup(transport.CloseIdleConnections)
	return &client{
		t: t, server: server, token: server.AdminToken(),
		http: &http.Client{Transport: transport, Timeout: 20 * time.Second},
	}
}

// as returns a client that shows another credential; none when it is empty.
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

// try sends a request to a path below the base URL and returns what went wrong with it, if anything.
func (c *client) try(ctx context.Context, method, path, body string) (reply, error) {
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.server.BaseURL()+path, content)
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
	answer, err := io.ReadAll(resp.Body)
	return reply{
		t: c.t, status: resp.StatusCode, header: resp.Header, proto: resp.Proto, body: string(answer),
	}, err
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

// tokenJSON is what these tests read of a token. It is spelt out here so that nothing but the wire decides.
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
		ID   int64  `json:"id"`
		Name string `json:"name"`
	} `json:"user"`
}

type pageJSON struct {
	AccessTokens []tokenJSON `json:"access_tokens"`
	Paging       *struct {
		Count      int64 `json:"count"`
		Limit      int64 `json:"limit"`
		Offset     int64 `json:"offset"`
		TotalCount int64 `json:"total_count"`
	} `json:"paging"`
}

func (r reply) token() tokenJSON {
	r.t.Helper()
	var v struct {
		AccessToken *tokenJSON `json:"access_token"`
	}
	require.NoError(r.t, json.Unmarshal([]byte(r.body), &v), r.body)
	require.NotNil(r.t, v.AccessToken, r.body)
	return *v.AccessToken
}

func (r reply) page() pageJSON {
	r.t.Helper()
	require.Equal(r.t, http.StatusOK, r.status, r.body)
	var v pageJSON
	require.NoError(r.t, json.Unmarshal([]byte(r.body), &v), r.body)
	return v
}

// requireError checks that an answer is an error in the form that this server gives all of them.
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
