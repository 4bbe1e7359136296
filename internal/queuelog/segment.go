package queuelog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// A segment is one file of the log. Its name is the position of its first byte.
type segment struct {
	base Position
	size int64
	salt uint64
	file *os.File    // nil while it is not open
	used uint64      // when it was read last, among the reads of the log
	is   os.FileInfo // the file that it is
	// mended says that its beginning is damaged, and was found out from its first record.
	mended bool
}

// A segment begins with what it is, and with the number that its checksums depend on.
const (
	segmentMark = "fbqueue1"
	segmentHead = len(segmentMark) + 8
	segmentEnd  = ".log"
)

func (s *segment) end() Position { return s.base + Position(s.size) }

// first is where the first record begins.
func (s *segment) first() Position { return s.base + Position(segmentHead) }

func segmentPath(folder string, base Position) string {
	return filepath.Join(folder, fmt.Sprintf("%016x", int64(base))+segmentEnd)
}

// createSegment makes a segment, whose name is on disk with what is synced first.
func createSegment(folder string, base Position) (*segment, error) {
	f, err := os.OpenFile(segmentPath(folder, base), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	s := &segment{base: base, size: int64(segmentHead), salt: newSalt(), file: f}
	if _, err := f.Write(s.head()); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	s.is, err = f.Stat()
	return s, err
}

// write writes at the end, which moves only with a write that succeeds. What another one left
// makes room.
func (s *segment) write(b []byte) error {
	_, err := s.file.WriteAt(b, s.size)
	if err != nil {
		_ = s.file.Truncate(s.size)
	}
	return err
}

func newSalt() uint64 {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // it never fails
	return binary.LittleEndian.Uint64(b)
}

// head is the beginning of a segment.
func (s *segment) head() []byte {
	return binary.LittleEndian.AppendUint64([]byte(segmentMark), s.salt)
}

// A headError is of a file whose beginning is not that of a segment.
type headError struct{ size int64 }

func (*headError) Error() string { return "not the beginning of a segment" }

// openSegment opens a segment that exists.
func openSegment(folder string, base Position) (*segment, error) {
	s := &segment{base: base}
	if err := s.open(folder); err != nil {
		return nil, err
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil, err
	}
	s.size, s.is = info.Size(), info
	if !s.begins() {
		s.file.Close()
		return nil, &headError{s.size}
	}
	return s, nil
}

// begins reads the beginning of a segment. Its number is one with which the first record
// is sound: so one bit that has changed does not take all records with it.
func (s *segment) begins() bool {
	b, err := readAt(s.file, 0, int(min(s.size, int64(segmentHead+frameHead))), nil)
	if err != nil || len(b) < segmentHead {
		return false
	}
	if n := int64(len(b) + sizeOf(b[segmentHead:])); n <= s.size {
		if b, err = readAt(s.file, 0, int(n), nil); err != nil {
			return false
		}
	}
	s.salt = binary.LittleEndian.Uint64(b[len(segmentMark):])
	marked := string(b[:len(segmentMark)]) == segmentMark
	first := b[segmentHead:]
	if content(first, s.salt, s.first()) != nil {
		s.mended = !marked
		return true
	}
	for bit := range 64 {
		if salt := s.salt ^ 1<<bit; content(first, salt, s.first()) != nil {
			s.salt, s.mended = salt, true
			return true
		}
	}
	return marked
}

// present reports an error when the file is not any more what its path leads to: what is
// written to it then is lost.
func (s *segment) present(folder string) error {
	path := segmentPath(folder, s.base)
	switch now, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s was removed while the server ran; put the data folder back, and start again", path)
	case err != nil:
		return err
	case !os.SameFile(s.is, now):
		return fmt.Errorf("%s was replaced while the server ran; put the data folder back, and start again", path)
	}
	return nil
}

func (s *segment) open(folder string) (err error) {
	s.file, err = os.OpenFile(segmentPath(folder, s.base), os.O_RDWR, 0o600)
	return err
}

// bases are where the segments in a folder begin, in order.
func bases(folder string) (all []Position, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), segmentEnd)
		if base, err := strconv.ParseInt(name, 16, 64); ok && err == nil && len(name) == 16 {
			all = append(all, Position(base))
		}
	}
	slices.Sort(all)
	return all, nil
}

// syncFolder has the names in a folder on disk.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
