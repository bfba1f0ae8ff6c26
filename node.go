package xmsclient

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// node is one management node, with its base URL taken apart once so that no call parses it again.
type node struct {
	base string  // as Response.Server and errors show it: without a trailing slash
	root url.URL // Scheme, Host, Path and RawPath of the base, the paths without a trailing slash

	paths map[*operationRow]string // of the operations whose path is always the same
}

const exampleURL = "it should look like https://10.0.0.1:8051/v1"

// newNode checks a base URL. Its errors do not quote raw, which may hold a password by mistake.
func newNode(raw string) (node, error) {
	u, err := url.Parse(strings.TrimRight(raw, "/")) // before it is unescaped: a slash written %2F is part of the path
	switch {
	case raw == "":
		return node{}, errors.New("is empty; " + exampleURL)
	case err != nil:
		return node{}, errors.New("is not a URL; " + exampleURL)
	case strings.Contains(raw, ","):
		return node{}, errors.New("must be one URL; further nodes go into FailoverURLs; " + exampleURL)
	case u.Scheme != "http" && u.Scheme != "https":
		return node{}, fmt.Errorf("must begin with http:// or https://; %s", exampleURL)
	case u.Hostname() == "":
		return node{}, errors.New("has no host; " + exampleURL)
	case !validPort(u):
		return node{}, errors.New("has a port that is not between 1 and 65535; " + exampleURL)
	case u.User != nil:
		return node{}, errors.New("must not carry a user name or password; credentials go into TokenInHeader; " + exampleURL)
	case u.RawQuery != "" || u.ForceQuery:
		return node{}, errors.New("must not have a query; a token in the query goes into TokenInQuery; " + exampleURL)
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return node{}, errors.New("must not have a fragment; " + exampleURL)
	}
	root := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path, RawPath: u.RawPath}
	base := root.String()
	if _, err := url.Parse(base); err != nil {
		return node{}, errors.New("has a host that cannot be written as it should be; " + exampleURL)
	}
	paths := map[*operationRow]string{}
	for _, op := range []*operationRow{createAccessToken, listAccessTokens, validateAccessToken} {
		paths[op] = op.fill(root.Path, 0)
	}
	return node{base: base, root: root, paths: paths}, nil
}

func validPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

// setURL makes u the URL of an operation on this node.
func (n *node) setURL(u *url.URL, op *operationRow, id int64, query string) {
	*u = n.root
	u.Path = n.paths[op]
	if op.hasID() {
		u.Path = op.fill(n.root.Path, id)
	}
	if u.RawPath != "" {
		u.RawPath = op.fill(u.RawPath, id)
	}
	u.RawQuery = query
}
