package xmstest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// resource is what a path names.
type resource int

const (
	nothing resource = iota
	collection
	item
	regeneration
	validation
)

// endpoint is an operation and what answers it.
type endpoint struct {
	operation string
	serve     func(call) answer
}

// routeTable holds the endpoint of each resource and method.
type routeTable map[resource]map[string]endpoint

func newRouteTable(s *Server) routeTable {
	return routeTable{
		collection: {
			http.MethodGet:  {"ListAccessTokens", s.list},
			http.MethodPost: {"CreateAccessToken", s.create},
		},
		item: {
			http.MethodGet:    {"GetAccessToken", s.get},
			http.MethodPatch:  {"UpdateAccessToken", s.update},
			http.MethodDelete: {"DeleteAccessToken", s.remove},
		},
		regeneration: {http.MethodPost: {"RegenerateAccessToken", s.regenerate}},
		validation:   {http.MethodPost: {"ValidateAccessToken", s.validate}},
	}
}

// allowed lists the methods of a resource in the form of the Allow header.
func (t routeTable) allowed(r resource) string {
	return strings.Join(slices.Sorted(maps.Keys(t[r])), ", ")
}

// parsePath tells which resource an escaped path names, and the id in it. It works on the path as sent, so that a client
// which escapes the colon or drops the slash is found out.
func parsePath(path string) (resource, int64) {
	rest, ok := strings.CutPrefix(path, "/v1/access-tokens")
	switch {
	case !ok:
		return nothing, 0
	case rest == ":validate":
		return validation, 0
	case rest == "/":
		return collection, 0
	}
	segment, ok := strings.CutPrefix(rest, "/")
	if !ok {
		return nothing, 0
	}
	named := item
	if digits, ok := strings.CutSuffix(segment, ":regenerate"); ok {
		named, segment = regeneration, digits
	}
	id, err := strconv.ParseInt(segment, 10, 64)
	if err != nil || id <= 0 || strconv.FormatInt(id, 10) != segment {
		return nothing, 0
	}
	return named, id
}
