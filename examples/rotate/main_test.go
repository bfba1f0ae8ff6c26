package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

// talkTo makes run talk to the server at baseURL.
func talkTo(t *testing.T, baseURL, token string) {
	t.Helper()
	t.Setenv("XMS_BASE_URL", baseURL)
	t.Setenv("XMS_AUTH_TOKEN", token)
	t.Setenv("XMS_CA_FILE", "")
}

// newServer returns a server that run talks to.
func newServer(t *testing.T) *xmstest.Server {
	t.Helper()
	server := xmstest.NewServer()
	t.Cleanup(server.Close)
	talkTo(t, server.BaseURL(), server.AdminToken())
	return server
}

func assertSuccess(t *testing.T, output string) {
	t.Helper()
	for _, line := range []string{
		"token 1 made", "token 1 regenerated", "none failed", "the new uuid is valid, the old one is refused",
		"token 1 deleted",
	} {
		assert.Contains(t, output, line)
	}
	assert.NotRegexp(t, `(?i)[0-9a-f]{8}`, output, "no more of a uuid than it takes to recognise it")
}

func assertNoTokenLeft(t *testing.T, server *xmstest.Server) {
	t.Helper()
	list, _, err := server.Client().AccessTokensApi.ListAccessTokens(t.Context(), nil)
	require.NoError(t, err)
	assert.Empty(t, list.AccessTokens)
}

func TestRotate_Embedded(t *testing.T) {
	talkTo(t, "", "")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assertSuccess(t, out.String())
}

func TestRotate_NamedServer(t *testing.T) {
	server := newServer(t)
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assertSuccess(t, out.String())
	assertNoTokenLeft(t, server)
}

func TestRotate_HalfAConfiguration(t *testing.T) {
	talkTo(t, "http://127.0.0.1:1/v1", "")
	require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}), "XMS_AUTH_TOKEN")
}

// holdCall keeps one call with the old uuid under way until the token is regenerated. It keeps the
// new uuid back until XMS has refused that call.
func holdCall(xms http.Handler) http.Handler {
	var taken atomic.Bool
	held, regenerated, refused := make(chan struct{}), make(chan struct{}), make(chan struct{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet:
			if taken.CompareAndSwap(false, true) {
				close(held)
				<-regenerated
				defer close(refused)
			}
			xms.ServeHTTP(w, r)
		case strings.HasSuffix(r.URL.Path, ":regenerate"):
			<-held
			answer := httptest.NewRecorder()
			xms.ServeHTTP(answer, r)
			close(regenerated)
			<-refused
			w.WriteHeader(answer.Code)
			_, _ = answer.Body.WriteTo(w)
		default:
			xms.ServeHTTP(w, r)
		}
	})
}

func TestRotate_CallUnderWayGoesThroughWithTheNewUUID(t *testing.T) {
	xms := xmstest.NewServer()
	t.Cleanup(xms.Close)
	server := httptest.NewServer(holdCall(xms.Handler()))
	t.Cleanup(server.Close)
	talkTo(t, server.URL+"/v1", xms.AdminToken())
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assertSuccess(t, out.String())
	assert.Regexp(t, ` [1-9]\d* took a second attempt`, out.String())
}

// TestRotate_InterruptedCreateLeavesNothing interrupts the program while XMS makes the token.
func TestRotate_InterruptedCreateLeavesNothing(t *testing.T) {
	xms := xmstest.NewServer()
	t.Cleanup(xms.Close)
	ctx, interrupt := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		interrupt()
		xms.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	talkTo(t, server.URL+"/v1", xms.AdminToken())
	require.ErrorIs(t, run(ctx, &bytes.Buffer{}), context.Canceled)
	assertNoTokenLeft(t, xms)
}

func TestRotate_LostAnswerToTheRotation(t *testing.T) {
	server := newServer(t)
	server.Inject(xmstest.Fault{Operation: "RegenerateAccessToken", DropAfter: true})
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out))
	assertSuccess(t, out.String())
}

func TestRotate_FailureFailsTheRunAndLeavesNothing(t *testing.T) {
	const other = `{"access_token":{"id":9}}`
	for name, test := range map[string]struct {
		fault xmstest.Fault
		want  string
	}{
		"the token cannot be made":  {xmstest.Fault{Operation: "CreateAccessToken", StatusCode: 403}, "CreateAccessToken"},
		"a call fails":              {xmstest.Fault{Operation: "GetAccessToken", StatusCode: 403}, "a call: "},
		"the rotation is refused":   {xmstest.Fault{Operation: "RegenerateAccessToken", StatusCode: 409}, "rotation: "},
		"the new uuid is not valid": {xmstest.Fault{Operation: "ValidateAccessToken", StatusCode: 403}, "the new uuid: "},
		"the new uuid is another's": {xmstest.Fault{Operation: "ValidateAccessToken", Body: other}, "another token"},
	} {
		t.Run(name, func(t *testing.T) {
			server := newServer(t)
			server.Inject(test.fault)
			require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}), test.want)
			assertNoTokenLeft(t, server)
		})
	}
}

func TestRotate_WhatIsLeftBehindIsNamed(t *testing.T) {
	for _, fault := range []xmstest.Fault{
		{Operation: "CreateAccessToken", DropAfter: true},
		{Operation: "DeleteAccessToken", StatusCode: 403},
	} {
		t.Run(fault.Operation, func(t *testing.T) {
			server := newServer(t)
			server.Inject(fault)
			err := run(t.Context(), &bytes.Buffer{})
			require.ErrorContains(t, err, "left behind")
			assert.ErrorContains(t, err, "rotate-")
		})
	}
}

// TestRotate_OldUUIDThatStillWorks has the server answer calls without looking at their credential.
func TestRotate_OldUUIDThatStillWorks(t *testing.T) {
	server := newServer(t)
	server.Inject(xmstest.Fault{
		Operation: "GetAccessToken", StatusCode: 200, Body: `{"access_token":{"id":1}}`, Times: -1,
	})
	require.ErrorContains(t, run(t.Context(), &bytes.Buffer{}), "old uuid should be refused")
	assertNoTokenLeft(t, server)
}
