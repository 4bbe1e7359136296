package datafolder

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// ErrThere is returned when there is something in the place that a backup is to be put.
var ErrThere = errors.New("there is something in the folder already")

// Unpack writes what is in an archive of a backup into a folder that it makes, in one step:
// the folder is there when it is whole.
func Unpack(ctx context.Context, from io.Reader, dir string) error {
	if !vacant(dir) {
		return fmt.Errorf("%s: %w", dir, ErrThere)
	}
	return inOneStep(dir, func(made string) error {
		l, err := unpack(ctx, tar.NewReader(from), made)
		if err != nil {
			return err
		}
		content, err := json.MarshalIndent(l, "", "  ")
		return errors.Join(err, os.WriteFile(filepath.Join(made, listName), content, 0o600))
	})
}

// Restore puts a backup, which is an archive or a folder, into the place of a data folder.
// It is compared with its list and checked before. A folder that is there is kept under
// another name, which is returned, if replace says so, and else is an ErrThere. One that no
// server has kept its state in, such as somebody's home, is an ErrOther.
func Restore(ctx context.Context, backup, dir string, replace bool) (before string, err error) {
	if !replace && !vacant(dir) {
		return "", fmt.Errorf("%s: %w", dir, ErrThere)
	}
	if !vacant(dir) {
		if !ours(dir) {
			return "", fmt.Errorf("%s: %w", dir, ErrOther)
		}
		lock, err := Lock(dir)
		if errors.Is(err, ErrLocked) {
			err = fmt.Errorf("%w; stop the server first", err)
		}
		if err != nil {
			return "", err
		}
		defer lock.Close()
	}
	err = inOneStep(dir, func(made string) error {
		l, err := fetch(ctx, backup, made)
		if err != nil {
			return err
		}
		reports, err := Check(made)
		if err != nil {
			return err
		}
		for _, r := range reports {
			for _, f := range r.Found {
				return fmt.Errorf("the backup is damaged, so nothing is restored: %s; restore another one", place(made, f))
			}
		}
		if l.Folders == nil {
			if err := makeNoted(made); err != nil {
				return err
			}
		}
		if vacant(dir) {
			return nil
		}
		before = dir + ".before-" + time.Now().UTC().Format("20060102T150405Z")
		if err = os.Rename(dir, before); errors.Is(err, syscall.EBUSY) {
			before = ""
			return mounted(dir)
		}
		return err
	})
	return before, err
}

// vacant tells whether a folder is empty or not there.
func vacant(dir string) bool {
	entries, err := os.ReadDir(dir)
	return errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0
}

// restoring is in the names of folders that are being filled.
const restoring = ".restoring-"

// inOneStep has a function fill a folder, and gives it its name then. What a kill has left
// of another try is removed.
func inOneStep(dir string, fill func(made string) error) error {
	dir = filepath.Clean(dir)
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		return err
	}
	left, err := filepath.Glob(dir + restoring + "*")
	if err != nil {
		return err
	}
	for _, path := range left {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	made, err := os.MkdirTemp(filepath.Dir(dir), filepath.Base(dir)+restoring)
	if err != nil {
		return err
	}
	defer os.RemoveAll(made) // it has another name if all went well
	if err := fill(made); err != nil {
		return err
	}
	if err := syncAll(made); err != nil {
		return err
	}
	if err := os.Remove(dir); errors.Is(err, syscall.EBUSY) { // an empty one; the renaming tells what else is there
		return mounted(dir)
	}
	return errors.Join(os.Rename(made, dir), syncFolder(filepath.Dir(dir)))
}

// mounted refuses a folder that no other can be put in the place of.
func mounted(dir string) error {
	return fmt.Errorf("%s is where a volume is mounted, and cannot be replaced as a whole: give a folder in it, such as %s, and serve with that",
		dir, filepath.Join(dir, "flyball"))
}

// fetch brings the files of a backup into a folder, compared with their list.
func fetch(ctx context.Context, backup, made string) (l list, err error) {
	info, err := os.Stat(backup)
	if err != nil {
		return l, err
	}
	if !info.IsDir() {
		from, err := os.Open(backup)
		if err != nil {
			return l, err
		}
		defer from.Close()
		return unpack(ctx, tar.NewReader(from), made)
	}
	content, err := os.ReadFile(filepath.Join(backup, listName))
	if err != nil {
		return l, fmt.Errorf("%s is not a backup that is whole: %w", backup, err)
	}
	if l, err = readList(content); err != nil {
		return l, fmt.Errorf("%s: %w", backup, err)
	}
	for name, want := range l.Files {
		if ctx.Err() != nil {
			return l, ctx.Err()
		}
		in, err := os.Open(filepath.Join(backup, filepath.FromSlash(name)))
		if err != nil {
			return l, err
		}
		sum, err := put(in, made, name)
		if err := errors.Join(err, in.Close()); err != nil {
			return l, err
		}
		if sum != want {
			return l, fmt.Errorf("the backup is damaged: %s is not what was written; restore another one", name)
		}
	}
	return l, makeFolders(made, l.Folders)
}

// makeNoted makes the folders that the server of a backup had, for one whose list does not name
// them: its files are all there, so those without a file were empty.
func makeNoted(made string) error {
	noted, err := notedIn(made)
	if err != nil {
		return err
	}
	noted = slices.DeleteFunc(noted, func(name string) bool { return !filepath.IsLocal(filepath.FromSlash(name)) })
	return makeFolders(made, noted)
}

// makeFolders makes the folders of a backup, of which some have no file.
func makeFolders(made string, names []string) error {
	for _, name := range names {
		if err := os.MkdirAll(filepath.Join(made, filepath.FromSlash(name)), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// ErrNoBackup is returned for an archive or a folder that no backup has been finished in.
var ErrNoBackup = errors.New("it is not a backup that is whole: its list of files is not there, or cannot be read")

func readList(content []byte) (l list, err error) {
	if err := json.Unmarshal(content, &l); err != nil || l.Format == 0 {
		return l, ErrNoBackup
	}
	if l.Format > 1 {
		return l, fmt.Errorf("the backup has format %d, and this flyball knows formats up to 1; use the release that made it, or a later one", l.Format)
	}
	for _, name := range slices.AppendSeq(l.Folders[:len(l.Folders):len(l.Folders)], maps.Keys(l.Files)) {
		if !filepath.IsLocal(filepath.FromSlash(name)) {
			return l, fmt.Errorf("the name %q leads out of the backup", name)
		}
	}
	return l, nil
}

// Watch returns a reader of an archive that is to be read to its end, and what tells then what is damaged in
// the backup by its own list.
func Watch(archive io.Reader) (same io.Reader, damaged func() ([]string, error)) {
	from, to := io.Pipe()
	type found struct {
		list
		err error
	}
	done := make(chan found, 1)
	go func() {
		l, err := findList(tar.NewReader(from))
		_, _ = io.Copy(io.Discard, from) // or whoever reads would wait for this
		done <- found{l, err}
	}()
	return io.TeeReader(archive, to), func() ([]string, error) {
		to.Close()
		f := <-done
		if f.err == nil && f.Damaged == nil {
			return nil, fmt.Errorf("the backup is made, but not whether it is whole: %s", cmp.Or(f.Unchecked, "the server is of a release that does not look"))
		}
		return f.Damaged, f.err
	}
}

// findList reads the list of an archive, past all else.
func findList(archive *tar.Reader) (list, error) {
	for {
		h, err := archive.Next()
		if err != nil {
			return list{}, ErrNoBackup
		}
		if h.Name == listName {
			return readListFrom(archive)
		}
	}
}

// readListFrom reads the list where an archive has it.
func readListFrom(archive io.Reader) (list, error) {
	content, err := io.ReadAll(io.LimitReader(archive, 1<<30))
	if err != nil {
		return list{}, fmt.Errorf("read the backup: %w", err)
	}
	return readList(content)
}

// unpack reads an archive to its end and compares it with its list.
func unpack(ctx context.Context, archive *tar.Reader, made string) (l list, err error) {
	sums := map[string]string{}
	for {
		if ctx.Err() != nil {
			return l, ctx.Err()
		}
		h, err := archive.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrHeader) {
			return l, ErrNoBackup
		}
		if err != nil {
			return l, fmt.Errorf("read the backup: %w", err)
		}
		if h.Name == listName {
			break
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(filepath.FromSlash(h.Name)) {
			return l, fmt.Errorf("the backup has an entry %q that does not belong into one", h.Name)
		}
		sums[h.Name], err = put(archive, made, h.Name)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return l, ErrNoBackup
		}
		if err != nil {
			return l, fmt.Errorf("read the backup: %w", err)
		}
	}
	if l, err = readListFrom(archive); err != nil {
		return l, err
	}
	for name, want := range l.Files {
		if sums[name] != want {
			return l, fmt.Errorf("the backup is damaged: %s is not what was written; restore another one", name)
		}
	}
	if len(sums) != len(l.Files) {
		return l, errors.New("the backup is damaged: it has files that are not in its list; restore another one")
	}
	return l, makeFolders(made, l.Folders)
}

// put writes a file, and returns its SHA-256.
func put(from io.Reader, made, name string) (sum string, err error) {
	to := filepath.Join(made, filepath.FromSlash(path.Clean(name)))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return "", err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), from)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, out.Close())
}

// syncAll has a folder on disk with all that is in it.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() && !entry.Type().IsRegular() {
			return err
		}
		return syncFolder(path)
	})
}

// syncFolder returns when a file or the names in a folder are on disk.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
