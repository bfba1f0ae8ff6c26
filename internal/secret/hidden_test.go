package secret_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/xsky-storage/xms-client-go/internal/secret"
)

func TestHidden_Reveals(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "value", secret.Hide("value").Reveal())
	assert.Equal(t, []int{7}, secret.Hide([]int{7}).Reveal())
	var zero secret.Hidden[string]
	assert.Empty(t, zero.Reveal())
}

// Neither a Hidden nor what is made of one shows the word, whoever prints it.
func TestHidden_CannotBePrinted(t *testing.T) {
	t.Parallel()
	const word = "zqhidden-within-0815"
	var set secret.Set
	set.Add(word)
	set.AddHeader("Bearer " + word)
	withheld := set.Err(fmt.Errorf("sending: %w", errors.New(word)))
	assert.Contains(t, dump(word), fmt.Sprintf("%x", word), "the test itself: a dump shows what is not hidden")
	for _, shown := range []any{
		secret.Hide(word), secret.Hide([]byte(word)), secret.Hide(&struct{ text string }{word}), set, &set, withheld,
		struct{ h secret.Hidden[string] }{secret.Hide(word)}, map[string]any{"set": &set}, struct{ error }{withheld},
	} {
		text := strings.ToLower(dump(shown))
		for _, trace := range []string{"zqhidden", fmt.Sprintf("%x", "zqhidden"), "122 113 104", "0x7a, 0x71"} {
			assert.NotContains(t, text, trace, "%T", shown)
		}
	}
}

// dump returns what package fmt, slog, encoding/json and a failed assertion of testify make of a
// value.
func dump(v any) string {
	var b strings.Builder
	for verb := range strings.FieldsSeq("%v %+v %#v %s %q %+q %x %X %#x %d %o %b %c %U %e %t %p %w %T %30.20v") {
		fmt.Fprintf(&b, verb+"\n", v)
	}
	slog.New(slog.NewTextHandler(&b, nil)).Info("text", slog.Any("value", v))
	slog.New(slog.NewJSONHandler(&b, nil)).Info("json", slog.Any("value", v))
	_ = json.NewEncoder(&b).Encode(v)
	assert.Equal(failure{&b}, "another", v)
	return b.String()
}

// failure is a test that writes its failures down.
type failure struct{ *strings.Builder }

func (f failure) Errorf(format string, args ...any) { fmt.Fprintf(f, format, args...) }
