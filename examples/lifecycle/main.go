// Lifecycle takes one access token through its whole life: create, get, list, validate, update, regenerate, delete, and a last
// get that finds nothing. It prints a line per step and exits non-zero when a step does not do what it should.
//
// It talks to the XMS that XMS_BASE_URL and XMS_AUTH_TOKEN name or, with neither set, to an embedded server. The token that it
// makes there is deleted in any case.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	cfg, stop, err := configuration(out)
	if err != nil {
		return err
	}
	defer stop()
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		return err
	}
	l := &lifecycle{api: client.AccessTokensApi, out: out}
	err = l.run(ctx)
	return errors.Join(err, l.cleanUp(ctx))
}

// configuration returns that of the environment, or of an embedded server that stop ends.
func configuration(out io.Writer) (cfg *xmsclient.Configuration, stop func(), err error) {
	url, token := os.Getenv("XMS_BASE_URL"), os.Getenv("XMS_AUTH_TOKEN")
	switch {
	case url == "" && token == "":
		server := xmstest.NewServer()
		fmt.Fprintln(out, "embedded XMS at", server.BaseURL())
		return server.Configuration(), server.Close, nil
	case url == "" || token == "":
		return nil, nil, errors.New("set both XMS_BASE_URL and XMS_AUTH_TOKEN, or neither for an embedded server")
	}
	cfg, err = xmsclient.ConfigurationFromEnv()
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(out, "XMS at", cfg.BaseURL)
	return cfg, func() {}, nil
}
