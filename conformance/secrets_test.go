package conformance

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/xsky-storage/xms-client-go/xmstest"
)

// TestContract_PasswordsAreSecrets has the server repeat what an operation was given. If some of
// that is a password, a parameter that is not marked as secret, or a model without its method
// secrets, shows here.
func TestContract_PasswordsAreSecrets(t *testing.T) {
	t.Parallel()
	doc := readDocument(t, contractPath)
	require.True(t, hasPassword(doc.Components.Schemas["AccessTokenCreateResp"]), "a password deep in a model")
	server, api := judged(t, nil, nil)
	for method := range operations() {
		op := documented(doc)[method.Name]
		secret := slices.ContainsFunc(op.parameters, func(p *openapi3.Parameter) bool { return hasPassword(p.Schema) })
		if op.RequestBody != nil {
			secret = secret || hasPassword(op.RequestBody.Value.Content.Get("application/json").Schema)
		}
		server.Inject(xmstest.Fault{StatusCode: http.StatusBadRequest, Body: `{"message":"what is ` + someText + `?"}`})
		err := invoke(t.Context(), api, method, arguments(method))
		require.Error(t, err, method.Name)
		assert.Equal(t, secret, !strings.Contains(err.Error(), someText), "%s: is it withheld? %v", method.Name, err)
	}
}

// hasPassword reports whether some of a schema's values are passwords.
func hasPassword(ref *openapi3.SchemaRef) bool {
	if ref == nil {
		return false
	}
	parts := append(slices.Clone(ref.Value.AllOf), ref.Value.Items)
	for _, property := range ref.Value.Properties {
		parts = append(parts, property)
	}
	return ref.Value.Format == "password" || slices.ContainsFunc(parts, hasPassword)
}
