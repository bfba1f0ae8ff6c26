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
// A call needs a credential: the uuid of a token, or [Server.AdminToken]. It is read from the
// header Xms-Auth-Token or from the query parameter token. A prefix ("Bearer abc") is ignored. If a
// request has both, the header counts.
//
// Every credential may do everything. There are no permissions, so only a [Fault] answers 403.
//
// A token belongs to the user whose credential made it. Two tokens of a user cannot have the same
// name. A list shows the caller's own tokens, those of another user with user_id, or everyone's
// with all=true.
//
// Paths are matched as they were sent. A missing trailing slash, an escaped colon or an id with
// leading zeros is answered with 404. Errors are JSON objects with code and message. They never
// repeat what was sent.
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
