package xmstest

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
)

// everything is the limit that asks for all tokens.
const everything = -1

// filter says which tokens a list shows.
type filter struct {
	owner   int64
	anyone  bool
	role    string
	anyRole bool
}

func (f filter) passes(t *token) bool {
	return (f.anyone || t.User.ID == f.owner) && (f.anyRole || slices.Contains(t.Roles, f.role))
}

// page says which part of the tokens that pass a filter a list shows.
type page struct {
	limit  int64
	offset int64
}

func (p page) contains(i int64) bool {
	return i >= p.offset && (p.limit == everything || i-p.offset < p.limit)
}

func (p page) capped(most int64) page {
	if most > 0 && (p.limit == everything || p.limit > most) {
		p.limit = most
	}
	return p
}

// parseFilter reads whose tokens are asked for: those of user_id, else everyone's with all=true, else the caller's.
func parseFilter(query url.Values, caller user) (filter, error) {
	f := filter{owner: caller.ID, role: query.Get("role"), anyRole: !query.Has("role")}
	var err error
	if query.Has("all") {
		if f.anyone, err = strconv.ParseBool(query.Get("all")); err != nil {
			return f, errors.New("all must be true or false")
		}
	}
	if query.Has("user_id") {
		f.anyone = false
		if f.owner, err = strconv.ParseInt(query.Get("user_id"), 10, 64); err != nil {
			return f, errors.New("user_id must be an integer")
		}
	}
	return f, nil
}

func parsePage(query url.Values) (page, error) {
	p := page{limit: everything}
	var err error
	if query.Has("limit") {
		if p.limit, err = strconv.ParseInt(query.Get("limit"), 10, 64); err != nil || p.limit < everything {
			return p, errors.New("limit must be an integer of at least -1")
		}
	}
	if query.Has("offset") {
		if p.offset, err = strconv.ParseInt(query.Get("offset"), 10, 64); err != nil || p.offset < 0 {
			return p, errors.New("offset must be an integer of at least 0")
		}
	}
	return p, nil
}
