package xmsclient_test

import (
	"context"
	"fmt"
	"log"
	"net/http"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// attemptPrinter prints a line for each answer.
type attemptPrinter struct{ next http.RoundTripper }

func (p attemptPrinter) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := p.next.RoundTrip(r)
	if call, ok := xmsclient.CallInfoFromContext(r.Context()); ok && err == nil {
		fmt.Println(call.Operation, call.PathTemplate, "attempt", call.Attempt, "status", response.StatusCode)
	}
	return response, err
}

// Middleware sees every attempt and knows the call behind it.
func ExampleCallInfoFromContext() {
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Seed(1)
	xms.Inject(xmstest.Fault{StatusCode: http.StatusServiceUnavailable})

	cfg := xms.Configuration()
	cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper { return attemptPrinter{next} }
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		log.Fatal(err)
	}
	if _, _, err := client.AccessTokensApi.GetAccessToken(context.Background(), 1); err != nil {
		log.Fatal(err)
	}
	// Output:
	// GetAccessToken /access-tokens/{access_token_id} attempt 1 status 503
	// GetAccessToken /access-tokens/{access_token_id} attempt 2 status 200
}
