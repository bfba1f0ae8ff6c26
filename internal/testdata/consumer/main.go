// Command consumer uses public names of the SDK with the types that were promised, so that a change
// of one breaks its build. It also does what a consumer does: it takes a token through its life,
// against an embedded server.
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, describe(err))
		os.Exit(1)
	}
}
