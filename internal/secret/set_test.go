package secret_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/internal/secret"
)

const (
	uuid   = "5eccade0a11d4eadbeefc0ffee5ec4e7"
	dashed = "5eccade0-a11d-4ead-beef-c0ffee5ec4e7"
	words  = "blue-Harbor/42+noise" // 18 characters, some of them between escapes
)

// The ledger of the ways in which a server can repeat a key.
func TestSet_Echoes(t *testing.T) {
	t.Parallel()
	each := func(secret string, size int, between string) string {
		return string(bytes.Join(slices.Collect(slices.Chunk([]byte(secret), size)), []byte(between)))
	}
	tests := []struct{ name, secret, echo, notHeld string }{
		{"plain", words, words, ""},
		{"URL", dashed, strings.ReplaceAll(dashed, "-", "%2D"), ""},
		{"JSON or Go", dashed, strings.ReplaceAll(dashed, "-", `\u002D`), ""},
		{"C", dashed, strings.ReplaceAll(dashed, "-", `\x2d`), ""},
		{"HTML, decimal", dashed, strings.ReplaceAll(dashed, "-", "&#45;"), ""},
		{"HTML, hexadecimal", dashed, strings.ReplaceAll(dashed, "-", "&#x2d;"), ""},
		{"HTML, named", "blue&harbor<noise", "blue&amp;harbor&lt;noise", ""},
		{"mail", dashed, strings.ReplaceAll(dashed, "-", "=2D"), ""},
		{"URL twice", dashed, strings.ReplaceAll(dashed, "-", "%252D"), ""},
		{"HTML twice", dashed, strings.ReplaceAll(dashed, "-", "&amp;#45;"), ""},
		{"HTML in JSON", dashed, strings.ReplaceAll(dashed, "-", `\u0026#45;`), ""},
		{"short, as a URL behind an equals sign", "deadbeef+/x", "token=deadbeef%2B%2Fx", ""},
		{"short, behind a percent sign", "harbor-blue-77", "at 100%harbor-blue-77", ""},
		{"a secret with an escape", "blue%2Dharbor", "blue-harbor", ""},
		{"a secret with an escape, escaped", "blue%2Dharbor", "blue%252Dharbor", ""},
		{"a secret like an escape", "abcd=ef12%ab", "abcd=ef12%ab", ""},
		{"upper case", words, strings.ToUpper(words), ""},
		{"soft hyphens", words, each(words, 5, "\u00ad"), ""},
		{"zero-width spaces", words, each(words, 1, "\u200b"), ""},
		{"wrapped", words, each(words, 7, "\r\n\t"), ""},
		{"first 31 of a uuid", uuid, uuid[:31], ""},
		{"last 31 of a uuid", uuid, uuid[1:], ""},
		{"cut to 16", uuid, uuid[:16] + "…", ""},
		{"bold", words, "**" + words + "**", ""},
		{"between tags", words, "<td>" + words + "</td>", ""},
		{"groups of 4", uuid, each(uuid, 4, " "), ""},
		{"groups of 8 and backticks", uuid, "`" + each(uuid, 8, " ") + "`", ""},
		{"list of characters", uuid, `["` + each(uuid, 1, `","`) + `"]`, ""},
		{"short, within a stranger's uuid", "c0ffee5ec4e7", dashed, ""},
		{"Chinese", "密码是春天的风筝", "密码“春天”？「密码是春天的风筝」", ""},
		{"end of the first 4,096", strings.Repeat("ab", 2040) + "0123456789abcdef" + uuid, "0123456789abcdef", ""},
		{"behind the first 4,096", strings.Repeat("ab", 2048) + words, words, "only the beginning is looked for"},
		{"cut to 15", uuid, uuid[:15], "it would hide ordinary texts"},
		{"less than 8", "s-e-c-r-t-1", "secrt1", "it would hide ordinary texts"},
		{"base64", words, base64.StdEncoding.EncodeToString([]byte(words)), "it is another text"},
		{"reversed", words, "esion+24/robraH-eulb", "it is another text"},
		{"URL three times", dashed, strings.ReplaceAll(dashed, "-", "%2525252D"), "two levels are undone"},
		{"Chinese, escaped", "密码是春天的风筝", `\u5bc6\u7801\u662f\u6625\u5929\u7684\u98ce\u7b5d`, "escapes are not decoded"},
	}
	for _, test := range tests {
		var set secret.Set
		set.Add("of another call: 0123456")
		set.Add(test.secret)
		text := "unknown token " + test.echo + " (E17)"
		assert.Equal(t, test.notHeld == "", set.Text(text) == secret.Withheld, test.name)
		assert.Equal(t, test.notHeld == "", !strings.Contains(set.ServerText(text), test.echo), test.name)
	}
}

func TestSet_Messages(t *testing.T) {
	t.Parallel()
	corpus, err := os.ReadFile("testdata/messages.txt")
	require.NoError(t, err)
	messages := strings.Split(strings.TrimSpace(string(corpus)), "\n")
	require.GreaterOrEqual(t, len(messages), 100)
	for _, key := range []string{
		uuid, dashed, words, "service-account-backup", "83920174", "c2VydmljZTpzM2NyM3QtcGFzc3dvcmQ=", "token",
		"Pässwörter2024", "密码是春天的风筝",
		"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
	} {
		var set secret.Set
		set.Add(key)
		set.AddHeader("Basic " + base64.StdEncoding.EncodeToString([]byte("admin:"+key)))
		for _, message := range messages {
			assert.Equal(t, message, set.ServerText(message), key)
		}
	}
}

func TestSet_ReplacesUUIDs(t *testing.T) {
	t.Parallel()
	var none *secret.Set
	long := strings.Repeat("-", 64<<10-8)
	for text, want := range map[string]string{
		uuid + " or " + strings.ToUpper(dashed) + "!": "[redacted] or [redacted]!",
		uuid + uuid: "[redacted]", "deadbeef" + long: "deadbeef" + long, "密" + uuid: "密[redacted]",
		uuid[1:]: uuid[1:], dashed[1:]: dashed[1:],
	} {
		assert.Equal(t, want, none.ServerText(text))
		assert.Equal(t, want, secret.WithoutUUIDs(text))
		assert.Equal(t, text, none.Text(text))
	}
}

// Only what is shown of a long text is searched.
func TestSet_LongTexts(t *testing.T) {
	t.Parallel()
	const limit = 64 << 10
	blank := strings.Repeat(".", limit)
	var set secret.Set
	set.Add(words)
	for _, text := range []func(string) string{set.Text, set.ServerText} {
		assert.Equal(t, blank, text(blank+words))
		assert.Equal(t, secret.Withheld, text(blank[:limit-len(words)]+words+blank))
	}
	long, leak := errors.New(blank+"!"), errors.New(blank+words)
	require.EqualError(t, set.Err(long), blank)
	require.EqualError(t, set.Err(leak), blank)
	require.ErrorIs(t, set.Err(&quiet{long}), long)
	assert.NotContains(t, dump(set.Err(&quiet{leak})), "Harbor")
}

func TestSet_Header(t *testing.T) {
	t.Parallel()
	var set secret.Set
	set.AddHeader("XMS=harbor-one;session=harbor-two,harbor-six harbor-nil")
	set.AddHeader("give my ship a harbor")
	set.AddHeader("basic " + base64.StdEncoding.EncodeToString([]byte("bob:harbor-ten")))
	set.AddHeader("Basic " + base64.StdEncoding.EncodeToString([]byte("deborah:seven")))
	secrets := "harbor-one|harbor-two|harbor-six|give my ship a harbor|harbor-ten|deborah:seven"
	for part := range strings.SplitSeq(secrets, "|") {
		assert.Equal(t, secret.Withheld, set.Text("no "+part), part)
	}
	assert.Equal(t, "Basic session of deborah", set.Text("Basic session of deborah"))
}

// Servers write "Xms-Auth-Token is invalid" of a cookie with that name.
func TestSet_Cookies(t *testing.T) {
	t.Parallel()
	var set secret.Set
	set.AddCookies("lang=en-harbor; XMS_AUTH_TOKEN=" + uuid + ";session_of_harbor=a=b/" + words +
		"; bare-harbor;empty-harbor=")
	for _, value := range []string{"en-harbor", uuid, words, "bare-harbor"} {
		assert.Equal(t, secret.Withheld, set.Text("no "+value), value)
	}
	for _, name := range []string{"Xms-Auth-Token is invalid or expired", "session of harbor", "empty-harbor"} {
		assert.Equal(t, name, set.Text(name))
	}
}

func TestSet_Err(t *testing.T) {
	t.Parallel()
	var set, none secret.Set
	set.Add(words)
	leak := errors.New("no " + words)
	timeout := &net.OpError{Op: "dial", Err: &net.DNSError{Err: words, IsTimeout: true}}
	for _, err := range []error{
		leak, fmt.Errorf("sending: %w: %w", context.Canceled, leak), errors.Join(context.DeadlineExceeded, leak), timeout,
		&net.OpError{Op: words, Err: context.Canceled}, &quiet{fmt.Errorf("%w: %w", leak, context.DeadlineExceeded)},
		quietErrors{io.EOF, leak}, &quiet{quietErrors{context.Canceled, leak}},
	} {
		assert.Equal(t, err, none.Err(err))
		got := set.Err(err)
		assert.NotContains(t, dump(got), "Harbor")
		for _, target := range []error{leak, context.Canceled, context.DeadlineExceeded, io.EOF} {
			assert.Equal(t, errors.Is(err, target), errors.Is(got, target), "%v is %v", err, target)
		}
		var want, stand net.Error
		require.ErrorAs(t, got, &stand)
		assert.Equal(t, errors.As(err, &want) && want.Timeout(), stand.Timeout(), "%v", err)
		var inner *net.OpError
		leads := errors.As(got, &inner)
		assert.False(t, leads, "%v", err)
	}
	require.EqualError(t, set.Err(leak), secret.Withheld)
	require.EqualError(t, set.Err(&quiet{leak}), "sending failed")
	clean := &quiet{errors.Join(io.EOF, context.Canceled)}
	assert.Same(t, clean, set.Err(clean))
	assert.NoError(t, set.Err(nil))
}

// quietErrors says nothing of the errors that it wraps.
type quietErrors []error

func (quietErrors) Error() string     { return "sending failed" }
func (l quietErrors) Unwrap() []error { return l }

// quiet says nothing of the error that it wraps.
type quiet struct{ error }

func (*quiet) Error() string   { return "sending failed" }
func (q *quiet) Unwrap() error { return q.error }

// Whatever stands between the characters of a secret and around it, a text that repeats it is
// withheld.
func FuzzSet_Text(f *testing.F) {
	for seed := range uint64(300) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 0))
		pick := func(from []string) string { return from[random.IntN(len(from))] }
		letters := strings.Split("abcXYZ0189éщ密", "")
		between := strings.Split("- . _ \n * ` < ' \u00ad \u200b %2D %252d \\u002D \\x2d &#45; &#x2D; &amp;#45; =2D", " ")
		var key, echo strings.Builder
		for range 16 + random.IntN(40) {
			letter := pick(letters)
			key.WriteString(letter + []string{"", "", "-", "+"}[random.IntN(4)])
			echo.WriteString(letter + []string{"", pick(between), pick(between) + pick(between)}[random.IntN(3)])
		}
		var set secret.Set
		set.Add(key.String())
		around := strings.Repeat(pick(letters)+pick(between), random.IntN(9))
		text := around + echo.String() + pick(between) + around
		assert.Equal(t, secret.Withheld, set.Text(text), "%q repeats %q", text, key.String())
	})
}

func TestSet_ClonesGrowApart(t *testing.T) {
	t.Parallel()
	common := &secret.Set{}
	for _, key := range []string{"common-key-one", "common-key-two", "common-key-three"} { // a slice with room to spare
		common.Add(key)
	}
	first, second := common.Clone(), common.Clone()
	first.Add("first-key-of-a-call")
	second.Add("second-key-of-a-call")
	assert.Equal(t, secret.Withheld, first.Text("no first-key-of-a-call"))
	assert.Equal(t, secret.Withheld, second.Text("no second-key-of-a-call"))
}
