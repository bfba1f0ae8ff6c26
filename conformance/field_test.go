package conformance

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/conformance/internal/script"
)

// fieldAgrees holds the answers of the versions in the field, and the addresses at which they are found, against the document
// and the SDK.
func fieldAgrees(t *testing.T) {
	doc := readDocument(t)
	for name, version := range versions() {
		for _, base := range bases() {
			versionAgrees(t, doc, name, version, base)
		}
	}
}

func versionAgrees(t *testing.T, doc document, name string, version version, base string) {
	t.Helper()
	i := newInspector(t, doc)
	i.client = "the SDK with the base URL " + base
	i.server, i.prepare = "the fixture of "+name, withoutNulls
	defer i.report(t) // which tells more than the call that failed because of it
	client := clientAt(t, base, i, fieldHandler(t, name, base))
	version.check(t, "the SDK does not read conformance/testdata/"+name+" as it is meant, base URL "+base, client.AccessTokensApi, strings.TrimSuffix(base, "/"))
}

// check makes every call and compares what it returns with what the version means. base is what the client calls the server.
func (v version) check(t *testing.T, where string, api *xmsclient.AccessTokensApiService, base string) {
	t.Helper()
	ctx := t.Context()
	created, resp, err := api.CreateAccessToken(ctx, script.Creations()[0])
	require.NoError(t, err, where)
	assert.Equal(t, base, resp.Server, where)
	assert.Equal(t, v.record, inUTC(*created.AccessToken), where)
	renewed, _, err := api.RegenerateAccessToken(ctx, v.token.ID)
	require.NoError(t, err, where)
	assert.Equal(t, v.record, inUTC(*renewed.AccessToken), where)
	got, _, err := api.GetAccessToken(ctx, v.token.ID)
	require.NoError(t, err, where)
	assert.Equal(t, v.token, tokenInUTC(*got.AccessToken), where)
	updated, _, err := api.UpdateAccessToken(ctx, v.token.ID, script.Renaming("any"))
	require.NoError(t, err, where)
	assert.Equal(t, v.token, tokenInUTC(*updated.AccessToken), where)
	valid, _, err := api.ValidateAccessToken(ctx, v.record.UUID)
	require.NoError(t, err, where)
	assert.Equal(t, v.token, tokenInUTC(*valid.AccessToken), where)
	list, _, err := api.ListAccessTokens(ctx, nil)
	require.NoError(t, err, where)
	for i, token := range list.AccessTokens {
		list.AccessTokens[i] = tokenInUTC(token)
	}
	assert.Equal(t, v.list, *list, where)
	_, err = api.DeleteAccessToken(ctx, v.token.ID)
	require.NoError(t, err, where)
}

// inUTC makes equal times compare equal. The zero time is one in UTC.
func inUTC(record xmsclient.AccessTokenCreateRecord) xmsclient.AccessTokenCreateRecord {
	record.AccessToken = tokenInUTC(record.AccessToken)
	return record
}

func tokenInUTC(token xmsclient.AccessToken) xmsclient.AccessToken {
	token.Create, token.Update = token.Create.UTC(), token.Update.UTC()
	return token
}

// withoutNulls leaves out of a JSON body the members that are null: the document says that any member of an answer may be absent,
// and null is another way to say so.
func withoutNulls(body []byte) []byte {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return body
	}
	cleaned, err := json.Marshal(dropNulls(value))
	if err != nil {
		return body
	}
	return cleaned
}

func dropNulls(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			if value[name] = dropNulls(member); member == nil {
				delete(value, name)
			}
		}
	case []any:
		for i, element := range value {
			value[i] = dropNulls(element)
		}
	}
	return value
}
