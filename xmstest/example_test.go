package xmstest_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"time"

	"github.com/jarcoal/httpmock"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// issue is the code under test: it makes a token for a tenant. If a create may have taken effect,
// it looks for the token and gives it a new uuid. It does not create again.
func issue(ctx context.Context, api *xmsclient.AccessTokensApiService, tenant string) (uuid string, err error) {
	created, _, err := api.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: tenant, Roles: []string{"admin"}},
	})
	if err == nil {
		return created.AccessToken.UUID, nil
	}
	if !errors.Is(err, xmsclient.ErrOutcomeUnknown) {
		return "", err
	}
	for token, listErr := range api.AllAccessTokens(ctx, nil) {
		if listErr != nil {
			return "", errors.Join(err, listErr)
		}
		if token.Name == tenant {
			regenerated, _, err := api.RegenerateAccessToken(ctx, token.ID)
			if err != nil {
				return "", err
			}
			return regenerated.AccessToken.UUID, nil
		}
	}
	return "", err
}

// This tests a service against a create that is refused, and one whose answer gets lost.
func Example() {
	for _, fault := range []xmstest.Fault{
		{StatusCode: http.StatusTooManyRequests},
		{DropAfter: true}, // the token is made, but the answer does not arrive
	} {
		xms := xmstest.NewServer()
		fault.Operation = "CreateAccessToken"
		xms.Inject(fault)

		ctx := context.Background()
		api := xms.Client().AccessTokensApi
		uuid, err := issue(ctx, api, "tenant-1")
		if err != nil {
			log.Fatal(err)
		}
		if _, _, err = api.ValidateAccessToken(ctx, uuid); err != nil {
			log.Fatal(err)
		}
		for _, request := range xms.Requests() {
			fmt.Println(request.Operation)
		}
		fmt.Println()
		xms.Close()
	}
	// Output:
	// CreateAccessToken
	// CreateAccessToken
	// ValidateAccessToken
	//
	// CreateAccessToken
	// ListAccessTokens
	// RegenerateAccessToken
	// ValidateAccessToken
}

// A test of a clean-up script needs tokens of a given age and use.
func ExampleServer_AddToken() {
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.AddToken(xmsclient.AccessToken{Name: "in use", Used: true, Create: time.Now().AddDate(0, 0, -100)})
	xms.AddToken(xmsclient.AccessToken{Name: "forgotten", Create: time.Now().AddDate(0, 0, -100)})
	xms.AddToken(xmsclient.AccessToken{Name: "new"})

	for token, err := range xms.Client().AccessTokensApi.AllAccessTokens(context.Background(), nil) {
		if err != nil {
			log.Fatal(err)
		}
		if !token.Used && time.Since(token.Create) > 90*24*time.Hour {
			fmt.Println(token.ID, token.Name)
		}
	}
	// Output: 2 forgotten
}

// If a test needs one canned response, httpmock avoids a server.
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
