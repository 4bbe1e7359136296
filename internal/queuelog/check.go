package queuelog

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"flyball/internal/damage"
)

// Check looks at all records of a log that nobody has open, and adds what it finds to a
// report. Options say where the log is, and what is noted of it.
func Check(o Options, r *damage.Report) error {
	all, err := bases(o.Folder)
	if err != nil {
		return err
	}
	l := &Log{Options: o}
	gone, _ := l.missing(all)
	for _, path := range gone {
		r.Found = append(r.Found, damage.Finding{File: path, Where: "it is gone, and with it messages of the queue", Repair: func(string) (string, error) {
			l.Book.Forget(l.Name + "/" + filepath.Base(path))
			return "the queue goes on without them", nil
		}})
	}
	for i, base := range all {
		if err := l.check(base, i == len(all)-1, r); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) check(base Position, last bool, r *damage.Report) error {
	path, noted := segmentPath(l.Folder, base), l.Book.Length(l.noted(base))
	s, err := openSegment(l.Folder, l.Name, base)
	if head, ok := errors.AsType[*headError](err); ok {
		if last && head.size <= int64(segmentHead) && noted == 0 {
			return nil // it was made when the machine stopped
		}
		where := fmt.Sprintf("its beginning is damaged, and with it none of its %d bytes can be read", head.size)
		if head.foreign {
			where = fmt.Sprintf("it is a segment of another queue, as after files were copied or renamed, and none of its %d bytes are taken", head.size)
		}
		r.Found = append(r.Found, damage.Finding{File: path, Where: where, Repair: func(aside string) (string, error) {
			l.Book.Forget(l.noted(base))
			return "the other messages of the queue are kept", os.Rename(path, filepath.Join(aside, filepath.Base(path)))
		}})
		return nil
	}
	if err != nil {
		return err
	}
	defer s.file.Close()
	records, gaps, err := s.walk(s.file)
	if err != nil {
		return err
	}
	r.Sound += records
	repair := func(aside string) (string, error) { return l.fill(s.base, aside) }
	if s.mended {
		r.Found = append(r.Found, damage.Finding{File: path, Where: "its beginning is damaged; its messages are read all the same", Repair: repair})
	}
	for _, g := range gaps {
		if g.to == s.end() && last && g.torn(int64(g.from-s.base), noted) {
			continue
		}
		r.Found = append(r.Found, damage.Finding{File: path, Where: fmt.Sprintf("%d bytes at %d are not what was written", g.to-g.from, g.from-s.base), Repair: repair})
	}
	if s.size < noted {
		r.Found = append(r.Found, damage.Finding{File: path, Where: fmt.Sprintf("it ends at %d, and was %d bytes long", s.size, noted), Repair: func(aside string) (string, error) {
			l.Book.Forget(l.noted(base))
			return "what is there is kept", damage.Copy(path, filepath.Join(aside, filepath.Base(path)))
		}})
	}
	return nil
}

// A gap is a part of a segment without a sound record.
type gap struct {
	from, to Position
	partial  bool // the segment ends before the record does that begins it
}

// torn tells whether a gap at a segment's end is what a kill in the middle of a write leaves.
func (g gap) torn(at, noted int64) bool { return at >= noted && (noted > 0 || g.partial) }

// A window is what is in memory of a file that is read from its beginning to its end.
type window struct {
	in   io.ReaderAt
	size int64 // of the file
	at   int64
	b    []byte
}

// from returns so many bytes from a place on, or those that there are.
func (w *window) from(at int64, bytes int) ([]byte, error) {
	end := min(at+int64(bytes), w.size)
	if at < w.at || end > w.at+int64(len(w.b)) {
		if w.b == nil {
			w.b = make([]byte, 0, min(w.size, int64(4*bytes)))
		}
		n, err := w.in.ReadAt(w.b[:min(int64(cap(w.b)), w.size-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		w.at, w.b = at, w.b[:n]
		end = min(end, at+int64(n)) // of a file that has been cut meanwhile
	}
	return w.b[at-w.at : end-w.at], nil
}

// walk counts the sound records of a segment, and finds what is between them.
func (s *segment) walk(in io.ReaderAt) (records int, gaps []gap, err error) {
	read := window{in: in, size: s.size}
	open := false
	for at := s.first(); at < s.end(); {
		frame, err := read.from(int64(at-s.base), frameHead+MaxRecord)
		if err != nil {
			return records, gaps, err
		}
		if len(frame) == 0 { // somebody cuts the file
			return records, append(gaps, gap{from: at, to: s.end()}), nil
		}
		if record := content(frame, s.salt, at); record != nil {
			at += Position(frameHead + len(record))
			records++
			open = false
			continue
		}
		if !open {
			gaps = append(gaps, gap{from: at, partial: len(frame) < frameHead || Position(frameHead+sizeOf(frame)) > s.end()-at})
			open = true
		}
		at++
		gaps[len(gaps)-1].to = at
	}
	return records, gaps, nil
}

// Filler is the first byte of a record that has nothing, in the place of one that was
// damaged.
const Filler = 0

// fill keeps a copy of a segment, and puts records that have nothing into the place of what
// is damaged: the others are where they were.
func (l *Log) fill(base Position, aside string) (string, error) {
	path := segmentPath(l.Folder, base)
	if to := filepath.Join(aside, filepath.Base(path)); !exists(to) {
		if err := damage.Copy(path, to); err != nil {
			return "", err
		}
	}
	s, err := openSegment(l.Folder, l.Name, base)
	if err != nil {
		return "", err
	}
	content := make([]byte, s.size)
	_, err = s.file.ReadAt(content, 0)
	copy(content, s.head())
	_, gaps, _ := s.walk(bytes.NewReader(content)) // which does not fail
	for _, g := range gaps {
		s.cover(content[g.from-s.base:g.to-s.base], g.from)
	}
	if err == nil {
		_, err = s.file.WriteAt(content, 0)
	}
	return "the other messages of the queue are kept", errors.Join(err, s.file.Sync(), s.file.Close())
}

// cover fills bytes at a position with records that have nothing. What has no room for one
// stays.
func (s *segment) cover(b []byte, at Position) {
	for len(b) > frameHead {
		n := min(len(b), MaxRecord)
		if rest := len(b) - n; rest > 0 && rest <= frameHead {
			n -= frameHead + 1
		}
		var filler Batch
		filler.Add(func(buf []byte) []byte { return append(buf, make([]byte, n-frameHead)...) })
		filler.seal(s.salt, at)
		copy(b, filler.buf)
		b, at = b[n:], at+Position(n)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
