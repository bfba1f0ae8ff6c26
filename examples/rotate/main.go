// Command rotate makes an access token, lets several callers use it, and gives it a new uuid
// meanwhile. No call fails: see rotatingSource.
//
// It talks to the XMS that XMS_BASE_URL and XMS_AUTH_TOKEN name. If neither is set, it starts an
// embedded server. It does not rotate XMS_AUTH_TOKEN itself. It deletes the token that it makes in
// any case.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

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
	r, err := newRotation(ctx, cfg, out)
	if err != nil {
		return err
	}
	return errors.Join(r.run(ctx), r.cleanUp(ctx))
}
