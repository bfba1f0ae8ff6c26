// Rotate gives the access token that a running client uses a new uuid, without a failed call in between. It makes a token, has
// several callers use it without pause, regenerates it under them, and checks that the new uuid works and the old one does not.
//
// source.go is what to take over into a program of one's own: a TokenSource that makes callers wait while a rotation is under way.
//
// It talks to the XMS that XMS_BASE_URL and XMS_AUTH_TOKEN name or, with neither set, to an embedded server. XMS_AUTH_TOKEN itself
// is not rotated; the token that is made and rotated is deleted in any case.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/xsky-storage/xms-client-go/examples/internal/cluster"
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
