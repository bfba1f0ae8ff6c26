package recipes

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/examples/create"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// service makes access tokens for its users.
type service struct {
	api  *xmsclient.AccessTokensApiService
	save func(context.Context, *xmsclient.AccessTokenCreateRecord) error
}

// createToken answers a request for a new token.
func (s *service) createToken(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Minute)
	defer cancel()
	name := r.FormValue("name") + "-" + rand.Text()
	token, err := create.Create(ctx, s.api, xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: name, Roles: []string{"admin"}},
	})
	if err == nil {
		err = s.save(ctx, token)
	}
	if err != nil {
		http.Error(w, "XMS could not create the token", http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusCreated)
}

// serve serves until ctx ends. It returns when the requests that have begun have ended.
func serve(ctx context.Context, server *http.Server, listener net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 90*time.Second) // longer than createToken takes
	defer cancel()
	return server.Shutdown(grace)
}

type requestIDKey struct{}

// withRequestID makes the calls made with the context send id.
func withRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// sendRequestID is middleware for Configuration.WrapTransport.
func sendRequestID(next http.RoundTripper) http.RoundTripper {
	return roundTripper(func(r *http.Request) (*http.Response, error) {
		if id, ok := r.Context().Value(requestIDKey{}).(string); ok {
			r = r.Clone(r.Context()) // a RoundTripper must not change the request that it got
			r.Header.Set("X-Request-Id", id)
		}
		return next.RoundTrip(r)
	})
}

// requestIDOf returns the id that a gateway gave a request that failed, or "".
func requestIDOf(err error) string {
	var refused *xmsclient.ApiError
	if errors.As(err, &refused) {
		return refused.Header.Get("X-Request-Id")
	}
	return ""
}

// newService returns a service that saves uuids, and whose create calls event when it is under way.
func newService(t *testing.T, xms *xmstest.Server, event func()) (s *service, saved *[]string) {
	t.Helper()
	cfg := xms.Configuration()
	cfg.WrapTransport = func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			event()
			return next.RoundTrip(r)
		})
	}
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	saved = new([]string)
	return &service{client.AccessTokensApi, func(_ context.Context, token *xmsclient.AccessTokenCreateRecord) error {
		*saved = append(*saved, token.UUID)
		return nil
	}}, saved
}

func requireValid(t *testing.T, xms *xmstest.Server, uuids []string) {
	t.Helper()
	require.Len(t, uuids, 1)
	_, _, err := xms.Client().AccessTokensApi.ValidateAccessToken(t.Context(), uuids[0])
	require.NoError(t, err)
}

func TestCreateToken_SavesATokenAlsoIfTheBrowserHangsUp(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	defer xms.Close()
	ctx, hangUp := context.WithCancel(t.Context())
	s, saved := newService(t, xms, hangUp)

	answer := httptest.NewRecorder()
	s.createToken(answer, httptest.NewRequestWithContext(ctx, http.MethodPost, "/?name=backup", http.NoBody))
	assert.Equal(t, http.StatusCreated, answer.Code)
	requireValid(t, xms, *saved)
}

func TestServe_LetsACreateEnd(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	defer xms.Close()
	ctx, terminate := context.WithCancel(t.Context())
	server := &http.Server{ReadHeaderTimeout: time.Minute}
	shutDown := make(chan struct{})
	server.RegisterOnShutdown(func() { close(shutDown) })
	s, saved := newService(t, xms, func() {
		terminate()
		<-shutDown
	})
	server.Handler = http.HandlerFunc(s.createToken)
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- serve(ctx, server, listener) }()

	post, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
		"http://"+listener.Addr().String()+"/?name=backup", http.NoBody)
	require.NoError(t, err)
	answer, err := new(http.Client).Do(post)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	assert.Equal(t, http.StatusCreated, answer.StatusCode)
	require.NoError(t, <-served)
	requireValid(t, xms, *saved)
}

func TestRequestIDs(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Inject(xmstest.Fault{StatusCode: http.StatusForbidden, Header: http.Header{"X-Request-Id": {"gateway-7"}}})
	cfg := xms.Configuration()
	cfg.WrapTransport = sendRequestID
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)

	_, _, err = client.AccessTokensApi.GetAccessToken(withRequestID(t.Context(), "mine-1"), 7)
	assert.Equal(t, "gateway-7", requestIDOf(err))
	_, _, err = client.AccessTokensApi.GetAccessToken(t.Context(), 7)
	assert.Empty(t, requestIDOf(err))
	requests := xms.Requests()
	require.Len(t, requests, 2)
	assert.Equal(t, "mine-1", requests[0].Header.Get("X-Request-Id"))
	assert.Empty(t, requests[1].Header.Get("X-Request-Id"))
}
