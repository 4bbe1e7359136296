//go:build !linux

package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
)

// supervise runs a command. What is left of what it has started can be found on Linux only.
func supervise(ctx context.Context, cmd *exec.Cmd) (code int, err error) {
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(os.Interrupt) })()
	err = cmd.Wait()
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return exit.ExitCode(), nil
	}
	return 0, err
}

// sweep has nothing to do: control groups and bridges are Linux's.
func sweep(string) error { return nil }
