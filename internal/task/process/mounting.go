package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"flyball/internal/image"
	"flyball/internal/task/launch"
	"flyball/internal/task/launch/rootfs"
)

// mounting finds out how containers without an image are given mounts, when it first has
// to be known.
type mounting struct {
	find func() (rooting, error)
}

func newMounting(scratch func() (string, error), never bool, log *slog.Logger) *mounting {
	return &mounting{sync.OnceValues(func() (rooting, error) {
		if never {
			return rooting{}, errors.New("it is not to be")
		}
		var why []error
		for _, r := range []rooting{{namespaces: true}, {namespaces: true, user: true}} {
			err := r.tryMounts(scratch)
			if err == nil {
				return r, nil
			}
			why = append(why, err)
		}
		log.Warn("programs of this machine run among its other processes: they see and signal those of their user, the server's among them, since they cannot have namespaces", "reason", errors.Join(why...))
		return rooting{}, errors.Join(why...)
	})}
}

// Mounts says whether containers without an image can have mounts.
func (r *Runtime) Mounts() bool {
	_, err := r.mounting.find()
	return err == nil
}

// tryMounts gives a process a mount as it would be given to a container.
func (r rooting) tryMounts(scratch func() (string, error)) error {
	if !r.user && os.Geteuid() != 0 {
		return errors.New("only root can do without user namespaces")
	}
	dir, err := scratch()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // or the next life does it
	spec := rootfs.Spec{Try: true, Machine: true, InUser: r.user, Mounts: []rootfs.Mount{{Path: filepath.Dir(dir), Source: dir, Writable: true}}}
	cmd := exec.Command("/try")
	cmd.SysProcAttr = r.attributes(image.User{})
	return try(cmd, spec)
}

// try has a process become a part of a container, and end then.
func try(cmd *exec.Cmd, spec rootfs.Spec) error {
	waiting, err := launch.PrepareRooted(cmd, spec)
	if err != nil {
		return err
	}
	defer waiting.Close()
	if err := ours.start(cmd, cmd.Start); err != nil {
		return fmt.Errorf("making namespaces: %w", err)
	}
	defer ours.forget(cmd.Process.Pid)
	err = waiting.Ready()
	if err == nil {
		err = waiting.Proceed()
	}
	waiting.Close()
	return errors.Join(err, cmd.Wait())
}

// confined is a command of a container without an image: in namespaces of its own, or in
// those of the container's first process.
func (c *container) confined(ctx context.Context, how rooting, argv []string, joins bool) (*exec.Cmd, *launch.Launch, error) {
	user := image.User{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
	if id, err := credential(c.spec.User); err != nil && !how.user {
		return nil, nil, err
	} else if id != nil {
		user.UID, user.GID = id.Uid, id.Gid
	}
	env := c.environment()
	argv = expandAddress(argv, env)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Path, cmd.Err = argv[0], nil // it is among the mounts that it is looked for
	cmd.Env = env
	spec := rootfs.Spec{
		Machine: true, InUser: how.user, UID: user.UID, GID: user.GID, Limits: c.limits(),
		SharedNetwork: c.task.attachment.network() == networkLoopback,
	}
	var err error
	if spec.WorkingDir, err = filepath.Abs(c.spec.WorkingDir); err != nil {
		return nil, nil, err
	}
	if joins {
		err = join(c.first(), cmd, &spec)
	} else {
		cmd.SysProcAttr = how.attributes(user)
		c.task.runtime.doors.close(&spec, c.spec.Mounts)
	}
	if err != nil {
		return nil, nil, err
	}
	waiting, err := launch.PrepareRooted(cmd, spec)
	return cmd, waiting, err
}
