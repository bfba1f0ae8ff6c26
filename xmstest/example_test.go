package xmstest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"

	"github.com/jarcoal/httpmock"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// issuer is a service that gives each tenant a token: the code under test.
type issuer struct {
	api *xmsclient.AccessTokensApiService
}

// issue returns the uuid of the tenant's new token. It goes through with a create that may have taken effect by looking for
// the token, not by creating again.
func (i issuer) issue(ctx context.Context, tenant string) (string, error) {
	created, _, err := i.api.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: tenant, Roles: []string{"admin"}},
	})
	if errors.Is(err, xmsclient.ErrOutcomeUnknown) {
		created, err = i.adopt(ctx, tenant, err)
	}
	if err != nil {
		return "", err
	}
	return created.AccessToken.UUID, nil
}

// adopt gives the token that a failed create has left behind a uuid that is known. If there is none, cause stands.
func (i issuer) adopt(ctx context.Context, tenant string, cause error) (*xmsclient.AccessTokenCreateResp, error) {
	for token, err := range i.api.AllAccessTokens(ctx, nil) {
		if err != nil {
			return nil, errors.Join(cause, err)
		}
		if token.Name == tenant {
			regenerated, _, err := i.api.RegenerateAccessToken(ctx, token.ID)
			return regenerated, err
		}
	}
	return nil, cause
}

// A service that makes tokens is tested against the failures that matter: whatever happens on the way, its tenant ends up with
// one token that works.
func Example() {
	for _, fault := range []xmstest.Fault{
		{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"0"}}}, // refused unprocessed
		{DropAfter: true}, // made, but the answer got lost
	} {
		xms := xmstest.NewServer()
		fault.Operation = "CreateAccessToken"
		xms.Inject(fault)
		client, err := xmsclient.NewAPIClient(xms.Configuration())
		if err != nil {
			log.Fatal(err)
		}

		ctx := context.Background()
		uuid, err := issuer{client.AccessTokensApi}.issue(ctx, "tenant-1")
		if err != nil {
			log.Fatal(err)
		}
		_, _, err = client.AccessTokensApi.ValidateAccessToken(ctx, uuid)
		page, _, listErr := client.AccessTokensApi.ListAccessTokens(ctx, nil)
		if listErr != nil {
			log.Fatal(listErr)
		}
		fmt.Println("works:", err == nil, "tokens:", len(page.AccessTokens))
		for _, request := range xms.Requests() {
			fmt.Print(" ", request.Operation)
		}
		fmt.Println()
		xms.Close()
	}
	// Output:
	// works: true tokens: 1
	//  CreateAccessToken CreateAccessToken ValidateAccessToken ListAccessTokens
	// works: true tokens: 1
	//  CreateAccessToken ListAccessTokens RegenerateAccessToken ValidateAccessToken ListAccessTokens
}

// Where one answer is all that a test needs, httpmock does without a server.
func Example_httpmock() {
	transport := httpmock.NewMockTransport()
	transport.RegisterResponder(http.MethodGet, "http://xms.example/v1/access-tokens/7",
		httpmock.NewStringResponder(http.StatusOK, `{"access_token": {"id": 7, "name": "backup"}}`))
	client, err := xmsclient.NewAPIClient(&xmsclient.Configuration{
		BaseURL:    "http://xms.example/v1",
		HTTPClient: &http.Client{Transport: transport},
	})
	if err != nil {
		log.Fatal(err)
	}

	got, _, err := client.AccessTokensApi.GetAccessToken(context.Background(), 7)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.AccessToken.Name, "after", transport.GetTotalCallCount(), "call")
	// Output: backup after 1 call
}
