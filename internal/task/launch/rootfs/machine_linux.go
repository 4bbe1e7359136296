package rootfs

import (
	"errors"
	"fmt"
	"os"
	"path"
	"strconv"

	"golang.org/x/sys/unix"
)

// seeMachine gives the process a view of this machine's files of its own: it can change
// none, unless it is to, and sees the folders that are mounted for it in the place of others.
func (s Spec) seeMachine() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("parting from this machine's mounts: %w", err)
	}
	sources := make([]int, len(s.Mounts)) // which a mount may hide from the next
	for i, m := range s.Mounts {
		var err error
		if sources[i], err = unix.Open(m.Source, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0); err != nil {
			return fmt.Errorf("opening %s: %w", m.Source, err)
		}
	}
	for _, m := range s.Mounts {
		if err := makePlace(m.Path); err != nil {
			return fmt.Errorf("making %s: %w", m.Path, err)
		}
	}
	if err := s.restrict(); err != nil {
		return err
	}
	for i, m := range s.Mounts {
		if err := m.mount(sources[i]); err != nil {
			return fmt.Errorf("mounting %s: %w", m.Path, err)
		}
	}
	if err := unix.Mount("proc", "/proc", "proc", quiet, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	return s.close()
}

// restrict takes rights to this machine's files away.
func (s Spec) restrict() error {
	attr := &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY | unix.MOUNT_ATTR_NOSUID}
	if s.Writable {
		attr.Attr_set = unix.MOUNT_ATTR_NOSUID
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, "/", unix.AT_RECURSIVE, attr); err != nil {
		return fmt.Errorf("restricting the use of this machine's files: %w", err)
	}
	return nil
}

// close closes the ways that lead from files out of the container: the kernel's own, such
// as cgroups and devices, which a user that is root could use, and those that are named.
func (s Spec) close() error {
	if !s.Writable {
		return nil // and what can be changed is the container's own
	}
	for _, name := range s.Hidden {
		if err := hide(name); err != nil && err != unix.ENOENT {
			return fmt.Errorf("hiding %s: %w", name, err)
		}
	}
	for _, name := range s.Protected {
		if err := preserve(name); err != nil && err != unix.ENOENT {
			return fmt.Errorf("protecting %s: %w", name, err)
		}
	}
	if err := preserve("/sys"); err != nil && err != unix.ENOENT {
		return fmt.Errorf("protecting /sys: %w", err)
	}
	if err := coverProc(); err != nil {
		return fmt.Errorf("covering parts of /proc: %w", err)
	}
	if s.InUser {
		return nil // whose devices are those that the user may use anyway
	}
	if err := s.mountDev(openDevices()); err != nil {
		return fmt.Errorf("mounting /dev: %w", err)
	}
	return nil
}

// preserve keeps a file, or a folder with all that is mounted there, from being changed.
func preserve(name string) error {
	if err := unix.Mount(name, name, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, name, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
}

// hide mounts nothing over a folder, or an empty file over another.
func hide(name string) error {
	var found unix.Stat_t
	if err := unix.Stat(name, &found); err != nil {
		return err
	}
	if found.Mode&unix.S_IFMT != unix.S_IFDIR {
		return unix.Mount("/dev/null", name, "", unix.MS_BIND, "")
	}
	return unix.Mount("tmpfs", name, "tmpfs", quiet|unix.MS_RDONLY, "size=4k,mode=555")
}

// mount mounts the folder that a file is open of.
func (m Mount) mount(source int) error {
	if err := bind(source, m.Path); err != nil || !m.Writable {
		return err
	}
	return unix.MountSetattr(unix.AT_FDCWD, m.Path, 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY, Attr_set: unix.MOUNT_ATTR_NODEV})
}

func bind(source int, at string) error {
	return unix.Mount("/proc/self/fd/"+strconv.Itoa(source), at, "", unix.MS_BIND|unix.MS_REC, "")
}

// makePlace makes a directory to mount on. If there is none, what is above it is covered
// first with a directory that has the same in it, so that this machine stays as it is.
func makePlace(name string) error {
	_, err := os.Stat(name)
	if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	above := path.Dir(name)
	var found unix.Statfs_t
	if err := unix.Statfs(above, &found); err != nil {
		return err
	}
	if found.Type != unix.TMPFS_MAGIC || !isOurs(above) {
		if err := cover(above); err != nil {
			return err
		}
	}
	return os.Mkdir(name, 0o755)
}

// coverMark is in directories that cover others, whose file systems end with the process.
const coverMark = ".flyball"

func isOurs(dir string) bool {
	_, err := os.Lstat(path.Join(dir, coverMark))
	return err == nil
}

// cover mounts a directory over another that shows the same.
func cover(dir string) error {
	old, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(old)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=1m"); err != nil {
		return err
	}
	for _, entry := range entries {
		if err := show(old, dir, entry); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return os.WriteFile(path.Join(dir, coverMark), nil, 0o444)
}

// show shows an entry of a directory in the one that covers it.
func show(old int, dir string, entry os.DirEntry) error {
	at, inOld := path.Join(dir, entry.Name()), fmt.Sprintf("/proc/self/fd/%d/%s", old, entry.Name())
	var err error
	switch {
	case entry.Type()&os.ModeSymlink != 0:
		target, err := os.Readlink(inOld)
		if err != nil {
			return err
		}
		return os.Symlink(target, at)
	case entry.IsDir():
		err = os.Mkdir(at, 0o755)
	default:
		err = os.WriteFile(at, nil, 0o644)
	}
	if err != nil {
		return err
	}
	return unix.Mount(inOld, at, "", unix.MS_BIND|unix.MS_REC, "")
}
