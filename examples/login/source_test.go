package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// newAPI returns the calls of a client that logs in as ops.
func newAPI(
	t *testing.T, cfg *xmsclient.Configuration, auth *authClient, password string,
) *xmsclient.AccessTokensApiService {
	t.Helper()
	cfg.TokenInHeader = xmsclient.APIKey{}
	cfg.TokenSource = &sessionSource{logIn: auth.withPassword("ops", password)}
	client, err := xmsclient.NewAPIClient(cfg)
	require.NoError(t, err)
	return client.AccessTokensApi
}

// newService starts a server and returns it with the calls of a client of it.
func newService(t *testing.T, password string) (*xmstest.Server, *xmsclient.AccessTokensApiService) {
	t.Helper()
	xms := xmstest.NewServer(xmstest.WithUser("ops", "s3cret horse"))
	t.Cleanup(xms.Close)
	xms.Seed(1)
	cfg := xms.Configuration()
	return xms, newAPI(t, cfg, newAuthClient(cfg), password)
}

func TestSessionSource_ForgottenSessionIsRenewedOnceForAllCallers(t *testing.T) {
	t.Parallel()
	xms, api := newService(t, "s3cret horse")
	_, _, err := api.GetAccessToken(t.Context(), 1)
	require.NoError(t, err)
	const callers = 200
	results := make(chan error, callers)
	for range callers {
		go func() {
			_, _, err := api.GetAccessToken(t.Context(), 1)
			results <- err
		}()
	}
	for done := range callers {
		require.NoError(t, <-results)
		if done == 20 {
			xms.ForgetSessions()
		}
	}
	_, _, err = api.GetAccessToken(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, 2, operations(xms)["Login"])
}

func TestSessionSource_RefusedLoginIsNotRepeated(t *testing.T) {
	t.Parallel()
	xms, api := newService(t, "wrong horse")
	results := make(chan error)
	for range 20 {
		go func() {
			_, _, err := api.GetAccessToken(t.Context(), 1)
			results <- err
		}()
	}
	for range 20 {
		err := <-results
		require.ErrorIs(t, err, errLoginRefused)
		require.ErrorContains(t, err, "wrong name or password")
		assert.NotContains(t, err.Error(), "horse")
	}
	_, _, err := api.GetAccessToken(t.Context(), 1)
	require.ErrorIs(t, err, errLoginRefused)
	assert.Equal(t, map[string]int{"Login": 1}, operations(xms))
}

func TestSessionSource_FailedLoginIsRepeatedByTheNextCall(t *testing.T) {
	t.Parallel()
	xms, api := newService(t, "s3cret horse")
	xms.Inject(xmstest.Fault{Operation: "Login", StatusCode: http.StatusInternalServerError})
	_, _, err := api.GetAccessToken(t.Context(), 1)
	require.ErrorContains(t, err, "500 Internal Server Error")
	_, _, err = api.GetAccessToken(t.Context(), 1)
	require.NoError(t, err)
}

func TestSessionSource_CallerThatGivesUpLeavesTheLoginToOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logins, answer := 0, make(chan session)
		source := &sessionSource{logIn: func(ctx context.Context) (session, error) {
			logins++
			select {
			case opened := <-answer:
				return opened, nil
			case <-ctx.Done():
				return session{}, ctx.Err()
			}
		}}
		impatient, giveUp := context.WithCancelCause(t.Context())
		failed, got := make(chan error), make(chan string)
		go func() {
			_, err := source.Token(impatient)
			failed <- err
		}()
		synctest.Wait()
		go func() {
			uuid, _ := source.Token(t.Context())
			got <- uuid
		}()
		synctest.Wait()
		giveUp(errors.New("enough"))
		require.ErrorIs(t, <-failed, context.Canceled)
		answer <- session{uuid: "opened"}
		assert.Equal(t, "opened", <-got)
		assert.Equal(t, 1, logins)
	})
}

// direct is a RoundTripper without a connection, so that the time of a bubble passes.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

func TestSessionSource_LogsInAgainWhenTheSessionHasExpired(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer(xmstest.WithUser("ops", "s3cret horse"))
	t.Cleanup(xms.Close)
	synctest.Test(t, func(t *testing.T) {
		xms.Seed(1)
		cfg := &xmsclient.Configuration{BaseURL: xms.BaseURL(), HTTPClient: &http.Client{Transport: direct{xms.Handler()}}}
		api := newAPI(t, cfg, &authClient{nodes: []string{cfg.BaseURL}, http: cfg.HTTPClient}, "s3cret horse")
		for _, wait := range []time.Duration{0, time.Hour - 1, 1} {
			time.Sleep(wait)
			_, resp, err := api.GetAccessToken(t.Context(), 1)
			require.NoError(t, err)
			assert.Equal(t, 1, resp.Attempts, "XMS has refused the session")
		}
		assert.Equal(t, 2, operations(xms)["Login"])
	})
}
