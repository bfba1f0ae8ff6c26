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

// Configuration returns that of the XMS which XMS_BASE_URL and XMS_AUTH_TOKEN name or, with neither set, of an embedded
// server, which stop ends. It says on out which one it is. With only one of them set it fails.
func Configuration(out io.Writer) (cfg *xmsclient.Configuration, stop func(), err error) {
	url, token := os.Getenv("XMS_BASE_URL"), os.Getenv("XMS_AUTH_TOKEN")
	switch {
	case url == "" && token == "":
		server := xmstest.NewServer()
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
