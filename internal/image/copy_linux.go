package image

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// CopyTo copies the image's files into an empty directory, as they are.
func (i *Image) CopyTo(dir string) error {
	c := copier{to: dir, from: i.Root, root: os.Geteuid() == 0, links: map[uint64]string{}}
	return filepath.WalkDir(i.Root, c.copy)
}

// A copier copies a tree that nobody changes.
type copier struct {
	from, to string
	root     bool              // may give files to other users
	links    map[uint64]string // the copies of files with several names
}

func (c *copier) copy(path string, entry fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	name, err := filepath.Rel(c.from, path)
	if err != nil {
		return err
	}
	info, err := entry.Info()
	if err != nil {
		return err
	}
	target := filepath.Join(c.to, name)
	stat := info.Sys().(*syscall.Stat_t)
	if first, is := c.links[stat.Ino]; is {
		return os.Link(first, target)
	}
	if stat.Nlink > 1 && !entry.IsDir() {
		c.links[stat.Ino] = target
	}
	if err := c.make(path, target, info); err != nil {
		return err
	}
	return c.describe(path, target, stat)
}

func (c *copier) make(path, target string, info fs.FileInfo) error {
	switch info.Mode().Type() {
	case 0:
		return copyFile(path, target)
	case fs.ModeDir:
		if target == c.to {
			return nil
		}
		return os.Mkdir(target, 0o700)
	case fs.ModeSymlink:
		to, err := os.Readlink(path)
		if err != nil {
			return err
		}
		return os.Symlink(to, target)
	case fs.ModeNamedPipe:
		return unix.Mkfifo(target, 0o600)
	}
	return nil // an image has nothing else
}

// copyFile leaves it to the kernel, which may let the two share their blocks.
func copyFile(path, target string) error {
	from, err := os.Open(path)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(target, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = to.ReadFrom(from)
	return errors.Join(err, to.Close())
}

// describe gives a copy the owner, mode, time and capabilities of what it is of.
func (c *copier) describe(path, target string, stat *syscall.Stat_t) error {
	if c.root {
		if err := os.Lchown(target, int(stat.Uid), int(stat.Gid)); err != nil {
			return err
		}
	}
	link := stat.Mode&unix.S_IFMT == unix.S_IFLNK
	if !link {
		if err := unix.Chmod(target, stat.Mode&0o7777); err != nil {
			return err
		}
		if err := c.attribute(path, target); err != nil {
			return err
		}
	}
	times := []unix.Timespec{{Sec: stat.Atim.Sec, Nsec: stat.Atim.Nsec}, {Sec: stat.Mtim.Sec, Nsec: stat.Mtim.Nsec}}
	return unix.UtimesNanoAt(unix.AT_FDCWD, target, times, unix.AT_SYMLINK_NOFOLLOW)
}

// attribute copies the extended attributes, which are few and small.
func (c *copier) attribute(path, target string) error {
	names := make([]byte, 64<<10)
	n, err := unix.Listxattr(path, names)
	if err != nil || n == 0 {
		return ignore(err, unix.ENOTSUP)
	}
	value := make([]byte, 64<<10)
	for name := range bytes.SplitSeq(bytes.TrimRight(names[:n], "\x00"), []byte{0}) {
		n, err := unix.Getxattr(path, string(name), value)
		if err != nil {
			return ignore(err, unix.ENODATA)
		}
		if err := unix.Setxattr(target, string(name), value[:n], 0); err != nil && !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.ENOTSUP) {
			return err
		}
	}
	return nil
}
