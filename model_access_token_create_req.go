package xmsclient

// AccessTokenCreateReq is the body of CreateAccessToken.
type AccessTokenCreateReq struct {
	AccessToken *AccessTokenCreateReqAccessToken `json:"access_token"` // "access_token": the token to make; required by this client
}

// AccessTokenCreateReqAccessToken describes the token to make.
type AccessTokenCreateReqAccessToken struct {
	Description string   `json:"description,omitempty"` // "description": free text; "" is not sent
	Name        string   `json:"name"`                  // "name": unique among its owner's tokens; required
	Roles       []string `json:"roles"`                 // "roles": what the token may do, such as "admin"; at least one
}

func (r AccessTokenCreateReq) check() *ArgumentError {
	const argument = "body.AccessToken"
	if r.AccessToken == nil {
		return &ArgumentError{Argument: argument, Reason: "must not be nil"}
	}
	if err := checkName(argument+".Name", r.AccessToken.Name); err != nil {
		return err
	}
	if err := checkText(argument+".Description", r.AccessToken.Description); err != nil {
		return err
	}
	return checkRoles(argument+".Roles", r.AccessToken.Roles)
}
