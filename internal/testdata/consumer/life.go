package main

import (
	"context"
	"fmt"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// run takes a token through its life.
func run(ctx context.Context) error {
	server := xmstest.NewServer()
	defer server.Close()
	client, err := xmsclient.NewAPIClient(configuration(server.Configuration()))
	if err != nil {
		return err
	}
	api := client.AccessTokensApi
	created, _, err := api.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "consumer", Roles: []string{"admin"}},
	})
	if err != nil {
		return err
	}
	own := xmsclient.ContextWithAPIKey(ctx, xmsclient.APIKey{Key: created.AccessToken.UUID})
	for token, err := range api.AllAccessTokens(own, &xmsclient.ListAccessTokensOpts{All: xmsclient.Ptr(true)}) {
		if err != nil {
			return err
		}
		fmt.Println(token.ID, token.Name)
	}
	_, err = api.DeleteAccessToken(ctx, created.AccessToken.ID)
	return err
}
