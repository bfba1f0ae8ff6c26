package xmsclient

import (
	"math"
	"math/big"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

// FuzzErrorBody holds the reader of error bodies to what error texts need: whatever a server sends becomes one printable line
// of bounded length, without a secret.
func FuzzErrorBody(f *testing.F) {
	const key = "zq-fuzzed-key"
	const uuid = "5eccade0-a11d-4ead-beef-c0ffee5ec4e7"
	for _, body := range []string{
		"", " \t\r\n", "plain text\nin two lines", `{"message":"no"}`, `{"msg":"no","code":42}`, `{"error":"no"}`, `["no"]`, `"no"`,
		`{"error":{"code":"E1","message":"no"}}`, `{"errors":[{"message":"no","code":"E2"}]}`, `{"detail":"no","title":"problem"}`,
		`{"message":{"message":{"message":"deep"}}}`, `{"message":["a","b"],"error":1e400}`, `{"message":"` + key + ` ` + uuid + `"}`,
		"<!DOCTYPE html><title>502 &lt;Bad&gt;\nGateway</title>", "<html><title>" + uuid, "\xef\xbb\xbf{\"message\":\"bom\"}", "\xff\xfe\x00",
		strings.Repeat("[", 50), `{"message":"\u202e\u0000\ud800"}`, `{"message":"` + strings.Repeat("é", 400) + `"}`,
	} {
		f.Add("application/json", []byte(body))
		f.Add("text/html; charset=utf-8", []byte(body))
	}
	redactor := newRedactor(key)
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		code, message := readErrorBody(contentType, body)
		for _, text := range []string{code, message} {
			if !utf8.ValidString(text) {
				t.Fatalf("not UTF-8: %q", text)
			}
			if strings.ContainsFunc(text, unicode.IsControl) || strings.ContainsAny(text, "\u2028\u2029") || strings.TrimSpace(text) != text {
				t.Fatalf("not one line: %q", text)
			}
			shown := redactor.short(text, maxMessage)
			if len(shown) > maxMessage+len("…") || !utf8.ValidString(shown) {
				t.Fatalf("%d bytes: %q", len(shown), shown)
			}
			if strings.Contains(shown, key) || fuzzUUID.MatchString(shown) {
				t.Fatalf("a secret shows: %q", shown)
			}
		}
		if again, same := readErrorBody(contentType, body); again != code || same != message {
			t.Fatalf("%q %q, then %q %q", code, message, again, same)
		}
	})
}

var fuzzUUID = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}`)

// FuzzRetryAfter holds the reader of Retry-After to the two forms of RFC 9110, read by other means.
func FuzzRetryAfter(f *testing.F) {
	for _, value := range []string{
		"", "0", "7", "007", "-1", "+1", "1.5", "1e3", " 5", "5 ", "9223372036", "9223372037", "18446744073709551616",
		strings.Repeat("9", 100), "Fri, 31 Dec 1999 23:59:59 GMT", "Friday, 31-Dec-99 23:59:59 GMT", "Fri Dec 31 23:59:59 1999",
		"Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0000 00:00:00 GMT", "Fri, 31 Dec 1999 23:59:59 CET", "soon", "٧",
	} {
		f.Add(value, int64(946684800))
		f.Add(value, int64(-1))
	}
	f.Fuzz(func(t *testing.T, value string, seconds int64) {
		now := time.Unix(seconds%(1<<40), 0)

		wait, ok := readRetryAfter(value, now)

		want, wantOK := fuzzRetryAfter(value, now)
		if wait != want || ok != wantOK {
			t.Fatalf("%v %t, want %v %t", wait, ok, want, wantOK)
		}
	})
}

func fuzzRetryAfter(value string, now time.Time) (time.Duration, bool) {
	if date, err := http.ParseTime(value); err == nil {
		if date.Before(now) {
			return 0, true
		}
		return date.Sub(now), true
	}
	if !regexp.MustCompile(`^[0-9]+$`).MatchString(value) {
		return 0, false
	}
	n, _ := new(big.Int).SetString(value, 10)
	n.Mul(n, big.NewInt(int64(time.Second)))
	if !n.IsInt64() {
		return math.MaxInt64, true
	}
	return time.Duration(n.Int64()), true
}

// FuzzBaseURL holds base URLs to their promise: what is accepted is joined with every operation as its text says, and what is
// refused or printed shows no password.
func FuzzBaseURL(f *testing.F) {
	for _, raw := range []string{
		"", "https://localhost/v1", "http://10.0.0.1:8051/v1/", "https://node:8056/api/v1", "HTTP://NODE/V1//", "http://node", "http://node/",
		"http://[::1]:8051/v1", "http://[fe80::1%25eth0]/v1", "http://user:zqpassword@node/v1", "http://node/v1?token=zqpassword",
		"http://node/v1#zqpassword", "http://node/v1?", "http://node/v1#", "node:8051/v1", "//node/v1", "http:node/v1", "http:///v1",
		"ftp://node/v1", "http://node:0/v1", "http://node:65536", "http://node:/v1", "http://node/a%2Fb/v1", "http://node/a%2F/", "http://node/a b",
		"http://node/ü/v1", "http://node/%zz", "http://node/v1;x=1", "http://node/a:b@c/v1", "http://node/../v1/./", "http://node/%2e%2e",
		"http://a,http://b", "user:zqpassword@node/v1", "http://no de/v1", "http://node\x7f/", " http://node", "http://node/v1\n",
	} {
		f.Add(raw)
	}
	const secret = "zqpassword"
	f.Fuzz(func(t *testing.T, raw string) {
		n, err := newNode(raw)
		if err != nil {
			if strings.Contains(err.Error(), secret) {
				t.Fatalf("quoted: %v", err)
			}
			return
		}
		given, err := url.Parse(raw)
		if err == nil && strings.Contains(given.RawPath, "%") && given.RawPath != given.EscapedPath() {
			return // with some characters escaped and others not, net/url gives the escapes up
		}
		if again, err := newNode(n.base); err != nil || again.base != n.base {
			t.Fatalf("%q is accepted as %q, which becomes %q, %v", raw, n.base, again.base, err)
		}
		base, baseErr := url.Parse(n.base)
		if baseErr != nil || base.Scheme != "http" && base.Scheme != "https" || base.Hostname() == "" || base.User != nil ||
			base.RawQuery != "" || base.Fragment != "" || strings.HasSuffix(n.base, "/") || origin(base) != origin(&n.root) {
			t.Fatalf("%q is accepted as %q: %+v, %v", raw, n.base, base, baseErr)
		}
		if err != nil || strings.TrimRight(given.EscapedPath(), "/") != base.EscapedPath() {
			t.Fatalf("the path of %q has become that of %q", raw, n.base)
		}
		for _, op := range []*operationRow{getAccessToken, listAccessTokens, regenerateAccessToken, validateAccessToken} {
			var got url.URL
			n.setURL(&got, op, 42, "token=x")
			if want := n.base + op.fill("", 42) + "?token=x"; got.String() != want {
				t.Fatalf("%q and %s make %q, want %q", raw, op.name, got.String(), want)
			}
			if parsed, err := url.Parse(got.String()); err != nil || parsed.Host != got.Host || parsed.EscapedPath() != got.EscapedPath() {
				t.Fatalf("%q is read back as %+v, %v", got.String(), parsed, err)
			}
		}
	})
}

// A mistaken base URL, which is refused, may be printed as part of its configuration all the same.
func TestPrintableURLHidesPasswords(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{
		"http://user:zqpassword@node/v1", "http://zqpassword@node", "//user:zqpassword@node/v1", "user:zqpassword@node/v1",
		"http://user:zqpassword@node:port/v1", "http://node/v1?token=zqpassword", "http://node/v1#zqpassword", "http:user:zqpassword@node",
		"http://user:zqpassword@no de", "zqpassword@node/v1", "http:/user:zqpassword@node/v1", "http:///user:zqpassword@node/v1",
		"https:/\\user:zqpassword@node", "user:zqpassword@node:8051", "/user:zqpassword@node",
	} {
		if shown := printableURL(raw); strings.Contains(shown, "zqpassword") {
			t.Errorf("%q is printed as %q", raw, shown)
		}
	}
}
