package bench

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestContestants_ReadEveryShape(t *testing.T) {
	t.Parallel()
	const tokens = 200
	for _, contestant := range Contestants() {
		for _, shape := range Shapes() {
			client, err := contestant.New(Target{BaseURL: "http://stub/v1", Stub: NewServer(shape, tokens)})
			require.NoError(t, err)
			require.NoError(t, client.Get(t.Context()), "%s, %s", contestant.Name, shape.Name)
			require.NoError(t, client.Create(t.Context()), "%s, %s", contestant.Name, shape.Name)
			require.NoError(t, client.List(t.Context(), tokens), "%s, %s", contestant.Name, shape.Name)
		}
	}
}
