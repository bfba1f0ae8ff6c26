package create

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"log"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func named(name string) xmsclient.AccessTokenCreateReq {
	return xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: name, Roles: []string{"admin"}},
	}
}

func ExampleCreate() {
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.Inject(xmstest.Fault{Operation: "CreateAccessToken", DropAfter: true})

	token, err := Create(context.Background(), xms.Client().AccessTokensApi, named("backup-"+rand.Text()))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("created token", token.ID)
	// Output: created token 1
}

func TestCreate_MakesOneTokenThatWorks(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]xmstest.Fault{
		"a node that refuses": {StatusCode: http.StatusTooManyRequests},
		"a lost answer":       {DropAfter: true},
		"a broken answer":     {Truncate: 20},
		"a page of a gateway": {Body: "<html>It works!</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			xms := xmstest.NewServer()
			defer xms.Close()
			api := xms.Client().AccessTokensApi
			fault.Operation = "CreateAccessToken"
			xms.Inject(fault)

			token, err := Create(t.Context(), api, named("backup"))
			require.NoError(t, err)
			assert.Equal(t, "backup", token.Name)

			_, _, err = api.ValidateAccessToken(t.Context(), token.UUID)
			require.NoError(t, err)
			list, _, err := api.ListAccessTokens(t.Context(), nil)
			require.NoError(t, err)
			assert.Len(t, list.AccessTokens, 1)
		})
	}
}

func TestCreate_DoesNotGuess(t *testing.T) {
	t.Parallel()
	badGateway := xmstest.Fault{Operation: "CreateAccessToken", StatusCode: http.StatusBadGateway}
	const several = `{"access_tokens": [{"id": 7, "name": "backup"}, {"id": 9, "name": "backup"}],
		"paging": {"count": 2, "limit": 100, "offset": 0, "total_count": 2}}`
	eve := &xmsclient.UserNestview{ID: 7, Name: "eve"}
	for name, test := range map[string]struct {
		tokens []xmsclient.AccessToken
		faults []xmstest.Fault
		want   string
		also   error
	}{
		"none": {
			faults: []xmstest.Fault{{Operation: "CreateAccessToken", Drop: true}},
			want:   "found 0",
		},
		"of another name, used, or of another owner": {
			faults: []xmstest.Fault{badGateway},
			tokens: []xmsclient.AccessToken{{Name: "backup-2"}, {Name: "backup", Used: true}, {Name: "backup", User: eve}},
			want:   "found 0",
		},
		"several": {
			faults: []xmstest.Fault{badGateway, {Operation: "ListAccessTokens", Body: several}},
			want:   "found 2 [7 9]",
		},
		"a list that fails": {
			faults: []xmstest.Fault{badGateway, {Operation: "ListAccessTokens", StatusCode: http.StatusForbidden}},
			want:   `cannot look for token "backup"`, also: xmsclient.ErrForbidden,
		},
		"a regenerate that fails": {
			faults: []xmstest.Fault{badGateway, {Operation: "RegenerateAccessToken", StatusCode: http.StatusForbidden}},
			tokens: []xmsclient.AccessToken{{ID: 5, Name: "backup"}},
			want:   "token 5 exists", also: xmsclient.ErrForbidden,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			xms := xmstest.NewServer()
			defer xms.Close()
			for _, token := range test.tokens {
				xms.AddToken(token)
			}
			for _, fault := range test.faults {
				xms.Inject(fault)
			}

			token, err := Create(t.Context(), xms.Client().AccessTokensApi, named("backup"))
			require.ErrorIs(t, err, xmsclient.ErrOutcomeUnknown)
			require.ErrorContains(t, err, test.want)
			assert.Nil(t, token)
			if test.also != nil {
				require.ErrorIs(t, err, test.also)
				return
			}
			for _, request := range xms.Requests() {
				assert.NotEqual(t, "RegenerateAccessToken", request.Operation)
			}
		})
	}
}

// fakeAPI is an XMS whose creates have an unknown outcome.
type fakeAPI struct {
	tokens      []xmsclient.AccessToken
	regenerated int64
}

var _ API = (*xmsclient.AccessTokensApiService)(nil)

func (*fakeAPI) CreateAccessToken(
	context.Context, xmsclient.AccessTokenCreateReq,
) (*xmsclient.AccessTokenCreateResp, *xmsclient.Response, error) {
	return nil, nil, errors.Join(&xmsclient.RequestError{Err: context.DeadlineExceeded}, xmsclient.ErrOutcomeUnknown)
}

func (f *fakeAPI) AllAccessTokens(
	context.Context, *xmsclient.ListAccessTokensOpts,
) iter.Seq2[xmsclient.AccessToken, error] {
	return func(yield func(xmsclient.AccessToken, error) bool) {
		for _, token := range f.tokens {
			if !yield(token, nil) {
				return
			}
		}
	}
}

func (f *fakeAPI) RegenerateAccessToken(
	_ context.Context, id int64,
) (*xmsclient.AccessTokenCreateResp, *xmsclient.Response, error) {
	f.regenerated = id
	return &xmsclient.AccessTokenCreateResp{AccessToken: &xmsclient.AccessTokenCreateRecord{UUID: "new"}}, nil, nil
}

func TestCreate_TakesAFake(t *testing.T) {
	t.Parallel()
	fake := &fakeAPI{tokens: []xmsclient.AccessToken{{ID: 7, Name: "restore"}, {ID: 8, Name: "backup"}}}
	token, err := Create(t.Context(), fake, named("backup"))
	require.NoError(t, err)
	assert.Equal(t, "new", token.UUID)
	assert.Equal(t, int64(8), fake.regenerated)
}

func TestCreate_ReturnsARefusalAsItIs(t *testing.T) {
	t.Parallel()
	xms := xmstest.NewServer()
	defer xms.Close()
	xms.AddToken(xmsclient.AccessToken{Name: "backup"})

	_, err := Create(t.Context(), xms.Client().AccessTokensApi, named("backup"))
	require.ErrorIs(t, err, xmsclient.ErrConflict)
	require.NotErrorIs(t, err, xmsclient.ErrOutcomeUnknown)
	assert.Len(t, xms.Requests(), 1)
}
