// Command prune lists the caller's own access tokens that are old and were never used. With -delete
// it deletes them.
//
// It talks to the XMS that XMS_BASE_URL and XMS_AUTH_TOKEN name. If neither is set, it starts an
// embedded server with a few tokens. A token whose age the server does not tell is never old. If
// the server leaves out whether a token was used, the token looks unused: then do not use -delete.
//
// The exit status is 0 on success, 1 if a token could not be listed or deleted, and 2 if a flag is
// wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/examples/internal/cluster"
)

const day = 24 * time.Hour

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	age := 90 * day
	set := flag.NewFlagSet("prune", flag.ContinueOnError)
	set.SetOutput(stderr)
	const usage = "`age` from which a token is old, such as 90d, 36h or 30m (default 90d)"
	set.Func("older-than", usage, func(text string) (err error) {
		age, err = parseAge(text)
		return err
	})
	remove := set.Bool("delete", false, "delete the tokens that are listed")
	err := set.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case set.NArg() > 0:
		fmt.Fprintf(stderr, "unexpected argument %q\n", set.Arg(0))
		return 2
	}
	if err := pruneCluster(ctx, age, *remove, stdout); err != nil {
		fmt.Fprintln(stderr, "FAILED:", err)
		return 1
	}
	return 0
}

// parseAge reads a number of days, such as 90d, or a duration of Go.
func parseAge(text string) (time.Duration, error) {
	var age time.Duration
	var err error
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		age = time.Duration(n) * day
	} else {
		age, err = time.ParseDuration(text)
	}
	if err != nil || age <= 0 {
		return 0, errors.New("want a whole number of days, up to 65535d, or a duration such as 36h or 30m; more than 0")
	}
	return age, nil
}

func pruneCluster(ctx context.Context, age time.Duration, remove bool, out io.Writer) error {
	now := time.Now()
	cfg, stop, err := cluster.Configuration(out,
		xmsclient.AccessToken{Name: "backup", Create: now.Add(-400 * day), Used: true},
		xmsclient.AccessToken{Name: "trial", Create: now.Add(-200 * day)},
		xmsclient.AccessToken{Name: "forgotten", Create: now.Add(-100 * day)},
		xmsclient.AccessToken{Name: "new", Create: now.Add(-day)},
	)
	if err != nil {
		return err
	}
	defer stop()
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		return err
	}
	p := &pruning{api: client.AccessTokensApi, out: out, now: now, age: age, remove: remove}
	err = p.run(ctx)
	p.summarize()
	return err
}
