package main

import (
	"context"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"flyball/internal/trace"
	"flyball/sim"
)

// statusInterrupted is what a command ends with that a signal kept from what it was to print or to
// write: shells report the same of programs that SIGINT has ended.
const statusInterrupted = 130

// errInterrupted is why such a command has nothing to show.
var errInterrupted = errors.New("interrupted before the end")

// toTheEnd makes a command of one whose result is all that it is for: interrupted, it has failed. Servers, and
// commands that follow something until they are interrupted, have not.
func toTheEnd(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if err != nil && cmd.Context().Err() != nil {
			return errInterrupted
		}
		return err
	}
}

// unlessInterrupted does what reads and computes without an end of its own, such as reading the standard
// input or estimating a model, and returns as soon as the context ends. What is done goes on behind it until
// the program ends, so it may write nothing.
func unlessInterrupted(ctx context.Context, do func() error) error {
	done := make(chan error, 1)
	go func() { done <- do() }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errInterrupted
	}
}

// until is traffic that ends when the context does.
func until(ctx context.Context, traffic sim.Traffic) sim.Traffic {
	return func(yield func(sim.Minute) bool) {
		for m := range traffic {
			if ctx.Err() != nil || !yield(m) {
				return
			}
		}
	}
}

// openUntil opens a file to read, or the standard input, of which reads fail when the context ends, also
// those that wait.
func openUntil(ctx context.Context, path string, stdin io.Reader) (io.ReadCloser, error) {
	if path != "-" {
		return trace.Open(path, nil)
	}
	out, to := io.Pipe()
	context.AfterFunc(ctx, func() { _ = to.CloseWithError(errInterrupted) })
	go func() {
		_, err := io.Copy(to, stdin)
		_ = to.CloseWithError(err)
	}()
	return trace.Open(path, out)
}
