package main

import (
	"context"
	"errors"
	"testing"
)

func TestAComputationEndsInAHash(t *testing.T) {
	hash, err := computation(t.Context())
	if err != nil || len(hash) != 32 {
		t.Errorf("%q, %v; want 32 hexadecimal digits", hash, err)
	}
}

func TestAComputationThatNobodyWaitsForIsGivenUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := computation(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that the context was cancelled", err)
	}
}
