// Command ogen gets a token with the client that ogen generates.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/ogen-go/ogen/ogenerrors"

	"github.com/xsky-storage/xms-client-go/conformance/bench/ogen"
)

// key puts the credential into the header.
type key struct{}

func (key) TokenInHeader(context.Context, ogen.OperationName) (ogen.TokenInHeader, error) {
	return ogen.TokenInHeader{APIKey: os.Args[2]}, nil
}

func (key) TokenInQuery(context.Context, ogen.OperationName) (ogen.TokenInQuery, error) {
	return ogen.TokenInQuery{}, ogenerrors.ErrSkipClientSecurity
}

func main() {
	client, err := ogen.NewClient(os.Args[1], key{})
	if err != nil {
		log.Fatal(err)
	}
	res, err := client.GetAccessToken(context.Background(), ogen.GetAccessTokenParams{AccessTokenID: 7})
	if err != nil {
		log.Fatal(err)
	}
	token, ok := res.(*ogen.AccessTokenResp)
	if !ok {
		log.Fatalf("answer is a %T", res)
	}
	fmt.Println(token.AccessToken.Value.Name.Value)
}
