//go:build !linux

package process

import (
	"errors"
	"os/exec"
	"syscall"

	"flyball/internal/image"
	"flyball/internal/task/launch/rootfs"
)

func (rooting) attributes(image.User) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func join(processID, *exec.Cmd, *rootfs.Spec) error { return errors.ErrUnsupported }

func startJoined(*exec.Cmd) error { return errors.ErrUnsupported }
