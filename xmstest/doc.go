// Package xmstest is an in-memory XMS for tests and demos. It speaks the access-token API over real HTTP on a loopback
// port, keeps its state in the process, and can be told to fail the way real clusters and the gateways before them do.
// It needs no test framework, so programs may embed it as well as tests.
//
//	func TestReportSurvivesABusyNode(t *testing.T) {
//		xms := xmstest.NewServer()
//		defer xms.Close()
//		xms.Seed(3)
//		xms.Inject(xmstest.Fault{Operation: "ListAccessTokens", StatusCode: http.StatusServiceUnavailable})
//
//		client, err := xmsclient.NewAPIClient(xms.Configuration())
//		if err != nil {
//			t.Fatal(err)
//		}
//		tokens, _, err := client.AccessTokensApi.ListAccessTokens(t.Context(), nil)
//		if err != nil {
//			t.Fatal(err)
//		}
//		if len(tokens.AccessTokens) != 3 || len(xms.Requests()) != 2 {
//			t.Errorf("%d tokens after %d requests, want 3 after 2", len(tokens.AccessTokens), len(xms.Requests()))
//		}
//	}
//
// # What it does
//
// All seven operations, below /v1. A call is authenticated by the uuid of a token, or by [Server.AdminToken], in the
// header Xms-Auth-Token or the query parameter token, with or without a prefix ("Bearer abc"); the header wins when both
// are sent. Whoever is authenticated may do everything: there are no permissions, so 403 comes from a [Fault] only.
// Tokens belong to the user of the credential that made them, and a name is unique per user. A list shows the caller's
// own tokens, those of another user with user_id, everyone's with all=true.
//
// Paths are matched as they were sent: a missing trailing slash, an escaped colon or an id with leading zeros is 404.
// Errors are JSON objects with code and message and never repeat what was sent.
//
// # Making it fail
//
// [Server.Inject] queues a [Fault]: a status of its own, extra headers, another or a shortened body, a delay, or a
// connection closed before or after the request took effect. [Server.Requests] tells afterwards what was received.
package xmstest
