package secret_test

import (
	"strings"
	"testing"

	"github.com/xsky-storage/xms-client-go/internal/secret"
)

// Texts by which a server that knows the key might keep a client busy, each as long as a text may
// be that is searched, and beside long secrets.
func BenchmarkServerText_Hostile(b *testing.B) {
	const key = "k3y-0f-some-40-chars-that-it-is-made-up-of"
	var set secret.Set
	set.Add(key)
	for i := range 3 {
		set.Add(strings.Repeat(strings.Repeat("a", 8+i)+"-0123456789bcdefg", 3<<10))
	}
	bodies := map[string]string{
		"all a": "a", "first letter": "k", "cut keys": key[:15] + "!", "changed keys": key[:15] + "#" + key[16:],
		"ends of keys": key[len(key)-15:] + key[:15], "hex": "0123456789abcdef", "uuids": uuid + ",",
		"hex of 31": uuid[1:] + " ", "hex of 7": uuid[:7] + " ", "almost uuids": dashed[1:] + " ", "percents": "%",
		"nested percents": "%25", "backslashes": `\\u`, "escaped letters": `%61\x61\u0061&#97;=61`, "ampersands": "&",
		"almost entities": "&aaaaaa", "entities": "&amp;", "equals signs": "=A", "Chinese": "密码错误", "not UTF-8": "\xff",
		"random": "q8Zr0Vb3Nc7Xm1Lk5Jh9Gf2Ds6Ap4Oi",
	}
	for name, body := range bodies {
		body = strings.Repeat(body, 64<<10/len(body))
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				set.ServerText(body)
			}
		})
	}
}
