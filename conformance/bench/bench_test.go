package bench

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestContestants_ReadEveryShape(t *testing.T) {
	t.Parallel()
	const tokens = 200
	for _, contestant := range Contestants() {
		for _, shape := range Shapes() {
			client, err := contestant.New(Target{BaseURL: "http://stub/v1", Stub: NewServer(shape, tokens)})
			require.NoError(t, err)
			require.NoError(t, client.Get(t.Context()), "%s, %s", contestant.Name, shape.Name)
			require.NoError(t, client.Create(t.Context()), "%s, %s", contestant.Name, shape.Name)
			require.NoError(t, client.List(t.Context(), tokens), "%s, %s", contestant.Name, shape.Name)
		}
	}
}

// constant answers every request with the same JSON.
type constant string

func (c constant) RoundTrip(req *http.Request) (*http.Response, error) {
	return Answer(req, http.StatusOK, strings.NewReader(string(c)), int64(len(c))), nil
}

// Real clusters send null where a list is empty or an object is absent.
func TestContestants_ReadNulls(t *testing.T) {
	t.Parallel()
	get := func(ctx context.Context, c Client) error { return c.Get(ctx) }
	list := func(ctx context.Context, c Client) error { return c.List(ctx, 0) }
	for body, call := range map[string]func(context.Context, Client) error{
		`{"access_tokens":null,"paging":{"count":0,"limit":100,"offset":0,"total_count":0}}`: list,
		`{"access_tokens":[],"paging":null}`:                                                 list,
		`{"access_token":{"id":7,"name":"backup","roles":null}}`:                             get,
		`{"access_token":{"id":7,"name":"backup","roles":["admin"],"user":null}}`:            get,
	} {
		for _, contestant := range Contestants() {
			client, err := contestant.New(Target{BaseURL: "http://stub/v1", Stub: constant(body)})
			require.NoError(t, err)
			assert.NoError(t, call(t.Context(), client), "%s, %s", contestant.Name, body)
		}
	}
}
