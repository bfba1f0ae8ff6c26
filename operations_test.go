package xmsclient_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/assert"

	xmsclient "github.com/xsky-storage/xms-client-go"
)

// TestCalls_AreAllThereAre makes the tests of all calls know a new operation, with the path that it
// should have.
func TestCalls_AreAllThereAre(t *testing.T) {
	t.Parallel()
	var names []string
	for _, c := range calls() {
		names = append(names, c.name)
	}
	assert.ElementsMatch(t, operationsOf(reflect.TypeFor[xmsclient.APIClient]()), names)
}

// operationsOf returns the methods of a client's services that end in an error: all but iterators.
func operationsOf(client reflect.Type) (names []string) {
	for _, field := range reflect.VisibleFields(client) {
		for i := 0; field.IsExported() && i < field.Type.NumMethod(); i++ {
			method := field.Type.Method(i)
			if last := method.Type.NumOut() - 1; method.Type.Out(last) == reflect.TypeFor[error]() {
				names = append(names, method.Name)
			}
		}
	}
	return names
}
