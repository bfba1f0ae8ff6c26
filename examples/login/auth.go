package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

const (
	authTimeout = 10 * time.Second // of a login or a logout at one node
	maxAnswer   = 1 << 20
)

// errLoginRefused is a login that XMS has looked at and refused. Do not repeat it: wrong passwords
// may freeze the account.
var errLoginRefused = errors.New("not tried again, since repeated wrong passwords may freeze the account")

// session is a login session.
type session struct {
	uuid    string    // goes into Xms-Auth-Token
	expires time.Time // by this machine's clock; zero: unknown
}

func (s session) expired() bool { return !s.expires.IsZero() && !time.Now().Before(s.expires) }

// authClient logs in and out. It asks the nodes in turn until one answers.
type authClient struct {
	nodes []string // their base URLs
	http  *http.Client
}

// newAuthClient uses the nodes and certificates of cfg.
func newAuthClient(cfg *xmsclient.Configuration) *authClient {
	http1 := new(http.Protocols) // over HTTP/2, net/http may send a login twice
	http1.SetHTTP1(true)
	return &authClient{
		nodes: append([]string{cmp.Or(cfg.BaseURL, xmsclient.DefaultBaseURL)}, cfg.FailoverURLs...),
		http: &http.Client{
			Transport: &http.Transport{
				Proxy: http.ProxyFromEnvironment, TLSClientConfig: cfg.TLSConfig.Clone(),
				Protocols: http1, DisableKeepAlives: true,
			},
			// A redirect could take the password elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// logIn opens a session. Its error is errLoginRefused if XMS has refused name or password, and
// never holds the password.
func (c *authClient) logIn(ctx context.Context, name, password string) (session, error) {
	body, err := json.Marshal(map[string]any{"auth": map[string]string{"name": name, "password": password}})
	if err != nil {
		return session{}, err
	}
	begun := time.Now()
	got, err := c.post(ctx, "/auth/tokens:login", http.Header{"Content-Type": {"application/json"}}, body)
	switch {
	case err != nil:
		return session{}, fmt.Errorf("login: %w", withoutSecret(err, password))
	case got.status == http.StatusBadRequest || got.status == http.StatusUnauthorized:
		return session{}, fmt.Errorf("login: %s; %w", got.words(password), errLoginRefused)
	case got.status/100 != 2:
		return session{}, fmt.Errorf("login: %s", got.words(password))
	}
	return got.session(begun)
}

// withPassword returns logIn as a function that hides the password from whoever prints its owner.
func (c *authClient) withPassword(name, password string) func(context.Context) (session, error) {
	return func(ctx context.Context) (session, error) { return c.logIn(ctx, name, password) }
}

// logOut ends a session. One that has ended already is no error.
func (c *authClient) logOut(ctx context.Context, uuid string) error {
	got, err := c.post(ctx, "/auth/tokens:logout", http.Header{"Xms-Auth-Token": {uuid}}, nil)
	switch {
	case err != nil:
		return fmt.Errorf("logout: %w", withoutSecret(err, uuid))
	case got.status/100 == 2, got.status == http.StatusUnauthorized, got.status == http.StatusNotFound:
		return nil
	}
	return fmt.Errorf("logout: %s", got.words(uuid))
}

// post goes on to the next node if one does not answer, or its gateway says so, until ctx ends. It
// does not break off a request: a session could stay open that nobody knows.
func (c *authClient) post(ctx context.Context, path string, header http.Header, body []byte) (answer, error) {
	var failures []error
	for _, node := range c.nodes {
		got, err := c.postTo(context.WithoutCancel(ctx), strings.TrimRight(node, "/")+path, header, body)
		switch {
		case err != nil:
			failures = append(failures, err)
		case got.status >= http.StatusBadGateway && got.status <= http.StatusGatewayTimeout:
			failures = append(failures, errors.New(got.statusLine()))
		default:
			return got, nil
		}
		if ctx.Err() != nil {
			failures = append(failures, ctx.Err())
			break
		}
	}
	return answer{}, errors.Join(failures...)
}

func (c *authClient) postTo(ctx context.Context, url string, header http.Header, body []byte) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, authTimeout)
	defer cancel()
	//nolint:gosec // whoever sets XMS_BASE_URL chooses the nodes
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header = header.Clone()
	resp, err := c.http.Do(req) //nolint:gosec // as above
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode/100 != 2 {
		err = nil // XMS has refused, whatever becomes of the text
	}
	return answer{url: url, status: resp.StatusCode, body: content}, err
}
