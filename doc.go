// Package xmsclient is the Go SDK for the access-token API of XMS, the controller of a distributed
// storage system. It creates, deletes, gets, lists, regenerates, updates and validates the tokens
// with which programs authenticate.
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
//	store(created.AccessToken.UUID) // XMS shows it only this once
//
// Make one [APIClient] and share it. It is safe for concurrent use and keeps its connections.
// [NewAPIClient] checks and copies the [Configuration].
//
// # Credentials
//
// The key is sent as the Xms-Auth-Token header (Configuration.TokenInHeader), as the token query
// parameter (TokenInQuery), or both. The client asks a [TokenSource] afresh for each attempt, so
// that a token can be rotated under a running client. [TokenFromFile] reads a mounted secret.
// [ContextWithAPIKey] sets the key for the calls made with a context.
//
// # Errors
//
// Every error is one of four types, which errors.As finds:
//
//   - [*ArgumentError]: the call or the configuration was refused before anything was sent. It
//     names the culprit.
//   - [*RequestError]: no answer came, or nothing was sent: the TokenSource or your middleware
//     failed. The cause is in its chain: context.DeadlineExceeded, a net.Error and the like.
//   - [*ApiError]: the server answered with a status other than 2xx.
//   - [*DecodeError]: the server answered with 2xx and a body that cannot be used. It keeps the
//     body.
//
// For the usual decisions errors.Is is enough: [ErrNotFound], [ErrConflict], [ErrUnauthorized] and
// the other statuses, [ErrOutcomeUnknown] and [ErrResponseTooLarge].
//
// A create, regenerate, update or delete that fails is [ErrOutcomeUnknown] if a server may have
// acted on any of its attempts, whatever the last one says. A delete whose first answer was lost
// and whose second attempt finds nothing is both ErrNotFound and ErrOutcomeUnknown.
//
// # Retries
//
// A call makes up to RetryPolicy.MaxAttempts attempts, each within Configuration.Timeout. This
// table lists each way in which an attempt can end; the first matching row applies. Get, List,
// Validate, Update and Delete are safe to repeat. Create and Regenerate are not. An empty last
// column means that idle connections are kept.
//
//	how an attempt ends               the server  sent again    node is left         idle
//	                                  may have                                       connections
//	                                  acted
//	--------------------------------  ----------  ------------  -------------------  -----------
//	nothing was passed on:            no          never         no
//	  TokenSource failed, or
//	  middleware sent nothing
//	the caller's context ended        if          never         if silent, and       closed if
//	                                  connected                 after its deadline   left
//	                                                            or 0.5 s
//	TLS refused by either side; 301,  no          elsewhere     yes
//	  307, 308
//	no connection: dial, DNS, TLS     no          always        yes
//	  handshake, proxy, Timeout
//	  before that
//	a 2xx broken off, by Timeout too  yes         if safe       if silent            closed if
//	                                                                                 left
//	Timeout; connection broke; no     yes         if safe       yes                  closed
//	  valid HTTP
//	408, 502, 503, 504                yes         if safe       yes
//	429                               no          always        no
//	500, other 5xx and above; an      yes         never         if silent
//	  HTML page with 2xx
//	401, and the TokenSource now      no          once a call   no
//	  gives another token
//	an HTML page with 4xx             no          never         if silent
//	other 4xx                         no          never         no
//	other 3xx; 1xx                    yes         never         if silent
//	a 2xx, whole or too large         yes         never         no
//
// If silent: the client leaves the node only if it has answered no call within the last half
// second, since the failure may be the call's own fault. Elsewhere: only at a node that the call
// has not tried in this round.
//
// A round goes through the nodes without waiting. To ask the same node again begins a new one,
// unless a token was renewed. Before a new round the client waits for the longest Retry-After of
// the round and, on top of it, a random time up to RetryPolicy.InitialInterval, which doubles up to
// MaxInterval. A wait ends with the context. It does not start if it would outlast the context's
// deadline or if Retry-After exceeds MaxRetryAfter: the call then returns its last error. There is
// no retry budget across calls: in an outage a call costs at most MaxAttempts requests, a create
// one.
//
// # Several nodes
//
// Configuration.FailoverURLs names further management nodes of the cluster. All calls of a client
// prefer the same node. When it fails, the client leaves it for the next one, for all calls at
// once, and returns to it only after passing the other nodes. A node gets at most 64 requests at a
// time from a client; further calls wait for their turn, before Timeout starts. While other nodes
// are untried, each attempt at a silent node gets an equal share of the context's deadline to
// connect, so that a node that is switched off does not use it up.
//
// A busy client does not notice that a host name has got another address, since net/http looks a
// name up for new connections only.
//
// # What is strict
//
// A nil error means that the answer holds what the call is for: a uuid after a create or
// regenerate, a token with an id after a get, update or validate, tokens with ids in a list. After
// a delete it means 204, or another 2xx that is empty or shows the token, without an error in it.
// Anything else is a [*DecodeError] that names the node and the place, such as
// access_tokens[1].create. Unknown members are ignored. null or "" is the zero time. A paging
// object that cannot be read is left out. A create or regenerate whose uuid can be read succeeds;
// what else cannot be read stays zero and is logged.
//
// # Secrets
//
// Keys, tokens, subject tokens and uuids appear in no error text, no log record and no printed
// value of this package's types. A server's text that repeats one is withheld as a whole. The uuid
// of a new token is in AccessTokenCreateRecord.UUID, and encoders write it. Body and Header of
// errors hold what the server sent: JSON, XML and YAML encoders leave them out, gob, TOML and
// msgpack do not. Credentials go to the configured URLs only: no redirect is followed.
//
// # Testing
//
// Package xmstest is an in-memory XMS that can be told to fail, for the tests of programs that use
// this package.
package xmsclient

//go:generate go test ./internal/exchange -run TestRules_Documented -update
//go:generate go -C tools generate ./...
