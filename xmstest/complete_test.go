package xmstest_test

import (
	"reflect"
	"strconv"
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
	var given xmsclient.AccessToken
	fill(reflect.ValueOf(&given).Elem(), new(int64))
	server.AddToken(given)
	got, _, err := server.Client().AccessTokensApi.GetAccessToken(t.Context(), given.ID)
	require.NoError(t, err)
	assert.Equal(t, given, *got.AccessToken)
}

// fill gives every field of v a value of its own, or true.
func fill(v reflect.Value, next *int64) {
	*next++
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.Unix(1e9+*next, 0).UTC()))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), next)
		}
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), next)
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), next)
	case v.Kind() == reflect.String:
		v.SetString("text " + strconv.FormatInt(*next, 10))
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(*next)
	}
}
