package exchange

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// act is the store. It returns the answer to c, whole.
func (w *world) act(c *simCall, token string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	status, body := "200 OK", c.answer()
	switch {
	case token != strconv.Itoa(w.token):
		return message("401 Unauthorized", "application/json", "", `{"message":"token expired"}`)
	case c.op.name == "create":
		w.items[c.id] = true
	case c.op.name != "list" && !w.items[c.target]:
		return message("404 Not Found", "application/json", "", `{"message":"no such item"}`)
	case c.op.name == "delete":
		delete(w.items, c.target)
		status, body = "204 No Content", ""
	}
	c.acted++
	w.notef("call %d acts", c.id)
	return message(status, "application/json", "", body)
}

func (c *simCall) answer() string { return fmt.Sprintf(`{"call":%d,"did":%q}`, c.id, c.op.name) }

func message(status, contentType, header, body string) string {
	if !strings.HasPrefix(status, "204") {
		header += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\n%s\r\n%s", status, contentType, header, body)
}

// gateway stands before a node. It is in the last of its moods that has begun.
type gateway struct {
	*world
	name  string
	moods []mood // none: always healthy
	conns map[net.Conn]bool
}

type mood struct {
	from       time.Duration
	kind       string
	after      bool // the request takes effect first
	at         int  // where it cuts
	status     int
	html       bool
	retryAfter string
	latency    time.Duration
	dial       time.Duration
}

func drawMood(rng *rand.Rand, from, latency time.Duration) mood {
	kinds := []string{
		"is healthy", "is away", "refuses", "hangs dialling", "hangs", "cuts", "sends less",
		"answers", "answers", "answers slowly", "answers early", "answers and closes",
	}
	statuses := []int{408, 429, 500, 502, 503, 504, 302, 303, 200, 404}
	m := mood{
		from: from, kind: kinds[rng.IntN(len(kinds))], after: rng.IntN(2) == 0, at: rng.IntN(150), latency: latency,
		status: statuses[rng.IntN(len(statuses))], html: rng.IntN(2) == 0,
		retryAfter: []string{"", "", "0", "0.3", "1", "60"}[rng.IntN(6)],
		dial:       time.Duration(rng.IntN(25)) * time.Millisecond,
	}
	switch m.status {
	case 429:
		m.after = false
	case 302, 303:
		m.after = true
	case 200, 404: // a page of a proxy that knows nothing of the API
		m.html, m.after = true, false
	}
	return m
}

func (m mood) answer() string {
	contentType, body := "application/json", `{"message":"not now"}`
	if m.html {
		contentType, body = "text/html", "<html><title>Not now</title></html>"
	}
	header := ""
	if m.retryAfter != "" {
		header = "Retry-After: " + m.retryAfter + "\r\n"
	}
	if m.status/100 == 3 {
		header += "Location: /elsewhere\r\n"
	}
	return message(fmt.Sprintf("%d %s", m.status, http.StatusText(m.status)), contentType, header, body)
}

func (g *gateway) mood() mood {
	now := mood{kind: "is healthy"}
	for _, m := range g.moods {
		if m.from <= time.Since(g.start) {
			now = m
		}
	}
	return now
}

// drop closes all connections, as a machine does that is switched off in good order.
func (g *gateway) drop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for conn := range g.conns {
		_ = conn.Close()
	}
	clear(g.conns)
}

func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	g := w.gateways[address[1]-'0']
	m := g.mood()
	w.noteLockedf("somebody dials %s, which %s", g.name, m.kind)
	failed := &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("refused")}
	select {
	case <-time.After(m.dial):
	case <-w.over:
		return nil, failed
	}
	switch m.kind {
	case "is away", "refuses":
		return nil, failed
	case "hangs dialling":
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
		case <-w.over:
		}
		return nil, failed
	}
	client, server := net.Pipe()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns[server] = true
	w.handlers.Go(func() { g.serve(server) })
	return client, nil
}

func (g *gateway) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	for {
		if _, err := r.Peek(1); err != nil {
			return
		}
		m := g.mood()
		if m.kind == "is away" || m.kind == "refuses" {
			return
		}
		if m.kind == "cuts" && !m.after {
			_, _ = r.Discard(min(m.at, r.Buffered()))
			return
		}
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		if m.kind != "answers early" {
			_, _ = io.Copy(io.Discard, request.Body)
		}
		id, _ := strconv.Atoi(request.URL.Query().Get("call"))
		g.mu.Lock()
		c := g.calls[id]
		c.seen++
		g.checkf(!time.Now().Before(c.notBefore[g.name]), "call %d is sent again too early", c.id)
		g.notef("call %d is at %s, which %s", id, g.name, m.kind)
		g.mu.Unlock()
		time.Sleep(m.latency)
		if !g.reply(conn, c, m, request.Header.Get("Key")) || m.kind == "answers and closes" {
			return
		}
		_, _ = io.Copy(io.Discard, request.Body)
	}
}

// reply reports whether the connection can be used again.
func (g *gateway) reply(conn net.Conn, c *simCall, m mood, token string) bool {
	answer := m.answer()
	if m.kind == "is healthy" || m.after {
		effect := g.act(c, token)
		if !strings.HasPrefix(m.kind, "answers") {
			answer = effect
		}
	}
	switch m.kind {
	case "hangs":
		<-g.over
		return false
	case "cuts":
		io.WriteString(conn, answer[:min(m.at, len(answer))])
		return false
	case "sends less":
		io.WriteString(conn, strings.Replace(answer, "Content-Length: ", "Content-Length: 9", 1))
		return false
	case "answers slowly":
		io.WriteString(conn, answer[:len(answer)-5])
		time.Sleep(3 * time.Second)
		answer = answer[len(answer)-5:]
	}
	_, err := io.WriteString(conn, answer)
	if m.kind == "answers" && m.status == http.StatusTooManyRequests && err == nil {
		seconds, _ := strconv.ParseFloat(m.retryAfter, 64)
		g.mu.Lock()
		defer g.mu.Unlock()
		c.notBefore[g.name] = time.Now().Add(time.Duration(seconds * float64(time.Second)))
	}
	return err == nil
}
