package queuelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"flyball/internal/damage"
)

// ErrDamaged is a record that is not there as it was appended.
var ErrDamaged = errors.New("the record is damaged")

// usualRead is how much of a record is read at first: most are not longer.
const usualRead = 2 << 10

// Read reads the record at a position, into a buffer if it has room for it.
func (l *Log) Read(at Position, buf []byte) ([]byte, error) {
	l.mu.Lock()
	s := l.find(at)
	if s == nil {
		l.mu.Unlock()
		return nil, fmt.Errorf("position %d: %w", at, ErrDamaged)
	}
	file, err := l.opened(s)
	left := int(s.end() - at)
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if buf, err = readAt(file, int64(at-s.base), min(usualRead, left), buf); err != nil {
		return nil, fmt.Errorf("position %d: %w", at, err)
	}
	if need := frameHead + sizeOf(buf); need > len(buf) && need <= left {
		if buf, err = readAt(file, int64(at-s.base), need, buf); err != nil {
			return nil, fmt.Errorf("position %d: %w", at, err)
		}
	}
	record := content(buf, s.salt, at)
	if record == nil {
		return nil, fmt.Errorf("position %d: %w", at, ErrDamaged)
	}
	return record, nil
}

// readAt reads bytes of a file, into a buffer if it has room for them.
func readAt(file *os.File, offset int64, n int, buf []byte) ([]byte, error) {
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	_, err := file.ReadAt(buf, offset)
	return buf, err
}

// sizeOf is what a frame says of its length, or 0 if it cannot be.
func sizeOf(frame []byte) int {
	if len(frame) < frameHead {
		return 0
	}
	if size := binary.LittleEndian.Uint32(frame); size <= MaxRecord {
		return int(size)
	}
	return 0
}

// opened is the file of a segment, which is opened if it is not. Of those that are
// only read from, the one that was not read from the longest is closed when there are
// too many.
func (l *Log) opened(s *segment) (*os.File, error) {
	l.reads++
	s.used = l.reads
	if s.file != nil {
		return s.file, nil
	}
	open, oldest := 0, (*segment)(nil)
	for _, other := range l.segments[:len(l.segments)-1] {
		if other.file == nil {
			continue
		}
		if open++; oldest == nil || other.used < oldest.used {
			oldest = other
		}
	}
	if open >= mostOpen {
		oldest.file.Close()
		oldest.file = nil
	}
	err := s.open(l.Folder)
	return s.file, err
}

// A Reader reads the records of a log one after the other.
type Reader struct {
	log *Log
	at  Position
	buf []byte // of the segment, from at on
	own []byte // what buf is in
}

// chunk is how much a Reader reads at a time, at least.
const chunk = 128 << 10

// Reader reads from a position on, where a record has to begin or a segment.
func (l *Log) Reader(from Position) *Reader { return l.reader(from) }

func (l *Log) reader(from Position) *Reader { return &Reader{log: l, at: from} }

// Seek goes on at another position.
func (r *Reader) Seek(to Position) {
	if skip := to - r.at; skip >= 0 && int(skip) <= len(r.buf) {
		r.buf = r.buf[skip:]
	} else {
		r.buf = nil
	}
	r.at = to
}

// Next returns the next record that begins before a limit, which must not be behind
// the end of the log, and where it and the one behind it begin. At the limit it returns
// io.EOF. The record is valid until the next call. Damage is told to the log's log, and
// stepped over.
func (r *Reader) Next(limit Position) (record []byte, at, next Position, err error) {
	for r.at < limit {
		s := r.segment()
		if s.segment == nil {
			return nil, 0, 0, io.EOF
		}
		if err := r.frame(s); err != nil {
			return nil, 0, 0, err
		}
		if record := content(r.buf, s.salt, r.at); record != nil {
			at = r.at
			r.advance(frameHead + len(record))
			return record, at, r.at, nil
		}
		if !r.stepOver(s) && s.last {
			return nil, 0, 0, io.EOF
		}
	}
	return nil, 0, 0, io.EOF
}

func (r *Reader) advance(n int) {
	r.at += Position(n)
	r.buf = r.buf[n:]
}

// A part is a segment as far as it has come.
type part struct {
	*segment
	stop Position // where it ends
	last bool
}

// segment is the one to read from, at its first record if it has only come to it. The
// zero part is none.
func (r *Reader) segment() part {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, s := range l.segments {
		if r.at >= s.end() {
			continue
		}
		if r.at < s.first() {
			r.at, r.buf = s.first(), nil
		}
		if r.at < s.end() {
			return part{s, s.end(), i == len(l.segments)-1}
		}
	}
	return part{}
}

// frame has the frame in the buffer that the reader stands at, as far as there is one.
func (r *Reader) frame(s part) error {
	if err := r.fill(s, frameHead); err != nil {
		return err
	}
	return r.fill(s, frameHead+sizeOf(r.buf))
}

// fill has some bytes of a segment in the buffer, or all that are left.
func (r *Reader) fill(s part, n int) error {
	if len(r.buf) >= n {
		return nil
	}
	l := r.log
	l.mu.Lock()
	file, err := l.opened(s.segment)
	l.mu.Unlock()
	if err != nil {
		return err
	}
	n = int(min(int64(max(n, chunk)), int64(s.stop-r.at)))
	if cap(r.own) < n {
		r.own = make([]byte, n)
	}
	r.own = r.own[:n]
	got, err := file.ReadAt(r.own, int64(r.at-s.base))
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", segmentPath(l.Folder, s.base), err)
	}
	r.buf = r.own[:got]
	return nil
}

// stepOver goes to the next record behind damage, or to the end of the segment if
// there is none. It tells whether there is one.
func (r *Reader) stepOver(s part) bool {
	from, tell := r.at, r.log.Log.With("segment", segmentPath(r.log.Folder, s.base), "at", int64(r.at-s.base))
	for r.at < s.stop && len(r.buf) > 0 {
		r.advance(1)
		if r.frame(s) != nil {
			break
		}
		if content(r.buf, s.salt, r.at) != nil {
			tell.Error("messages of a queue are lost: a part of its log is damaged", "bytes", int64(r.at-from), "next", damage.Restore)
			return true
		}
	}
	if !s.last {
		tell.Error("messages of a queue are lost: the end of a segment of its log is damaged", "bytes", int64(s.stop-from), "next", damage.Restore)
	}
	r.Seek(s.stop)
	return false
}
