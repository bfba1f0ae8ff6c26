package xmsclient

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRedactor_AnySecret(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{
		"abcd", "Bearer abcd", "a+b/c=d&e", "(((((", `\E.*[`, "{1,2}", "密码密码", "\u2028\u2028\u2028\u2028",
		"ab" + strings.Repeat("=", 2000) + "cd", strings.Repeat("x", 10_000),
	} {
		r := newRedactor(secret)
		assert.Equal(t, "- "+redacted+" -", r.known("- "+secret+" -"))
		assert.Equal(t, "as it was", r.known("as it was"))
	}
}

// What is not valid UTF-8 arrives in a text as the replacement character.
func TestRedactor_NotUTF8(t *testing.T) {
	t.Parallel()
	r := newRedactor("\xff\xfe\xfd\xfc")
	assert.Equal(t, "- "+redacted, r.foreign("- "+oneLine("\xff\xfe\xfd\xfc")))
}

func TestRedactor_HardlyASecret(t *testing.T) {
	t.Parallel()
	const text = "a conflict: cc &c"
	for _, secret := range []string{"", "c", "cc", "&c", "c&-=", "x c", "Bearer c"} {
		assert.Equal(t, text, newRedactor(secret).known(text), "%q", secret)
	}
}

func TestRedactor_LongestFirst(t *testing.T) {
	t.Parallel()
	assert.Equal(t, redacted, newRedactor("secret", "secretive").known("secretive"))
}

// A long text is cut before it is searched; what is cut through must not show.
func TestRedactor_CutThrough(t *testing.T) {
	t.Parallel()
	secret := "begin" + strings.Repeat("x", 9_000)
	assert.NotContains(t, newRedactor(secret).short(strings.Repeat(secret, 9), maxMessage), "begin")
	assert.Len(t, newRedactor("secret").short(strings.Repeat("y", 300<<10), maxMessage), maxMessage+len("…"))
}

// The subject token of a validation is often a stranger's input, so its form must not cost much, nor panic. What costs is bounds,
// which package regexp spells out.
func TestRedactor_Hostile(t *testing.T) {
	t.Parallel()
	pattern := newRedactor(strings.Repeat("a ", 8_000)).secrets.String()
	assert.LessOrEqual(t, strings.Count(pattern, "{1,"), 2*mostGaps)
	assert.Equal(t, "as it was", newRedactor(strings.Repeat("a ", 150_000)).known("as it was"))
}

func TestRedactor_PrefixOfSeveralWords(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "unknown "+redacted, newRedactor("XMS Session s3cr3t").known("unknown s3cr3t"))
}

// A long key does not cost the message of a long text.
func TestRedactor_LongKeyLongText(t *testing.T) {
	t.Parallel()
	text := "disk pool 7 is full" + strings.Repeat(" .", 20_000)
	assert.Contains(t, newRedactor(strings.Repeat("k", 800)).short(text, maxMessage), "disk pool 7 is full")
}
