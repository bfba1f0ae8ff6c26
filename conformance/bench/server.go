package bench

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
)

// authToken authenticates the clients. The server does not look at it.
const authToken = "0b54f1f6-8a53-4a39-b1a5-6f0c8f1d2e3c" // #nosec G101 -- made up

const (
	authHeader      = "Xms-Auth-Token"
	contentTypeJSON = "application/json"
)

// Server answers as XMS would, from bodies that it makes once, so that next to nothing of what is measured is its own cost. It is
// an http.RoundTripper, which answers in process, and an http.Handler. It is safe for concurrent use.
type Server struct {
	header         http.Header
	token, created []byte
	total          int64

	mu    sync.Mutex
	pages map[string][]byte // by query
}

// NewServer returns a server with a list of total tokens.
func NewServer(total int64) *Server {
	return &Server{
		header: http.Header{"Content-Type": {contentTypeJSON}},
		token:  tokenBody(""), created: tokenBody(`,"uuid":"` + tokenUUID + `"`), total: total, pages: map[string][]byte{},
	}
}

func (s *Server) answer(req *http.Request) (status int, body []byte) {
	switch {
	case req.Method == http.MethodPost:
		return http.StatusCreated, s.created
	case strings.HasSuffix(req.URL.Path, "/"):
		return http.StatusOK, s.page(req.URL)
	}
	return http.StatusOK, s.token
}

func (s *Server) page(u *url.URL) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, made := s.pages[u.RawQuery]
	if !made {
		query := u.Query()
		limit, _ := strconv.ParseInt(query.Get("limit"), 10, 64)
		offset, _ := strconv.ParseInt(query.Get("offset"), 10, 64)
		body = listBody(limit, offset, s.total)
		s.pages[u.RawQuery] = body
	}
	return body
}

// RoundTrip answers without a network.
func (s *Server) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, err := io.Copy(io.Discard, req.Body)
		if err := errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
	}
	status, body := s.answer(req)
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: s.header, ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// ServeHTTP answers over a network.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	status, body := s.answer(req)
	w.Header()["Content-Type"] = []string{contentTypeJSON}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // #nosec G705 -- JSON of numbers
}
