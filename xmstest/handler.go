package xmstest

import "net/http"

// serveHTTP is the way every request takes: received whole, recorded, failed if a fault is due, otherwise answered.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.gate.enter() {
		newErrorAnswer(http.StatusServiceUnavailable, "closed", "the server is closed").writeTo(w)
		return
	}
	defer s.gate.leave()
	c := newCall(w, r, s.routes)
	if !s.settings.withoutRecording {
		s.recorder.add(c, r)
	}
	if f, ok := s.faults.take(c.operation); ok {
		s.fail(f, c).writeTo(w)
		return
	}
	s.answer(c).writeTo(w)
}

// answer is what XMS itself says to a call, with all its effects.
func (s *Server) answer(c call) answer {
	if c.resource == nothing {
		return newErrorAnswer(http.StatusNotFound, "not_found", "there is nothing at this path")
	}
	if c.serve == nil {
		a := newErrorAnswer(http.StatusMethodNotAllowed, "method_not_allowed", "this path does not know the method")
		a.header.Set("Allow", s.routes.allowed(c.resource))
		return a
	}
	caller, ok := s.store.authenticate(c.credential)
	if !ok {
		return newErrorAnswer(http.StatusUnauthorized, "unauthorized", "a valid access token is required")
	}
	if c.queryErr != nil {
		return badRequest("the query is malformed")
	}
	c.caller = caller
	return c.serve(c)
}
