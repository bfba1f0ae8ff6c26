package xmstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxBody is far above any body that the API knows.
const maxBody = 1 << 20

const (
	loginOperation  = "Login"
	logoutOperation = "Logout"
)

// route is an operation of the API, where it is, and what answers it.
type route struct {
	operation string
	method    string
	path      string // as matchPath returns it
	serve     func(*Server, received) reply
}

var accessTokenRoutes = []route{
	{"ListAccessTokens", http.MethodGet, "/access-tokens/", (*Server).list},
	{"CreateAccessToken", http.MethodPost, "/access-tokens/", (*Server).create},
	{"DeleteAccessToken", http.MethodDelete, "/access-tokens/{id}", (*Server).remove},
	{"GetAccessToken", http.MethodGet, "/access-tokens/{id}", (*Server).get},
	{"UpdateAccessToken", http.MethodPatch, "/access-tokens/{id}", (*Server).update},
	{"RegenerateAccessToken", http.MethodPost, "/access-tokens/{id}:regenerate", (*Server).regenerate},
	{"ValidateAccessToken", http.MethodPost, "/access-tokens:validate", (*Server).validate},
}

// sessionRoutes are there only if somebody can log in.
var sessionRoutes = []route{
	{loginOperation, http.MethodPost, "/auth/tokens:login", (*Server).logIn},
	{loginOperation, http.MethodPost, "/auth/tokens", (*Server).logInByIdentity},
	{logoutOperation, http.MethodPost, "/auth/tokens:logout", (*Server).logOut},
}

// matchPath returns what follows /v1 in an escaped path, with {id} in place of an id, and the id.
// It reads the path as it was sent, to notice a client that escapes the colon or drops the slash.
func matchPath(path string) (string, int64) {
	rest, ok := strings.CutPrefix(path, "/v1")
	if !ok {
		return "", 0
	}
	digits, ok := strings.CutPrefix(rest, "/access-tokens/")
	digits, regenerate := strings.CutSuffix(digits, ":regenerate")
	id, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case !ok || err != nil || id <= 0 || strconv.FormatInt(id, 10) != digits:
		return rest, 0
	case regenerate:
		return "/access-tokens/{id}:regenerate", id
	}
	return "/access-tokens/{id}", id
}

// received is a request whose body has been read.
type received struct {
	route             // zero if the API does not know the path or the method
	allowed  []string // the methods that the API knows for the path
	id       int64
	query    url.Values
	queryErr error
	body     []byte
	bodyErr  error
	key      string // the credential, without its prefix
	caller   user   // the owner of key, once it is authenticated
}

func (s *Server) receive(w http.ResponseWriter, r *http.Request) received {
	var in received
	path, id := matchPath(r.URL.EscapedPath())
	in.id = id
	for _, known := range s.routes {
		if known.path != path {
			continue
		}
		in.allowed = append(in.allowed, known.method)
		if known.method == r.Method {
			in.route = known
		}
	}
	in.query, in.queryErr = url.ParseQuery(r.URL.RawQuery)
	in.body, in.bodyErr = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	in.key = in.query.Get("token")
	if header := r.Header.Values("Xms-Auth-Token"); len(header) > 0 {
		in.key = header[0] // a header counts even if it is wrong
	}
	in.key = in.key[strings.LastIndexByte(in.key, ' ')+1:]
	return in
}

// members are the names that an object may have, and where the value of each goes.
type members map[string]any

// readJSON reads the object that path leads to through objects with that one member each. Any other
// member is an error, however it is written.
func (in received) readJSON(inner members, path ...string) error {
	if in.bodyErr != nil {
		return errors.New("the body cannot be read, or is too large")
	}
	outer, place := in.body, "the body"
	for _, name := range path {
		var value json.RawMessage
		if err := readObject(outer, members{name: &value}, place); err != nil {
			return err
		}
		outer, place = value, name
	}
	return readObject(outer, inner, place)
}

// readObject leaves what a member holds that is missing or null.
func readObject(data []byte, known members, place string) error {
	names := strings.Join(slices.Sorted(maps.Keys(known)), ", ")
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) != nil || object == nil {
		return fmt.Errorf("%s must be a JSON object with %s", place, names)
	}
	for name, value := range object {
		into, ok := known[name]
		if !ok {
			return fmt.Errorf("%s has a member besides %s", place, names)
		}
		if json.Unmarshal(value, into) != nil {
			return fmt.Errorf("%s.%s has the wrong type", place, name)
		}
	}
	return nil
}

// reply is a response that has not been sent, so that a fault can still change or withhold it.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func jsonReply(status int, v any) reply {
	body, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("xmstest: an answer cannot be encoded: %v", err))
	}
	return reply{status: status, header: http.Header{"Content-Type": {"application/json"}}, body: body}
}

func tokenReply(status int, token any) reply {
	return jsonReply(status, map[string]any{"access_token": token})
}

func errorReply(status int, code, message string) reply {
	return jsonReply(status, map[string]string{"code": code, "message": message})
}

func badRequest(message string) reply {
	return errorReply(http.StatusBadRequest, "bad_request", message)
}

// refusal turns an error of the store into the answer that the API documents for it.
func refusal(err error) reply {
	if errors.Is(err, errNameTaken) {
		return errorReply(http.StatusConflict, "conflict", err.Error())
	}
	return errorReply(http.StatusNotFound, "not_found", err.Error())
}

func (out reply) writeTo(w http.ResponseWriter) {
	if out.status == http.StatusNoContent || out.status == http.StatusNotModified {
		out.body = nil // net/http would announce it over HTTP/2 and then not send it
	}
	if len(out.body) > 0 {
		w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
	}
	maps.Copy(w.Header(), out.header)
	w.WriteHeader(out.status)
	_, _ = w.Write(out.body) // it fails if the client has gone, which needs no answer
}

// serveHTTP is the way of every request: read, recorded, failed if a fault is due, else answered.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		errorReply(http.StatusServiceUnavailable, "closed", "the server is closed").writeTo(w)
		return
	}
	defer s.leave()
	in := s.receive(w, r)
	if !s.settings.withoutRecording {
		s.recorder.add(r, in)
	}
	if f, due := s.faults.take(in.operation); due {
		s.fail(r.Context(), f, in).writeTo(w)
		return
	}
	s.process(in).writeTo(w)
}

// process does what a request asks for and returns the answer of XMS itself.
func (s *Server) process(in received) reply {
	if len(in.allowed) == 0 {
		return errorReply(http.StatusNotFound, "not_found", "there is nothing at this path")
	}
	if in.serve == nil {
		out := errorReply(http.StatusMethodNotAllowed, "method_not_allowed", "this path does not know the method")
		out.header.Set("Allow", strings.Join(in.allowed, ", "))
		return out
	}
	if in.operation != loginOperation {
		caller, ok := s.store.authenticate(in.key)
		if !ok {
			return errorReply(http.StatusUnauthorized, "unauthorized", "a valid access token is required")
		}
		in.caller = caller
	}
	if in.queryErr != nil {
		return badRequest("the query is malformed")
	}
	return in.serve(s, in)
}

// The bodies below, and the token in store.go, are read and written without the SDK's models on
// purpose: the server is there to check them.

func (s *Server) create(in received) reply {
	given := token{User: in.caller}
	err := in.readJSON(members{
		"name": &given.Name, "description": &given.Description, "roles": &given.Roles,
	}, "access_token")
	switch {
	case err != nil:
		return badRequest(err.Error())
	case given.Name == "":
		return badRequest("access_token.name is required")
	case len(given.Roles) == 0:
		return badRequest("access_token.roles is required")
	}
	t, err := s.store.add(given)
	if err != nil {
		return refusal(err)
	}
	return tokenReply(http.StatusCreated, t.withUUID())
}

func (s *Server) get(in received) reply {
	t, err := s.store.get(in.id)
	if err != nil {
		return refusal(err)
	}
	return tokenReply(http.StatusOK, t)
}

func (s *Server) update(in received) reply {
	var name string
	if err := in.readJSON(members{"name": &name}, "access_token"); err != nil {
		return badRequest(err.Error())
	}
	if name == "" {
		return badRequest("access_token.name is required")
	}
	t, err := s.store.rename(in.id, name)
	if errors.Is(err, errNameTaken) {
		return badRequest(err.Error()) // the API documents no 409 for this operation
	}
	if err != nil {
		return refusal(err)
	}
	return tokenReply(http.StatusOK, t)
}

func (s *Server) remove(in received) reply {
	if err := s.store.remove(in.id); err != nil {
		return refusal(err)
	}
	return reply{status: http.StatusNoContent, header: http.Header{}}
}

func (s *Server) regenerate(in received) reply {
	t, err := s.store.regenerate(in.id)
	if err != nil {
		return refusal(err)
	}
	return tokenReply(http.StatusOK, t.withUUID())
}

func (s *Server) validate(in received) reply {
	t, ok := s.store.find(in.query.Get("subject_access_token"))
	if !ok {
		return badRequest("subject_access_token is not a valid access token")
	}
	return tokenReply(http.StatusOK, t)
}

func (s *Server) list(in received) reply {
	l, err := parseListing(in.query, in.caller)
	if err != nil {
		return badRequest(err.Error())
	}
	if most := s.settings.maxPage; most > 0 && (l.limit == everything || l.limit > most) {
		l.limit = most
	}
	tokens, total := s.store.list(l)
	out := map[string]any{"access_tokens": tokens}
	if !s.settings.withoutPaging {
		out["paging"] = map[string]int64{
			"count": int64(len(tokens)), "limit": l.limit, "offset": l.offset, "total_count": total,
		}
	}
	return jsonReply(http.StatusOK, out)
}

// parseListing reads whose tokens are asked for: those of user_id, else everyone's with all=true,
// else the caller's.
func parseListing(query url.Values, caller user) (listing, error) {
	l := listing{owner: caller.ID, role: query.Get("role"), anyRole: !query.Has("role"), limit: everything}
	for _, param := range []struct {
		name  string
		value *int64
	}{{"user_id", &l.owner}, {"limit", &l.limit}, {"offset", &l.offset}} {
		if !query.Has(param.name) {
			continue
		}
		var err error
		if *param.value, err = strconv.ParseInt(query.Get(param.name), 10, 64); err != nil {
			return l, fmt.Errorf("%s must be an integer", param.name)
		}
	}
	if l.limit < everything || l.offset < 0 {
		return l, errors.New("limit must be at least -1, and offset at least 0")
	}
	if query.Has("all") {
		all, err := strconv.ParseBool(query.Get("all"))
		if err != nil {
			return l, errors.New("all must be true or false")
		}
		l.anyOwner = all && !query.Has("user_id")
	}
	return l, nil
}
