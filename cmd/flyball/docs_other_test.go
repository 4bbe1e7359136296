//go:build !linux

package main

import (
	"os/exec"
	"testing"
)

func ownNetwork() bool { return false }

func inItsOwnNetwork(t *testing.T, cmd *exec.Cmd) ([]byte, error) {
	requireFree(t)
	return cmd.CombinedOutput()
}
