package main

import (
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

type flags struct {
	listen string
	token  string
	seed   int
	tls    bool
	caOut  string
}

// parseFlags returns flag.ErrHelp after it has printed the help that was asked for to stdout.
func parseFlags(args []string, stdout io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("xms-testserver", flag.ContinueOnError)
	set.SetOutput(io.Discard) // run prints errors, on one line
	set.StringVar(&f.listen, "listen", "127.0.0.1:8051", "serve on this `host:port`; port 0 takes a free one")
	set.StringVar(&f.token, "token", "", "admin token that every call accepts (default random)")
	set.IntVar(&f.seed, "seed", 0, "start with `N` access tokens")
	set.BoolVar(&f.tls, "tls", false, "serve https with a new self-signed certificate")
	set.StringVar(&f.caOut, "ca-out", "", "write the certificate to `FILE`, PEM encoded; needs -tls")
	if err := set.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			_, _ = fmt.Fprintln(stdout, "Usage: xms-testserver [flags]")
			set.SetOutput(stdout)
			set.PrintDefaults()
		}
		return f, err
	}
	switch {
	case set.NArg() > 0:
		return f, fmt.Errorf("unexpected argument %q", set.Arg(0))
	case f.seed < 0:
		return f, errors.New("-seed must not be negative")
	case f.caOut != "" && !f.tls:
		return f, errors.New("-ca-out needs -tls")
	}
	return f, nil
}

func (f flags) options() []xmstest.Option {
	opts := []xmstest.Option{
		xmstest.WithListenAddr(f.listen),
		xmstest.WithAdminToken(f.token),
		xmstest.WithoutRecording(),
	}
	if f.tls {
		opts = append(opts, xmstest.WithTLS())
	}
	return opts
}
