package simulated

import (
	"context"
	"io"

	"flyball/internal/task"
)

// silence is the log of a task that writes nothing.
type silence struct {
	of     *record
	follow bool
}

// Next implements task.Log.
func (s silence) Next(ctx context.Context) (task.Line, error) {
	if s.follow {
		select {
		case <-s.of.done:
		case <-ctx.Done():
			return task.Line{}, ctx.Err()
		}
	}
	return task.Line{}, io.EOF
}

// Position implements task.Log.
func (s silence) Position() string { return "" }

// Close implements task.Log.
func (s silence) Close() error { return nil }
