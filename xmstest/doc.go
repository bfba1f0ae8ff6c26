// Package xmstest is an in-memory XMS for tests and demos. It serves the access-token API over real
// HTTP on a loopback port. Its state lives in the process and ends with it. It can fail the way
// real clusters and the gateways in front of them fail. It does not import package testing, so that
// programs can embed it too.
//
//	func TestReportSurvivesABusyNode(t *testing.T) {
//		xms := xmstest.NewServer()
//		defer xms.Close()
//		xms.Seed(3)
//		xms.Inject(xmstest.Fault{Operation: "ListAccessTokens", StatusCode: 503})
//
//		tokens, _, err := xms.Client().AccessTokensApi.ListAccessTokens(t.Context(), nil)
//		if err != nil {
//			t.Fatal(err)
//		}
//		got, requests := len(tokens.AccessTokens), len(xms.Requests())
//		if got != 3 || requests != 2 {
//			t.Errorf("%d tokens after %d requests, want 3 after 2", got, requests)
//		}
//	}
//
// # What it does
//
// It serves all seven operations below /v1.
//
// A call needs a credential: the uuid of a token or of a login session, or [Server.AdminToken]. It
// is read from the header Xms-Auth-Token or from the query parameter token. A prefix ("Bearer abc")
// is ignored. If a request has both, the header counts.
//
// Every credential may do everything. There are no permissions, so only a [Fault] answers 403.
//
// A token belongs to the user whose credential made it. Two tokens of a user cannot have the same
// name. A list shows the caller's own tokens, those of another user with user_id, or everyone's
// with all=true.
//
// Paths are matched as they were sent. A missing trailing slash, an escaped colon or an id with
// leading zeros is answered with 404. A body with a member that the API does not know is answered
// with 400. Errors are JSON objects with code and message. They never repeat what was sent.
//
// # Logging in
//
// [WithUser] adds a user. Then the server also answers these requests:
//
//	POST /v1/auth/tokens:login   {"auth":{"name":"ops","password":"…"}}
//	POST /v1/auth/tokens         {"auth":{"identity":{"password":{"user":{"name":"ops","password":"…"}}}}}
//	POST /v1/auth/tokens:logout  with the uuid of a session as credential
//
// A login needs no credential. It opens a session, whose uuid every call accepts for an hour, or
// until the logout or [Server.ForgetSessions]. A wrong name or password is answered with 401. In
// [Server.Requests] and in a [Fault] these requests are named Login and Logout.
//
// # Old, used and other people's tokens
//
// [Server.Seed] adds tokens that are all alike. [Server.AddToken] adds one as you describe it:
//
//	uuid := xms.AddToken(xmsclient.AccessToken{
//		Name:   "backup",
//		Create: time.Now().AddDate(0, 0, -100),
//		Used:   true,
//		User:   &xmsclient.UserNestview{ID: 7, Name: "eve"},
//	})
//
// # Making it fail
//
// [Server.Inject] adds a [Fault]: another status, more headers, another or a shorter body, a delay,
// or a connection that is closed before or after the request takes effect. [Server.Requests]
// returns what the server received.
package xmstest
