package script

import (
	"math"
	"strings"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// Range is the integers that a parameter may be.
type Range struct{ Least, Most int64 }

// Int64 is what the API allows.
func Int64() Range { return Range{math.MinInt64, math.MaxInt64} }

// Double is the part of Int64 that programs deal with whose numbers are all floating-point, such as those in JavaScript.
func Double() Range { return Range{-(1<<53 - 1), 1<<53 - 1} }

// Texts are values that a name, a role or a uuid may have: short, long, and full of what URLs and JSON give a meaning to.
func Texts() []string {
	return []string{
		"a",
		"nightly backup",
		`/../?a=b&c=d#e;f+g%20h:i@j,"k"\l'm<n>{o}[p]|q^`,
		"存储 管理员 🔑 e\u0301 \u202eabc\u202c \u00a0",
		"tab\tnewline\nzero\x00delete\x7f",
		strings.Repeat("long ", 400),
	}
}

// Creations are bodies of CreateAccessToken: with and without the optional field, each name once.
func Creations() []xmsclient.AccessTokenCreateReq {
	bodies := []xmsclient.AccessTokenCreateReq{creation(xmsclient.AccessTokenCreateReqAccessToken{
		Name: "no description", Roles: []string{"admin"},
	})}
	for _, text := range Texts() {
		bodies = append(bodies, creation(xmsclient.AccessTokenCreateReqAccessToken{
			Description: text, Name: text, Roles: []string{"admin", text},
		}))
	}
	return bodies
}

func creation(token xmsclient.AccessTokenCreateReqAccessToken) xmsclient.AccessTokenCreateReq {
	return xmsclient.AccessTokenCreateReq{AccessToken: &token}
}

// Renaming is the body of an UpdateAccessToken.
func Renaming(name string) xmsclient.AccessTokenUpdateReq {
	return xmsclient.AccessTokenUpdateReq{AccessToken: &xmsclient.AccessTokenUpdateReqAccessToken{Name: name}}
}

// Lists are parameters of ListAccessTokens: none, each alone at each of its values, and all at once.
func Lists(extremes Range) []*xmsclient.ListAccessTokensOpts {
	lists := []*xmsclient.ListAccessTokensOpts{nil, {}}
	for _, n := range []int64{extremes.Least, -1, 0, 1, extremes.Most} {
		lists = append(lists,
			&xmsclient.ListAccessTokensOpts{Limit: &n},
			&xmsclient.ListAccessTokensOpts{Offset: &n},
			&xmsclient.ListAccessTokensOpts{UserID: &n})
	}
	for _, role := range append(Texts(), "") {
		lists = append(lists,
			&xmsclient.ListAccessTokensOpts{Role: &role},
			&xmsclient.ListAccessTokensOpts{
				Limit: xmsclient.Ptr[int64](2), Offset: xmsclient.Ptr[int64](3), UserID: xmsclient.Ptr[int64](4),
				Role: &role, All: xmsclient.Ptr(false),
			})
	}
	for _, all := range []bool{true, false} {
		lists = append(lists, &xmsclient.ListAccessTokensOpts{All: &all})
	}
	return lists
}
