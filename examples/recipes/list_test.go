// Package recipes holds the code of docs/recipes.md and docs/migration.md, with its tests.
package recipes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	xmsclient "github.com/xsky-storage/xms-client-go"
	"github.com/xsky-storage/xms-client-go/xmstest"
)

// printAdmins prints the tokens of all users that have the role admin.
func printAdmins(ctx context.Context, client *xmsclient.APIClient, out io.Writer) error {
	admins := &xmsclient.ListAccessTokensOpts{Role: xmsclient.Ptr("admin"), All: xmsclient.Ptr(true)}
	for token, err := range client.AccessTokensApi.AllAccessTokens(ctx, admins) {
		switch {
		case errors.Is(err, xmsclient.ErrUnauthorized):
			return fmt.Errorf("XMS_AUTH_TOKEN is wrong or has been regenerated: %w", err)
		case errors.Is(err, xmsclient.ErrForbidden):
			return fmt.Errorf("XMS_AUTH_TOKEN is not allowed to list the tokens of all users: %w", err)
		case errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("no node of the cluster answered in time: %w", err)
		case err != nil:
			return err
		}
		fmt.Fprintln(out, token.ID, token.Name)
	}
	return nil
}

func TestPrintAdmins_ListsOrSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status  int
		printed string
		want    string
	}{
		{printed: "1 token-000001\n2 token-000002\n"},
		{status: http.StatusUnauthorized, want: "is wrong"},
		{status: http.StatusForbidden, want: "is not allowed"},
		{status: http.StatusInternalServerError, want: "ListAccessTokens"},
	} {
		xms := xmstest.NewServer()
		defer xms.Close()
		xms.Seed(2)
		xms.AddToken(xmsclient.AccessToken{Name: "of another role", Roles: []string{"viewer"}})
		xms.Inject(xmstest.Fault{Operation: "ListAccessTokens", StatusCode: test.status})
		var out bytes.Buffer
		err := printAdmins(t.Context(), xms.Client(), &out)
		assert.Equal(t, test.printed, out.String())
		if test.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, test.want)
		}
	}
}
