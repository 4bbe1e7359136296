package image

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// An unpacker makes the tree of an image from its layers, the lowest first.
//
// Device nodes are left out: a container has those that it is given. As root, files
// belong to whom the layers say. Others cannot give files away: all is theirs, without
// set-user-ID bits, and readable and writable for them, or they could not remove it.
type unpacker struct {
	tree   *tree
	limits Limits
	root   bool

	entries int
	bytes   int64 // of files
	streams int64 // of layers

	// made are the paths that the layer has made so far, and those of the directories
	// above: its whiteouts are not for these. The whiteouts that it had are among them.
	made map[pathHash]struct{}
}

// A pathHash stands for a path that may be long.
type pathHash [16]byte

func hashOf(path string) pathHash {
	sum := sha256.Sum256([]byte(path))
	return pathHash(sum[:16])
}

// newUnpacker unpacks into an empty directory.
func newUnpacker(dir string, limits Limits) (*unpacker, error) {
	tree, err := openTree(dir, limits.Path)
	if err != nil {
		return nil, err
	}
	return &unpacker{tree: tree, limits: limits, root: os.Geteuid() == 0}, nil
}

func (u *unpacker) close() { u.tree.close() }

// apply unpacks a layer on top of those before it.
func (u *unpacker) apply(r io.Reader) error {
	u.made = map[pathHash]struct{}{}
	files := tar.NewReader(&counted{r, u})
	for {
		header, err := files.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		u.entries++
		if err := within("entries", int64(u.entries), int64(u.limits.Entries)); err != nil {
			return err
		}
		if err := u.entry(header, files); err != nil {
			return fmt.Errorf("unpacking %q: %w", header.Name, err)
		}
	}
}

// counted counts what is read of all layers of an image together.
type counted struct {
	from io.Reader
	by   *unpacker
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.by.streams += int64(n)
	if limit := within("bytes", c.by.streams, c.by.limits.Bytes); limit != nil {
		return 0, limit
	}
	return n, err
}

// errEscapes is of a name that leads out of the image.
var errEscapes = errors.New("the name leads out of the image")

// cleanName is the name of an entry as a path in the tree; "" is the root.
func cleanName(name string) (string, error) {
	if strings.IndexByte(name, 0) >= 0 {
		return "", errors.New("the name has a zero byte")
	}
	name = path.Clean(strings.TrimLeft(name, "/"))
	if name == ".." || strings.HasPrefix(name, "../") {
		return "", errEscapes
	}
	if name == "." {
		return "", nil
	}
	return name, nil
}

// The names that take something away from the layers below.
const (
	whiteout       = ".wh."         // before the name of what is gone
	opaque         = ".wh..wh..opq" // all that was in the directory
	whiteoutsOwner = ".wh..wh."     // before the names of what AUFS kept for itself
)

func (u *unpacker) entry(header *tar.Header, content io.Reader) error {
	name, err := cleanName(header.Name)
	if err != nil {
		return err
	}
	dir, base := split(name)
	switch {
	case header.Typeflag == tar.TypeXGlobalHeader:
		return nil
	case name == "":
		return u.describeRoot(header)
	case strings.HasPrefix(base, whiteout):
		return u.whiteOut(dir, base)
	}
	parent, err := u.tree.makeDirectory(dir)
	if err != nil {
		return err
	}
	at, err := u.tree.at(parent, base)
	if err != nil {
		return err
	}
	if err := u.make(parent, base, header, content); err != nil {
		return err
	}
	u.note(at)
	return nil
}

// note notes that the layer has made a path.
func (u *unpacker) note(at string) {
	for ; at != ""; at, _ = split(at) {
		hash := hashOf(at)
		if _, known := u.made[hash]; known {
			return
		}
		u.made[hash] = struct{}{}
	}
}

func (u *unpacker) noted(at string) bool {
	_, made := u.made[hashOf(at)]
	return made
}

func (u *unpacker) whiteOut(dir, base string) error {
	gone := strings.TrimPrefix(base, whiteout)
	switch {
	case base == opaque:
	case strings.HasPrefix(base, whiteoutsOwner):
		return nil
	case gone == "" || gone == "." || gone == "..":
		return errEscapes
	}
	parent, err := u.tree.directory(dir)
	if err != nil {
		return ignore(err, unix.ENOENT, unix.ENOTDIR)
	}
	// Once is enough: what is there afterwards is of this layer. To look through a large
	// directory for each of many whiteouts would take days.
	hash := hashOf(path.Join(parent.path, base))
	if _, done := u.made[hash]; done {
		return nil
	}
	u.made[hash] = struct{}{}
	if base != opaque {
		return u.tree.remove(parent, gone, u.noted)
	}
	above, name := split(parent.path)
	if name == "" {
		name = "." // the root, of which nothing is above
	}
	if parent, err = u.tree.directory(above); err != nil {
		return err
	}
	return u.tree.removeIn(parent, name, u.noted)
}

// make makes an entry in a directory, in the place of what was there.
func (u *unpacker) make(parent directory, base string, header *tar.Header, content io.Reader) error {
	switch header.Typeflag {
	case tar.TypeChar, tar.TypeBlock:
		return nil
	case tar.TypeLink:
		return u.makeLink(parent, base, header)
	case tar.TypeDir:
		return u.makeDirectory(parent, base, header)
	}
	if err := u.makeRoom(parent, base); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse:
		return u.makeFile(parent, base, header, content)
	case tar.TypeSymlink:
		if err := unix.Symlinkat(header.Linkname, parent.fd, base); err != nil {
			return err
		}
		return u.describe(parent, base, header, false)
	case tar.TypeFifo:
		if err := unix.Mknodat(parent.fd, base, unix.S_IFIFO|0o600, 0); err != nil {
			return err
		}
		return u.describe(parent, base, header, true)
	}
	return fmt.Errorf("entries of type %q are not known", header.Typeflag)
}

// makeRoom removes what has a name, whichever layer it is of.
func (u *unpacker) makeRoom(parent directory, base string) error {
	return u.tree.remove(parent, base, func(string) bool { return false })
}

// makeDirectory leaves what is in a directory of the layers below.
func (u *unpacker) makeDirectory(parent directory, base string, header *tar.Header) error {
	var found unix.Stat_t
	err := unix.Fstatat(parent.fd, base, &found, unix.AT_SYMLINK_NOFOLLOW)
	if err == nil && found.Mode&unix.S_IFMT != unix.S_IFDIR {
		if err := u.makeRoom(parent, base); err != nil {
			return err
		}
		err = unix.ENOENT
	}
	if err == unix.ENOENT {
		err = unix.Mkdirat(parent.fd, base, 0o700)
	}
	if err != nil {
		return err
	}
	return u.describe(parent, base, header, true)
}

// makeLink makes a hard link to a file of this layer or of one below.
func (u *unpacker) makeLink(parent directory, base string, header *tar.Header) error {
	target, err := cleanName(header.Linkname)
	if err != nil {
		return err
	}
	dir, name := split(target)
	at, err := u.tree.look(dir, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return fmt.Errorf("its link to %q: %w", header.Linkname, err)
	}
	defer unix.Close(at)
	var from, to unix.Stat_t
	if err := unix.Fstatat(at, name, &from, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("its link to %q: %w", header.Linkname, err)
	}
	if unix.Fstatat(parent.fd, base, &to, unix.AT_SYMLINK_NOFOLLOW) == nil && to.Ino == from.Ino {
		return nil // it is that file already
	}
	if err := u.makeRoom(parent, base); err != nil {
		return err
	}
	return unix.Linkat(at, name, parent.fd, base, 0)
}

func (u *unpacker) makeFile(parent directory, base string, header *tar.Header, content io.Reader) error {
	// What a sparse file has is more than what its layer has of it.
	if err := within("bytes", u.bytes+header.Size, u.limits.Bytes); err != nil {
		return err
	}
	u.bytes += header.Size
	fd, err := unix.Openat(parent.fd, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	file := os.NewFile(uintptr(fd), base)
	_, err = io.Copy(file, content)
	return errors.Join(err, u.describeOpen(fd, header), file.Close())
}
