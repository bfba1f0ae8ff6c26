package main

import (
	"net/http"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// The models, and the fields of each, by their promised types.
var (
	_ = xmsclient.AccessTokenCreateReq{AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{
		Description: "", Name: "", Roles: []string(nil),
	}}
	_ = xmsclient.AccessTokenUpdateReq{AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: ""}}
	_ = xmsclient.AccessTokenCreateResp{AccessToken: &xmsclient.AccessTokenCreateRecord{
		AccessToken: xmsclient.AccessToken{}, UUID: "",
	}}
	_ = xmsclient.AccessTokenResp{AccessToken: &xmsclient.AccessToken{
		Create: time.Time{}, Update: time.Time{}, Description: "", Name: "", ID: int64(0), Roles: []string(nil), Used: false,
		User: &xmsclient.UserNestview{ID: int64(0), Name: "", SkipGuide: false},
	}}
	_ = xmsclient.AccessTokensResp{
		AccessTokens: []xmsclient.AccessToken(nil),
		Paging:       &xmsclient.Paging{Count: int64(0), Limit: int64(0), Offset: int64(0), TotalCount: int64(0)},
	}
	_ = xmsclient.ListAccessTokensOpts{
		Limit: (*int64)(nil), Offset: (*int64)(nil), UserID: (*int64)(nil), Role: (*string)(nil), All: (*bool)(nil),
	}
	_ = xmsclient.Response{StatusCode: int(0), Header: http.Header(nil), Server: "", Attempts: int(0)}
	_ = xmsclient.APIClient{AccessTokensApi: (*xmsclient.AccessTokensApiService)(nil)}
)
