package xmsclient

import "testing"

// FuzzDecodeDifferential holds the fast path to encoding/json for each model of an answer: the same verdict, value and error
// text. Its seeds are in testdata/fuzz.
func FuzzDecodeDifferential(f *testing.F) {
	for _, body := range plainBodies() {
		f.Add([]byte(body))
	}
	f.Fuzz(assertModelsLikeJSON)
}
