package xmstest

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// maxGivenID leaves room for the ids that the server gives out afterwards.
const maxGivenID = 1 << 62

// Seed adds n more tokens of the user admin. They have the role admin and the names token-000001,
// token-000002 and so on. A name that is taken is skipped. Their uuids are random and not returned:
// regenerate a token, or use [Server.AddToken], to know its uuid.
func (s *Server) Seed(n int) {
	admin := administrator()
	s.SeedUser(admin.ID, admin.Name, n)
}

// SeedUser is Seed for another user, with this id and name.
func (s *Server) SeedUser(userID int64, name string, n int) {
	for range n {
		s.AddToken(xmsclient.AccessToken{
			Description: "seeded", User: &xmsclient.UserNestview{ID: userID, Name: name},
		})
	}
}

// AddToken adds a token as t describes it and returns its uuid, which is random. AddToken keeps no
// reference to t's Roles and User. What is zero in t is filled in, except Description and Used:
//
//   - ID: one more than the largest id until now
//   - Name: the next name that Seed would give
//   - Roles: admin, if Roles is nil
//   - User: the user admin, if User is nil
//   - Create: now
//   - Update: the time of Create
//
// Tokens that are made later have larger ids, and lists stay sorted by id. AddToken panics, and
// says why, if another token has the ID, if a token of the same user has the Name, or if the ID is
// negative or above 1<<62.
func (s *Server) AddToken(t xmsclient.AccessToken) (uuid string) {
	if t.ID < 0 || t.ID > maxGivenID {
		panic(fmt.Sprintf("xmstest: AddToken: ID is %d, want 0 to %d", t.ID, int64(maxGivenID)))
	}
	roles := []string{"admin"}
	if t.Roles != nil {
		roles = slices.Clone(t.Roles)
	}
	owner := administrator()
	if t.User != nil {
		owner = user{ID: t.User.ID, Name: t.User.Name, SkipGuide: t.User.SkipGuide}
	}
	added, err := s.store.add(token{
		ID: t.ID, Name: t.Name, Description: t.Description, Roles: roles, Used: t.Used, User: owner,
		Create: t.Create, Update: t.Update,
	})
	if err != nil {
		panic(fmt.Sprintf("xmstest: AddToken: ID %d, Name %q, User.ID %d: %v", t.ID, t.Name, owner.ID, err))
	}
	return added.uuid
}

var (
	errUnknownID = errors.New("no access token has this id")
	errIDTaken   = errors.New("another access token has this id")
	errNameTaken = errors.New("the owner already has an access token of this name")
)

type user struct {
	ID        int64  `json:"id"`
	Name      string `json:"name"`
	SkipGuide bool   `json:"skip_guide"`
}

func administrator() user {
	return user{ID: 1, Name: "admin"}
}

// token is what answers show of a token. They show its uuid in withUUID only.
type token struct {
	ID          int64     `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Roles       []string  `json:"roles"`
	Used        bool      `json:"used"`
	User        user      `json:"user"`
	Create      time.Time `json:"create"`
	Update      time.Time `json:"update"`
	uuid        string
}

func (t token) withUUID() any {
	return struct {
		token
		UUID string `json:"uuid"`
	}{t, t.uuid}
}

// touch moves the time of the last change on, even if the clock has not moved.
func (t *token) touch() {
	now := time.Now().UTC()
	if !now.After(t.Update) {
		now = t.Update.Add(time.Nanosecond)
	}
	t.Update = now
}

func newUUID() string {
	var random [16]byte
	_, _ = rand.Read(random[:]) // never fails, as documented
	return hex.EncodeToString(random[:])
}

// ownedName is what must be unique among tokens.
type ownedName struct {
	owner int64
	name  string
}

// store is the state of one XMS. Its methods return copies, so that answers are encoded without
// holding its lock.
type store struct {
	admin token // the login session of admin, which never ends

	mu       sync.Mutex
	lastID   int64
	tokens   []*token // by id
	byUUID   map[string]*token
	sessions map[string]*session // by uuid
	names    map[ownedName]bool
	seeded   map[int64]int // the number of the last name that was made up, by owner
}

func newStore(adminToken string) *store {
	return &store{
		admin:    sessionToken(administrator(), adminToken),
		byUUID:   map[string]*token{},
		sessions: map[string]*session{},
		names:    map[ownedName]bool{},
		seeded:   map[int64]int{},
	}
}

// authenticate returns the owner of a uuid and marks its token as used.
func (s *store) authenticate(uuid string) (owner user, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.lookUp(uuid)
	if t == nil {
		return user{}, false
	}
	t.Used = true
	return t.User, true
}

// find returns the token or session of a uuid and leaves it unchanged.
func (s *store) find(uuid string) (found token, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.lookUp(uuid)
	if t == nil {
		return token{}, false
	}
	return *t, true
}

// lookUp needs the lock.
func (s *store) lookUp(uuid string) *token {
	if uuid == s.admin.uuid {
		return &s.admin
	}
	if opened := s.sessions[uuid]; opened != nil && !opened.expired() {
		return &opened.token
	}
	return s.byUUID[uuid]
}

// add fills in a uuid, and id, name and times if they are zero.
func (s *store) add(t token) (token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.ID == 0 {
		t.ID = s.lastID + 1
	}
	if t.Name == "" {
		t.Name = s.makeUpName(t.User.ID)
	}
	if t.Create.IsZero() {
		t.Create = time.Now().UTC()
	}
	if t.Update.IsZero() {
		t.Update = t.Create
	}
	t.uuid = newUUID()
	i, taken := s.position(t.ID)
	if taken {
		return token{}, errIDTaken
	}
	name := ownedName{t.User.ID, t.Name}
	if s.names[name] {
		return token{}, errNameTaken
	}
	s.lastID = max(s.lastID, t.ID)
	s.tokens = slices.Insert(s.tokens, i, &t)
	s.byUUID[t.uuid] = &t
	s.names[name] = true
	return t, nil
}

// makeUpName needs the lock.
func (s *store) makeUpName(owner int64) string {
	for {
		s.seeded[owner]++
		name := fmt.Sprintf("token-%06d", s.seeded[owner])
		if !s.names[ownedName{owner, name}] {
			return name
		}
	}
}

// position returns where the token of an id is, or where it would be. It needs the lock.
func (s *store) position(id int64) (i int, found bool) {
	return slices.BinarySearchFunc(s.tokens, id, func(t *token, id int64) int { return cmp.Compare(t.ID, id) })
}

func (s *store) get(id int64) (token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.position(id)
	if !found {
		return token{}, errUnknownID
	}
	return *s.tokens[i], nil
}

func (s *store) rename(id int64, name string) (token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.position(id)
	if !found {
		return token{}, errUnknownID
	}
	t := s.tokens[i]
	if name != t.Name && s.names[ownedName{t.User.ID, name}] {
		return token{}, errNameTaken
	}
	delete(s.names, ownedName{t.User.ID, t.Name})
	s.names[ownedName{t.User.ID, name}] = true
	t.Name = name
	t.touch()
	return *t, nil
}

func (s *store) regenerate(id int64) (token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.position(id)
	if !found {
		return token{}, errUnknownID
	}
	t := s.tokens[i]
	delete(s.byUUID, t.uuid)
	t.uuid = newUUID()
	s.byUUID[t.uuid] = t
	t.Used = false
	t.touch()
	return *t, nil
}

func (s *store) remove(id int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, found := s.position(id)
	if !found {
		return errUnknownID
	}
	t := s.tokens[i]
	delete(s.byUUID, t.uuid)
	delete(s.names, ownedName{t.User.ID, t.Name})
	s.tokens = slices.Delete(s.tokens, i, i+1)
	return nil
}

// everything is the limit that asks for all tokens.
const everything = -1

// listing says which tokens a list shows.
type listing struct {
	owner    int64
	anyOwner bool
	role     string
	anyRole  bool
	limit    int64
	offset   int64
}

// list returns one page of the tokens that a listing asks for, and how many it asks for in all.
func (s *store) list(l listing) (page []token, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	page = []token{}
	for _, t := range s.tokens {
		if !l.anyOwner && t.User.ID != l.owner || !l.anyRole && !slices.Contains(t.Roles, l.role) {
			continue
		}
		if total >= l.offset && (l.limit == everything || total-l.offset < l.limit) {
			page = append(page, *t)
		}
		total++
	}
	return page, total
}
