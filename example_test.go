package xmsclient_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// startXMS starts an in-memory XMS with some tokens and returns a client for it.
func startXMS(tokens int) (*xmstest.Server, *xmsclient.APIClient) {
	xms := xmstest.NewServer()
	xms.Seed(tokens)
	return xms, newClient(xms.Configuration())
}

func newClient(cfg *xmsclient.Configuration) *xmsclient.APIClient {
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func Example() {
	xms := xmstest.NewServer() // stands in for a cluster
	defer xms.Close()

	cfg := xmsclient.NewConfiguration()
	cfg.BaseURL = xms.BaseURL()              // such as "http://10.0.0.1:8051/v1"
	cfg.TokenInHeader.Key = xms.AdminToken() // such as os.Getenv("XMS_AUTH_TOKEN")
	client, err := xmsclient.NewAPIClient(cfg)
	if err != nil {
		log.Fatal(err)
	}

	ctx := context.Background()
	created, _, err := client.AccessTokensApi.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "backup", Roles: []string{"admin"}},
	})
	if err != nil {
		log.Fatal(err)
	}
	// created.AccessToken.UUID is what programs authenticate with. It is shown only this once.

	for token, err := range client.AccessTokensApi.AllAccessTokens(ctx, nil) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(token.Name, token.Roles)
	}
	if _, err := client.AccessTokensApi.DeleteAccessToken(ctx, created.AccessToken.ID); err != nil {
		log.Fatal(err)
	}
	// Output: backup [admin]
}

// A configuration that cannot work is refused at once, with the field's name.
func ExampleNewAPIClient() {
	_, err := xmsclient.NewAPIClient(&xmsclient.Configuration{BaseURL: "10.0.0.1:8051/v1"})
	fmt.Println(err)

	_, err = xmsclient.NewAPIClient(&xmsclient.Configuration{TokenInHeader: xmsclient.APIKey{Key: "a-key-from-a-file\n"}})
	fmt.Println(err)
	// Output:
	// xmsclient: NewAPIClient: BaseURL: is not a URL; it should look like https://10.0.0.1:8051/v1
	// xmsclient: NewAPIClient: TokenInHeader: Key must not contain control characters or surrounding white space, such as the newline at a file's end
}

func ExampleConfigurationFromEnv() {
	_ = os.Setenv("XMS_BASE_URL", "http://10.0.0.1:8051/v1, http://10.0.0.2:8051/v1")
	_ = os.Setenv("XMS_AUTH_TOKEN", "0f3d…")
	defer func() { _ = errors.Join(os.Unsetenv("XMS_BASE_URL"), os.Unsetenv("XMS_AUTH_TOKEN")) }()

	cfg, err := xmsclient.ConfigurationFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cfg.BaseURL, "then", cfg.FailoverURLs)
	fmt.Println("key:", cfg.TokenInHeader)
	// Output:
	// http://10.0.0.1:8051/v1 then [http://10.0.0.2:8051/v1]
	// key: [redacted]
}

func ExampleAccessTokensApiService_CreateAccessToken() {
	xms, client := startXMS(0)
	defer xms.Close()

	created, resp, err := client.AccessTokensApi.CreateAccessToken(context.Background(), xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{
			Name: "backup", Description: "nightly backups", Roles: []string{"admin"},
		},
	})
	switch {
	case errors.Is(err, xmsclient.ErrConflict):
		log.Fatal("there is a token of that name already")
	case err != nil:
		log.Fatal(err)
	}
	secret := created.AccessToken.UUID // store it now: no call returns it again
	fmt.Println(resp.StatusCode, created.AccessToken.ID, created.AccessToken.Name, len(secret) > 0)
	// Output: 201 1 backup true
}

func ExampleAccessTokensApiService_GetAccessToken() {
	xms, client := startXMS(1)
	defer xms.Close()

	got, _, err := client.AccessTokensApi.GetAccessToken(context.Background(), 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(got.AccessToken.Name, got.AccessToken.User.Name, got.AccessToken.Used)

	_, _, err = client.AccessTokensApi.GetAccessToken(context.Background(), 404)
	fmt.Println("not found:", errors.Is(err, xmsclient.ErrNotFound))
	// Output:
	// token-000001 admin false
	// not found: true
}

func ExampleAccessTokensApiService_ListAccessTokens() {
	xms, client := startXMS(30)
	defer xms.Close()

	page, _, err := client.AccessTokensApi.ListAccessTokens(context.Background(), &xmsclient.ListAccessTokensOpts{
		Limit:  xmsclient.Ptr[int64](2),
		Offset: xmsclient.Ptr[int64](10),
		Role:   xmsclient.Ptr("admin"),
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, token := range page.AccessTokens {
		fmt.Println(token.ID, token.Name)
	}
	if page.Paging != nil { // not every version of XMS sends it
		fmt.Println("of", page.Paging.TotalCount)
	}
	// Output:
	// 11 token-000011
	// 12 token-000012
	// of 30
}

// AllAccessTokens asks for one page after the other, and for none that the loop does not get to.
func ExampleAccessTokensApiService_AllAccessTokens() {
	xms, client := startXMS(250)
	defer xms.Close()

	last := ""
	for token, err := range client.AccessTokensApi.AllAccessTokens(context.Background(), &xmsclient.ListAccessTokensOpts{
		All: xmsclient.Ptr(true), // the tokens of all users
	}) {
		if err != nil {
			log.Fatal(err)
		}
		last = token.Name
	}
	fmt.Println(last, "after", len(xms.Requests()), "requests")
	// Output: token-000250 after 3 requests
}

func ExampleAccessTokensApiService_UpdateAccessToken() {
	xms, client := startXMS(1)
	defer xms.Close()

	updated, _, err := client.AccessTokensApi.UpdateAccessToken(context.Background(), 1, xmsclient.AccessTokenUpdateReq{
		AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: "backup"},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(updated.AccessToken.Name)
	// Output: backup
}

// The old uuid stops working the moment the server makes the new one. For a client that uses the token meanwhile, see
// TokenSource and examples/rotate.
func ExampleAccessTokensApiService_RegenerateAccessToken() {
	xms, client := startXMS(1)
	defer xms.Close()

	ctx := context.Background()
	first, _, err := client.AccessTokensApi.RegenerateAccessToken(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	second, _, err := client.AccessTokensApi.RegenerateAccessToken(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	_, _, err = client.AccessTokensApi.ValidateAccessToken(ctx, first.AccessToken.UUID)
	fmt.Println("old uuid valid:", err == nil)
	_, _, err = client.AccessTokensApi.ValidateAccessToken(ctx, second.AccessToken.UUID)
	fmt.Println("new uuid valid:", err == nil)
	// Output:
	// old uuid valid: false
	// new uuid valid: true
}

func ExampleAccessTokensApiService_ValidateAccessToken() {
	xms, client := startXMS(0)
	defer xms.Close()

	valid, _, err := client.AccessTokensApi.ValidateAccessToken(context.Background(), xms.AdminToken())
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("belongs to", valid.AccessToken.User.Name)

	_, _, err = client.AccessTokensApi.ValidateAccessToken(context.Background(), "no-such-token")
	fmt.Println(errors.Is(err, xmsclient.ErrBadRequest) || errors.Is(err, xmsclient.ErrForbidden))
	// Output:
	// belongs to admin
	// true
}

func ExampleAccessTokensApiService_DeleteAccessToken() {
	xms, client := startXMS(1)
	defer xms.Close()

	resp, err := client.AccessTokensApi.DeleteAccessToken(context.Background(), 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode)

	_, err = client.AccessTokensApi.DeleteAccessToken(context.Background(), 1)
	fmt.Println("gone already:", errors.Is(err, xmsclient.ErrNotFound))
	// Output:
	// 204
	// gone already: true
}

// Most code needs errors.Is alone. The types tell the rest.
func Example_errors() {
	xms, client := startXMS(1)
	defer xms.Close()

	explain := func(err error) string {
		var (
			argument *xmsclient.ArgumentError
			api      *xmsclient.ApiError
			decode   *xmsclient.DecodeError
			request  *xmsclient.RequestError
		)
		switch {
		case errors.Is(err, xmsclient.ErrNotFound):
			return "there is no such token"
		case errors.As(err, &argument):
			return "nothing was sent, because of " + argument.Argument
		case errors.As(err, &api):
			return fmt.Sprintf("refused with %d: %s", api.StatusCode, api.Message)
		case errors.As(err, &decode):
			return fmt.Sprintf("answered with %d and %s, which cannot be used", decode.StatusCode, decode.ContentType)
		case errors.As(err, &request):
			return fmt.Sprintf("no answer after %d attempts", request.Attempts)
		}
		return err.Error()
	}
	get := func(id int64) {
		_, _, err := client.AccessTokensApi.GetAccessToken(context.Background(), id)
		fmt.Println(explain(err))
	}

	get(2)
	get(-1)
	xms.Inject(xmstest.Fault{StatusCode: http.StatusForbidden, Body: `{"message": "role admin is required"}`})
	get(1)
	xms.Inject(xmstest.Fault{Body: "<html>Welcome</html>", Header: http.Header{"Content-Type": {"text/html"}}})
	get(1)
	xms.Close()
	get(1)
	// Output:
	// there is no such token
	// nothing was sent, because of accessTokenID
	// refused with 403: role admin is required
	// answered with 200 and text/html, which cannot be used
	// no answer after 4 attempts
}

// A create whose answer got lost is not sent again: it may have made the token. Its uuid has not arrived, so the way on is
// to look for the token by its name and to give it a new uuid.
func Example_outcomeUnknown() {
	xms, client := startXMS(0)
	defer xms.Close()
	xms.Inject(xmstest.Fault{Operation: "CreateAccessToken", DropAfter: true})

	ctx := context.Background()
	created, _, err := client.AccessTokensApi.CreateAccessToken(ctx, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "backup", Roles: []string{"admin"}},
	})
	if errors.Is(err, xmsclient.ErrOutcomeUnknown) {
		for token, listErr := range client.AccessTokensApi.AllAccessTokens(ctx, nil) {
			if listErr != nil {
				log.Fatal(listErr)
			}
			if token.Name == "backup" {
				created, _, err = client.AccessTokensApi.RegenerateAccessToken(ctx, token.ID)
				break
			}
		}
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(created.AccessToken.Name, created.AccessToken.UUID != "")
	for _, request := range xms.Requests() {
		fmt.Println(request.Operation)
	}
	// Output:
	// backup true
	// CreateAccessToken
	// ListAccessTokens
	// RegenerateAccessToken
}

// Neither package fmt nor log/slog shows a secret. JSON, in which programs store it, does.
func ExampleAccessTokenCreateRecord() {
	record := xmsclient.AccessTokenCreateRecord{
		AccessToken: xmsclient.AccessToken{ID: 7, Name: "backup"}, UUID: "example-uuid",
	}
	fmt.Println("printed:", strings.Contains(fmt.Sprintf("%+v", record), "example-uuid"))
	encoded, err := json.Marshal(record)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("encoded:", string(encoded))
	// Output:
	// printed: false
	// encoded: {"name":"backup","id":7,"uuid":"example-uuid"}
}

// A node that is overloaded for a moment does not fail a call. Response.Attempts tells how often it was tried.
func ExampleRetryPolicy() {
	xms := xmstest.NewServer()
	defer xms.Close()
	cfg := xms.Configuration()
	cfg.Timeout = 5 * time.Second // of one attempt
	cfg.Retry = xmsclient.RetryPolicy{
		MaxAttempts:     3,
		InitialInterval: time.Millisecond, // 250 ms by default
		MaxRetryAfter:   10 * time.Second,
	}
	client := newClient(cfg)

	xms.Inject(xmstest.Fault{StatusCode: http.StatusServiceUnavailable, Times: 2})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // of the call with all its attempts
	defer cancel()
	_, resp, err := client.AccessTokensApi.ListAccessTokens(ctx, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, "after", resp.Attempts, "attempts")

	xms.Inject(xmstest.Fault{StatusCode: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"3600"}}})
	_, _, err = client.AccessTokensApi.ListAccessTokens(ctx, nil)
	var api *xmsclient.ApiError
	if errors.As(err, &api) {
		fmt.Println(api.StatusCode, "after", api.Attempts, "attempt, retry after", api.RetryAfter)
	}
	// Output:
	// 200 after 3 attempts
	// 429 after 1 attempt, retry after 1h0m0s
}

// A dead first node costs the first call one failed connection, and later calls nothing.
func Example_failover() {
	dead := xmstest.NewServer()
	dead.Close()
	live := xmstest.NewServer()
	defer live.Close()

	cfg := live.Configuration()
	cfg.BaseURL, cfg.FailoverURLs = dead.BaseURL(), []string{live.BaseURL()}
	client := newClient(cfg)
	for range 2 {
		_, resp, err := client.AccessTokensApi.ListAccessTokens(context.Background(), nil)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("by the live node:", resp.Server == live.BaseURL(), "attempts:", resp.Attempts)
	}
	// Output:
	// by the live node: true attempts: 2
	// by the live node: true attempts: 1
}

// One client serves many identities: the key travels with the context.
func ExampleContextWithAPIKey() {
	xms, client := startXMS(1)
	defer xms.Close()

	ctx := context.Background()
	tenant, _, err := client.AccessTokensApi.RegenerateAccessToken(ctx, 1)
	if err != nil {
		log.Fatal(err)
	}
	asTenant := xmsclient.ContextWithAPIKey(ctx, xmsclient.APIKey{Key: tenant.AccessToken.UUID})
	got, _, err := client.AccessTokensApi.GetAccessToken(asTenant, 1)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("used:", got.AccessToken.Used)

	asNobody := xmsclient.ContextWithAPIKey(ctx, xmsclient.APIKey{Key: "wrong"})
	_, _, err = client.AccessTokensApi.GetAccessToken(asNobody, 1)
	fmt.Println("unauthorized:", errors.Is(err, xmsclient.ErrUnauthorized))
	// Output:
	// used: true
	// unauthorized: true
}

// A cluster whose certificate is self-signed is trusted by naming that certificate, not by switching the check off.
func ExampleConfiguration_tls() {
	xms := xmstest.NewServer(xmstest.WithTLS())
	defer xms.Close()
	pem := xms.CertificatePEM() // such as os.ReadFile("/etc/xms/ca.pem")

	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		log.Fatal("no certificate")
	}
	cfg := &xmsclient.Configuration{
		BaseURL:       xms.BaseURL(),
		TokenInHeader: xmsclient.APIKey{Key: xms.AdminToken()},
		TLSConfig:     &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
	}
	_, resp, err := newClient(cfg).AccessTokensApi.ListAccessTokens(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode)

	cfg.TLSConfig = nil // the system's roots do not know it
	_, _, err = newClient(cfg).AccessTokensApi.ListAccessTokens(context.Background(), nil)
	var unknown x509.UnknownAuthorityError
	fmt.Println("unknown authority:", errors.As(err, &unknown))
	// Output:
	// 200
	// unknown authority: true
}

// With a Logger there is a debug record per attempt, and a warning for a call that failed after retries.
func ExampleConfiguration_logger() {
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Inject(xmstest.Fault{StatusCode: http.StatusBadGateway})

	cfg := xms.Configuration()
	cfg.Logger = slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, attr slog.Attr) slog.Attr {
			switch attr.Key {
			case slog.TimeKey, "server", "duration", "wait": // different in each run
				return slog.Attr{}
			}
			return attr
		},
	}))
	if _, _, err := newClient(cfg).AccessTokensApi.ListAccessTokens(context.Background(), nil); err != nil {
		log.Fatal(err)
	}
	// Output:
	// level=DEBUG msg="xms attempt" operation=ListAccessTokens attempt=1 status=502 error_class=status
	// level=DEBUG msg="xms attempt" operation=ListAccessTokens attempt=2 status=200
}

// Where the current token comes from is a function away. It is asked for each attempt, and once more after a 401: if the token was
// replaced meanwhile, the call goes on with the new one.
func ExampleTokenSourceFunc() {
	xms := xmstest.NewServer()
	defer xms.Close()

	var current atomic.Value // Token is called from many goroutines
	current.Store("replaced-meanwhile")
	cfg := xms.Configuration()
	cfg.TokenSource = xmsclient.TokenSourceFunc(func(context.Context) (string, error) {
		return current.Swap(xms.AdminToken()).(string), nil
	})
	_, resp, err := newClient(cfg).AccessTokensApi.ListAccessTokens(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode, "after", resp.Attempts, "attempts")
	// Output: 200 after 2 attempts
}

// A mounted secret is read for each attempt, so a replaced file takes effect with the next call.
func ExampleTokenFromFile() {
	xms := xmstest.NewServer()
	defer xms.Close()
	dir, err := os.MkdirTemp("", "secret")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "token")

	cfg := xms.Configuration()
	cfg.TokenSource = xmsclient.TokenFromFile(path)
	client := newClient(cfg)
	_, _, err = client.AccessTokensApi.ListAccessTokens(context.Background(), nil)
	fmt.Println("no file yet:", errors.Is(err, fs.ErrNotExist))

	if err := os.WriteFile(path, []byte(xms.AdminToken()+"\n"), 0o600); err != nil {
		log.Fatal(err)
	}
	_, resp, err := client.AccessTokensApi.ListAccessTokens(context.Background(), nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(resp.StatusCode)
	// Output:
	// no file yet: true
	// 200
}

// roundTripper is a function as an http.RoundTripper.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A transport of one's own sees every attempt, and learns for which operation it is.
func ExampleOperationFromContext() {
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Seed(1)

	cfg := xms.Configuration()
	cfg.HTTPClient = &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		operation, _ := xmsclient.OperationFromContext(r.Context())
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			fmt.Println(operation, resp.StatusCode)
		}
		return resp, err
	})}
	client := newClient(cfg)
	xms.Inject(xmstest.Fault{StatusCode: http.StatusServiceUnavailable})
	if _, _, err := client.AccessTokensApi.GetAccessToken(context.Background(), 1); err != nil {
		log.Fatal(err)
	}
	// Output:
	// GetAccessToken 503
	// GetAccessToken 200
}
