// Package code keeps the code of functions: packages that were uploaded, each once by its
// digest, and folders of this machine, which are only named.
//
//	ref, release, err := store.Put(zip)
//	... a row that names ref is stored ...
//	release()
//	folder, err := store.Path(ref) // where it is unpacked
//
// A package is on disk when Put returns. Sweep removes those that nothing names.
package code

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"flyball/internal/damage"
	"flyball/internal/disk"
)

// Sizes in bytes that a package can have ("Lambda quotas").
const (
	MaxZipped   = 50 << 20
	MaxUnzipped = 250 << 20
)

// FolderBucket is the S3Bucket of functions whose code is a folder, whose path is the
// S3Key.
const FolderBucket = "flyball:folder"

// A Reference names code.
type Reference struct {
	Digest string // the SHA-256 of a package, in hexadecimal digits
	Size   int64  // of the package in bytes
	Folder string // or the folder that the code is in
}

// SHA256 is the digest as Lambda tells it. Of a folder it is that of its path.
func (r Reference) SHA256() string {
	sum, err := hex.DecodeString(r.Digest)
	if r.Folder != "" || err != nil {
		path := sha256.Sum256([]byte(r.Folder))
		sum = path[:]
	}
	return base64.StdEncoding.EncodeToString(sum)
}

// Same tells whether two references name the same code. Nobody knows that of a folder.
func (r Reference) Same(other Reference) bool { return r == other && r.Folder == "" }

// Folder names the code in a folder.
func Folder(path string) (Reference, error) {
	if !filepath.IsAbs(path) {
		return Reference{}, &Error{fmt.Sprintf("the folder %q is not an absolute path", path)}
	}
	return Reference{Folder: filepath.Clean(path)}, isFolder(path)
}

func isFolder(path string) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil
	}
	return &Error{fmt.Sprintf("there is no folder %s", path)}
}

// A Store keeps packages in a folder. Its methods may be called concurrently.
type Store struct {
	Disk *disk.Disk // of the folder, set before packages come; nil always has room

	folder string
	log    *slog.Logger

	mu    sync.Mutex
	have  map[string]bool // digests of packages, and whether what was unpacked is known to be whole
	pins  map[string]int  // packages that a call is about to name, or that run
	trees sync.Mutex      // one tree at a time is checked
}

// A package has its file and its tree in a folder that bears its digest.
const (
	packageName = "package.zip"
	treeName    = "task"
	unfinished  = "unfinished-" // begins the names of folders that are being made or removed
)

// Open opens the packages in a folder, which is made when the first one comes.
func Open(folder string, log *slog.Logger) (*Store, error) {
	s := &Store{folder: folder, log: log, have: map[string]bool{}, pins: map[string]int{}}
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the code of functions: %w", err)
	}
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), unfinished):
			if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
				return nil, fmt.Errorf("remove what is left of a package: %w", err)
			}
		case len(e.Name()) == 2*sha256.Size:
			s.have[e.Name()] = false
		}
	}
	return s, nil
}

// Put keeps a package, once it is found to be one. It stays until release is called; by
// then something has to name it.
func (s *Store) Put(zipped []byte) (ref Reference, release func(), err error) {
	if len(zipped) > MaxZipped {
		return ref, nil, ErrZipped
	}
	sum := sha256.Sum256(zipped)
	ref = Reference{Digest: hex.EncodeToString(sum[:]), Size: int64(len(zipped))}
	release = s.pin(ref.Digest)
	if s.has(ref.Digest) {
		if s.holds(ref.Digest, zipped) {
			return ref, release, nil
		}
		s.giveUp(ref.Digest)
	}
	if err := s.add(ref.Digest, zipped); err != nil {
		release()
		return Reference{}, nil, err
	}
	return ref, release, nil
}

// Hold has code stay until release is called, if it is there: Path tells.
func (s *Store) Hold(ref Reference) (release func()) { return s.pin(ref.Digest) }

// pin has a package stay until the function that it returns is called.
func (s *Store) pin(digest string) (release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pins[digest]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.pins[digest]--; s.pins[digest] == 0 {
			delete(s.pins, digest)
		}
	})
}

func (s *Store) has(digest string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.have[digest]
	return ok
}

// add unpacks a package beside the others and gives both their name.
func (s *Store) add(digest string, zipped []byte) error {
	if err := os.MkdirAll(s.folder, 0o700); err != nil {
		return fmt.Errorf("make the folder of functions' code: %w", err)
	}
	made, err := os.MkdirTemp(s.folder, unfinished)
	if err != nil {
		return fmt.Errorf("keep a package: %w", err)
	}
	defer os.RemoveAll(made)
	if err := unpack(zipped, filepath.Join(made, treeName)); err != nil {
		return err
	}
	if err := writeSynced(filepath.Join(made, packageName), zipped); err != nil {
		return fmt.Errorf("keep a package: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.have[digest]; ok {
		return nil // another call was faster
	}
	if err := errors.Join(os.Rename(made, filepath.Join(s.folder, digest)), syncFolder(s.folder)); err != nil {
		return fmt.Errorf("keep a package: %w", err)
	}
	if err := s.Disk.Synced(filepath.Join(s.folder, digest, packageName), int64(len(zipped))); err != nil {
		return err
	}
	s.have[digest] = true
	return nil
}

// writeSynced writes a file that is on disk then.
func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close(), syncFolder(filepath.Dir(path)))
}

// syncFolder has the names in a folder on disk.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Path is the folder that code is in. What was unpacked before this start may not have
// reached the disk when the machine stopped, so it is compared with its package once.
func (s *Store) Path(ref Reference) (string, error) {
	if ref.Folder != "" {
		return ref.Folder, isFolder(ref.Folder)
	}
	tree := filepath.Join(s.folder, ref.Digest, treeName)
	s.trees.Lock()
	defer s.trees.Unlock()
	s.mu.Lock()
	whole, ok := s.have[ref.Digest]
	s.mu.Unlock()
	switch {
	case !ok:
		return "", fmt.Errorf("there is no package %s", ref.Digest)
	case whole:
		return tree, nil
	}
	if err := s.mend(ref.Digest, tree); err != nil {
		return "", fmt.Errorf("unpack package %s: %w", ref.Digest, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.have[ref.Digest]; ok {
		s.have[ref.Digest] = true
	}
	return tree, nil
}

// read reads a package. The error is a *damage.Error if it is not what was put.
func (s *Store) read(digest string) ([]byte, error) {
	path := filepath.Join(s.folder, digest, packageName)
	zipped, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && exists(filepath.Dir(path)) {
		return nil, s.lost(path, "it is gone")
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(zipped); hex.EncodeToString(sum[:]) != digest {
		return nil, s.lost(path, fmt.Sprintf("its %d bytes do not have the digest that its folder is named by", len(zipped)))
	}
	return zipped, nil
}

// lost tells that a package is not what was put.
func (s *Store) lost(path, where string) error {
	wrong := &damage.Error{File: path, Where: where, Remedy: "upload the code again, or restore a backup with flyball restore"}
	s.log.Error("the code of a function is lost", "error", wrong)
	return wrong
}

// holds tells whether the file of a package is what has come once more.
func (s *Store) holds(digest string, zipped []byte) bool {
	file, err := os.Open(filepath.Join(s.folder, digest, packageName))
	if err != nil {
		return false
	}
	defer file.Close()
	part := make([]byte, min(len(zipped)+1, 64<<10))
	for {
		n, err := file.Read(part)
		if !bytes.HasPrefix(zipped, part[:n]) {
			return false
		}
		zipped = zipped[n:]
		if err != nil {
			return err == io.EOF && len(zipped) == 0
		}
	}
}

// giveUp moves a package that is damaged out of the way of the same one that comes again.
func (s *Store) giveUp(digest string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := filepath.Join(s.folder, unfinished+digest)
	if os.Rename(filepath.Join(s.folder, digest), gone) == nil {
		delete(s.have, digest)
		_ = s.Disk.Removed(filepath.Join(s.folder, digest)) // the same comes again
		s.log.Info("the damaged code of a function was uploaded again, and is whole", "digest", digest)
		_ = os.RemoveAll(gone) // or the next start does it
	}
}

// mend unpacks a package again unless its tree is whole.
func (s *Store) mend(digest, tree string) error {
	zipped, err := s.read(digest)
	if err != nil {
		return err
	}
	if isWhole(zipped, tree) {
		return nil
	}
	if exists(tree) {
		s.log.Warn("the unpacked code of a function was not what is in its package, and is unpacked again", "folder", tree)
	}
	if err := os.RemoveAll(tree); err != nil {
		return err
	}
	return unpack(zipped, tree)
}

// Package is a package. The error is fs.ErrNotExist if there is none, and a *damage.Error
// if it is not what was put.
func (s *Store) Package(ref Reference) (io.ReadSeeker, error) {
	zipped, err := s.read(filepath.Base(ref.Digest))
	return bytes.NewReader(zipped), err
}

// Sweep removes the packages that nothing names. What it asks may not wait for this
// store.
func (s *Store) Sweep(used func(digest string) bool) error {
	var wrong []error
	for _, gone := range s.takeUnused(used) {
		wrong = append(wrong, os.RemoveAll(gone))
	}
	return errors.Join(wrong...)
}

// takeUnused takes the names of the packages that nothing names away from them.
func (s *Store) takeUnused(used func(digest string) bool) (folders []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for digest := range s.have {
		if s.pins[digest] > 0 || used(digest) {
			continue
		}
		gone := filepath.Join(s.folder, unfinished+digest)
		if os.Rename(filepath.Join(s.folder, digest), gone) == nil {
			delete(s.have, digest)
			_ = s.Disk.Removed(filepath.Join(s.folder, digest)) // or the next sweep does it
			folders = append(folders, gone)
		}
	}
	return folders
}
