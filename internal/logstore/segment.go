package logstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync/atomic"

	"flyball/internal/damage"
)

// A segment is one file. The one that is written to grows by what is put; compaction
// writes others from those that are full.
type segment struct {
	number uint64
	path   string
	file   *os.File
	size   atomic.Int64
	users  atomic.Int32 // readers, and one for the store

	// Under the store's lock.
	live    int64 // bytes of blocks that are still wanted
	raw     bool  // holds what was put, as it was put
	closed  bool  // is not written to any more
	damaged bool  // stays as it is, until it is repaired
}

const suffix = ".seg"

func segmentPath(dir string, number uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%016x%s", number, suffix))
}

// createSegment makes a file to write to.
func createSegment(dir string, number uint64) (*segment, error) {
	path := segmentPath(dir, number)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, damage.Parent(dir, err)
	}
	if err := syncDir(dir); err != nil {
		file.Close()
		os.Remove(path)
		return nil, err
	}
	seg := &segment{number: number, path: path, file: file, raw: true}
	seg.users.Store(1)
	return seg, nil
}

// leave ends a use of a segment.
func (s *segment) leave() {
	if s.users.Add(-1) == 0 {
		s.file.Close()
	}
}

// syncDir makes the names of new files durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// A found is what is in a segment's file.
type found struct {
	blocks   []*block
	parts    [][]part // of each block
	replaces []uint64 // segments that it takes the place of
	gaps     []gap
}

// A gap is a part of a file that could not be read.
type gap struct {
	from, to int64
	last     bool // the file ends with it
	partial  bool // and does so before the frame would end that begins it
}

// torn tells whether a gap is what a kill in the middle of a write leaves, in a file of
// which so much is known to have been on disk, or nothing if that is 0.
func (g gap) torn(raw bool, noted int64) bool {
	if noted > 0 {
		return g.last && g.from >= noted
	}
	return raw && g.last && g.partial
}

// scan reads what blocks are in a segment. It verifies bodies that were written as they
// were put, since the last of them may be torn, or all of them.
func (s *segment) scan(all bool) (f found, err error) {
	w := &window{file: s.file, size: s.size.Load(), ahead: scanAhead}
	for at := int64(0); ; {
		fr, err := readFrame(w, at)
		switch {
		case errors.Is(err, io.EOF):
			return f, nil
		case err == nil:
			if err = f.take(s, w, at, fr, all); err == nil {
				at = fr.end()
				continue
			}
		case !errors.Is(err, errFrame):
			return f, err
		}
		next, err := nextFrame(w, at+1)
		if err != nil {
			return f, err
		}
		f.gaps = append(f.gaps, gap{at, next, next == w.size, partialFrame(w, at)})
		at = next
	}
}

// take notes what a frame at an offset has. A block whose body is damaged is one all the
// same: who asks for its events is told that they are lost.
func (f *found) take(s *segment, w *window, at int64, fr frame, all bool) error {
	if len(fr.head) > 0 && fr.head[0] == listCodec {
		replaces, err := parseList(fr.head)
		f.replaces = append(f.replaces, replaces...)
		return err
	}
	b, parts, err := parseBlockHead(fr.head)
	if err != nil {
		return err
	}
	b.segment, b.body, b.length, b.sum = s, fr.body, fr.length, fr.bodySum
	b.frame = uint32(frameHead+len(fr.head)) + fr.length
	if b.codec == rawCodec || all {
		body, err := w.at(b.body, int(b.length))
		if err != nil {
			return err
		}
		if crc32.Checksum(body, castagnoli) != b.sum {
			f.gaps = append(f.gaps, gap{from: at, to: fr.end(), last: fr.end() == w.size})
		}
	}
	s.raw = s.raw || b.codec == rawCodec
	f.blocks, f.parts = append(f.blocks, b), append(f.parts, parts)
	return nil
}

// appendList appends the head of a frame that lists the segments which a segment
// replaces.
func appendList(b []byte, replaces []uint64) []byte {
	b = append(b, listCodec)
	for _, n := range replaces {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func parseList(b []byte) (replaces []uint64, err error) {
	for b = b[1:]; len(b) > 0; {
		n, rest, ok := uvarint(b, math.MaxUint64)
		if !ok {
			return nil, errHead
		}
		replaces, b = append(replaces, n), rest
	}
	return replaces, nil
}
