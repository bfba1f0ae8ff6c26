package xmstest

import (
	"crypto/rand"
	"encoding/hex"
)

const (
	uuidBytes = 16
	uuidLen   = 2 * uuidBytes
)

func newUUID() string {
	return newUUIDs(1)[0]
}

// newUUIDs reads all its randomness at once, which is what makes seeding many tokens quick.
func newUUIDs(n int) []string {
	random := make([]byte, n*uuidBytes)
	_, _ = rand.Read(random) // never fails, as documented
	digits := hex.EncodeToString(random)
	uuids := make([]string, n)
	for i := range uuids {
		uuids[i] = digits[i*uuidLen : (i+1)*uuidLen]
	}
	return uuids
}
