package main

import (
	"net/http"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// The functions and methods of xmstest by their promised types.
var (
	_ func(...xmstest.Option) *xmstest.Server             = xmstest.NewServer
	_ func(...xmstest.Option) (*xmstest.Server, error)    = xmstest.Start
	_ func() xmstest.Option                               = xmstest.WithTLS
	_ func(int64) xmstest.Option                          = xmstest.WithMaxPage
	_ func() xmstest.Option                               = xmstest.WithoutPaging
	_ func(string) xmstest.Option                         = xmstest.WithAdminToken
	_ func(string) xmstest.Option                         = xmstest.WithListenAddr
	_ func() xmstest.Option                               = xmstest.WithoutRecording
	_ func(string, string) xmstest.Option                 = xmstest.WithUser
	_ func(*xmstest.Server) string                        = (*xmstest.Server).BaseURL
	_ func(*xmstest.Server) string                        = (*xmstest.Server).AdminToken
	_ func(*xmstest.Server) []byte                        = (*xmstest.Server).CertificatePEM
	_ func(*xmstest.Server) *xmsclient.Configuration      = (*xmstest.Server).Configuration
	_ func(*xmstest.Server) *xmsclient.APIClient          = (*xmstest.Server).Client
	_ func(*xmstest.Server, xmsclient.AccessToken) string = (*xmstest.Server).AddToken
	_ func(*xmstest.Server, int)                          = (*xmstest.Server).Seed
	_ func(*xmstest.Server, int64, string, int)           = (*xmstest.Server).SeedUser
	_ func(*xmstest.Server)                               = (*xmstest.Server).ForgetSessions
	_ func(*xmstest.Server, xmstest.Fault)                = (*xmstest.Server).Inject
	_ func(*xmstest.Server) []xmstest.Request             = (*xmstest.Server).Requests
	_ func(*xmstest.Server) http.Handler                  = (*xmstest.Server).Handler
	_ func(*xmstest.Server)                               = (*xmstest.Server).Close
)

// The structs of xmstest, and the fields of each, by their promised types.
var (
	_ = xmstest.Fault{
		Operation: "", Times: int(0), StatusCode: int(0), Header: http.Header(nil), Body: "", Delay: time.Duration(0), Drop: false,
		DropAfter: false, Truncate: int(0),
	}
	_ = xmstest.Request{Operation: "", Method: "", Path: "", RawQuery: "", Header: http.Header(nil), Body: []byte(nil)}
)
