package registry

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
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
	err := &damage.Error{
		File: s.path(d), Where: fmt.Sprintf("its %d bytes do not have the digest that is its name", size),
		Remedy: "push the image again, or restore a backup with flyball restore",
	}
	s.log.Error("content of the registry is lost", "error", err)
	return err
}
