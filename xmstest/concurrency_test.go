package xmstest_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

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

func TestWholeLivesAtOnce(t *testing.T) {
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
	admin := c.server.AdminToken()
	naming := fmt.Sprintf(`{"access_token":{"name":%q,"roles":["admin"]}}`, name)
	created, err := c.expect(201, admin, http.MethodPost, "/access-tokens/", naming)
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/access-tokens/%d", created.token().ID)
	renewed, err := c.expect(200, created.token().UUID, http.MethodPost, path+":regenerate", "")
	if err != nil {
		return err
	}
	uuid := renewed.token().UUID
	for _, step := range []struct {
		status int
		as     string
		method string
		path   string
		body   string
	}{
		{401, created.token().UUID, http.MethodGet, path, ""},
		{200, uuid, http.MethodPatch, path, fmt.Sprintf(`{"access_token":{"name":"%s-b"}}`, name)},
		{200, admin, http.MethodPost, "/access-tokens:validate?subject_access_token=" + uuid, ""},
		{200, uuid, http.MethodGet, "/access-tokens/?all=true", ""},
		{204, uuid, http.MethodDelete, path, ""},
		{404, admin, http.MethodGet, path, ""},
	} {
		if _, err := c.expect(step.status, step.as, step.method, step.path, step.body); err != nil {
			return err
		}
	}
	return nil
}

// expect sends a request with a credential and takes any other status for an error.
func (c *client) expect(status int, as, method, path, body string) (reply, error) {
	r, err := c.as(as).try(c.t.Context(), method, path, body)
	if err == nil && r.status != status {
		err = fmt.Errorf("%s %s: status %d, want %d: %s", method, path, r.status, status, r.body)
	}
	return r, err
}

func TestOneNameHasOneWinner(t *testing.T) {
	t.Parallel()
	c := start(t)
	statuses := make([]int, workers)
	inParallel(func(worker int) {
		r, err := c.try(t.Context(), http.MethodPost, "/access-tokens/", createBody)
		assert.NoError(t, err)
		statuses[worker] = r.status
	})
	count := map[int]int{}
	for _, status := range statuses {
		count[status]++
	}
	assert.Equal(t, map[int]int{201: 1, 409: workers - 1}, count)
}

func TestFaultsAreUsedUpExactly(t *testing.T) {
	t.Parallel()
	c := start(t)
	const failing = 37
	c.server.Inject(xmstest.Fault{StatusCode: 503, Times: failing})
	failed := make([]int, workers)
	inParallel(func(worker int) {
		for range rounds {
			r, err := c.try(t.Context(), http.MethodGet, "/access-tokens/", "")
			assert.NoError(t, err)
			if r.status == http.StatusServiceUnavailable {
				failed[worker]++
			}
		}
	})
	total := 0
	for _, n := range failed {
		total += n
	}
	assert.Equal(t, failing, total)
}

func TestSeedInjectAndReadWhileServing(t *testing.T) {
	t.Parallel()
	c := start(t)
	inParallel(func(worker int) {
		for range rounds {
			c.server.Seed(1)
			c.server.SeedUser(7, fmt.Sprint("eve", worker), 1)
			c.server.Inject(xmstest.Fault{Operation: "GetAccessToken", Times: -1, StatusCode: 503})
			_ = c.server.Requests()
			_, err := c.try(t.Context(), http.MethodGet, "/access-tokens/?all=true", "")
			assert.NoError(t, err)
		}
	})
	assert.Len(t, c.list("").page().AccessTokens, workers*rounds)
	assert.Len(t, c.list("?user_id=7").page().AccessTokens, workers*rounds)
}
