// Command compare measures calls, many callers, and memory. It prints what it measures, and can
// save it for the page.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"

	"github.com/xsky-storage/xms-client-go/conformance/bench"
)

var (
	rounds = flag.Int("rounds", 31, "how often each call is timed")
	only   = flag.String("only", "", "measure only what matches this `regexp`: a call and its shape, callers, or memory")
	save   = flag.String("save", "", "write the results to this `file`")
)

func main() {
	flag.Parse()
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	wanted, err := regexp.Compile(*only)
	if err != nil {
		return err
	}
	results := bench.Results{Go: runtime.Version()}
	if results.Calls, err = measureCalls(ctx, wanted); err != nil {
		return err
	}
	if wanted.MatchString("callers") {
		if results.Callers, err = measureCallers(); err != nil {
			return err
		}
	}
	if wanted.MatchString("memory") {
		if results.Peak, err = measurePeaks(ctx); err != nil {
			return err
		}
	}
	if *save == "" {
		return nil
	}
	return bench.Save(*save, results)
}

// overTLS starts a server on loopback and returns it as a target.
func overTLS(handler *bench.Server) (target bench.Target, end func()) {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that the end of a measurement cuts off
	server.StartTLS()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return bench.Target{
		BaseURL: server.URL + "/v1", TLS: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13},
	}, server.Close
}
