package xmsclient

import "fmt"

// AccessTokenCreateReq is the body of CreateAccessToken.
type AccessTokenCreateReq struct {
	AccessToken *AccessTokenCreateReqAccessToken `json:"access_token"` // "access_token": the token to create; required
}

// AccessTokenCreateReqAccessToken describes the token to create.
type AccessTokenCreateReqAccessToken struct {
	Description string   `json:"description,omitempty"` // "description": free text; "" is not sent
	Name        string   `json:"name"`                  // "name": required; XMS may refuse one that is taken
	Roles       []string `json:"roles"`                 // "roles": what the token may do, such as "admin"; at least one
}

func (r AccessTokenCreateReq) check() *ArgumentError {
	if r.AccessToken == nil {
		return &ArgumentError{Argument: "body.AccessToken", Reason: "must not be nil"}
	}
	if err := checkName("body.AccessToken.Name", r.AccessToken.Name); err != nil {
		return err
	}
	if err := checkText("body.AccessToken.Description", r.AccessToken.Description); err != nil {
		return err
	}
	return checkRoles("body.AccessToken.Roles", r.AccessToken.Roles)
}

func checkRoles(argument string, roles []string) *ArgumentError {
	if len(roles) == 0 {
		return &ArgumentError{Argument: argument, Reason: "must not be empty"}
	}
	for i, role := range roles {
		if err := checkName(argument, role); err != nil {
			err.Argument = fmt.Sprintf("%s[%d]", argument, i)
			return err
		}
	}
	return nil
}
