// Command prism runs the SDK's operations against Prism, a mock server and validating proxy for OpenAPI documents. It fails on
// any violation that Prism reports, and when Prism does not report one that is there. Everything listens on loopback.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// patience bounds a whole run.
const patience = 3 * time.Minute

type programs struct {
	prism, document, testserver string
}

func main() {
	var p programs
	flag.StringVar(&p.prism, "prism", "node_modules/.bin/prism", "Prism's command `FILE`")
	flag.StringVar(&p.document, "document", "../docs/openapi.yaml", "OpenAPI document `FILE`")
	flag.StringVar(&p.testserver, "testserver", "xms-testserver", "command `FILE` of the test server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, patience)
	err := run(ctx, p, os.Stdout)
	cancel()
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prism:", err)
		os.Exit(1)
	}
}

// run makes all checks and leaves no process behind.
func run(ctx context.Context, p programs, out io.Writer) error {
	if err := p.asMock(ctx, out); err != nil {
		return fmt.Errorf("the SDK against Prism as a mock: %w", err)
	}
	if err := p.asProxy(ctx, out); err != nil {
		return fmt.Errorf("the SDK against xms-testserver, with Prism between: %w", err)
	}
	return nil
}

// asMock lets Prism answer from the document alone.
func (p programs) asMock(ctx context.Context, out io.Writer) error {
	return p.judge(ctx, out, "mock", "any", "mock", "--errors", p.document)
}

// asProxy lets Prism judge what passes between the SDK and the test server.
func (p programs) asProxy(ctx context.Context, out io.Writer) error {
	server, err := start(ctx, p.testserver, "-listen", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer server.stop()
	upstream, err := server.value(ctx, "base_url=")
	if err != nil {
		return err
	}
	token, err := server.value(ctx, "token=")
	if err != nil {
		return err
	}
	return p.judge(ctx, out, "proxy", token, "proxy", "--errors", p.document, upstream)
}

// judge starts Prism with args, makes every call against it and prints what was done.
func (p programs) judge(ctx context.Context, out io.Writer, name, token string, args ...string) error {
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	judge, err := start(ctx, p.prism, append(args, "--host", address.host, "--port", address.port)...)
	if err != nil {
		return err
	}
	defer judge.stop()
	if err := judge.awaitListening(ctx, address); err != nil {
		return err
	}
	summary, err := check(ctx, address.url(), token)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "prism %s: %s\n", name, summary)
	return err
}
