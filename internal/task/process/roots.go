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
	"syscall"

	"flyball/internal/image"
	"flyball/internal/task/launch/rootfs"
)

// A rooting is a way to give containers the files of their images.
type rooting struct {
	namespaces bool // in a root of their own; else programs run where the image is kept
	user       bool // as the one user of a user namespace, who is the server's
	overlay    bool // on top of the image; else each has a copy
}

// rootings are all ways, the best first. All but the last may not be permitted.
var rootings = []rooting{
	{namespaces: true, overlay: true},
	{namespaces: true},
	{namespaces: true, user: true, overlay: true},
	{namespaces: true, user: true},
	{},
}

// roots finds out which way this machine permits, when it first has to be known.
type roots struct {
	find func() rooting
}

// newRoots tries in directories that it makes by scratch.
func newRoots(scratch func() (string, error), log *slog.Logger) *roots {
	return &roots{sync.OnceValue(func() rooting {
		var why []error
		for _, r := range rootings {
			err := r.try(scratch)
			if err == nil {
				if len(why) > 0 {
					log.Info("images of tasks run "+r.String(), "reason", errors.Join(why...))
				}
				return r
			}
			why = append(why, err)
		}
		return rooting{}
	})}
}

// joined is whether other processes of a container join its first one by themselves.
func (r rooting) joined() bool { return r.namespaces && !r.user }

func (r rooting) String() string {
	switch {
	case !r.namespaces:
		return "without a root of their own, if they are one static program"
	case r.user && r.overlay:
		return "in user namespaces"
	case r.user:
		return "in user namespaces, each on a copy of the image"
	case r.overlay:
		return "in namespaces"
	}
	return "each on a copy of the image"
}

// try makes a root as it would be made for a container.
func (r rooting) try(scratch func() (string, error)) error {
	if !r.namespaces {
		return nil
	}
	if !r.user && os.Geteuid() != 0 {
		return errors.New("only root can do without user namespaces")
	}
	dir, err := scratch()
	if err != nil {
		return err
	}
	defer image.RemoveTree(dir) // or the next life does it
	const lower = "lower"
	if err := os.Mkdir(filepath.Join(dir, lower), 0o755); err != nil {
		return err
	}
	spec := rootfs.Spec{Try: true, InUser: r.user, Hostname: "try"}
	if r.overlay {
		spec.Lower = lower
	}
	cmd := exec.Command("/try")
	cmd.Dir, cmd.SysProcAttr = dir, r.attributes(image.User{})
	if err := makeRootDirs(dir, 0o755); err != nil {
		return err
	}
	return try(cmd, spec)
}

// makeRootDirs makes the directories that a root is made of. Seen through an overlay,
// the root has the mode of its upper directory.
func makeRootDirs(dir string, mode os.FileMode) error {
	for _, name := range []string{rootfs.Merged, rootfs.Upper, rootfs.Work} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			return err
		}
	}
	return os.Chmod(filepath.Join(dir, rootfs.Upper), mode)
}

// inNamespaces prepares a command that makes its root in a directory: of an image, for
// a user.
func (r rooting) inNamespaces(cmd *exec.Cmd, spec *rootfs.Spec, dir string, img *image.Image, user image.User) error {
	info, err := os.Stat(img.Root)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if err := makeRootDirs(dir, info.Mode().Perm()); err != nil {
		return err
	}
	spec.InUser = r.user
	if r.overlay {
		spec.Lower, err = filepath.Rel(dir, img.Root)
	} else {
		err = img.CopyTo(filepath.Join(dir, rootfs.Merged))
	}
	cmd.Dir, cmd.SysProcAttr = dir, r.attributes(user)
	return err
}

// unrooted prepares a command that runs where the image is kept: its program needs no
// other file.
func unrooted(ctx context.Context, argv []string, img *image.Image, workingDir string) (*exec.Cmd, error) {
	program, err := img.StaticProgram(argv[0])
	if err != nil {
		return nil, fmt.Errorf("this server has neither root's rights nor user namespaces to give an image a root of its own: %w", err)
	}
	cmd := exec.CommandContext(ctx, program, argv[1:]...)
	cmd.Args[0] = argv[0]
	if cmd.Dir, err = img.Path(workingDir); err != nil {
		return nil, fmt.Errorf("the working directory: %w", err)
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return cmd, nil
}
