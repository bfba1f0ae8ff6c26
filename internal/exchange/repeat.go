//go:build go1.27

package exchange

import "net/http/httptrace"

// endBeforeRepeat does nothing: since Go 1.27 net/http sends an HTTP/2 request again only if the
// server has not acted on it.
func endBeforeRepeat(*trip, *httptrace.ClientTrace) {}
