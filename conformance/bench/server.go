package bench

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// authToken authenticates the clients. The server does not look at it.
const authToken = "0b54f1f68a534a39b1a56f0c8f1d2e3c" // #nosec G101 -- made up

const (
	authHeader      = "Xms-Auth-Token"
	contentTypeJSON = "application/json"
)

// Server answers from bodies that were made before, so that next to nothing of what is measured is
// its own cost. It is an http.RoundTripper, which answers in process, and an http.Handler.
type Server struct{ token, created, page []byte }

// NewServer returns a server of tokens of a shape. Each list has n of them, whatever is asked for.
func NewServer(s Shape, n int64) *Server {
	return &Server{token: s.token(""), created: s.token(`,"uuid":"` + tokenUUID + `"`), page: s.list(n)}
}

func (s *Server) answer(req *http.Request) (status int, body []byte) {
	switch {
	case req.Method == http.MethodPost:
		return http.StatusCreated, s.created
	case strings.HasSuffix(req.URL.Path, "/"):
		return http.StatusOK, s.page
	}
	return http.StatusOK, s.token
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
	return Answer(req, status, bytes.NewReader(body), int64(len(body))), nil
}

// Answer returns an answer in JSON.
func Answer(req *http.Request, status int, body io.Reader, length int64) *http.Response {
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header: http.Header{"Content-Type": {contentTypeJSON}}, ContentLength: length, Body: io.NopCloser(body),
	}
}

// ServeHTTP answers over a network.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	status, body := s.answer(req)
	w.Header().Set("Content-Type", contentTypeJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // #nosec G705 -- JSON of numbers
}
