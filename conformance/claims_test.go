package conformance

import (
	"maps"
	"slices"
	"testing"
)

// claims is what one side says of each subject, such as an operation or a model: its properties with their values.
type claims map[string]map[string]string

func (c claims) add(subject, property, value string) {
	if c[subject] == nil {
		c[subject] = map[string]string{}
	}
	c[subject][property] = value
}

// side is somebody who makes claims.
type side struct {
	name   string
	claims claims
}

// agree fails the test with a message for each subject and property on which two sides differ.
func agree(t *testing.T, a, b side) {
	t.Helper()
	if len(a.claims) == 0 || len(b.claims) == 0 {
		t.Errorf("nothing to compare: %d subjects in %s, %d in %s", len(a.claims), a.name, len(b.claims), b.name)
	}
	for _, subject := range keys(a.claims, b.claims) {
		inA, inB := a.claims[subject], b.claims[subject]
		switch {
		case inA == nil:
			t.Errorf("%s is in %s but not in %s", subject, b.name, a.name)
		case inB == nil:
			t.Errorf("%s is in %s but not in %s", subject, a.name, b.name)
		default:
			agreeOn(t, subject, side{a.name, claims{subject: inA}}, side{b.name, claims{subject: inB}})
		}
	}
}

func agreeOn(t *testing.T, subject string, a, b side) {
	t.Helper()
	ofA, ofB := a.claims[subject], b.claims[subject]
	for _, property := range keys(ofA, ofB) {
		inA, hasA := ofA[property]
		inB, hasB := ofB[property]
		switch {
		case !hasA:
			t.Errorf("%s: %s (%s) is in %s but not in %s", subject, property, inB, b.name, a.name)
		case !hasB:
			t.Errorf("%s: %s (%s) is in %s but not in %s", subject, property, inA, a.name, b.name)
		case inA != inB:
			t.Errorf("%s: %s is %s in %s but %s in %s", subject, property, inA, a.name, inB, b.name)
		}
	}
}

// keys returns the keys of both maps, sorted, each once.
func keys[V any](a, b map[string]V) []string {
	return slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, m := range []map[string]V{a, b} {
			for key := range maps.Keys(m) {
				if !yield(key) {
					return
				}
			}
		}
	}))
}
