package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTokenWaitsForTheRotation(t *testing.T) {
	t.Parallel()
	source := newRotatingSource("old")
	err := source.rotate(t.Context(), func(ctx context.Context, old string) (string, error) {
		assert.Equal(t, "old", old)
		ended, cancel := context.WithCancel(ctx)
		cancel()
		_, err := source.Token(ended)
		require.ErrorIs(t, err, context.Canceled, "a token was handed out during the rotation")
		return "new", nil
	})
	require.NoError(t, err)
	assertToken(t, source, "new")
}

func TestFailedRotationKeepsTheToken(t *testing.T) {
	t.Parallel()
	source := newRotatingSource("old")
	failure := errors.New("refused")
	err := source.rotate(t.Context(), func(context.Context, string) (string, error) { return "", failure })
	require.ErrorIs(t, err, failure)
	assertToken(t, source, "old")
}

func TestOneRotationAtATime(t *testing.T) {
	t.Parallel()
	source := newRotatingSource("old")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	err := source.rotate(t.Context(), func(context.Context, string) (string, error) {
		return "new", source.rotate(ended, nil)
	})
	require.ErrorIs(t, err, context.Canceled)
}

func assertToken(t *testing.T, source *rotatingSource, want string) {
	t.Helper()
	token, err := source.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, token)
}
