package exchange

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"
)

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
	elsewhere again = "elsewhere" // only at a node that the call has not tried in this round
	once      again = "once a call"

	stays leave = "no"
	// ifSilent: the failure may be the call's own fault, so the node is left unless it has just
	// answered somebody.
	ifSilent           leave = "if silent"
	ifSilentAndPatient leave = "if silent, and after its deadline or 0.5 s"
	leaves             leave = "yes"

	kept         idle = ""
	closed       idle = "closed"
	closedIfLeft idle = "closed if left"
)

// rule is a row of the table: a way in which an attempt can end, and what follows from it.
type rule struct {
	ending string // for the documentation, which is made of the table
	acted  acted
	again  again
	leave  leave
	idle   idle
	fits   func(e Ending) bool
	word   func(e Ending) string // for logs and histories
}

// rules is THE TABLE. The first row that fits an ending applies. What follows from an ending stands
// here and nowhere else. The columns: ending, acted, again, leave, idle, fits, word.
var rules = []rule{
	{"nothing was passed on: TokenSource failed, or middleware sent nothing", no, never, stays, kept,
		func(e Ending) bool { return e.nothingPassedOn }, just("nothing was passed on")},
	{"the caller's context ended", ifConnected, never, ifSilentAndPatient, closedIfLeft,
		func(e Ending) bool { return e.callerEnded }, just("the context ended")},
	{"TLS refused by either side; 301, 307, 308", no, elsewhere, leaves, kept,
		func(e Ending) bool { return e.tlsRefused || e.is(301, 307, 308) }, statusWord},
	{"no connection: dial, DNS, TLS handshake, proxy, Timeout before that", no, always, leaves, kept,
		func(e Ending) bool { return e.Status == 0 && !e.Connected }, just("no connection")},
	{"a 2xx broken off, by Timeout too", yes, ifSafe, ifSilent, closedIfLeft,
		func(e Ending) bool { return e.is2xx() && e.Err != nil && !e.tooLarge() }, brokenOff},
	{"Timeout; connection broke; no valid HTTP", yes, ifSafe, leaves, closed,
		func(e Ending) bool { return e.Status == 0 }, timeoutOrBroke},
	{"408, 502, 503, 504", yes, ifSafe, leaves, kept,
		func(e Ending) bool { return e.is(408, 502, 503, 504) }, statusWord},
	{"429", no, always, stays, kept,
		func(e Ending) bool { return e.is(http.StatusTooManyRequests) }, statusWord},
	{"500, other 5xx and above; an HTML page with 2xx", yes, never, ifSilent, kept,
		func(e Ending) bool { return e.Status >= 500 || e.Page && e.is2xx() }, statusWord},
	{"401, and the TokenSource now gives another token", no, once, stays, kept,
		func(e Ending) bool { return e.renewed }, statusWord},
	{"an HTML page with 4xx", no, never, ifSilent, kept,
		func(e Ending) bool { return e.Page && e.Status/100 == 4 }, statusWord},
	{"other 4xx", no, never, stays, kept,
		func(e Ending) bool { return e.Status/100 == 4 }, statusWord},
	{"other 3xx; 1xx", yes, never, ifSilent, kept,
		func(e Ending) bool { return !e.is2xx() }, statusWord},
	{"a 2xx, whole or too large", yes, never, stays, kept,
		func(Ending) bool { return true }, statusWord},
}

// ruleFor returns the first row that fits e. The last one fits every ending.
func ruleFor(e Ending) rule {
	return rules[slices.IndexFunc(rules, func(r rule) bool { return r.fits(e) })]
}

// leavesNode reports whether e, at place p, speaks against its node.
func (r rule) leavesNode(ctx context.Context, e Ending, p place) bool {
	took := min(e.Duration, time.Since(p.turn.began)) // it may have waited for another node's place before
	patient := took >= patience || errors.Is(ctx.Err(), context.DeadlineExceeded)
	return r.leave == leaves || p.silent() && (r.leave == ifSilent || r.leave == ifSilentAndPatient && patient)
}

func just(word string) func(Ending) string { return func(Ending) string { return word } }

func statusWord(e Ending) string {
	switch {
	case e.tlsRefused:
		return "TLS refused"
	case e.Page:
		return strconv.Itoa(e.Status) + ", an HTML page"
	case e.tooLarge():
		return strconv.Itoa(e.Status) + ", too large"
	}
	return strconv.Itoa(e.Status)
}

func brokenOff(e Ending) string { return strconv.Itoa(e.Status) + ", broken off" }

func timeoutOrBroke(e Ending) string {
	if errors.Is(e.Err, context.DeadlineExceeded) {
		return "timeout"
	}
	return "connection broke"
}
