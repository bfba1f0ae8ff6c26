//go:build !go1.27

package exchange

import (
	"errors"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

var errRepeat = errors.New("HTTP/2 stream reset; net/http was about to send the request again")

// endBeforeRepeat ends an attempt when net/http asks for another connection after it turned to the
// header of an HTTP/2 request. Before Go 1.27 net/http sends any request again after some resets.
func endBeforeRepeat(t *trip, trace *httptrace.ClientTrace) {
	var sent atomic.Bool
	askAgain := trace.GetConn
	trace.GetConn = func(host string) {
		if sent.Load() {
			t.cancel(errRepeat)
			return
		}
		askAgain(host)
	}
	trace.WroteHeaderField = func(name string, _ []string) {
		if strings.HasPrefix(name, ":") { // only HTTP/2 has such fields
			sent.Store(true)
		}
	}
}
