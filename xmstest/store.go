package xmstest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

var (
	errUnknownID = errors.New("no access token has this id")
	errNameTaken = errors.New("the owner already has an access token of this name")
)

// nameKey is what must be unique among tokens.
type nameKey struct {
	owner int64
	name  string
}

// store is the state of one XMS. It hands out copies only, so that answers are encoded without its lock.
type store struct {
	session token // the administrator's login session: authenticates like a token, is listed nowhere

	mu     sync.Mutex
	lastID int64
	sorted []*token // by id
	byID   map[int64]*token
	byUUID map[string]*token
	names  map[nameKey]struct{}
	seeded map[int64]int // how far seed names have been counted, by owner
}

func newStore(adminToken string) *store {
	now := time.Now().UTC()
	return &store{
		session: token{
			Name: "admin session", Roles: []string{"admin"}, Used: true, User: administrator(),
			Create: now, Update: now, uuid: adminToken,
		},
		byID:   map[int64]*token{},
		byUUID: map[string]*token{},
		names:  map[nameKey]struct{}{},
		seeded: map[int64]int{},
	}
}

func administrator() user {
	return user{ID: 1, Name: "admin"}
}

// authenticate returns the user a uuid belongs to and marks its token as used.
func (s *store) authenticate(uuid string) (user, bool) {
	if uuid == s.session.uuid {
		return s.session.User, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byUUID[uuid]
	if !ok {
		return user{}, false
	}
	t.Used = true
	return t.User, true
}

// find returns the token or session a uuid belongs to and leaves it as it is.
func (s *store) find(uuid string) (token, bool) {
	if uuid == s.session.uuid {
		return s.session, true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byUUID[uuid]
	if !ok {
		return token{}, false
	}
	return *t, true
}

func (s *store) get(id int64) (token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byID[id]
	if !ok {
		return token{}, errUnknownID
	}
	return *t, nil
}

func (s *store) create(owner user, name, description string, roles []string) (token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.nameTaken(owner.ID, name) {
		return token{}, errNameTaken
	}
	t := token{Name: name, Description: description, Roles: roles, User: owner, uuid: newUUID()}
	return *s.add(t, time.Now().UTC()), nil
}

// seed adds n tokens of an owner under one lock. It counts names on and skips those made by hand.
func (s *store) seed(owner user, n int) {
	n = max(n, 0)
	uuids := newUUIDs(n)
	roles := []string{"admin"}
	now := time.Now().UTC()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sorted = slices.Grow(s.sorted, n)
	for _, uuid := range uuids {
		name := s.nextSeedName(owner.ID)
		s.add(token{Name: name, Description: "seeded", Roles: roles, User: owner, uuid: uuid}, now)
	}
}

func (s *store) rename(id int64, name string) (token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byID[id]
	if !ok {
		return token{}, errUnknownID
	}
	if name != t.Name && s.nameTaken(t.User.ID, name) {
		return token{}, errNameTaken
	}
	delete(s.names, nameKey{t.User.ID, t.Name})
	s.names[nameKey{t.User.ID, name}] = struct{}{}
	t.Name = name
	t.touch()
	return *t, nil
}

func (s *store) regenerate(id int64) (token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.byID[id]
	if !ok {
		return token{}, errUnknownID
	}
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
	t, ok := s.byID[id]
	if !ok {
		return errUnknownID
	}
	delete(s.byID, id)
	delete(s.byUUID, t.uuid)
	delete(s.names, nameKey{t.User.ID, t.Name})
	i, _ := slices.BinarySearchFunc(s.sorted, id, func(t *token, id int64) int { return cmp.Compare(t.ID, id) })
	s.sorted = slices.Delete(s.sorted, i, i+1)
	return nil
}

// list returns copies of one page of the tokens that pass f, by id, and how many pass in all.
func (s *store) list(f filter, p page) (tokens []token, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	tokens = []token{}
	for _, t := range s.sorted {
		if !f.passes(t) {
			continue
		}
		if p.contains(total) {
			tokens = append(tokens, *t)
		}
		total++
	}
	return tokens, total
}

// add puts a token whose name is free into every index. The caller holds the lock.
func (s *store) add(t token, now time.Time) *token {
	s.lastID++
	t.ID, t.Create, t.Update = s.lastID, now, now
	s.sorted = append(s.sorted, &t)
	s.byID[t.ID] = &t
	s.byUUID[t.uuid] = &t
	s.names[nameKey{t.User.ID, t.Name}] = struct{}{}
	return &t
}

func (s *store) nameTaken(owner int64, name string) bool {
	_, taken := s.names[nameKey{owner, name}]
	return taken
}

func (s *store) nextSeedName(owner int64) string {
	for {
		s.seeded[owner]++
		name := fmt.Sprintf("token-%06d", s.seeded[owner])
		if !s.nameTaken(owner, name) {
			return name
		}
	}
}

// touch moves the time of the last change on, even where the clock has not moved.
func (t *token) touch() {
	now := time.Now().UTC()
	if !now.After(t.Update) {
		now = t.Update.Add(time.Nanosecond)
	}
	t.Update = now
}
