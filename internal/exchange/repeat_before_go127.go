//go:build !go1.27

package exchange

import (
	"errors"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
)

var errRepeat = errors.New("HTTP/2 stream reset; net/http was about to send the request again")

// endBeforeRepeat ends an attempt when net/http asks for another connection after the header of an
// HTTP/2 request went out. Before Go 1.27 net/http sends any request again after some resets. A
// request that is safe to repeat goes on, and is known to have had a connection.
func endBeforeRepeat(t *trip, trace *httptrace.ClientTrace) {
	var http2, sent atomic.Bool
	askAgain := trace.GetConn
	trace.GetConn = func(host string) {
		if !http2.Load() || !sent.Load() {
			askAgain(host)
		} else if !t.safeToRepeat {
			t.cancel(errRepeat)
		}
	}
	trace.WroteHeaderField = func(name string, _ []string) {
		if strings.HasPrefix(name, ":") {
			http2.Store(true)
		}
	}
	trace.WroteHeaders = func() { sent.Store(true) }
}
