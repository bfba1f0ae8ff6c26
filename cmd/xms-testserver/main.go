// Command xms-testserver is an in-memory XMS as a process, to test a client in any language against
// it.
//
// It prints base_url=URL and token=UUID, a line each, and serves until SIGINT or SIGTERM. It keeps
// its tokens in memory only. With -tls its certificate is new at each start, and -ca-out writes it
// to a file for clients to trust. With -fault it fails as a real cluster may fail:
//
//	xms-testserver -seed 250 -max-page 100 -fault CreateAccessToken=drop-after -fault '*=503x3'
//
// With -user a user can log in, to try how a program gets its first token.
//
// It listens on loopback unless -listen names another host. If that means all interfaces, it prints
// a third line, listens_on=all interfaces.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

const (
	exitOK = iota
	exitFailure
	exitUsage
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx ends and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	f, err := parseFlags(args, stdout)
	if errors.Is(err, flag.ErrHelp) {
		return exitOK
	}
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "xms-testserver: %v (see -help)\n", err)
		return exitUsage
	}
	if err := serve(ctx, f, stdout); err != nil {
		_, _ = fmt.Fprintf(stderr, "xms-testserver: %v\n", err)
		return exitFailure
	}
	return exitOK
}

func serve(ctx context.Context, f flags, stdout io.Writer) error {
	server, err := xmstest.Start(f.options()...)
	if err != nil {
		return err
	}
	defer server.Close()
	for range f.seed {
		if ctx.Err() != nil {
			return nil
		}
		server.Seed(1)
	}
	for _, fault := range f.faults {
		server.Inject(fault)
	}
	if f.caOut != "" {
		err := os.WriteFile(f.caOut, server.CertificatePEM(), 0o644) //nolint:gosec // a certificate is public
		if err != nil {
			return err
		}
	}
	lines := fmt.Sprintf("base_url=%s\ntoken=%s\n", server.BaseURL(), server.AdminToken())
	if addr, err := net.ResolveTCPAddr("tcp", f.listen); err == nil && addr.IP.IsUnspecified() {
		lines += "listens_on=all interfaces\n" // base_url does not show it
	}
	if _, err := io.WriteString(stdout, lines); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}
