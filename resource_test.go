package xmsclient

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/internal/jsonread"
)

// What follows is a second resource, made as CONTRIBUTING says: rows, models and methods, and no
// change to anything else. Its names begin with sample, so that the real users can have theirs.

var (
	sampleListUsers = &operation{
		name: "ListUsers", method: http.MethodGet, path: "/users/", success: http.StatusOK, safeToRepeat: true,
	}
	sampleGetUser = &operation{
		name: "GetUser", method: http.MethodGet, path: "/users/{user_id}", idArgument: "userID",
		success: http.StatusOK, safeToRepeat: true,
	}
	sampleCreateUser = &operation{
		name: "CreateUser", method: http.MethodPost, path: "/users/", success: http.StatusCreated,
		ifUnknown: "the user may have been created: look for the name",
	}
)

type sampleUser struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

var sampleUserFields = jsonread.Object[sampleUser]{
	jsonread.Int("id", func(u *sampleUser) *int64 { return &u.ID }),
	jsonread.String("name", func(u *sampleUser) *string { return &u.Name }),
	jsonread.String("email", func(u *sampleUser) *string { return &u.Email }),
}

type sampleUserResp struct{ User *sampleUser }

var sampleUserRespAnswer = answer[sampleUserResp]{
	fields: jsonread.Object[sampleUserResp]{
		jsonread.Pointer("user", sampleUserFields, func(r *sampleUserResp) **sampleUser { return &r.User }),
	},
	missing: func(r *sampleUserResp) string {
		if r.User == nil {
			return "user is missing"
		}
		return ""
	},
}

type sampleUsersResp struct{ Users []sampleUser }

var sampleUsersRespAnswer = answer[sampleUsersResp]{
	fields: jsonread.Object[sampleUsersResp]{
		jsonread.List("users", sampleUserFields, func(r *sampleUsersResp) *[]sampleUser { return &r.Users }),
	},
	missing: func(r *sampleUsersResp) string {
		if r.Users == nil {
			return "users is missing"
		}
		return ""
	},
}

type sampleUserCreateReq struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

func (r sampleUserCreateReq) check() *ArgumentError {
	if err := checkName("body.Name", r.Name); err != nil {
		return err
	}
	return checkName("body.Password", r.Password)
}

func (r sampleUserCreateReq) secrets() []string { return []string{r.Password} }

type sampleUsersService struct{ client *APIClient }

func (s sampleUsersService) ListUsers(
	ctx context.Context, name string, limit, offset int64,
) (*sampleUsersResp, *Response, error) {
	query := []parameter{
		{name: "name", value: name},
		{name: "limit", value: strconv.FormatInt(limit, 10)},
		{name: "offset", value: strconv.FormatInt(offset, 10)},
	}
	return do(ctx, s.client, sampleListUsers, arguments{query: query}, sampleUsersRespAnswer)
}

func (s sampleUsersService) AllUsers(ctx context.Context, name string, size int64) iter.Seq2[sampleUser, error] {
	list := pagedList[sampleUser]{
		operation: "AllUsers",
		id:        func(u *sampleUser) int64 { return u.ID },
		page: func(ctx context.Context, limit, offset int64) (page[sampleUser], error) {
			list, response, err := s.ListUsers(ctx, name, limit, offset)
			if err != nil {
				return page[sampleUser]{}, err
			}
			return page[sampleUser]{list.Users, nil, response}, nil
		},
	}
	return list.all(ctx, &size, nil)
}

func (s sampleUsersService) GetUser(ctx context.Context, userID int64) (*sampleUserResp, *Response, error) {
	return do(ctx, s.client, sampleGetUser, arguments{id: userID}, sampleUserRespAnswer)
}

func (s sampleUsersService) CreateUser(
	ctx context.Context, body sampleUserCreateReq,
) (*sampleUserResp, *Response, error) {
	return do(ctx, s.client, sampleCreateUser, arguments{body: body}, sampleUserRespAnswer)
}

// sampleServer has users below /api/v1.
type sampleServer struct {
	mu       sync.Mutex
	names    []string // the id of a user is the place of the name, from 1
	requests []string
}

func (u *sampleServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	u.requests = append(u.requests, r.Method+" "+r.RequestURI+" "+string(body))
	show := func(i int) string {
		return fmt.Sprintf(`{"id":%d,"name":%q,"email":"%s@test"}`, i+1, u.names[i], u.names[i])
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /api/v1/users/":
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		var page []string
		for i := offset; i < min(offset+limit, len(u.names)); i++ {
			page = append(page, show(i))
		}
		fmt.Fprintf(w, `{"users":[%s]}`, strings.Join(page, ","))
	case "GET /api/v1/users/1":
		fmt.Fprintf(w, `{"user":%s}`, show(0))
	case "POST /api/v1/users/":
		var request sampleUserCreateReq
		_ = json.Unmarshal(body, &request)
		switch request.Name {
		case "weak":
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `{"message":"the password %s is weak"}`, request.Password)
			return
		case "lost":
			panic(http.ErrAbortHandler)
		}
		u.names = append(u.names, request.Name)
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"user":%s}`, show(len(u.names)-1))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (u *sampleServer) start(t *testing.T) (api sampleUsersService, url string) {
	t.Helper()
	server := httptest.NewServer(u)
	t.Cleanup(server.Close)
	client, err := NewAPIClient(&Configuration{BaseURL: server.URL + "/api/v1/", Retry: RetryPolicy{InitialInterval: 1}})
	require.NoError(t, err)
	return sampleUsersService{client}, server.URL
}

func TestDo_IteratesOverASecondResource(t *testing.T) {
	t.Parallel()
	xms := &sampleServer{names: []string{"ann", "bob", "eve"}}
	api, _ := xms.start(t)
	var names []string
	for user, err := range api.AllUsers(t.Context(), "", 2) {
		require.NoError(t, err)
		names = append(names, user.Name)
	}
	assert.Equal(t, xms.names, names)
	for _, err := range api.AllUsers(t.Context(), "", 0) {
		require.ErrorContains(t, err, "AllUsers: opts.Limit: must be positive")
	}
}

func TestDo_ASecondResource(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery"
	xms := &sampleServer{}
	api, url := xms.start(t)

	none, _, err := api.ListUsers(t.Context(), "ann&co", 10, 0)
	require.NoError(t, err)
	assert.Empty(t, none.Users)

	want := sampleUser{ID: 1, Name: "ann&co", Email: "ann&co@test"}
	created, response, err := api.CreateUser(t.Context(), sampleUserCreateReq{"ann&co", password})
	require.NoError(t, err)
	assert.Equal(t, want, *created.User)
	assert.Equal(t, http.StatusCreated, response.StatusCode)

	list, _, err := api.ListUsers(t.Context(), "ann&co", 10, 0)
	require.NoError(t, err)
	assert.Equal(t, []sampleUser{want}, list.Users)

	got, _, err := api.GetUser(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, want, *got.User)

	_, _, err = api.GetUser(t.Context(), 2)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, "GetUser: GET "+url+"/api/v1/users/2: 404 Not Found")

	_, _, err = api.CreateUser(t.Context(), sampleUserCreateReq{"weak", password})
	require.ErrorIs(t, err, ErrBadRequest)
	require.ErrorContains(t, err, "not shown: it repeats a credential")
	assert.NotContains(t, err.Error(), "horse")

	_, response, err = api.CreateUser(t.Context(), sampleUserCreateReq{"lost", password})
	require.ErrorIs(t, err, ErrOutcomeUnknown)
	require.ErrorContains(t, err, sampleCreateUser.ifUnknown)
	assert.Nil(t, response)

	_, _, err = api.GetUser(t.Context(), -1)
	require.EqualError(t, err, "xmsclient: GetUser: userID: must be positive, not -1")
	_, _, err = api.CreateUser(t.Context(), sampleUserCreateReq{Name: "bob"})
	require.EqualError(t, err, "xmsclient: CreateUser: body.Password: must not be empty")

	xms.mu.Lock()
	defer xms.mu.Unlock()
	assert.Equal(t, []string{
		"GET /api/v1/users/?name=ann%26co&limit=10&offset=0 ",
		`POST /api/v1/users/ {"name":"ann&co","password":"correct horse battery"}`,
		"GET /api/v1/users/?name=ann%26co&limit=10&offset=0 ",
		"GET /api/v1/users/1 ",
		"GET /api/v1/users/2 ",
		`POST /api/v1/users/ {"name":"weak","password":"correct horse battery"}`,
		`POST /api/v1/users/ {"name":"lost","password":"correct horse battery"}`,
	}, xms.requests)
}
