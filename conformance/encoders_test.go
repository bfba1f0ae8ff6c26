package conformance

import (
	"bytes"
	"encoding/xml"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.yaml.in/yaml/v3"
	yaml2 "gopkg.in/yaml.v2"
	yaml3 "gopkg.in/yaml.v3"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// failures are an error of each type, as the SDK makes them, and the Response beside each.
func failures(t *testing.T) (values []any) {
	t.Helper()
	hidden := http.Header{"Hidden": {"hidden"}}
	server, api := judged(t, nil, nil)
	for _, fault := range []xmstest.Fault{
		{StatusCode: http.StatusConflict, Header: hidden, Body: `{"message":"no","trace":"` + planted + `"}`},
		{StatusCode: http.StatusOK, Header: hidden, Body: planted},
		{Drop: true},
	} {
		server.Inject(fault)
		_, response, err := api.GetAccessToken(t.Context(), 1)
		require.Error(t, err)
		values = append(values, err, response)
	}
	_, _, err := api.GetAccessToken(t.Context(), -1)
	require.Error(t, err)
	cfg := server.Configuration()
	cfg.TokenInHeader.Key, cfg.DefaultHeader = planted, hidden
	return append(values, err, cfg, *cfg)
}

const planted = "5eccade0a11d4eadbeefc0ffee5ec4e7"

func TestEncoders_YAMLShowsNoBodyAndNoHeader(t *testing.T) {
	t.Parallel()
	for name, marshal := range map[string]func(any) ([]byte, error){
		"go.yaml.in/yaml/v3": yaml.Marshal, "gopkg.in/yaml.v2": yaml2.Marshal, "gopkg.in/yaml.v3": yaml3.Marshal,
	} {
		for _, value := range failures(t) {
			for _, shown := range []any{value, []any{value}, struct{ Value any }{value}} {
				text, err := marshal(shown)
				require.NoError(t, err, "%s of %T", name, value)
				assert.NotContains(t, string(text), "idden", "%s of %T", name, value)
				assert.NotContains(t, string(text), planted[:8], "%s of %T", name, value)
				assert.NotContains(t, string(text), "53\n", "bytes: %s of %T", name, value)
			}
		}
	}
}

func TestEncoders_XMLShowsNoBodyAndNoHeader(t *testing.T) {
	t.Parallel()
	for _, value := range failures(t) {
		text, err := xml.Marshal([]any{value})
		require.NoError(t, err, "%T", value)
		assert.NotContains(t, string(text), "idden", "%T", value)
		assert.NotContains(t, string(text), planted[:8], "%T", value)
	}
}

func TestEncoders_YAMLKeepsTheUUIDAsJSONDoes(t *testing.T) {
	t.Parallel()
	_, api := judged(t, nil, nil)
	created, _, err := api.CreateAccessToken(t.Context(), xmsclient.AccessTokenCreateReq{
		AccessToken: &xmsclient.AccessTokenCreateReqAccessToken{Name: "a", Roles: []string{"admin"}},
	})
	require.NoError(t, err)
	text, err := yaml.Marshal(created)
	require.NoError(t, err)
	assert.Contains(t, string(text), created.AccessToken.UUID)
}

// zap prints what it does not know through String.
func TestEncoders_ZapHidesTheUUID(t *testing.T) {
	t.Parallel()
	record := &xmsclient.AccessTokenCreateRecord{UUID: planted}
	created := &xmsclient.AccessTokenCreateResp{AccessToken: record}
	var out bytes.Buffer
	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	logger := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&out), zap.DebugLevel))
	for _, value := range append(failures(t), record, *record, created, *created) {
		logger.Info("shown", zap.Any("value", value))
	}
	logger.Sugar().Infow("shown", "record", record, "created", created)
	assert.Contains(t, out.String(), "[redacted]")
	assert.NotContains(t, out.String(), planted)
	assert.NotContains(t, out.String(), "idden")
}
