// Command wasm makes the seven calls and prints how each of them ended. wasm_test.go compiles it
// for js/wasm. If XMS_BASE_URL is not set, it talks to an xmstest in its own process.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func main() {
	cfg, err := xmsclient.ConfigurationFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	if os.Getenv("XMS_BASE_URL") == "" {
		server := xmstest.NewServer()
		defer server.Close()
		cfg = server.Configuration()
	}
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		log.Fatal(err)
	}
	callAll(context.Background(), client.AccessTokensApi)
}

// callAll makes all calls, also after one that failed.
func callAll(ctx context.Context, api *xmsclient.AccessTokensApiService) {
	id, uuid := int64(1), "no-uuid-because-the-create-failed"
	_, _, err := api.ListAccessTokens(ctx, nil)
	report("list", err)
	created, _, err := api.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "wasm", Roles: []string{"admin"}},
	})
	report("create", err)
	if err == nil {
		id, uuid = created.AccessToken.ID, created.AccessToken.UUID
	}
	_, _, err = api.ValidateAccessToken(ctx, uuid)
	report("validate", err)
	_, _, err = api.GetAccessToken(ctx, id)
	report("get", err)
	_, _, err = api.UpdateAccessToken(ctx, id, xmsclient.AccessTokenUpdateReq{
		AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: "wasm renamed"},
	})
	report("update", err)
	_, _, err = api.RegenerateAccessToken(ctx, id)
	report("regenerate", err)
	_, err = api.DeleteAccessToken(ctx, id)
	report("delete", err)
}

func report(call string, err error) {
	if err != nil {
		fmt.Println(call+":", err)
		return
	}
	fmt.Println(call + ": ok")
}
