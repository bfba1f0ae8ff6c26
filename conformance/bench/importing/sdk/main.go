// Command sdk gets a token with this SDK.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

func main() {
	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL = os.Args[1]
	cfg.TokenInHeader.Key = os.Args[2]
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		log.Fatal(err)
	}
	token, _, err := client.AccessTokensApi.GetAccessToken(context.Background(), 7)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(token.AccessToken.Name)
}
