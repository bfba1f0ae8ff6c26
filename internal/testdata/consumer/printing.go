package main

import (
	"fmt"
	"log/slog"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// Methods for package fmt, log/slog and encoding by their promised types.
var (
	_ func(xmsclient.APIKey, fmt.State, rune)                  = xmsclient.APIKey.Format
	_ func(xmsclient.APIKey) string                            = xmsclient.APIKey.String
	_ func(xmsclient.APIKey) string                            = xmsclient.APIKey.GoString
	_ func(xmsclient.APIKey) slog.Value                        = xmsclient.APIKey.LogValue
	_ func(xmsclient.APIKey) ([]byte, error)                   = xmsclient.APIKey.MarshalText
	_ func(xmsclient.AccessTokenCreateRecord, fmt.State, rune) = xmsclient.AccessTokenCreateRecord.Format
	_ func(xmsclient.AccessTokenCreateRecord) slog.Value       = xmsclient.AccessTokenCreateRecord.LogValue
	_ func(xmsclient.AccessTokenCreateResp) slog.Value         = xmsclient.AccessTokenCreateResp.LogValue
	_ func(xmsclient.Configuration, fmt.State, rune)           = xmsclient.Configuration.Format
	_ func(*xmsclient.Configuration) slog.Value                = (*xmsclient.Configuration).LogValue
	_ func(xmsclient.Response, fmt.State, rune)                = xmsclient.Response.Format
	_ func(*xmsclient.Response) slog.Value                     = (*xmsclient.Response).LogValue
	_ func(xmsclient.ApiError, fmt.State, rune)                = xmsclient.ApiError.Format
	_ func(xmsclient.RequestError, fmt.State, rune)            = xmsclient.RequestError.Format
	_ func(xmsclient.DecodeError, fmt.State, rune)             = xmsclient.DecodeError.Format
	_ func(*xmsclient.ApiError) slog.Value                     = (*xmsclient.ApiError).LogValue
	_ func(*xmsclient.RequestError) slog.Value                 = (*xmsclient.RequestError).LogValue
	_ func(*xmsclient.DecodeError) slog.Value                  = (*xmsclient.DecodeError).LogValue
)
