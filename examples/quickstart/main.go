// Command quickstart creates a token and lists all tokens of the cluster that XMS_BASE_URL names.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

func main() {
	cfg, err := xmsclient.ConfigurationFromEnv() // XMS_BASE_URL, XMS_AUTH_TOKEN, XMS_CA_FILE
	if err != nil {
		log.Fatal(err)
	}
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	created, _, err := client.AccessTokensApi.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "backup", Roles: []string{"admin"}},
	})
	switch {
	case errors.Is(err, xmsclient.ErrConflict):
		log.Fatal("XMS has a token of that name already")
	case err != nil:
		log.Fatal(err)
	}
	// created.AccessToken.UUID is the new token's secret. XMS shows it only this once.
	fmt.Println("created token", created.AccessToken.ID)

	for token, err := range client.AccessTokensApi.AllAccessTokens(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(token.ID, token.Name, token.Roles)
	}
}
