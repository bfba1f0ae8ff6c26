package main

import (
	"context"
	"iter"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

type (
	service    = xmsclient.AccessTokensApiService
	createResp = xmsclient.AccessTokenCreateResp
	tokenResp  = xmsclient.AccessTokenResp
	tokensResp = xmsclient.AccessTokensResp
	response   = xmsclient.Response
)

// Functions by their promised types.
var (
	_ func() *xmsclient.Configuration                              = xmsclient.NewConfiguration
	_ func() (*xmsclient.Configuration, error)                     = xmsclient.ConfigurationFromEnv
	_ func(*xmsclient.Configuration) (*xmsclient.APIClient, error) = xmsclient.NewAPIClient
	_ func(context.Context, xmsclient.APIKey) context.Context      = xmsclient.ContextWithAPIKey
	_ func(context.Context) (xmsclient.CallInfo, bool)             = xmsclient.CallInfoFromContext
	_ func(*xmsclient.APIClient)                                   = (*xmsclient.APIClient).CloseIdleConnections
	_ func(string) xmsclient.TokenSource                           = xmsclient.TokenFromFile
	_ func(int64) *int64                                           = xmsclient.Ptr[int64]
	_ func(string) *string                                         = xmsclient.Ptr[string]
	_ func(bool) *bool                                             = xmsclient.Ptr[bool]
)

// The operations by their promised types.
var (
	_ func(*service, context.Context, xmsclient.AccessTokenCreateReq) (*createResp, *response, error)          = (*service).CreateAccessToken
	_ func(*service, context.Context, int64) (*response, error)                                                = (*service).DeleteAccessToken
	_ func(*service, context.Context, int64) (*tokenResp, *response, error)                                    = (*service).GetAccessToken
	_ func(*service, context.Context, *xmsclient.ListAccessTokensOpts) (*tokensResp, *response, error)         = (*service).ListAccessTokens
	_ func(*service, context.Context, int64) (*createResp, *response, error)                                   = (*service).RegenerateAccessToken
	_ func(*service, context.Context, int64, xmsclient.AccessTokenUpdateReq) (*tokenResp, *response, error)    = (*service).UpdateAccessToken
	_ func(*service, context.Context, string) (*tokenResp, *response, error)                                   = (*service).ValidateAccessToken
	_ func(*service, context.Context, *xmsclient.ListAccessTokensOpts) iter.Seq2[xmsclient.AccessToken, error] = (*service).AllAccessTokens
)
