// Command oapi gets a token with the client that oapi-codegen generates.
package main

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"os"

	"github.com/xsky-storage/xms-client-go/conformance/bench/oapi"
)

func main() {
	authenticate := func(_ context.Context, req *http.Request) error {
		req.Header.Set("Xms-Auth-Token", os.Args[2])
		return nil
	}
	client, err := oapi.NewClientWithResponses(os.Args[1], oapi.WithRequestEditorFn(authenticate))
	if err != nil {
		log.Fatal(err)
	}
	resp, err := client.GetAccessTokenWithResponse(context.Background(), 7)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*resp.JSON200.AccessToken.Name)
}
