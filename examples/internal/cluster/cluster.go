// Package cluster chooses the XMS that an example talks to.
package cluster

import (
	"errors"
	"fmt"
	"io"
	"os"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// Configuration returns the configuration of the XMS that XMS_BASE_URL and XMS_AUTH_TOKEN name. If
// neither is set, it starts an embedded server with the given tokens. It prints to out which XMS it
// is. The caller calls stop at the end. It fails if only one of the two is set, or one is wrong.
func Configuration(
	out io.Writer, embedded ...xmsclient.AccessToken,
) (cfg *xmsclient.Configuration, stop func(), err error) {
	url, token := os.Getenv("XMS_BASE_URL"), os.Getenv("XMS_AUTH_TOKEN")
	switch {
	case url == "" && token == "":
		server := xmstest.NewServer()
		for _, t := range embedded {
			server.AddToken(t)
		}
		fmt.Fprintln(out, "embedded XMS at", server.BaseURL())
		return server.Configuration(), server.Close, nil
	case url == "" || token == "":
		return nil, nil, errors.New("set both XMS_BASE_URL and XMS_AUTH_TOKEN, or neither for an embedded server")
	}
	cfg, err = xmsclient.ConfigurationFromEnv()
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(out, "XMS at", cfg.BaseURL)
	return cfg, func() {}, nil
}
