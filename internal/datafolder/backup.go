package datafolder

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flyball/internal/damage"
	"flyball/internal/disk"
	"flyball/internal/mark"
	"flyball/internal/store"
)

// A backup is an archive in the form of tar: the files of a data folder, and at its end a
// list of them, without which it is not whole. Left out are what a server makes again by
// itself, unpacked images, and what is of use to its own processes alone: tasks and the
// environments of functions.
const listName = "backup.json"

// A list is what is in a backup.
type list struct {
	Format int               // 1
	Made   time.Time         // when the moment was that it is of
	Files  map[string]string // SHA-256 by name

	// Damaged are the places where what was backed up is not what was written, in words. nil: it was
	// not checked, for the reason in Unchecked, or by an earlier release.
	Damaged   []string
	Unchecked string `json:",omitempty"`

	// Folders are also those without a file, which a server would miss. Earlier releases listed
	// none: nil.
	Folders []string
}

// appended are the folders whose files grow, kept are those whose files never change.
var (
	appended = []string{Deliveries, Queues, Logs}
	kept     = []string{Registry + "/blobs", Functions}
)

// scratch begins the names of folders that a backup is made in.
const scratch = "backup-"

// Sweep removes what a backup has left that a kill broke off.
func Sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, scratch+"*"))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

// A Live is a server that runs on a data folder.
type Live struct {
	State *store.SQLite
	Disk  *disk.Disk // that all who write to it share
}

// A Made backup is one that was written.
type Made struct {
	Waited    time.Duration // how long writers did
	Damaged   []string      // the places where it has not what was written, in words
	Unchecked error         // why these are not known; nil: they are
}

// Backup writes a backup of a data folder, whose lock the caller has, or has a server
// whose locks are given. Its writers wait while the files are linked into a folder beside
// them, which is a matter of milliseconds, and go on while they are copied. What was copied is
// checked as a restore checks it, which is told in the backup, too: it has what is damaged as well.
func Backup(ctx context.Context, dir string, live *Live, to io.Writer) (m Made, err error) {
	made, err := os.MkdirTemp(dir, scratch)
	if err != nil {
		return m, fmt.Errorf("make a backup: %w", err)
	}
	defer os.RemoveAll(made)
	at := time.Now().UTC()
	sizes := map[string]int64{}
	if live == nil {
		err = errors.Join(linkState(dir, made, sizes), linkAll(dir, made, appended, sizes))
	} else {
		m, err = live.freeze(ctx, dir, made, sizes)
	}
	if err == nil {
		err = linkAll(dir, made, kept, sizes)
	}
	if err != nil {
		return m, fmt.Errorf("make a backup: %w", err)
	}
	archive := tar.NewWriter(to)
	l, err := write(ctx, made, sizes, at, archive)
	if err != nil {
		return m, fmt.Errorf("write the backup: %w", err)
	}
	places := whole
	if live != nil {
		places = besideState // of which a copy was made and verified
	}
	damaged, err := damagedPlaces(ctx, made, places)
	switch {
	case ctx.Err() != nil:
		return m, ctx.Err()
	case err != nil:
		m.Unchecked, l.Unchecked = err, err.Error()
	default:
		m.Damaged = append(m.Damaged, damaged...)
		l.Damaged = append([]string{}, m.Damaged...)
	}
	return m, l.write(archive)
}

// damagedPlaces are those in some stores of a folder.
func damagedPlaces(ctx context.Context, dir string, in []kind) (places []string, err error) {
	for _, of := range in {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		r, err := of.look(dir)
		if err != nil {
			return nil, err
		}
		for _, f := range r.Found {
			places = append(places, place(dir, f))
		}
	}
	return places, nil
}

// place names a damaged place by its path below a folder.
func place(dir string, f damage.Finding) string {
	return fmt.Sprintf("%s: %s", strings.TrimPrefix(f.File, filepath.Clean(dir)+string(filepath.Separator)), f.Where)
}

// freeze links the files of one moment.
func (l *Live) freeze(ctx context.Context, dir, made string, sizes map[string]int64) (m Made, err error) {
	snapshot, err := l.State.Snapshot(ctx, Database(made))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	err = l.Disk.Still(func() error {
		began := time.Now()
		defer func() { m.Waited = time.Since(began) }()
		return errors.Join(snapshot.Begin(ctx), linkAll(dir, made, appended, sizes))
	})
	if err != nil {
		return m, err
	}
	if err := snapshot.Copy(ctx); err != nil {
		return m, err
	}
	wrong, err := snapshot.Verify(ctx)
	for _, text := range wrong {
		m.Damaged = append(m.Damaged, filepath.Base(Database(dir))+": "+text)
	}
	return m, err
}

// linkState links the files of the state that nobody has open.
func linkState(dir, made string, sizes map[string]int64) error {
	for _, path := range store.Files(Database(dir)) {
		if err := link(dir, made, filepath.Base(path), sizes); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// tries is how often a folder is looked through in which files come and go: a file of log
// events is removed once another one has taken its place.
const tries = 10

// linkAll links the files below some folders, and notes how long they are now.
func linkAll(dir, made string, folders []string, sizes map[string]int64) error {
	for _, folder := range folders {
		var err error
		for range tries {
			if err = linkFolder(dir, made, folder, sizes); !errors.Is(err, fs.ErrNotExist) {
				break
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cellDepth is how deep the folders of accounts and regions are. Those below come and go with
// what they are of.
const cellDepth = 2

func linkFolder(dir, made, folder string, sizes map[string]int64) error {
	if _, err := os.Stat(filepath.Join(dir, folder)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return filepath.WalkDir(filepath.Join(dir, folder), func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		switch {
		case err != nil:
			return err
		case unfinished(name) && entry.IsDir():
			return fs.SkipDir
		case entry.IsDir() && strings.Count(name, string(filepath.Separator)) <= cellDepth:
			return os.MkdirAll(filepath.Join(made, name), 0o700)
		case unfinished(name):
			return nil
		case entry.Type()&fs.ModeSymlink != 0:
			return fmt.Errorf("%s is a symbolic link, and the backup would lack what it leads to: put that itself into its place; to have the data elsewhere, link the whole folder", path)
		case !entry.Type().IsRegular():
			return nil
		}
		return link(dir, made, name, sizes)
	})
}

// unfinished tells whether a file or a folder is one that a server is just making, or one
// that it makes again by itself: what is unpacked of the code of functions.
func unfinished(name string) bool {
	base := filepath.Base(name)
	return strings.HasPrefix(base, "unfinished-") || strings.HasPrefix(base, "compact-") || strings.HasSuffix(base, ".new") ||
		strings.HasPrefix(name, Functions) && base == "task"
}

// link links a file, or copies it where it is written to in place or cannot be linked.
func link(dir, made, name string, sizes map[string]int64) error {
	from, to := filepath.Join(dir, name), filepath.Join(made, name)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	_ = os.Remove(to) // of a try before
	err := errors.ErrUnsupported
	if filepath.Base(name) != mark.FileName {
		err = os.Link(from, to)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		err = damage.Copy(from, to)
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(to)
	if err == nil {
		sizes[name] = info.Size()
	}
	return err
}

// write writes the files of a folder into an archive, each as long as it was.
func write(ctx context.Context, made string, sizes map[string]int64, at time.Time, archive *tar.Writer) (*list, error) {
	l := &list{Format: 1, Made: at, Files: map[string]string{}, Folders: []string{}}
	return l, filepath.WalkDir(made, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() && !entry.Type().IsRegular() {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		name, err := filepath.Rel(made, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != made {
				l.Folders = append(l.Folders, filepath.ToSlash(name))
			}
			return nil
		}
		size, known := sizes[name]
		if !known {
			info, err := entry.Info()
			if err != nil {
				return err
			}
			size = info.Size()
		}
		name = filepath.ToSlash(name)
		l.Files[name], err = writeFile(archive, path, name, size, at)
		return err
	})
}

// write writes the list, which ends an archive.
func (l *list) write(archive *tar.Writer) error {
	content, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(header(listName, int64(len(content)), l.Made)); err != nil {
		return err
	}
	_, err = archive.Write(content)
	return errors.Join(err, archive.Close())
}

func header(name string, size int64, at time.Time) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600, ModTime: at, Format: tar.FormatPAX}
}

func writeFile(archive *tar.Writer, path, name string, size int64, at time.Time) (sum string, err error) {
	in, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer in.Close()
	if err := archive.WriteHeader(header(name, size, at)); err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.CopyN(io.MultiWriter(archive, h), in, size)
	return hex.EncodeToString(h.Sum(nil)), err
}
