// Command consumer uses every public name of the SDK with the type that was promised, so that a
// change of any breaks its build. It also does what a consumer does: it takes a token through its
// life, against an embedded server.
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
