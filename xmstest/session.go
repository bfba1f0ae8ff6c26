package xmstest

import (
	"math"
	"net/http"
	"time"
)

// sessionLifetime is how long a session of a real cluster lasts.
const sessionLifetime = time.Hour

// credentials are what a user logs in with.
type credentials struct {
	name     string
	password string
}

// account is a user who can log in.
type account struct {
	user     user
	password string
}

// newAccounts gives the user admin the id that admin always has. The last password of a name
// counts.
func newAccounts(given []credentials) map[string]account {
	accounts := map[string]account{}
	for i, c := range given {
		owner := user{ID: administrator().ID + 1 + int64(i), Name: c.name}
		if c.name == administrator().Name {
			owner = administrator()
		}
		accounts[c.name] = account{user: owner, password: c.password}
	}
	return accounts
}

// session is the login session of a user.
type session struct {
	token   token // stands for the session where a uuid is looked up
	expires time.Time
}

func (s *session) expired() bool { return !time.Now().Before(s.expires) }

// sessionToken is a session in the form of a token. No list shows it, and its id leads nowhere.
func sessionToken(owner user, uuid string) token {
	now := time.Now().UTC()
	return token{
		ID: math.MaxInt64, Name: owner.Name + " session", Roles: []string{"admin"}, Used: true, User: owner,
		Create: now, Update: now, uuid: uuid,
	}
}

// ForgetSessions ends the sessions of all users early, as if XMS had forgotten them. Their uuids
// get 401 from now on. Access tokens and [Server.AdminToken] stay valid.
func (s *Server) ForgetSessions() {
	s.store.forgetSessions()
}

func (s *Server) logIn(in received) reply {
	return s.logInWith(in, "auth")
}

// logInByIdentity serves the longer form of a login.
func (s *Server) logInByIdentity(in received) reply {
	return s.logInWith(in, "auth", "identity", "password", "user")
}

// logInWith reads name and password from the object of the body that path leads to.
func (s *Server) logInWith(in received, path ...string) reply {
	var given credentials
	if err := in.readJSON(members{"name": &given.name, "password": &given.password}, path...); err != nil {
		return badRequest(err.Error())
	}
	if given.name == "" || given.password == "" {
		return badRequest("name and password are required")
	}
	known, ok := s.accounts[given.name]
	if !ok || known.password != given.password {
		return errorReply(http.StatusUnauthorized, "unauthorized", "wrong name or password")
	}
	opened := s.store.openSession(known.user)
	return jsonReply(http.StatusCreated, map[string]any{"token": map[string]any{
		"create":  opened.token.Create,
		"expires": opened.expires,
		"roles":   nil, // as a real cluster answers
		"user":    map[string]any{"id": known.user.ID, "name": known.user.Name, "roles": nil},
		"uuid":    opened.token.uuid,
		"valid":   true,
	}})
}

func (s *Server) logOut(in received) reply {
	if !s.store.closeSession(in.key) {
		return errorReply(http.StatusNotFound, "not_found", "the credential is not a login session")
	}
	return reply{status: http.StatusNoContent, header: http.Header{}}
}

func (s *store) openSession(owner user) session {
	s.mu.Lock()
	defer s.mu.Unlock()
	opened := session{token: sessionToken(owner, newUUID())}
	opened.expires = opened.token.Create.Add(sessionLifetime)
	s.sessions[opened.token.uuid] = &session{opened.token, opened.expires}
	return opened
}

// closeSession returns false if uuid is not that of a user's session.
func (s *store) closeSession(uuid string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.sessions[uuid]
	delete(s.sessions, uuid)
	return found
}

func (s *store) forgetSessions() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.sessions)
}
