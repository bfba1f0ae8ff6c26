package xmsclient

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// responseModel is what the type of an answer offers: its fast path, and the name of a required field that did not come.
type responseModel[T any] interface {
	*T
	parse(*cursor) bool
	missing() string
}

// decode reads the body of a 2xx answer, which c has in front of it, into out. encoding/json is the reference for what a body means and which bodies are
// refused; the fast path in front of it takes the form that servers send in practice and gives up at anything else.
func decode[T any, M responseModel[T]](c *cursor, out M) error {
	if !out.parse(c) || !c.atEnd() {
		*out = *new(T)
		if err := decodeSlow(c.contentType, c.data, out); err != nil {
			return err
		}
	}
	if field := out.missing(); field != "" {
		return fmt.Errorf("required field %q is missing", field)
	}
	return nil
}

func decodeSlow(contentType string, body []byte, out any) error {
	err := json.Unmarshal(body, out)
	switch {
	case err == nil:
		return nil
	case len(bytes.TrimSpace(body)) == 0:
		return errors.New("the body is empty")
	case isHTML(contentType, body):
		_, page := readErrorBody(contentType, body)
		return errors.New(page)
	}
	return err
}

// nothing is the answer of an operation that returns none. What the body holds does not matter, unless it is a page of HTML:
// that comes from a proxy which has not passed the request on.
type nothing struct{}

func (*nothing) parse(c *cursor) bool {
	page := isHTML(c.contentType, c.data)
	c.pos = len(c.data)
	return !page
}

func (*nothing) missing() string { return "" }

func (r *AccessTokenResp) parse(c *cursor) bool {
	return c.object(func(key []byte) (int, bool) {
		if string(key) == "access_token" {
			return 0, pointer(c, &r.AccessToken, (*cursor).accessToken)
		}
		return unknown, c.skip(key)
	})
}

func (r *AccessTokenCreateResp) parse(c *cursor) bool {
	return c.object(func(key []byte) (int, bool) {
		if string(key) == "access_token" {
			return 0, pointer(c, &r.AccessToken, (*cursor).createRecord)
		}
		return unknown, c.skip(key)
	})
}

func (r *AccessTokensResp) parse(c *cursor) bool {
	return c.object(func(key []byte) (int, bool) {
		switch string(key) {
		case "access_tokens":
			return 0, c.accessTokens(&r.AccessTokens)
		case "paging":
			return 1, pointer(c, &r.Paging, (*cursor).paging)
		}
		return unknown, c.skip(key)
	})
}

// shortestToken is a lower bound of what one token takes in a list, used to guess how many are still to come.
const shortestToken = 128

func (c *cursor) accessTokens(out *[]AccessToken) bool {
	start := c.pos
	return c.array(func() { *out = []AccessToken{} }, func() bool {
		if len(*out) == 1 {
			length := max(c.pos-start, shortestToken)
			*out = slices.Grow(*out, (len(c.data)-c.pos)/length+1)
		}
		*out = append(*out, AccessToken{})
		return c.accessToken(&(*out)[len(*out)-1])
	})
}

func (c *cursor) createRecord(r *AccessTokenCreateRecord) bool {
	return c.object(func(key []byte) (int, bool) {
		if string(key) == "uuid" {
			return 8, c.string(&r.UUID)
		}
		return c.accessTokenField(&r.AccessToken, key)
	})
}

func (c *cursor) accessToken(t *AccessToken) bool {
	return c.object(func(key []byte) (int, bool) { return c.accessTokenField(t, key) })
}

// usualRoles is how many roles there is room for from the start.
const usualRoles = 2

func (c *cursor) accessTokenField(t *AccessToken, key []byte) (int, bool) {
	switch string(key) {
	case "create":
		return 0, c.time(&t.Create)
	case "update":
		return 1, c.time(&t.Update)
	case "description":
		return 2, c.string(&t.Description)
	case "name":
		return 3, c.string(&t.Name)
	case "id":
		return 4, c.int(&t.ID)
	case "roles":
		return 5, c.array(func() { t.Roles = make([]string, 0, usualRoles) }, func() bool {
			t.Roles = append(t.Roles, "")
			return c.recurring(&t.Roles[len(t.Roles)-1])
		})
	case "used":
		return 6, c.bool(&t.Used)
	case "user":
		return 7, pointer(c, &t.User, (*cursor).user)
	}
	return unknown, c.skip(key)
}

func (c *cursor) user(u *UserNestview) bool {
	return c.object(func(key []byte) (int, bool) {
		switch string(key) {
		case "id":
			return 0, c.int(&u.ID)
		case "name":
			return 1, c.recurring(&u.Name)
		case "skip_guide":
			return 2, c.bool(&u.SkipGuide)
		}
		return unknown, c.skip(key)
	})
}

func (c *cursor) paging(p *Paging) bool {
	return c.object(func(key []byte) (int, bool) {
		switch string(key) {
		case "count":
			return 0, c.int(&p.Count)
		case "limit":
			return 1, c.int(&p.Limit)
		case "offset":
			return 2, c.int(&p.Offset)
		case "total_count":
			return 3, c.int(&p.TotalCount)
		}
		return unknown, c.skip(key)
	})
}

func pointer[T any](c *cursor, out **T, read func(*cursor, *T) bool) bool {
	if c.literal("null") {
		return true
	}
	*out = new(T)
	return read(c, *out)
}
