package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"testing"

	"flyball/internal/client"
	"flyball/internal/server"
)

// A server that is not killed shows at every moment what a tree's calls have made
// of it, and refuses none of them.
func TestATreeKnowsWhatTheServerShows(t *testing.T) {
	ctx, c := context.Background(), serve(t)
	if err := setUpShared(ctx, c, nil); err != nil {
		t.Fatal(err)
	}
	one := newTree("tree-1", rand.New(rand.NewPCG(1, 2)))
	for i := range 300 {
		if !one.step(ctx, c) {
			t.Fatalf("call %d was cut off: %s", i, one.cutOff.call)
		}
		if len(one.refused) > 0 {
			t.Fatalf("call %d was refused: %v", i, one.refused)
		}
		if i%10 > 0 {
			continue
		}
		w, err := readWorld(ctx, []*region{{client: c}})
		if err != nil {
			t.Fatal(err)
		}
		expect(t, audit(one.known, nil, w.facts.of(map[string]bool{one.name: true})), "")
		expect(t, w.inconsistent(), "")
	}
}

// serve runs a server that keeps nothing.
func serve(t *testing.T) *client.Client {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := server.Open(ctx, server.Config{
		Addr: "127.0.0.1:0", Runtime: "process", Speed: 1, Account: "123456789012", Region: "us-east-1", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"})
}
