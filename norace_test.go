//go:build !race

package xmsclient_test

// underRace says that the race detector is on: it allocates for itself, and makes sync.Pool forget at random.
const underRace = false
