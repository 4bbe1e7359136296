package queuelog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"flyball/internal/damage"
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
	named  bool // its number tells whose it is
}

// A segment begins with what it is, and with the number that its checksums depend on. Half of
// the number is the checksum of the log's name, so that a segment that has got into another
// log is not taken for that log's; those of earlier releases have none.
const (
	segmentMark = "fbqueue2"
	unnamedMark = "fbqueue1"
	segmentHead = len(segmentMark) + 8
	segmentEnd  = ".log"
)

func (s *segment) end() Position { return s.base + Position(s.size) }

// first is where the first record begins.
func (s *segment) first() Position { return s.base + Position(segmentHead) }

func segmentPath(folder string, base Position) string {
	return filepath.Join(folder, fmt.Sprintf("%016x", int64(base))+segmentEnd)
}

// createSegment makes a segment of a log with a name. Its own is on disk with what is synced first.
func createSegment(folder, name string, base Position) (*segment, error) {
	f, err := os.OpenFile(segmentPath(folder, base), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, damage.Parent(folder, err)
	}
	s := &segment{base: base, size: int64(segmentHead), salt: newSalt(name), named: true, file: f}
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

func newSalt(name string) uint64 {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // it never fails
	return uint64(binary.LittleEndian.Uint32(b)) | uint64(sumOf(name))<<32
}

func sumOf(name string) uint32 { return crc32.Checksum([]byte(name), castagnoli) }

// tells tells whether the number of a segment is one of a log with a name.
func (s *segment) tells(name string) bool { return uint32(s.salt>>32) == sumOf(name) }

// head is the beginning of a segment.
func (s *segment) head() []byte {
	mark := unnamedMark
	if s.named {
		mark = segmentMark
	}
	return binary.LittleEndian.AppendUint64([]byte(mark), s.salt)
}

// A headError is of a file whose beginning is not that of a segment, or not of this log's.
type headError struct {
	size    int64
	foreign bool // it is a segment of another log
}

func (e *headError) Error() string {
	if e.foreign {
		return "a segment of another queue"
	}
	return "not the beginning of a segment"
}

// openSegment opens a segment that exists, of a log with a name.
func openSegment(folder, name string, base Position) (*segment, error) {
	s := &segment{base: base}
	if err := s.open(folder); err != nil {
		return nil, err
	}
	info, err := s.file.Stat()
	if err != nil {
		return nil, err
	}
	s.size, s.is = info.Size(), info
	if err := s.begins(name); err != nil {
		s.file.Close()
		return nil, err
	}
	return s, nil
}

// begins reads the beginning of a segment. Its number is one with which the first record
// is sound: so one bit that has changed does not take all records with it.
func (s *segment) begins(name string) error {
	b, err := readAt(s.file, 0, int(min(s.size, int64(segmentHead+frameHead))), nil)
	if err != nil || len(b) < segmentHead {
		return &headError{size: s.size}
	}
	if n := int64(len(b) + sizeOf(b[segmentHead:])); n <= s.size {
		if b, err = readAt(s.file, 0, int(n), nil); err != nil {
			return &headError{size: s.size}
		}
	}
	mark := string(b[:len(segmentMark)])
	marked := mark == segmentMark || mark == unnamedMark
	read := binary.LittleEndian.Uint64(b[len(segmentMark):])
	salt, sound := soundWith(b[segmentHead:], read, s.first())
	s.salt, s.mended = salt, sound && (!marked || salt != read)
	s.named = mark == segmentMark || !marked && s.tells(name)
	switch {
	case !sound && !marked:
		return &headError{size: s.size}
	case s.named && !s.tells(name):
		return &headError{s.size, sound}
	}
	return nil
}

// soundWith is the number with which a frame has a record: the one that was read, or one that
// differs from it in a bit.
func soundWith(frame []byte, salt uint64, at Position) (_ uint64, sound bool) {
	if content(frame, salt, at) != nil {
		return salt, true
	}
	for bit := range 64 {
		if other := salt ^ 1<<bit; content(frame, other, at) != nil {
			return other, true
		}
	}
	return salt, false
}

// present reports a *damage.Gone when the file, which is open, is not any more what its path
// leads to.
func (s *segment) present() error { return damage.Present(s.file.Name(), s.is) }

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
		if base, ok := baseOf(e.Name()); ok {
			all = append(all, base)
		}
	}
	slices.Sort(all)
	return all, nil
}

// baseOf is where the segment begins that a file's name is of.
func baseOf(name string) (base Position, ok bool) {
	number, ok := strings.CutSuffix(name, segmentEnd)
	n, err := strconv.ParseInt(number, 16, 64)
	return Position(n), ok && err == nil && len(number) == 16
}

// syncFolder has the names in a folder on disk.
func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
