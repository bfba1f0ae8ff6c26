package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

type flags struct {
	listen        string
	token         string
	seed          int
	tls           bool
	caOut         string
	withoutPaging bool
	maxPage       int64
	users         []xmstest.Option
	faults        []xmstest.Fault
}

const userUsage = "let a user log in, as `NAME:PASSWORD`; can be repeated.\n" +
	"Others on this machine can see it, so do not use a password that counts"

const faultUsage = "let requests fail, as `OPERATION=STATUS[xTIMES]`; can be repeated.\n" +
	"OPERATION is the name of a call, or * for every request; with -user also Login and Logout.\n" +
	"STATUS is what the server answers, 200 to 999, and the request has no effect; or drop:\n" +
	"close the connection without an effect; or drop-after: close it after the effect.\n" +
	"TIMES is how many requests fail, or * for all; without it one request fails.\n" +
	"Example: -fault CreateAccessToken=drop-after -fault '*=503x3'"

// parseFlags prints the help to stdout and returns flag.ErrHelp if args ask for help.
func parseFlags(args []string, stdout io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("xms-testserver", flag.ContinueOnError)
	set.SetOutput(io.Discard) // run prints errors, on one line
	set.StringVar(&f.listen, "listen", "127.0.0.1:8051", "serve on this `host:port`.\n"+
		"Port 0 means a free one, no host means loopback, 0.0.0.0 means all interfaces")
	set.StringVar(&f.token, "token", "", "admin token that every call accepts (default random)")
	set.IntVar(&f.seed, "seed", 0, "start with `N` access tokens")
	set.BoolVar(&f.tls, "tls", false, "serve https with a new self-signed certificate")
	set.StringVar(&f.caOut, "ca-out", "", "write the certificate to `FILE`, PEM encoded; needs -tls")
	set.BoolVar(&f.withoutPaging, "without-paging", false, "leave the paging object out of lists")
	set.Int64Var(&f.maxPage, "max-page", 0, "answer a list with at most `N` tokens, whatever its limit (default no limit)")
	set.Func("user", userUsage, func(text string) error {
		name, password, _ := strings.Cut(text, ":")
		if name == "" || password == "" {
			return errors.New("want NAME:PASSWORD")
		}
		f.users = append(f.users, xmstest.WithUser(name, password))
		return nil
	})
	set.Func("fault", faultUsage, func(text string) error {
		fault, err := parseFault(text)
		f.faults = append(f.faults, fault)
		return err
	})
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
	case f.maxPage < 0:
		return f, errors.New("-max-page must be 1 or more, or 0 for no limit")
	case f.caOut != "" && !f.tls:
		return f, errors.New("-ca-out needs -tls")
	case len(f.users) == 0 && slices.ContainsFunc(f.faults, ofSessions):
		return f, errors.New("-fault Login and -fault Logout need -user")
	}
	return f, nil
}

func ofSessions(f xmstest.Fault) bool { return f.Operation == "Login" || f.Operation == "Logout" }

func parseFault(text string) (xmstest.Fault, error) {
	operations := []string{
		"CreateAccessToken", "DeleteAccessToken", "GetAccessToken", "ListAccessTokens", "Login", "Logout",
		"RegenerateAccessToken", "UpdateAccessToken", "ValidateAccessToken",
	}
	var f xmstest.Fault
	operation, outcome, ok := strings.Cut(text, "=")
	if !ok {
		return f, errors.New("want OPERATION=STATUS[xTIMES], such as CreateAccessToken=503x2")
	}
	if operation != "*" {
		if !slices.Contains(operations, operation) {
			return f, fmt.Errorf("OPERATION must be * or one of %s", strings.Join(operations, ", "))
		}
		f.Operation = operation
	}
	outcome, times, ok := strings.Cut(outcome, "x")
	if ok {
		n, err := strconv.Atoi(times)
		switch {
		case times == "*":
			f.Times = -1
		case err == nil && n > 0:
			f.Times = n
		default:
			return f, errors.New("TIMES must be a number from 1 on, or * for all")
		}
	}
	switch outcome {
	case "drop":
		f.Drop = true
	case "drop-after":
		f.DropAfter = true
	default:
		status, err := strconv.Atoi(outcome)
		if err != nil || status < 200 || status > 999 {
			return f, errors.New("STATUS must be a number from 200 to 999, drop, or drop-after")
		}
		f.StatusCode = status
	}
	return f, nil
}

func (f flags) options() []xmstest.Option {
	opts := []xmstest.Option{
		xmstest.WithListenAddr(f.listen),
		xmstest.WithAdminToken(f.token),
		xmstest.WithMaxPage(f.maxPage),
		xmstest.WithoutRecording(),
	}
	if f.tls {
		opts = append(opts, xmstest.WithTLS())
	}
	if f.withoutPaging {
		opts = append(opts, xmstest.WithoutPaging())
	}
	return append(opts, f.users...)
}
