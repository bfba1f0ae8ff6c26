package main

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRotatingSource_TokenWaitsForTheRotation(t *testing.T) {
	t.Parallel()
	source := newRotatingSource("old")
	err := source.rotate(t.Context(), func(ctx context.Context) (string, error) {
		_, err := source.Token(ended(ctx))
		require.ErrorIs(t, err, context.Canceled, "a token was handed out during the rotation")
		return "new", nil
	})
	require.NoError(t, err)
	assertToken(t, source, "new")
}

func TestRotatingSource_FailedRotationKeepsTheToken(t *testing.T) {
	t.Parallel()
	source := newRotatingSource("old")
	failure := errors.New("refused")
	err := source.rotate(t.Context(), func(context.Context) (string, error) { return "", failure })
	require.ErrorIs(t, err, failure)
	assertToken(t, source, "old")
}

func TestRotatingSource_OneRotationAtATime(t *testing.T) {
	t.Parallel()
	source := newRotatingSource("old")
	err := source.rotate(t.Context(), func(ctx context.Context) (string, error) {
		return "new", source.rotate(ended(ctx), nil)
	})
	require.ErrorIs(t, err, context.Canceled)
}

func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}

func assertToken(t *testing.T, source *rotatingSource, want string) {
	t.Helper()
	token, err := source.Token(t.Context())
	require.NoError(t, err)
	assert.Equal(t, want, token)
}
