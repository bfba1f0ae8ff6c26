package xmstest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

func tokenOf(userID int64, name string) xmsclient.AccessToken {
	return xmsclient.AccessToken{User: &xmsclient.UserNestview{ID: userID, Name: name}}
}

// assertHolds lets a token in an answer have more members than wanted, for fields to come.
func assertHolds(t *testing.T, want, body string) {
	t.Helper()
	var members map[string]any
	require.NoError(t, json.Unmarshal([]byte(want), &members))
	var got struct {
		AccessToken map[string]any `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &got))
	assert.Subset(t, got.AccessToken, members)
}

func TestServer_AddTokenAsGiven(t *testing.T) {
	t.Parallel()
	c := start(t)
	create := time.Date(2020, 12, 30, 10, 30, 51, 675098636, time.FixedZone("", 8*60*60))
	given := xmsclient.AccessToken{
		Create: create, Update: create.Add(time.Hour), Description: "nightly & <old>", Name: "backup", ID: 1 << 62,
		Roles: []string{"viewer", "admin"}, Used: true,
		User: &xmsclient.UserNestview{ID: 7, Name: "eve", SkipGuide: true},
	}
	uuid := c.server.AddToken(given)
	assert.Regexp(t, uuidForm, uuid)
	given.Roles[0], given.User.Name = "changed", "changed"
	want := `{"create":"2020-12-30T10:30:51.675098636+08:00","update":"2020-12-30T11:30:51.675098636+08:00",
		"description":"nightly & <old>","name":"backup","id":4611686018427387904,"roles":["viewer","admin"],"used":true,
		"user":{"id":7,"name":"eve","skip_guide":true}}`
	assertHolds(t, want, c.get(1<<62).body)
	assertHolds(t, want, c.validate(uuid).body)
	assert.NotContains(t, c.get(1<<62).body, uuid)

	renamed := c.send(http.MethodPatch, "/access-tokens/4611686018427387904", `{"access_token":{"name":"b"}}`).token()
	assert.True(t, renamed.User.SkipGuide)
	assert.True(t, renamed.Create.Equal(create))
	assert.True(t, renamed.Update.After(create.Add(time.Hour)))
	assert.True(t, c.as(uuid).create("child").User.SkipGuide)
	c.server.AddToken(xmsclient.AccessToken{ID: 3, Roles: []string{}})
	assert.Contains(t, c.get(3).body, `"roles":[]`)
}

func TestServer_AddTokenFillsInWhatIsZero(t *testing.T) {
	t.Parallel()
	c := start(t)
	before := time.Now()
	c.server.Seed(1)
	uuid := c.server.AddToken(xmsclient.AccessToken{})
	token := c.get(2).token()
	assert.False(t, token.Create.Before(before))
	assert.Equal(t, token.Create, token.Update)
	assert.Equal(t, "token-000002", token.Name)
	assert.Equal(t, []string{"admin"}, token.Roles)
	assert.Empty(t, token.Description)
	assert.False(t, token.Used)
	assert.Equal(t, int64(1), token.User.ID)
	assert.Equal(t, "admin", token.User.Name)
	assert.Equal(t, http.StatusOK, c.as(uuid).get(1).status)
	assert.True(t, c.get(2).token().Used)

	old := before.AddDate(0, 0, -100)
	c.server.AddToken(xmsclient.AccessToken{Create: old})
	assert.True(t, c.get(3).token().Update.Equal(old), "an old token that was never changed")
}

func TestServer_AddTokenKeepsOrder(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.AddToken(xmsclient.AccessToken{ID: 20})
	c.server.AddToken(xmsclient.AccessToken{ID: 10})
	c.server.AddToken(xmsclient.AccessToken{})
	assert.Equal(t, int64(22), c.create("x").ID)
	c.server.AddToken(xmsclient.AccessToken{ID: 15})
	assert.Equal(t, []int64{10, 15, 20, 21, 22}, c.list("").page().ids())
	c.send(http.MethodDelete, "/access-tokens/15", "")
	c.server.AddToken(xmsclient.AccessToken{ID: 15, Name: "again"})
	assert.Equal(t, "again", c.get(15).token().Name)
	assert.Equal(t, int64(23), c.create("y").ID)
}

func TestServer_AddTokenPanicsOnWhatCannotBe(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.AddToken(xmsclient.AccessToken{ID: 7, Name: "backup"})
	for want, given := range map[string]xmsclient.AccessToken{
		`xmstest: AddToken: ID 7, Name "", User.ID 1: another access token has this id`: {ID: 7},
		`xmstest: AddToken: ID 0, Name "backup", User.ID 1: the owner already has an access token of this name`: {
			Name: "backup",
		},
		"xmstest: AddToken: ID is -1, want 0 to 4611686018427387904":                  {ID: -1},
		"xmstest: AddToken: ID is 4611686018427387905, want 0 to 4611686018427387904": {ID: 1<<62 + 1},
	} {
		assert.PanicsWithValue(t, want, func() { c.server.AddToken(given) })
	}
	assert.Equal(t, []int64{7}, c.list("").page().ids())
	eve := tokenOf(8, "eve")
	eve.Name = "backup"
	c.server.AddToken(eve) // another owner's name is free
}

func TestServer_Seed(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.server.Seed(0)
	c.server.Seed(-1)
	assert.Empty(t, c.list("").page().AccessTokens)
	c.create("token-000002")
	c.server.Seed(2)
	c.server.Seed(1)
	c.server.SeedUser(7, "eve", 1)
	page := c.list("?all=true").page()
	names := []string{}
	for _, token := range page.AccessTokens {
		names = append(names, token.User.Name+"/"+token.Name)
	}
	assert.Equal(t, []string{
		"admin/token-000002", "admin/token-000001", "admin/token-000003", "admin/token-000004", "eve/token-000001",
	}, names)
	assert.Equal(t, []string{"admin"}, page.AccessTokens[1].Roles)
	assert.Equal(t, int64(7), page.AccessTokens[4].User.ID)
}

const (
	workers = 16
	rounds  = 10
)

// inParallel runs one worker per goroutine and waits for all.
func inParallel(work func(worker int)) {
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() { work(worker) })
	}
	group.Wait()
}

func TestServer_WholeLivesAtOnce(t *testing.T) {
	t.Parallel()
	c := start(t)
	failures := make([]error, workers)
	inParallel(func(worker int) {
		for round := range rounds {
			failures[worker] = errors.Join(failures[worker], live(c, fmt.Sprintf("token-%d-%d", worker, round)))
		}
	})
	require.NoError(t, errors.Join(failures...))
	assert.Empty(t, c.list("").page().AccessTokens)
	assert.Len(t, c.server.Requests(), 8*workers*rounds+1)
}

// live takes one token through all operations.
func live(c *client, name string) error {
	naming := fmt.Sprintf(`{"access_token":{"name":%q,"roles":["admin"]}}`, name)
	created, err := c.expect(sample{method: http.MethodPost, path: "/access-tokens/", body: naming, status: 201})
	if err != nil {
		return err
	}
	old := c.as(created.token().UUID)
	path := fmt.Sprintf("/access-tokens/%d", created.token().ID)
	renewed, err := old.expect(sample{method: http.MethodPost, path: path + ":regenerate", status: 200})
	if err != nil {
		return err
	}
	uuid := renewed.token().UUID
	renaming := fmt.Sprintf(`{"access_token":{"name":"%s-b"}}`, name)
	for _, step := range []struct {
		as *client
		sample
	}{
		{old, sample{method: http.MethodGet, path: path, status: 401}},
		{c.as(uuid), sample{method: http.MethodPatch, path: path, body: renaming, status: 200}},
		{c, sample{method: http.MethodPost, path: "/access-tokens:validate?subject_access_token=" + uuid, status: 200}},
		{c.as(uuid), sample{method: http.MethodGet, path: "/access-tokens/?all=true", status: 200}},
		{c.as(uuid), sample{method: http.MethodDelete, path: path, status: 204}},
		{c, sample{method: http.MethodGet, path: path, status: 404}},
	} {
		if _, err := step.as.expect(step.sample); err != nil {
			return err
		}
	}
	return nil
}

// expect sends a request and returns an error for any other status than that of the sample.
func (c *client) expect(s sample) (reply, error) {
	r, err := c.try(c.t.Context(), s.method, s.path, s.body)
	if err == nil && r.status != s.status {
		err = fmt.Errorf("%s %s: status %d, want %d: %s", s.method, s.path, r.status, s.status, r.body)
	}
	return r, err
}

func TestServer_SeedInjectAndReadWhileServing(t *testing.T) {
	t.Parallel()
	c := start(t)
	const failing = 37
	c.server.Inject(xmstest.Fault{Operation: "CreateAccessToken", StatusCode: 503, Times: failing})
	var mu sync.Mutex
	statuses := map[int]int{}
	var failures error
	inParallel(func(worker int) {
		for range rounds {
			c.server.Seed(1)
			c.server.SeedUser(7, fmt.Sprint("eve", worker), 1)
			c.server.Inject(xmstest.Fault{Operation: "GetAccessToken", Times: -1, StatusCode: 503})
			_ = c.server.Requests()
			r, err := c.try(t.Context(), http.MethodPost, "/access-tokens/", createBody)
			mu.Lock()
			failures = errors.Join(failures, err)
			statuses[r.status]++
			mu.Unlock()
		}
	})
	require.NoError(t, failures)
	assert.Equal(t, map[int]int{503: failing, 201: 1, 409: workers*rounds - failing - 1}, statuses)
	assert.Len(t, c.list("").page().AccessTokens, workers*rounds+1)
	assert.Len(t, c.list("?user_id=7").page().AccessTokens, workers*rounds)
}
