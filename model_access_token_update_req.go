package xmsclient

// AccessTokenUpdateReq is the body of UpdateAccessToken.
type AccessTokenUpdateReq struct {
	AccessToken *AccessTokenUpdateReqAccessToken `json:"access_token"` // "access_token": what to change; required by this client
}

// AccessTokenUpdateReqAccessToken describes the change.
type AccessTokenUpdateReqAccessToken struct {
	Name string `json:"name"` // "name": the new name, unique among its owner's tokens; required
}

func (r AccessTokenUpdateReq) check() *ArgumentError {
	const argument = "body.AccessToken"
	if r.AccessToken == nil {
		return &ArgumentError{Argument: argument, Reason: "must not be nil"}
	}
	return checkName(argument+".Name", r.AccessToken.Name)
}
