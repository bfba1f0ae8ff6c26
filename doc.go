// Package xmsclient is the Go SDK for the access-token API of XMS, the controller of a distributed storage system: create,
// delete, get, list, regenerate, update and validate the tokens that programs authenticate with.
//
// # Quick start
//
//	cfg := xmsclient.NewConfiguration()
//	cfg.BaseURL = "http://10.0.0.1:8051/v1"
//	cfg.TokenInHeader.Key = os.Getenv("XMS_AUTH_TOKEN")
//	client, err := xmsclient.NewAPIClient(cfg)
//	if err != nil {
//		return err
//	}
//	created, _, err := client.AccessTokensApi.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
//		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "backup", Roles: []string{"admin"}},
//	})
//	if err != nil {
//		return err
//	}
//	store(created.AccessToken.UUID) // shown only this once
//
// Make one [APIClient] and share it; it is safe for concurrent use and keeps its connections. The [Configuration] is copied and
// checked when the client is made.
//
// # Credentials
//
// The key goes out as the Xms-Auth-Token header (Configuration.TokenInHeader), as the token query parameter
// (TokenInQuery), or both. A [TokenSource] is asked afresh for each attempt, which lets a token be rotated under a running
// client; [TokenFromFile] is one that reads a mounted secret. [ContextWithAPIKey] gives the calls of one context a key of
// their own and wins over both.
//
// # Errors
//
// Every error is one of four types, found with errors.As:
//
//   - [*ArgumentError]: the call or the configuration was refused before anything was sent; it names the culprit
//   - [*RequestError]: no usable answer came; the cause, such as context.DeadlineExceeded or a net.Error, is in its chain
//   - [*ApiError]: the server answered with another status than 2xx
//   - [*DecodeError]: the server answered with 2xx and a body that cannot be used; the body is kept in it
//
// For the usual decisions, errors.Is is enough: [ErrNotFound], [ErrConflict], [ErrUnauthorized] and the other status
// sentinels, [ErrOutcomeUnknown] and [ErrResponseTooLarge].
//
// # What is tried again
//
// A call makes up to RetryPolicy.MaxAttempts attempts, each within Configuration.Timeout. Which failures lead to another
// attempt depends on whether the operation may be sent twice:
//
//	                                      Get, List, Validate,     Create,
//	failure of an attempt                 Update, Delete           Regenerate
//	----------------------------------    ---------------------    --------------------------------
//	connection could not be made          again                    again
//	broken connection, no valid HTTP      again                    returned, ErrOutcomeUnknown
//	Configuration.Timeout passed          again                    returned, ErrOutcomeUnknown (1)
//	429                                   again                    again
//	503 with Retry-After                  again                    again
//	503 without, 502, 504                 again                    returned, ErrOutcomeUnknown
//	408                                   again                    returned
//	500, other 5xx                        returned                 returned, ErrOutcomeUnknown
//	401, TokenSource has another token    again, once              again, once
//	other 4xx, 307, 308                   returned                 returned
//	other 3xx                             returned                 returned, ErrOutcomeUnknown
//	2xx, body broken off                  again                    returned, ErrOutcomeUnknown
//	2xx, body whole but unusable          returned                 returned, ErrOutcomeUnknown
//	caller's context ended                returned                 returned, ErrOutcomeUnknown (1)
//	certificate not trusted               only on another node     only on another node
//
// (1) unless no connection had been made yet; a timeout is then like a connection that could not be made.
//
// A DeleteAccessToken whose first attempt may have taken effect, and whose next one finds nothing any more, has succeeded.
//
// Between attempts the client waits a random time of up to RetryPolicy.InitialInterval, doubling up to MaxInterval, and
// no less than the server's Retry-After. A Retry-After beyond MaxRetryAfter is not waited for. A wait ends with the context and
// is not begun when it would outlast the context's deadline: the last error is returned instead.
//
// # Several nodes
//
// Configuration.FailoverURLs names further management nodes of the cluster. A node that failed is followed by the next one
// at once; the wait comes when all have failed. The client stays with the node that answered last. The table above holds
// across nodes.
//
// # Secrets
//
// Keys, query tokens, subject tokens and uuids appear in no error text, no log record and no printed value of this package's types.
// The uuid of a new token is in AccessTokenCreateRecord.UUID, and encoding/json writes it; what the server sent stays readable in
// the Body and Header fields of errors. Credentials are put on requests to the configured URLs only; a redirect is followed only within
// the same scheme, host and port and with the same method.
//
// # Testing
//
// Package xmstest is an in-memory XMS with fault injection, for the tests of programs that use this package.
package xmsclient
