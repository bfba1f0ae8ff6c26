package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a command that runs until it is stopped.
type process struct {
	command *exec.Cmd
	cancel  context.CancelFunc
	ended   chan struct{} // closed when it has
	output  output
}

// start runs a command. It is asked to end when ctx does or stop is called, and made to soon after.
func start(ctx context.Context, name string, args ...string) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{cancel: cancel, ended: make(chan struct{})}
	p.command = exec.CommandContext(ctx, name, args...) //nolint:gosec // whoever runs this names the programs
	p.command.Stdout, p.command.Stderr = &p.output, &p.output
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	p.command.WaitDelay = 5 * time.Second
	if err := p.command.Start(); err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer close(p.ended)
		_ = p.command.Wait() // that it ended is what matters, and its output says why
	}()
	return p, nil
}

// stop ends the process and waits until it has.
func (p *process) stop() {
	p.cancel()
	<-p.ended
}

// until polls done, until it is true, ctx or the process ends, or the patience for a start is over.
func (p *process) until(ctx context.Context, what string, done func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for !done() {
		select {
		case <-poll.C:
		case <-p.ended:
			return fmt.Errorf("%s ended before %s:\n%s", p.command.Path, what, p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s: no %s: %w:\n%s", p.command.Path, what, ctx.Err(), p.lastWords())
		}
	}
	return nil
}

// value returns the rest of the line of output that begins with prefix.
func (p *process) value(ctx context.Context, prefix string) (value string, err error) {
	err = p.until(ctx, "line with "+prefix, func() (found bool) {
		_, after, begun := strings.Cut(p.output.String(), prefix)
		value, _, found = strings.Cut(after, "\n")
		return begun && found
	})
	return value, err
}

// awaitListening returns when something listens on the address.
func (p *process) awaitListening(ctx context.Context, a address) error {
	return p.until(ctx, "listener on "+a.url(), func() bool {
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(a.host, a.port))
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	})
}

// lastWords returns the end of the output.
func (p *process) lastWords() string {
	const enough = 4000
	text := p.output.String()
	return text[max(0, len(text)-enough):]
}

// output collects what a process prints.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}

type address struct{ host, port string }

func (a address) url() string { return "http://" + net.JoinHostPort(a.host, a.port) }

// freeAddress returns an address on loopback on which nothing listens now: Prism cannot choose one by itself.
func freeAddress(ctx context.Context) (address, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return address{}, err
	}
	host, port, err := net.SplitHostPort(listener.Addr().String())
	return address{host, port}, errors.Join(err, listener.Close())
}
