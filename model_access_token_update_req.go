package xmsclient

// AccessTokenUpdateReq is the body of UpdateAccessToken.
type AccessTokenUpdateReq struct {
	AccessToken *AccessTokenUpdateReqAccessToken `json:"access_token"` // "access_token": what to change; required
}

// AccessTokenUpdateReqAccessToken describes the change.
type AccessTokenUpdateReqAccessToken struct {
	Name string `json:"name"` // "name": the new name; required
}

func (r AccessTokenUpdateReq) check() *ArgumentError {
	if r.AccessToken == nil {
		return &ArgumentError{Argument: "body.AccessToken", Reason: "must not be nil"}
	}
	return checkName("body.AccessToken.Name", r.AccessToken.Name)
}
