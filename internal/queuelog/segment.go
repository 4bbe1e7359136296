package queuelog

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
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
	file *os.File // nil while it is not open
	used uint64   // when it was read last, among the reads of the log
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
	head := make([]byte, segmentHead)
	copy(head, segmentMark)
	_, _ = rand.Read(head[len(segmentMark):]) // it never fails
	if _, err := f.Write(head); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	salt := binary.LittleEndian.Uint64(head[len(segmentMark):])
	return &segment{base: base, size: int64(segmentHead), salt: salt, file: f}, nil
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

// errNoSegment is a file whose beginning is not that of a segment.
var errNoSegment = errors.New("not the beginning of a segment")

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
	s.size = info.Size()
	head := make([]byte, segmentHead)
	if _, err := s.file.ReadAt(head, 0); err != nil || string(head[:len(segmentMark)]) != segmentMark {
		s.file.Close()
		return nil, errNoSegment
	}
	s.salt = binary.LittleEndian.Uint64(head[len(segmentMark):])
	return s, nil
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
