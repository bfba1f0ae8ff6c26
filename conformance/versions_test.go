package conformance

import (
	"embed"
	"math"
	"time"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// fixtures are answers, byte for byte as a version of XMS sends them.
//
//go:embed testdata
var fixtures embed.FS

// version is a version of XMS: what its answers in testdata mean.
type version struct {
	record xmsclient.AccessTokenCreateRecord
	token  xmsclient.AccessToken
	list   xmsclient.AccessTokensResp
}

func utc(year int, month time.Month, day, hour, minute, second, nanosecond int) time.Time {
	return time.Date(year, month, day, hour, minute, second, nanosecond, time.UTC)
}

// versions returns the versions in the field and two that may come, by the names of their folders.
func versions() map[string]version {
	return map[string]version{"sds-4.2": sds42(), "eos-6.x": eos6(), "nulls": nulls(), "future": future()}
}

// sds42 knows neither paging nor skip_guide.
func sds42() version {
	admin, ops := &xmsclient.UserNestview{ID: 1, Name: "admin"}, &xmsclient.UserNestview{ID: 2, Name: "ops"}
	created := utc(2019, time.November, 5, 3, 12, 44, 0)
	record := xmsclient.AccessToken{ID: 3, Name: "csi", Roles: []string{"admin"}, User: admin, Create: created, Update: created}
	token := record
	token.Update, token.Used = utc(2019, time.December, 24, 18, 0, 0, 0), true
	madeNext := utc(2019, time.November, 6, 0, 0, 0, 0)
	return version{
		record: xmsclient.AccessTokenCreateRecord{AccessToken: record, UUID: "5e1f2d3c4b5a69788796a5b4c3d2e1f0"},
		token:  token,
		list: xmsclient.AccessTokensResp{AccessTokens: []xmsclient.AccessToken{token, {
			ID: 4, Name: "monitor", Description: "监控", Roles: []string{"viewer", "auditor"}, User: ops, Create: madeNext, Update: madeNext,
		}}},
	}
}

// eos6 has both, and may tell the time of its own zone.
func eos6() version {
	created := utc(2024, time.March, 1, 1, 30, 0, 0)
	record := xmsclient.AccessToken{
		ID: 112, Name: "backup", Description: "nightly backup", Roles: []string{"admin", "s3"}, Create: created, Update: created,
		User: &xmsclient.UserNestview{ID: 7, Name: "backup-operator", SkipGuide: true},
	}
	token := record
	token.Update, token.Used = utc(2024, time.March, 1, 16, 0, 0, 250_000_000), true
	return version{
		record: xmsclient.AccessTokenCreateRecord{AccessToken: record, UUID: "0f1e2d3c-4b5a-4968-8778-695a4b3c2d1e"},
		token:  token,
		list: xmsclient.AccessTokensResp{
			AccessTokens: []xmsclient.AccessToken{token},
			Paging:       &xmsclient.Paging{Count: 1, Limit: 100, Offset: 20, TotalCount: 21},
		},
	}
}

// nulls has nothing new but null for what it does not tell.
func nulls() version {
	return version{
		record: xmsclient.AccessTokenCreateRecord{AccessToken: xmsclient.AccessToken{ID: 8}, UUID: "0123456789abcdef0123456789abcdef"},
		token: xmsclient.AccessToken{
			ID: 8, Name: "null", Roles: []string{"null"}, User: &xmsclient.UserNestview{}, Create: utc(2024, time.May, 6, 7, 8, 9, 500_000_000),
		},
		list: xmsclient.AccessTokensResp{AccessTokens: []xmsclient.AccessToken{{}}},
	}
}

// future has new members everywhere, null for what it does not tell, and numbers that a float cannot hold.
func future() version {
	return version{
		record: xmsclient.AccessTokenCreateRecord{
			AccessToken: xmsclient.AccessToken{
				ID: math.MaxInt64, Name: `未来 🔑 "quoted" \ / é`,
				Create: utc(2031, time.February, 2, 22, 35, 6, 789_012_345), Update: utc(2031, time.February, 3, 15, 5, 6, 789_012_345),
			},
			UUID: "ffffffffffffffffffffffffffffffff",
		},
		token: xmsclient.AccessToken{ID: math.MaxInt64, Roles: []string{}, User: &xmsclient.UserNestview{ID: math.MaxInt64 - 1}},
		list: xmsclient.AccessTokensResp{
			AccessTokens: []xmsclient.AccessToken{{ID: 1<<53 + 1, Create: utc(2031, time.December, 31, 23, 59, 59, 1)}, {}, {}},
			Paging:       &xmsclient.Paging{Count: 1<<53 + 1, Limit: -1, TotalCount: math.MaxInt64},
		},
	}
}
