package xmstest_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// TestSamples_AreOfAllOperations makes the tests of this package know a new operation of the SDK,
// with the path that it should have.
func TestSamples_AreOfAllOperations(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, field := range reflect.VisibleFields(reflect.TypeFor[xmsclient.APIClient]()) {
		for i := 0; field.IsExported() && i < field.Type.NumMethod(); i++ {
			method := field.Type.Method(i)
			if last := method.Type.NumOut() - 1; method.Type.Out(last) == reflect.TypeFor[error]() { // no iterator
				want = append(want, method.Name)
			}
		}
	}
	for _, op := range samples() {
		got = append(got, op.operation)
	}
	assert.ElementsMatch(t, want, got)
}

func TestServer_AddTokenKeepsEveryField(t *testing.T) {
	t.Parallel()
	server := xmstest.NewServer()
	t.Cleanup(server.Close)
	given := xmsclient.AccessToken{
		Create: time.Unix(1e9, 1).UTC(), Update: time.Unix(2e9, 2).UTC(), Description: "nightly", Name: "backup", ID: 42,
		Roles: []string{"viewer", "admin"}, Used: true, User: &xmsclient.UserNestview{ID: 7, Name: "eve", SkipGuide: true},
	}
	for _, model := range []any{given, *given.User} {
		for i, v := 0, reflect.ValueOf(model); i < v.NumField(); i++ {
			require.False(t, v.Field(i).IsZero(), "%T.%s needs a value here", model, v.Type().Field(i).Name)
		}
	}
	server.AddToken(given)
	got, _, err := server.Client().AccessTokensApi.GetAccessToken(t.Context(), given.ID)
	require.NoError(t, err)
	assert.Equal(t, given, *got.AccessToken)
}
