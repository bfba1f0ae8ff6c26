package exchange

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"
)

// rule is a row of the table: a way in which an attempt can end, and what follows from it.
type rule struct {
	ending string // as the documentation words it
	acted  acted
	again  again
	leave  leave
	idle   idle
	fits   func(e end) bool
}

// rules is THE TABLE. The first row that fits an attempt's end holds. What follows from an end
// stands here and nowhere else.
var rules = []rule{
	{"no credential: TokenSource failed", no, never, stays, kept,
		func(e end) bool { return e.sourceFailed }},
	{"the caller's context ended", ifConnected, never, ifSilentAndPatient, closedIfLeft,
		func(e end) bool { return e.callerEnded != nil }},
	{"TLS refused by either side", no, elsewhere, leaves, kept,
		func(e end) bool { return e.tlsRefused }},
	{"no connection: dial, DNS, TLS handshake, proxy, Timeout before that", no, always, leaves, kept,
		func(e end) bool { return e.err != nil && !e.connected }},
	{"Timeout; connection broke; no valid HTTP; 2xx broken off", yes, ifSafe, leaves, closed,
		func(e end) bool { return e.err != nil && !errors.Is(e.err, ErrTooLarge) }},
	{"408, 502, 503, 504", yes, ifSafe, leaves, kept,
		func(e end) bool { return e.is(408, 502, 503, 504) }},
	{"429", no, afterWait, stays, kept,
		func(e end) bool { return e.is(http.StatusTooManyRequests) }},
	{"500, other 5xx and above; an HTML page with 2xx", yes, never, ifSilent, kept,
		func(e end) bool { return e.status >= 500 || e.page && e.status/100 == 2 }},
	{"401, and the TokenSource now gives another token", no, once, stays, kept,
		func(e end) bool { return e.is(http.StatusUnauthorized) && e.renewal != Credential{} }},
	{"an HTML page with 4xx; 301, 307, 308", no, never, ifSilent, kept,
		func(e end) bool { return e.page && e.status/100 == 4 || e.is(301, 307, 308) }},
	{"other 4xx", no, never, stays, kept,
		func(e end) bool { return e.status/100 == 4 }},
	{"other 3xx; 1xx", yes, never, ifSilent, kept,
		func(e end) bool { return e.status/100 != 2 }},
	{"a 2xx, whole or too large", yes, never, stays, kept,
		func(end) bool { return true }},
}

// ruleFor returns the first row that fits e. The last one fits every end.
func ruleFor(e end) rule {
	return rules[slices.IndexFunc(rules, func(r rule) bool { return r.fits(e) })]
}

// leavesNode reports whether e speaks against its node.
func (r rule) leavesNode(e end, node *node) bool {
	switch r.leave {
	case leaves:
		return true
	case ifSilent:
		return node.silent()
	case ifSilentAndPatient:
		took := min(e.took, time.Since(e.turn.began)) // it may have waited for another node's place before
		return node.silent() && (took >= patience || errors.Is(e.callerEnded, context.DeadlineExceeded))
	}
	return false
}

// The columns of the table. The documentation shows their values as they stand.
type (
	acted string // whether a server may have acted on the request
	again string // whether the request is sent again
	leave string // whether the client leaves the node, for all its calls
	idle  string // what becomes of the own transport's idle connections
)

const (
	no          acted = "no"
	yes         acted = "yes"
	ifConnected acted = "if connected"

	never     again = "never"
	ifSafe    again = "if safe"
	always    again = "always"
	afterWait again = "always, after a wait"
	elsewhere again = "elsewhere" // only at a node that the call has not tried in this round
	once      again = "once a call"

	stays leave = "no"
	// ifSilent: the end may be the call's own fault, so the node is left unless it has just
	// answered somebody.
	ifSilent           leave = "if silent"
	ifSilentAndPatient leave = "if silent, and after its deadline or 0.5 s"
	leaves             leave = "yes"

	kept         idle = ""
	closed       idle = "closed"
	closedIfLeft idle = "closed if left"
)
