// Command lifecycle takes one access token through its whole life: create, get, list, validate,
// update, regenerate, delete, and a last get that finds nothing. It prints a line for each step. It
// exits with status 1 if a step does not do what it should.
//
// It talks to the XMS that XMS_BASE_URL and XMS_AUTH_TOKEN name. If neither is set, it starts an
// embedded server. It deletes the token that it makes in any case.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/examples/internal/cluster"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "FAILED:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	cfg, stop, err := cluster.Configuration(out)
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
