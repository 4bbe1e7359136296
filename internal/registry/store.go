package registry

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"flyball/internal/damage"
	"flyball/internal/disk"
)

// A Store keeps content in a folder, by digest and once for all who name it: layers,
// configurations and manifests. It knows nothing of who does; Sweep is told. Its
// methods may be called concurrently.
//
//	blobs/sha256/0f/0f3a...   content, complete and on disk
//	uploads/UUID              content that is coming in
type Store struct {
	Disk *disk.Disk // of the folder, set before content comes; nil always has room

	dir string
	log *slog.Logger

	mu      sync.Mutex
	sound   map[Digest]stamp // content that was compared with its digest
	pinned  map[Digest]int   // content that somebody is about to name
	unnamed map[Digest]bool  // what the last sweep found without a name, and nobody has pinned since
	uploads map[string]*Upload
}

// OpenStore opens the store in a folder, which is made if need be. Uploads of an
// earlier life are removed: nobody knows their state any more.
func OpenStore(dir string, log *slog.Logger) (*Store, error) {
	s := &Store{dir: dir, log: log, sound: map[Digest]stamp{}, pinned: map[Digest]int{}, unnamed: map[Digest]bool{}, uploads: map[string]*Upload{}}
	if err := os.RemoveAll(s.uploadsDir()); err != nil {
		return nil, fmt.Errorf("remove old uploads: %w", err)
	}
	for _, folder := range []string{s.uploadsDir(), s.blobsDir()} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("make the folder of the registry: %w", err)
		}
	}
	return s, errors.Join(syncFolder(dir), syncFolder(filepath.Join(dir, "blobs")))
}

func (s *Store) uploadsDir() string { return filepath.Join(s.dir, "uploads") }
func (s *Store) blobsDir() string   { return filepath.Join(s.dir, "blobs", "sha256") }

// path is where content is. The digits of a digest lead nowhere else.
func (s *Store) path(d Digest) string { return filepath.Join(s.blobsDir(), d.sum()[:2], d.sum()) }

// Open opens content that somebody names. The error is a *damage.Error if it is not what
// was put, and fs.ErrNotExist as well if it is gone.
func (s *Store) Open(d Digest) (*os.File, error) {
	file, err := s.open(d)
	return file, s.missed(d, err)
}

// open is Open for content that nobody need name.
func (s *Store) open(d Digest) (*os.File, error) {
	file, err := os.Open(s.path(d))
	if err != nil {
		return nil, err
	}
	if err := s.compare(file, d); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// Read reads content that is known to be small, such as a manifest.
func (s *Store) Read(d Digest) ([]byte, error) {
	content, err := os.ReadFile(s.path(d))
	if err == nil && DigestOf(content) != d {
		return nil, s.wrong(d, int64(len(content)))
	}
	return content, s.missed(d, err)
}

// Put keeps small content. It is on disk when Put returns, and stays there until
// release is called: by then it has to be named.
func (s *Store) Put(content []byte) (d Digest, release func(), err error) {
	u, err := s.Begin("")
	if err != nil {
		return "", nil, err
	}
	defer u.Cancel()
	if _, err := u.write(content); err != nil {
		return "", nil, err
	}
	d = DigestOf(content)
	release, err = u.Finish(d)
	return d, release, err
}

// take moves a complete file, which is on disk, to its place among the content, and
// pins it. It takes the place of what is there and damaged.
func (s *Store) take(file string, d Digest) (release func(), err error) {
	if release, err = s.placed(file, d); err != nil || !s.Disk.Mirrored() {
		return release, err
	}
	info, err := os.Stat(s.path(d))
	if err == nil {
		err = s.Disk.Synced(s.path(d), info.Size())
	}
	if err != nil {
		release()
		return nil, fmt.Errorf("keep content: %w", err)
	}
	return release, nil
}

// placed is take on this disk.
func (s *Store) placed(file string, d Digest) (release func(), err error) {
	there, err := s.open(d)
	if err == nil {
		there.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := s.path(d)
	damaged := errors.As(err, new(*damage.Error))
	_, err = os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), damaged:
		if err := place(file, path); err != nil {
			return nil, fmt.Errorf("keep content: %w", err)
		}
		if info, err := os.Stat(path); err == nil {
			s.sound[d] = stampOf(info)
		}
		if damaged {
			s.log.Info("damaged content of the registry was pushed again, and is whole", "digest", d)
		}
	case err != nil:
		return nil, err
	}
	return s.pin(d), nil
}

// Pin keeps content from being removed until release is called. It is not ok if there
// is none.
func (s *Store) Pin(d Digest) (release func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := os.Stat(s.path(d)); err != nil {
		return nil, false
	}
	return s.pin(d), true
}

// pin counts, under the lock.
func (s *Store) pin(d Digest) (release func()) {
	s.pinned[d]++
	delete(s.unnamed, d)
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.pinned[d]--; s.pinned[d] == 0 {
			delete(s.pinned, d)
		}
	})
}

// place renames a file into a folder, and returns when that is on disk.
func place(file, path string) error {
	folder := filepath.Dir(path)
	if err := os.Mkdir(folder, 0o700); err == nil {
		if err := syncFolder(filepath.Dir(folder)); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := os.Rename(file, path); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder returns when the names in a folder are on disk.
func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// Sweep removes content that nobody names and nobody named at the last sweep either, and
// uploads that nobody has continued for longer than patience. That content goes with the
// second sweep leaves time for what has ceased to name it to be on disk, too: a crash
// must not bring back a name without its content. Sweep asks whether content is named
// under a lock that Put, Finish and Pin wait for; the function must not call the store.
func (s *Store) Sweep(named func(Digest) bool, patience time.Duration) error {
	s.abandon(time.Now().Add(-patience))
	return filepath.WalkDir(s.blobsDir(), func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		d, err := ParseDigest(algorithm + entry.Name())
		if err != nil {
			return nil // not ours
		}
		return s.judge(d, named)
	})
}

// judge removes content unless it is named, or about to be, or was until the last sweep.
func (s *Store) judge(d Digest, named func(Digest) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.pinned[d] > 0 || named(d):
		delete(s.unnamed, d)
		return nil
	case !s.unnamed[d]:
		s.unnamed[d] = true
		return nil
	}
	delete(s.unnamed, d)
	delete(s.sound, d)
	if err := os.Remove(s.path(d)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove content that nobody names: %w", err)
	}
	return s.Disk.Removed(s.path(d))
}

// abandon removes uploads that were last continued before a time.
func (s *Store) abandon(before time.Time) {
	var idle []*Upload
	s.mu.Lock()
	for _, u := range s.uploads {
		if u.last.Load() < before.UnixNano() {
			idle = append(idle, u)
		}
	}
	s.mu.Unlock()
	for _, u := range idle {
		u.Cancel()
	}
}
