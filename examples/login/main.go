// Command login makes an access token for a user who has only a name and a password.
//
// It reads XMS_BASE_URL, XMS_CA_FILE, XMS_USER and XMS_PASSWORD, logs in, creates the token and
// logs out. The uuid of the token goes to the new file that -out names, or alone to standard
// output:
//
//	read -rsp 'password: ' XMS_PASSWORD && export XMS_PASSWORD
//	export XMS_USER=ops XMS_BASE_URL=http://10.0.0.1:8051/v1
//	go run ./examples/login -name backup -roles admin -out token
//
// A password that XMS refuses is tried once: repeated ones may freeze the account. An account with
// two-factor login cannot log in this way.
//
// SIGINT and SIGTERM do not break off a request that is under way, or a token or a session could be
// left behind that nobody knows. The program waits for the answer, up to a minute, deletes the
// token and logs out.
//
// The exit status is 0 if the token has been written, 1 if not, and 2 if a flag or a variable is
// missing or wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

func main() {
	signal.Ignore(syscall.SIGPIPE) // a reader that has gone must not keep the token from being deleted
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run returns the exit status.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	set := flag.NewFlagSet("login", flag.ContinueOnError)
	set.SetOutput(stderr)
	name := set.String("name", "", "`name` of the new token; no other token of the user may have it")
	roles := set.String("roles", "", "`roles` of the new token, separated by commas, such as admin")
	out := set.String("out", "", "new `file` for the uuid, which only its owner can read (default standard output)")
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
	token := xmsclient.AccessTokenCreateReqAccessToken{Name: *name, Roles: strings.FieldsFunc(*roles, separates)}
	if token.Name == "" || len(token.Roles) == 0 {
		fmt.Fprintln(stderr, "-name and -roles are required")
		return 2
	}
	m, err := newMaker(os.Getenv("XMS_USER"), os.Getenv("XMS_PASSWORD"))
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 2
	}
	m.log = log.New(stderr, "", 0)
	if err := m.run(ctx, token, &output{path: *out, stdout: stdout}); err != nil {
		m.log.Println("FAILED:", err)
		return 1
	}
	return 0
}

func separates(c rune) bool { return c == ',' || c == ' ' }
