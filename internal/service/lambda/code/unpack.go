package code

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"flyball/internal/disk"
)

// What a package cannot be.
var (
	ErrZipped   = errors.New("the package is too large")
	ErrUnzipped = errors.New("what is in the package is too large")
	ErrEmpty    = errors.New("the package is empty")
	ErrNoZip    = errors.New("the package is no zip file")
)

// An Error is what else is wrong with code, for its user.
type Error struct{ text string }

func (e *Error) Error() string { return e.text }

// Bounds that AWS does not tell: of names, and of the links among them.
const (
	maxEntries = 100_000
	maxLink    = 4 << 10
)

// unpack writes what is in a package into a folder that it makes. Nothing is written
// outside of that, whatever the package says.
func unpack(zipped []byte, folder string) error {
	entries, err := read(zipped)
	if err != nil {
		return err
	}
	if err := os.Mkdir(folder, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	left := int64(MaxUnzipped)
	for _, e := range entries {
		written, err := write(root, e, left)
		if err != nil {
			return err
		}
		left -= written
	}
	return open(root)
}

// open lets all users into the folders of a package, whatever mask the server has: functions run as one of their own.
func open(root *os.Root) error {
	return fs.WalkDir(root.FS(), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			return err
		}
		return root.Chmod(name, 0o755)
	})
}

// read is what is in a package, each with a name that can be one.
func read(zipped []byte) ([]*zip.File, error) {
	r, err := zip.NewReader(bytes.NewReader(zipped), int64(len(zipped)))
	switch {
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return nil, ErrNoZip
	case len(r.File) == 0:
		return nil, ErrEmpty
	case len(r.File) > maxEntries:
		return nil, &Error{fmt.Sprintf("the package has %d files, more than %d", len(r.File), maxEntries)}
	}
	size, links := uint64(0), map[string]bool{}
	for _, e := range r.File {
		if size += e.UncompressedSize64; size > MaxUnzipped || e.UncompressedSize64 > MaxUnzipped {
			return nil, ErrUnzipped
		}
		if !fs.ValidPath(nameOf(e)) || strings.Contains(e.Name, "\x00") {
			return nil, &Error{fmt.Sprintf("the name %q cannot be in a package", e.Name)}
		}
		links[nameOf(e)] = links[nameOf(e)] || e.Mode()&fs.ModeSymlink != 0
	}
	for _, e := range r.File {
		if below := linkAbove(links, nameOf(e)); below != "" {
			return nil, &Error{fmt.Sprintf("the name %q is below that of a link", e.Name)}
		}
	}
	return r.File, nil
}

// linkAbove is the link that a name is below of, if there is one: what is there would be
// elsewhere than its name says.
func linkAbove(links map[string]bool, name string) string {
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		if links[above] {
			return above
		}
	}
	return ""
}

// nameOf is the name of a file or a folder in a package.
func nameOf(e *zip.File) string {
	name := strings.TrimSuffix(e.Name, "/")
	if name == "." {
		return name
	}
	return strings.TrimPrefix(name, "./")
}

// write writes a file, a folder or a link of a package, of which so many bytes may still
// be written, and tells how many it has.
func write(root *os.Root, e *zip.File, left int64) (written int64, err error) {
	name := nameOf(e)
	mode := e.Mode()
	if strings.HasSuffix(e.Name, "/") || mode.IsDir() {
		return 0, inPackage(e, root.MkdirAll(name, 0o755))
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return 0, inPackage(e, err)
	}
	switch {
	case mode&fs.ModeSymlink != 0:
		return 0, link(root, e, name)
	case !mode.IsRegular():
		return 0, &Error{fmt.Sprintf("%s is neither a file nor a folder nor a link", e.Name)}
	}
	return writeFile(root, e, name, left)
}

// inPackage is an error that what is in a package has brought about.
func inPackage(e *zip.File, err error) error {
	if err == nil || disk.Lacks(err) {
		return err
	}
	return &Error{fmt.Sprintf("%s cannot be unpacked: %v", e.Name, err)}
}

func writeFile(root *os.Root, e *zip.File, name string, left int64) (written int64, err error) {
	content, err := e.Open()
	if err != nil {
		return 0, ErrNoZip
	}
	defer content.Close()
	permissions := fs.FileMode(0o644)
	if e.Mode()&0o111 != 0 {
		permissions = 0o755
	}
	_ = root.Remove(name) // of two files with a name the second one stays
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, permissions)
	if err != nil {
		return 0, inPackage(e, err)
	}
	defer f.Close()
	if err := f.Chmod(permissions); err != nil { // whatever mask the server has
		return 0, inPackage(e, err)
	}
	written, err = io.Copy(f, io.LimitReader(content, left+1))
	switch {
	case written > left:
		return written, ErrUnzipped
	case errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrChecksum), errors.Is(err, io.ErrUnexpectedEOF), errors.As(err, new(flate.CorruptInputError)):
		return written, ErrNoZip
	case err != nil:
		return written, inPackage(e, err)
	}
	return written, f.Close()
}

// link makes a link to what is in the package, too.
func link(root *os.Root, e *zip.File, name string) error {
	to, err := target(e)
	if err != nil {
		return err
	}
	if inside := path.Join(path.Dir(name), to); path.IsAbs(to) || inside == ".." || strings.HasPrefix(inside, "../") {
		return &Error{fmt.Sprintf("the link %s leads outside of the package", e.Name)}
	}
	_ = root.Remove(name)
	return inPackage(e, root.Symlink(to, name))
}

// target is where a link of a package leads.
func target(e *zip.File) (string, error) {
	content, err := e.Open()
	if err != nil {
		return "", ErrNoZip
	}
	defer content.Close()
	to, err := io.ReadAll(io.LimitReader(content, maxLink+1))
	if err != nil || len(to) == 0 || len(to) > maxLink || bytes.IndexByte(to, 0) >= 0 {
		return "", &Error{fmt.Sprintf("%s is a link without a target", e.Name)}
	}
	return string(to), nil
}

// isWhole tells whether what is in a package is in a folder.
func isWhole(zipped []byte, folder string) bool {
	entries, err := read(zipped)
	if err != nil {
		return false
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return false
	}
	defer root.Close()
	for _, e := range entries {
		if !isThere(root, e) {
			return false
		}
	}
	return true
}

// isThere tells whether a file of a package is in a folder with all that is in it.
func isThere(root *os.Root, e *zip.File) bool {
	info, err := root.Lstat(nameOf(e))
	switch {
	case err != nil:
		return false
	case info.Mode()&fs.ModeSymlink != 0:
		to, err := root.Readlink(nameOf(e))
		want, wrong := target(e)
		return err == nil && wrong == nil && to == want
	case !info.Mode().IsRegular():
		return true
	}
	f, err := root.Open(nameOf(e))
	if err != nil {
		return false
	}
	defer f.Close()
	sum := crc32.NewIEEE()
	if _, err := io.Copy(sum, f); err != nil {
		return false
	}
	return sum.Sum32() == e.CRC32
}
