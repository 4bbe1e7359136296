package rootfs

import (
	"fmt"
	"os"
	"path"

	"golang.org/x/sys/unix"
)

// Enter makes the calling thread, which has to become a program next, a part of the
// container.
func (s Spec) Enter() error {
	if err := s.limit(); err != nil {
		return err
	}
	if s.Plain {
		return confineDescendants()
	}
	if !s.Writable {
		unix.Umask(0o022) // that of container engines, whatever the server's is
	}
	if err := s.enterFiles(); err != nil {
		return err
	}
	// As in container engines, a directory will do that is open to root, or to the user.
	entered := os.Chdir(s.workingDir())
	if err := s.become(); err != nil {
		return err
	}
	if entered != nil {
		entered = os.Chdir(s.workingDir())
	}
	if entered != nil {
		return fmt.Errorf("entering the working directory: %w", entered)
	}
	return confine()
}

// enterFiles gives the thread the files that the container has.
func (s Spec) enterFiles() error {
	switch {
	case s.Join:
		if err := join(); err != nil {
			return fmt.Errorf("entering the container: %w", err)
		}
		return nil
	case s.Machine:
		return s.seeMachine()
	}
	return s.makeRoot()
}

func (s Spec) workingDir() string { return path.Join("/", s.WorkingDir) }

// join enters the namespaces of a process of the container. The namespace of its
// processes was entered by whoever started this one.
func join() error {
	unix.CloseOnExec(JoinFile)
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // threads have one root among them
		return err
	}
	return unix.Setns(JoinFile, unix.CLONE_NEWNS|unix.CLONE_NEWUTS|unix.CLONE_NEWIPC|unix.CLONE_NEWNET|unix.CLONE_NEWCGROUP)
}

// makeRoot makes the container's root.
func (s Spec) makeRoot() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("parting from this machine's mounts: %w", err)
	}
	if err := s.mountRoot(); err != nil {
		return fmt.Errorf("mounting the image: %w", err)
	}
	devices := openDevices()
	old, err := enterRoot()
	if err != nil {
		return fmt.Errorf("entering the image: %w", err)
	}
	if err := s.mountKernel(devices); err != nil {
		return err
	}
	if err := leave(old, devices); err != nil {
		return fmt.Errorf("leaving this machine's root: %w", err)
	}
	if err := s.furnish(); err != nil {
		return err
	}
	if s.ReadOnly {
		if err := unix.Mount("", "/", "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|unix.MS_NODEV, ""); err != nil {
			return fmt.Errorf("making the root read-only: %w", err)
		}
	}
	return nil
}

// mountRoot mounts the root at Merged. Device nodes that a program makes there are of
// no use to it.
func (s Spec) mountRoot() error {
	if s.Lower == "" {
		if err := unix.Mount(Merged, Merged, "", unix.MS_BIND, ""); err != nil {
			return err
		}
		return unix.Mount("", Merged, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_NODEV, "")
	}
	options := "lowerdir=" + s.Lower + ",upperdir=" + Upper + ",workdir=" + Work
	if s.InUser {
		options += ",userxattr"
	}
	// What the container changes ends with it: nothing has to wait for the disk.
	if unix.Mount("overlay", Merged, "overlay", unix.MS_NODEV, options+",volatile") == nil {
		return nil
	}
	return unix.Mount("overlay", Merged, "overlay", unix.MS_NODEV, options) // before Linux 5.10
}

// enterRoot makes what is mounted at Merged the root. It returns the old root, which
// is still mounted.
func enterRoot() (old int, err error) {
	if old, err = unix.Open("/", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
		return 0, err
	}
	if err := os.Chdir(Merged); err != nil {
		return 0, err
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return 0, err
	}
	return old, os.Chdir("/")
}

// leave unmounts the old root and closes what is open of it: through /proc/self/fd a
// link of the image, or its working directory, would lead there.
func leave(old int, devices []device) error {
	if err := unix.Fchdir(old); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	for _, d := range devices {
		_ = unix.Close(d.fd) // which was not even read
	}
	return unix.Close(old)
}

// mountKernel mounts what the kernel gives a program to see. The old root still has to be
// there: a user namespace gets no /proc without one, and devices are from it.
func (s Spec) mountKernel(devices []device) error {
	if err := mountProc(); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	if err := s.mountDev(devices); err != nil {
		return fmt.Errorf("mounting /dev: %w", err)
	}
	if err := coverProc(); err != nil {
		return fmt.Errorf("covering parts of /proc: %w", err)
	}
	if !s.InUser {
		mountSys()
	}
	return nil
}

// furnish makes the files and the directory that a program expects beside the image's
// files. The image's links may lead anywhere in the container by now, and nowhere else.
func (s Spec) furnish() error {
	for _, file := range s.Files {
		if err := file.write(); err != nil {
			return fmt.Errorf("writing %s: %w", file.Path, err)
		}
	}
	if err := unix.Sethostname([]byte(s.Hostname)); err != nil {
		return fmt.Errorf("setting the host name: %w", err)
	}
	if err := os.MkdirAll(s.workingDir(), 0o755); err != nil {
		return fmt.Errorf("making the working directory: %w", err)
	}
	return nil
}

// write makes the file or replaces it. A link in its place may lead to where nothing
// is.
func (f File) write() error {
	if err := os.MkdirAll(path.Dir(f.Path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(f.Path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(f.Path, []byte(f.Text), 0o644)
}
