package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// A tree is the root file system of an image in a directory. What layers have put
// there may be hostile: names are looked up as a process would that has the tree for
// its root, so that no link leads out of it.
type tree struct {
	root    *os.File
	path    string // its canonical path
	longest int    // how long a path in it may be

	// The directory that was looked up last: entries of a layer come directory by
	// directory.
	dir    string
	parent directory
}

// A directory is one of a tree, open.
type directory struct {
	fd   int
	path string // within the tree, without links; "" is the root
}

func openTree(dir string, longest int) (*tree, error) {
	root, err := os.OpenFile(dir, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	t := &tree{root: root, longest: longest, parent: directory{fd: -1}}
	if t.path, err = os.Readlink(fdPath(int(root.Fd()))); err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return t, nil
}

func (t *tree) close() {
	t.forget()
	t.root.Close()
}

func fdPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }

// look opens a file of the tree.
func (t *tree) look(name string, flags uint64) (int, error) {
	if name == "" {
		name = "."
	}
	for {
		fd, err := unix.Openat2(int(t.root.Fd()), name, &unix.OpenHow{
			Flags:   flags | unix.O_CLOEXEC,
			Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS,
		})
		if err != unix.EINTR && err != unix.EAGAIN {
			return fd, err
		}
	}
}

// directory opens a directory for what is to be done in it. It is open until the
// next call of directory or forget.
func (t *tree) directory(name string) (directory, error) {
	if t.parent.fd >= 0 && t.dir == name {
		return t.parent, nil
	}
	t.forget()
	fd, err := t.look(name, unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return directory{}, err
	}
	real, err := os.Readlink(fdPath(fd))
	if err != nil {
		return directory{}, errors.Join(err, unix.Close(fd))
	}
	t.dir = name
	t.parent = directory{fd, strings.TrimPrefix(strings.TrimPrefix(real, t.path), "/")}
	return t.parent, nil
}

// makeDirectory is directory for one that may have to be made, and those above it.
func (t *tree) makeDirectory(name string) (directory, error) {
	dir, err := t.directory(name)
	if !errors.Is(err, unix.ENOENT) || name == "" {
		return dir, err
	}
	above, base := split(name)
	dir, err = t.makeDirectory(above)
	if err != nil {
		return dir, err
	}
	if _, err := t.at(dir, base); err != nil {
		return directory{}, err
	}
	if err := unix.Mkdirat(dir.fd, base, 0o755); err != nil {
		return directory{}, err // EEXIST is of a link that leads nowhere
	}
	if err := unix.Fchmodat(dir.fd, base, 0o755, 0); err != nil { // whatever the server's mask is
		return directory{}, err
	}
	return t.directory(name)
}

// at is the path of what has a name in a directory.
func (t *tree) at(dir directory, name string) (string, error) {
	full := path.Join(dir.path, name)
	return full, within("bytes in a path", int64(len(full)), int64(t.longest))
}

// forget closes the directory that was looked up last. What it is may have changed.
func (t *tree) forget() {
	if t.parent.fd >= 0 {
		_ = unix.Close(t.parent.fd) // which was only read
		t.parent.fd = -1
	}
}

// remove removes what has a name in a directory, with all that is in it. Where keep
// says so of a path in the tree, it stays, and so do the directories above it.
func (t *tree) remove(dir directory, name string, keep func(path string) bool) error {
	if keep(path.Join(dir.path, name)) {
		return t.removeIn(dir, name, keep)
	}
	err := unix.Unlinkat(dir.fd, name, 0)
	if err != unix.EISDIR && err != unix.EPERM { // the latter is POSIX's
		return ignore(err, unix.ENOENT)
	}
	if err := t.removeIn(dir, name, keep); err != nil {
		return err
	}
	return unix.Unlinkat(dir.fd, name, unix.AT_REMOVEDIR)
}

// removeIn removes what is in a directory of a directory, if it is one.
func (t *tree) removeIn(dir directory, name string, keep func(path string) bool) error {
	fd, err := unix.Openat(dir.fd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return ignore(err, unix.ENOTDIR, unix.ELOOP, unix.ENOENT)
	}
	below := os.NewFile(uintptr(fd), name)
	defer below.Close()
	names, err := below.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, child := range names {
		if err := t.remove(directory{fd, path.Join(dir.path, name)}, child, keep); err != nil {
			return err
		}
	}
	return nil
}

func ignore(err error, those ...error) error {
	for _, e := range those {
		if errors.Is(err, e) {
			return nil
		}
	}
	return err
}

// read reads a small file of the tree.
func (t *tree) read(name string, most int64) ([]byte, error) {
	fd, err := t.look(name, unix.O_RDONLY|unix.O_NONBLOCK) // it may be a FIFO
	if err != nil {
		return nil, err
	}
	file := os.NewFile(uintptr(fd), name)
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > most {
		return nil, fmt.Errorf("%s is no file of at most %d bytes", name, most)
	}
	return io.ReadAll(io.LimitReader(file, most))
}

// split splits a clean path into its directory, "" being the root, and its name.
func split(name string) (dir, base string) {
	dir, base = path.Split(name)
	return strings.TrimSuffix(dir, "/"), base
}

// readInTree reads a small file of an image.
func readInTree(dir, name string, most int64) ([]byte, error) {
	t, err := openTree(dir, unix.PathMax)
	if err != nil {
		return nil, err
	}
	defer t.close()
	return t.read(name, most)
}

// syncTree has the file system write down all that it has. A tree that is taken for
// whole would have empty files after a loss of power.
func syncTree(dir string) error {
	root, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	return unix.Syncfs(int(root.Fd()))
}

// pathInTree is the path of this machine that a path of an image leads to.
func pathInTree(dir, name string) (string, error) {
	t, err := openTree(dir, unix.PathMax)
	if err != nil {
		return "", err
	}
	defer t.close()
	fd, err := t.look(name, unix.O_PATH)
	if err != nil {
		return "", &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer unix.Close(fd)
	return os.Readlink(fdPath(fd))
}
