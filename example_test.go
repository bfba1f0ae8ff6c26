package xmsclient_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// Create a token, list all tokens, and delete the token again.
func Example() {
	xms := xmstest.NewServer() // in place of a cluster
	defer xms.Close()

	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL = xms.BaseURL()              // such as "http://10.0.0.1:8051/v1"
	cfg.TokenInHeader.Key = xms.AdminToken() // such as os.Getenv("XMS_AUTH_TOKEN")
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		log.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	created, _, err := client.AccessTokensApi.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "backup", Roles: []string{"admin"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	// Store created.AccessToken.UUID now. XMS shows it only this once.

	for token, err := range client.AccessTokensApi.AllAccessTokens(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(token.Name, token.Roles)
	}
	if _, err := client.AccessTokensApi.DeleteAccessToken(ctx, created.AccessToken.ID); err != nil {
		log.Fatal(err)
	}
	// Output: backup [admin]
}

// A program reads its settings from the environment. A second node takes over from one that is
// down.
func ExampleConfigurationFromEnv() {
	down, up := xmstest.NewServer(), xmstest.NewServer()
	down.Close()
	defer up.Close()
	_ = os.Setenv("XMS_BASE_URL", down.BaseURL()+", "+up.BaseURL())
	_ = os.Setenv("XMS_AUTH_TOKEN", up.AdminToken())
	defer func() { _ = errors.Join(os.Unsetenv("XMS_BASE_URL"), os.Unsetenv("XMS_AUTH_TOKEN")) }()

	cfg, err := xmsclient.ConfigurationFromEnv()
	if err != nil {
		log.Fatal(err) // names the variable and says what is wrong with it
	}
	fmt.Println("key:", cfg.TokenInHeader)
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		log.Fatal(err)
	}
	_, response, err := client.AccessTokensApi.ListAccessTokens(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("answered by the second node:", response.Server == up.BaseURL())
	// Output:
	// key: [redacted]
	// answered by the second node: true
}

// The answer to a create is lost, so the token may exist. The client does not create it a second
// time. Look for its name, and regenerate it to get a uuid. That takes a name which no other token
// has.
func Example_outcomeUnknown() {
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Inject(xmstest.Fault{Operation: "CreateAccessToken", DropAfter: true})
	api, ctx := xms.Client().AccessTokensApi, context.Background()

	created, _, err := api.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "backup-of-host-7", Roles: []string{"admin"}},
	})
	switch {
	case errors.Is(err, xmsclient.ErrOutcomeUnknown):
		fmt.Println("the token may have been created")
		created = regenerate(ctx, api, "backup-of-host-7")
	case errors.Is(err, xmsclient.ErrConflict):
		log.Fatal("another token has this name")
	case err != nil:
		log.Fatal(err)
	}
	fmt.Println(created.AccessToken.Name, "has a uuid:", created.AccessToken.UUID != "")
	// Output:
	// the token may have been created
	// backup-of-host-7 has a uuid: true
}

// regenerate gives the token with this name a uuid that the program knows.
func regenerate(
	ctx context.Context, api *xmsclient.AccessTokensApiService, name string,
) *xmsclient.AccessTokenCreateResp {
	for token, err := range api.AllAccessTokens(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if token.Name == name {
			created, _, err := api.RegenerateAccessToken(ctx, token.ID)
			if err != nil {
				log.Fatal(err)
			}
			return created
		}
	}
	log.Fatal("the token was not created: create it again")
	return nil
}

// Delete all tokens that nobody has ever used. The loop may delete: no token is skipped.
func ExampleAccessTokensApiService_AllAccessTokens() {
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Seed(250)
	xms.AddToken(xmsclient.AccessToken{Name: "backup", Used: true})
	api, ctx := xms.Client().AccessTokensApi, context.Background()

	deleted := 0
	for token, err := range api.AllAccessTokens(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		if token.Used {
			fmt.Println("keep", token.Name)
			continue
		}
		_, err := api.DeleteAccessToken(ctx, token.ID)
		if err != nil && !errors.Is(err, xmsclient.ErrNotFound) { // another program may have deleted it
			log.Fatal(err)
		}
		deleted++
	}
	fmt.Println("deleted", deleted)
	// Output:
	// keep backup
	// deleted 250
}

// A running client picks up a new token from a file, such as a mounted secret.
func ExampleTokenFromFile() {
	xms := xmstest.NewServer()
	defer xms.Close()
	dir, err := os.MkdirTemp("", "xms")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "token")
	write := func(token string) { // by renaming, so that nobody reads half a token
		err := errors.Join(os.WriteFile(path+".new", []byte(token+"\n"), 0o600), os.Rename(path+".new", path))
		if err != nil {
			log.Fatal(err)
		}
	}

	cfg := xms.Configuration()
	cfg.TokenSource = xmsclient.TokenFromFile(path)
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		log.Fatal(err)
	}

	write("3b8ad1ce6f0f4d0ea62b1a1d3f3a1c55") // XMS does not know this token
	_, _, err = client.AccessTokensApi.ListAccessTokens(context.Background(), nil)
	fmt.Println("unauthorized:", errors.Is(err, xmsclient.ErrUnauthorized))
	write(xms.AdminToken())
	_, _, err = client.AccessTokensApi.ListAccessTokens(context.Background(), nil)
	fmt.Println("error:", err)
	// Output:
	// unauthorized: true
	// error: <nil>
}

// errors.Is is enough for most decisions. errors.As gives the details.
func ExampleApiError() {
	xms := xmstest.NewServer()
	api := xms.Client().AccessTokensApi
	get := func(id int64) {
		_, _, err := api.GetAccessToken(context.Background(), id)
		var (
			argument *xmsclient.ArgumentError
			answered *xmsclient.ApiError
			unusable *xmsclient.DecodeError
			request  *xmsclient.RequestError
		)
		switch {
		case errors.Is(err, xmsclient.ErrNotFound):
			fmt.Println("there is no such token")
		case errors.As(err, &argument):
			fmt.Println("nothing was sent:", argument.Argument, argument.Reason)
		case errors.As(err, &answered):
			fmt.Println("the server answered", answered.StatusCode, answered.Message)
		case errors.As(err, &unusable):
			fmt.Println("the answer cannot be used:", unusable.ContentType)
		case errors.As(err, &request):
			fmt.Println("no answer after", request.Attempts, "attempts")
		}
	}

	get(7)
	get(-1)
	xms.Inject(xmstest.Fault{StatusCode: http.StatusForbidden, Body: `{"message": "role admin is required"}`})
	get(7)
	xms.Inject(xmstest.Fault{StatusCode: http.StatusOK, Body: "<html>Welcome</html>"})
	get(7)
	xms.Close()
	get(7)
	// Output:
	// there is no such token
	// nothing was sent: accessTokenID must be positive, not -1
	// the server answered 403 role admin is required
	// the answer cannot be used: text/html; charset=utf-8
	// no answer after 4 attempts
}

// Test your own code against faults that are rare in a real cluster.
func Example_testing() {
	countTokens := func(api *xmsclient.AccessTokensApiService) (int, error) { // your own code
		list, _, err := api.ListAccessTokens(context.Background(), nil)
		if err != nil {
			return 0, fmt.Errorf("count tokens: %w", err)
		}
		return len(list.AccessTokens), nil
	}

	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Seed(3)
	api := xms.Client().AccessTokensApi

	xms.Inject(xmstest.Fault{StatusCode: http.StatusBadGateway, Times: 2})
	n, err := countTokens(api)
	fmt.Println(n, err, "after", len(xms.Requests()), "requests")

	xms.Inject(xmstest.Fault{Operation: "ListAccessTokens", StatusCode: http.StatusForbidden})
	_, err = countTokens(api)
	fmt.Println("forbidden:", errors.Is(err, xmsclient.ErrForbidden))
	// Output:
	// 3 <nil> after 3 requests
	// forbidden: true
}

func ExampleAccessTokensApiService_CreateAccessToken() {
	xms := xmstest.NewServer()
	defer xms.Close()
	api := xms.Client().AccessTokensApi
	created, _, err := api.CreateAccessToken(context.Background(), xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "backup", Roles: []string{"admin"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.AccessToken.ID, created.AccessToken.Name, created.AccessToken.UUID != "")
	// Output: 1 backup true
}

func ExampleAccessTokensApiService_DeleteAccessToken() {
	xms := xmstest.NewServer()
	defer xms.Close()
	api := xms.Client().AccessTokensApi
	xms.Seed(1)
	if _, err := api.DeleteAccessToken(context.Background(), 1); err != nil {
		log.Fatal(err)
	}
	_, err := api.DeleteAccessToken(context.Background(), 1)
	fmt.Println("no such token:", errors.Is(err, xmsclient.ErrNotFound))
	// Output: no such token: true
}

func ExampleAccessTokensApiService_GetAccessToken() {
	xms := xmstest.NewServer()
	defer xms.Close()
	api := xms.Client().AccessTokensApi
	xms.Seed(1)
	got, _, err := api.GetAccessToken(context.Background(), 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.AccessToken.Name, got.AccessToken.Roles)
	// Output: token-000001 [admin]
}

func ExampleAccessTokensApiService_ListAccessTokens() {
	xms := xmstest.NewServer()
	defer xms.Close()
	api := xms.Client().AccessTokensApi
	xms.Seed(30)
	page, _, err := api.ListAccessTokens(context.Background(), &xmsclient.ListAccessTokensOpts{
		Limit: xmsclient.Ptr[int64](2), Offset: xmsclient.Ptr[int64](10), Role: xmsclient.Ptr("admin"),
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range page.AccessTokens {
		fmt.Println(token.ID, token.Name)
	}
	// Output:
	// 11 token-000011
	// 12 token-000012
}

func ExampleAccessTokensApiService_RegenerateAccessToken() {
	xms := xmstest.NewServer()
	defer xms.Close()
	api := xms.Client().AccessTokensApi
	old := xms.AddToken(xmsclient.AccessToken{ID: 7, Name: "backup"})
	renewed, _, err := api.RegenerateAccessToken(context.Background(), 7)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("a new uuid:", renewed.AccessToken.UUID != old)
	// Output: a new uuid: true
}

func ExampleAccessTokensApiService_UpdateAccessToken() {
	xms := xmstest.NewServer()
	defer xms.Close()
	api := xms.Client().AccessTokensApi
	xms.Seed(1)
	updated, _, err := api.UpdateAccessToken(context.Background(), 1, xmsclient.AccessTokenUpdateReq{
		AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: "archive"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(updated.AccessToken.Name)
	// Output: archive
}

func ExampleAccessTokensApiService_ValidateAccessToken() {
	xms := xmstest.NewServer()
	defer xms.Close()
	api := xms.Client().AccessTokensApi
	uuid := xms.AddToken(xmsclient.AccessToken{Name: "backup"})
	valid, _, err := api.ValidateAccessToken(context.Background(), uuid)
	if err != nil {
		log.Fatal(err) // ErrBadRequest or ErrForbidden: not a valid token
	}
	fmt.Println(valid.AccessToken.Name)
	// Output: backup
}
