package xmsclient

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/internal/jsonread"
)

// What follows is a second resource, made as CONTRIBUTING says: rows, models and methods, and no
// change to anything else.

var (
	listUsers = &operation{
		name: "ListUsers", method: http.MethodGet, path: "/users/", success: http.StatusOK, safeToRepeat: true,
	}
	getUser = &operation{
		name: "GetUser", method: http.MethodGet, path: "/users/{user_id}", idArgument: "userID",
		success: http.StatusOK, safeToRepeat: true,
	}
	createUser = &operation{
		name: "CreateUser", method: http.MethodPost, path: "/users/", success: http.StatusCreated,
		ifUnknown: "the user may have been created: look for the name",
	}
)

type user struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

var userFields = jsonread.Object[user]{
	jsonread.Int("id", func(u *user) *int64 { return &u.ID }),
	jsonread.String("name", func(u *user) *string { return &u.Name }),
	jsonread.String("email", func(u *user) *string { return &u.Email }),
}

type userResp struct{ User *user }

var userRespAnswer = answer[userResp]{
	fields: jsonread.Object[userResp]{jsonread.Pointer("user", userFields, func(r *userResp) **user { return &r.User })},
	missing: func(r *userResp) string {
		if r.User == nil {
			return "user is missing"
		}
		return ""
	},
}

type usersResp struct{ Users []user }

var usersRespAnswer = answer[usersResp]{
	fields: jsonread.Object[usersResp]{jsonread.List("users", userFields, func(r *usersResp) *[]user { return &r.Users })},
	missing: func(r *usersResp) string {
		if r.Users == nil {
			return "users is missing"
		}
		return ""
	},
}

type userCreateReq struct {
	Name     string `json:"name"`
	Password string `json:"password"`
}

func (r userCreateReq) check() *ArgumentError {
	if err := checkName("body.Name", r.Name); err != nil {
		return err
	}
	return checkName("body.Password", r.Password)
}

func (r userCreateReq) secrets() []string { return []string{r.Password} }

type usersService struct{ client *APIClient }

func (s usersService) ListUsers(ctx context.Context, name string) (*usersResp, *Response, error) {
	query := []parameter{{name: "name", value: name}}
	return do(ctx, s.client, listUsers, arguments{query: query}, usersRespAnswer)
}

func (s usersService) GetUser(ctx context.Context, userID int64) (*userResp, *Response, error) {
	return do(ctx, s.client, getUser, arguments{id: userID}, userRespAnswer)
}

func (s usersService) CreateUser(ctx context.Context, body userCreateReq) (*userResp, *Response, error) {
	return do(ctx, s.client, createUser, arguments{body: body}, userRespAnswer)
}

// users is a server with users below /api/v1.
type users struct {
	mu       sync.Mutex
	names    []string // the id of a user is the place of the name, from 1
	requests []string
}

func (u *users) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mu.Lock()
	defer u.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	u.requests = append(u.requests, r.Method+" "+r.RequestURI+" "+string(body))
	show := func(i int) string {
		return fmt.Sprintf(`{"id":%d,"name":%q,"email":"%s@test"}`, i+1, u.names[i], u.names[i])
	}
	switch r.Method + " " + r.URL.Path {
	case "GET /api/v1/users/":
		if i := slices.Index(u.names, r.URL.Query().Get("name")); i >= 0 {
			fmt.Fprintf(w, `{"users":[%s]}`, show(i))
			return
		}
		io.WriteString(w, `{"users":null}`)
	case "GET /api/v1/users/1":
		fmt.Fprintf(w, `{"user":%s}`, show(0))
	case "POST /api/v1/users/":
		var request userCreateReq
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

func TestDo_ASecondResource(t *testing.T) {
	t.Parallel()
	const password = "correct horse battery"
	xms := &users{}
	server := httptest.NewServer(xms)
	t.Cleanup(server.Close)
	client, err := NewAPIClient(&Configuration{BaseURL: server.URL + "/api/v1/", Retry: RetryPolicy{InitialInterval: 1}})
	require.NoError(t, err)
	api := usersService{client}

	none, _, err := api.ListUsers(t.Context(), "ann&co")
	require.NoError(t, err)
	assert.Empty(t, none.Users)

	want := user{ID: 1, Name: "ann&co", Email: "ann&co@test"}
	created, response, err := api.CreateUser(t.Context(), userCreateReq{"ann&co", password})
	require.NoError(t, err)
	assert.Equal(t, want, *created.User)
	assert.Equal(t, http.StatusCreated, response.StatusCode)

	list, _, err := api.ListUsers(t.Context(), "ann&co")
	require.NoError(t, err)
	assert.Equal(t, []user{want}, list.Users)

	got, _, err := api.GetUser(t.Context(), 1)
	require.NoError(t, err)
	assert.Equal(t, want, *got.User)

	_, _, err = api.GetUser(t.Context(), 2)
	require.ErrorIs(t, err, ErrNotFound)
	require.ErrorContains(t, err, "GetUser: GET "+server.URL+"/api/v1/users/2: 404 Not Found")

	_, _, err = api.CreateUser(t.Context(), userCreateReq{"weak", password})
	require.ErrorIs(t, err, ErrBadRequest)
	require.ErrorContains(t, err, "not shown: it repeats a credential")
	assert.NotContains(t, err.Error(), "horse")

	_, response, err = api.CreateUser(t.Context(), userCreateReq{"lost", password})
	require.ErrorIs(t, err, ErrOutcomeUnknown)
	require.ErrorContains(t, err, createUser.ifUnknown)
	assert.Nil(t, response)

	_, _, err = api.GetUser(t.Context(), -1)
	require.EqualError(t, err, "xmsclient: GetUser: userID: must be positive, not -1")
	_, _, err = api.CreateUser(t.Context(), userCreateReq{Name: "bob"})
	require.EqualError(t, err, "xmsclient: CreateUser: body.Password: must not be empty")

	xms.mu.Lock()
	defer xms.mu.Unlock()
	assert.Equal(t, []string{
		"GET /api/v1/users/?name=ann%26co ",
		`POST /api/v1/users/ {"name":"ann&co","password":"correct horse battery"}`,
		"GET /api/v1/users/?name=ann%26co ",
		"GET /api/v1/users/1 ",
		"GET /api/v1/users/2 ",
		`POST /api/v1/users/ {"name":"weak","password":"correct horse battery"}`,
		`POST /api/v1/users/ {"name":"lost","password":"correct horse battery"}`,
	}, xms.requests)
}
