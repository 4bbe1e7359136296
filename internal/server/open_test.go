package server

import (
	"log/slog"
	"testing"

	"flyball/internal/task/idle"
)

// open opens a server on a folder, with whatever a test wants otherwise.
func open(t testing.TB, dir string, change ...func(*Config)) *Server {
	t.Helper()
	cfg := Config{
		Addr: "127.0.0.1:0", Data: dir, Tasks: idle.Runtime{}, Speed: 1, Account: "123456789012", Region: "us-east-1",
		Log: slog.New(slog.DiscardHandler),
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// at is the speed of a test's server.
func at(speed float64) func(*Config) { return func(c *Config) { c.Speed = speed } }
