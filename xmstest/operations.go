package xmstest

import (
	"errors"
	"net/http"
)

func (s *Server) create(c call) answer {
	var in createRequest
	if !c.decode(&in) || in.AccessToken == nil {
		return badRequest("the body must be a JSON object with access_token")
	}
	if in.AccessToken.Name == "" {
		return badRequest("access_token.name is required")
	}
	if len(in.AccessToken.Roles) == 0 {
		return badRequest("access_token.roles is required")
	}
	t, err := s.store.create(c.caller, in.AccessToken.Name, in.AccessToken.Description, in.AccessToken.Roles)
	if err != nil {
		return refusal(err)
	}
	return newAnswer(http.StatusCreated, newRecordResponse(t))
}

func (s *Server) get(c call) answer {
	t, err := s.store.get(c.id)
	if err != nil {
		return refusal(err)
	}
	return newAnswer(http.StatusOK, tokenResponse{t})
}

func (s *Server) update(c call) answer {
	var in updateRequest
	if !c.decode(&in) || in.AccessToken == nil {
		return badRequest("the body must be a JSON object with access_token")
	}
	if in.AccessToken.Name == "" {
		return badRequest("access_token.name is required")
	}
	t, err := s.store.rename(c.id, in.AccessToken.Name)
	if errors.Is(err, errNameTaken) {
		return badRequest(err.Error()) // the API documents no 409 for this operation
	}
	if err != nil {
		return refusal(err)
	}
	return newAnswer(http.StatusOK, tokenResponse{t})
}

func (s *Server) remove(c call) answer {
	if err := s.store.remove(c.id); err != nil {
		return refusal(err)
	}
	return answer{status: http.StatusNoContent, header: http.Header{}}
}

func (s *Server) regenerate(c call) answer {
	t, err := s.store.regenerate(c.id)
	if err != nil {
		return refusal(err)
	}
	return newAnswer(http.StatusOK, newRecordResponse(t))
}

func (s *Server) validate(c call) answer {
	t, ok := s.store.find(c.query.Get("subject_access_token"))
	if !ok {
		return badRequest("subject_access_token is not a valid access token")
	}
	return newAnswer(http.StatusOK, tokenResponse{t})
}

func (s *Server) list(c call) answer {
	f, err := parseFilter(c.query, c.caller)
	if err != nil {
		return badRequest(err.Error())
	}
	p, err := parsePage(c.query)
	if err != nil {
		return badRequest(err.Error())
	}
	p = p.capped(s.settings.maxPage)
	tokens, total := s.store.list(f, p)
	out := listResponse{AccessTokens: tokens}
	if !s.settings.withoutPaging {
		out.Paging = &paging{Count: int64(len(tokens)), Limit: p.limit, Offset: p.offset, TotalCount: total}
	}
	return newAnswer(http.StatusOK, out)
}

// refusal turns what the store refused into the status that the API gives it.
func refusal(err error) answer {
	if errors.Is(err, errNameTaken) {
		return newErrorAnswer(http.StatusConflict, "conflict", err.Error())
	}
	return newErrorAnswer(http.StatusNotFound, "not_found", err.Error())
}
