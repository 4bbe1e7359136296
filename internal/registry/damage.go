package registry

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"flyball/internal/damage"
)

// A stamp tells content that was compared with its digest from what has been written there
// since.
type stamp struct {
	size     int64
	modified time.Time
}

func stampOf(info os.FileInfo) stamp { return stamp{info.Size(), info.ModTime()} }

// compare compares content with its digest, once in the life of the store unless it is
// written to.
func (s *Store) compare(file *os.File, d Digest) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	s.mu.Lock()
	known := s.sound[d] == stampOf(info)
	s.mu.Unlock()
	if known {
		return nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return fmt.Errorf("read content: %w", err)
	}
	if digestOf(sum) != d {
		return s.wrong(d, info.Size())
	}
	s.mu.Lock()
	s.sound[d] = stampOf(info)
	s.mu.Unlock()
	_, err = file.Seek(0, io.SeekStart)
	return err
}

// wrong tells that content is not what was put.
func (s *Store) wrong(d Digest, size int64) error {
	return s.lost(d, fmt.Sprintf("its %d bytes do not have the digest that is its name", size))
}

// missed tells that content is gone which somebody names, if that is the error.
func (s *Store) missed(d Digest, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w (%w)", s.lost(d, "it is gone"), fs.ErrNotExist)
	}
	return err
}

func (s *Store) lost(d Digest, where string) error {
	err := &damage.Error{File: s.path(d), Where: where, Remedy: "push the image again, or restore a backup with flyball restore"}
	s.log.Error("content of the registry is lost", "error", err)
	return err
}

// Check looks at all content in a folder that no store has open.
func Check(dir string) (r damage.Report, err error) {
	r = damage.Report{Store: "registry", Items: "layers and manifests"}
	s := &Store{dir: dir, log: slog.New(slog.DiscardHandler), sound: map[Digest]stamp{}}
	err = filepath.WalkDir(s.blobsDir(), func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || entry.IsDir() {
			return err
		}
		d, err := ParseDigest(algorithm + entry.Name())
		if err != nil {
			return nil // not ours
		}
		file, err := s.open(d)
		wrong, damaged := errors.AsType[*damage.Error](err)
		switch {
		case damaged:
			r.Found = append(r.Found, damage.Finding{File: path, Where: wrong.Where, Repair: func(aside string) (string, error) {
				return "its image cannot be pulled until it is pushed again", os.Rename(path, filepath.Join(aside, entry.Name()))
			}})
			return nil
		case err != nil:
			return err
		}
		r.Sound++
		return file.Close()
	})
	return r, err
}
