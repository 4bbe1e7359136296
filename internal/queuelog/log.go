package queuelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"flyball/internal/damage"
	"flyball/internal/disk"
	"flyball/internal/mark"
)

// Options say where a log is and how it is kept.
type Options struct {
	Folder  string     // made if it is not there
	Segment int64      // bytes after which a new segment begins; 0: 64 MiB
	Lazy    bool       // nothing is synced, for what need not outlast the process
	Disk    *disk.Disk // of the folder; nil always has room
	Log     *slog.Logger
	// Book notes, below Name, how much of each segment is on disk. Without it what is cut
	// off at the end is not missed.
	Book *mark.Book
	Name string
}

const usualSegment = 64 << 20

// mostOpen bounds the segments that are open for reading besides the last one.
const mostOpen = 8

// ErrClosed is what a log that was closed returns.
var ErrClosed = errors.New("the log is closed")

// A Log is the records. Its methods may be called from several goroutines.
type Log struct {
	Options

	mu       sync.Mutex
	segments []*segment // in order; the last one is appended to
	reads    uint64
	looked   time.Time // when Present saw the file last
	err      error     // why nothing can be appended any more

	syncing sync.Mutex // held by the one who syncs
	synced  atomic.Int64
}

// Open opens the log in a folder, or begins one. What was not finished at its end is
// cut off.
func Open(o Options) (*Log, error) {
	if o.Segment == 0 {
		o.Segment = usualSegment
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, err
	}
	l := &Log{Options: o}
	all, err := bases(o.Folder)
	if err != nil {
		return nil, err
	}
	for i, base := range all {
		if err := l.take(base, i == len(all)-1); err != nil {
			l.Close()
			return nil, err
		}
	}
	end := l.tellMissing(all)
	if len(l.segments) == 0 {
		if err := l.begin(end); err != nil {
			return nil, err
		}
	}
	l.synced.Store(int64(l.known()))
	return l, nil
}

// known is up to where all is known to be on disk when the log is opened. A kill may have left
// what follows to the system, which the next sync has on disk: a start does not wait for it.
func (l *Log) known() Position {
	s := l.last()
	if l.Lazy || l.Book == nil {
		return s.end()
	}
	return min(s.end(), s.base+Position(l.Book.Length(l.noted(s.base))))
}

// note notes in the book that a segment is on disk as long as it is.
func (l *Log) note(s *segment) {
	if !l.Lazy {
		l.Book.Note(l.Name+"/"+filepath.Base(s.file.Name()), s.size)
	}
}

// noted is a segment's name in the book.
func (l *Log) noted(base Position) string { return l.Name + "/" + filepath.Base(segmentPath("", base)) }

// take opens a segment that is there. Those that are not read from at once are closed
// again, and the last one ends where its records do.
func (l *Log) take(base Position, last bool) error {
	path, noted := segmentPath(l.Folder, base), Position(l.Book.Length(l.noted(base)))
	s, err := openSegment(l.Folder, l.Name, base)
	if damaged, ok := errors.AsType[*headError](err); ok {
		if last && damaged.size <= int64(segmentHead) && noted == 0 {
			// It was made when the machine stopped, and has nothing that was synced.
			l.Log.Info("an unfinished segment of a queue was removed, in which nothing was", "segment", path)
			return os.Remove(path)
		}
		l.tellHead(damaged, path)
		if last {
			return l.begin(base + max(Position(damaged.size), noted, Position(segmentHead)))
		}
		return nil
	}
	if err != nil {
		return err
	}
	if s.mended {
		l.Log.Error("the beginning of a segment of a queue is damaged; its messages are read all the same", "segment", path, "at", 0, "next", damage.Restore)
	}
	l.segments = append(l.segments, s)
	if last {
		return l.cut(s, noted)
	}
	if Position(s.size) < noted {
		l.tellCut(s, noted)
	}
	defer func() { s.file = nil }()
	return s.file.Close()
}

// missing are the segments of a log that are in the book and are not there, and where the last of
// them ended.
func (l *Log) missing(there []Position) (paths []string, end Position) {
	for name, length := range l.Book.Below(l.Name + "/") {
		base, ok := baseOf(name)
		if ok && !slices.Contains(there, base) {
			paths, end = append(paths, segmentPath(l.Folder, base)), max(end, base+Position(length))
		}
	}
	slices.Sort(paths)
	return paths, end
}

// tellMissing tells of segments that are gone, and returns where they ended.
func (l *Log) tellMissing(there []Position) (end Position) {
	paths, end := l.missing(there)
	for _, path := range paths {
		l.Log.Error("messages of a queue are lost: a segment is gone", "segment", path, "next", damage.Restore)
		l.Book.Forget(l.Name + "/" + filepath.Base(path))
	}
	return end
}

// tellHead tells of a segment that is left out for its beginning.
func (l *Log) tellHead(of *headError, path string) {
	what := "the messages of a segment of a queue are lost: it is damaged at its beginning"
	if of.foreign {
		what = "the messages of a segment of a queue are lost: the file in its place is a segment of another queue, as after files were copied or renamed; none of it is taken"
	}
	l.Log.Error(what, "segment", path, "at", 0, "bytes", of.size, "next", damage.Restore)
}

func (l *Log) tellCut(s *segment, noted Position) {
	l.Log.Error("messages of a queue are lost: a segment has been cut", "segment", segmentPath(l.Folder, s.base), "at", s.size,
		"bytes", int64(noted)-s.size, "next", damage.Restore)
}

// cut removes what a kill has left behind the last record of a segment. If what was known
// to be on disk is not there any more the segment stays as it is, and another one begins.
func (l *Log) cut(s *segment, noted Position) error {
	end, partial := l.sound(s)
	torn := end-s.base >= noted && (noted > 0 || partial)
	switch {
	case end == s.end() && end-s.base >= noted:
		return nil
	case torn:
		l.Log.Info("an unfinished write was cut off a queue's log; nobody was told that it had succeeded", "segment", segmentPath(l.Folder, s.base), "bytes", int64(s.end()-end))
		s.size = int64(end - s.base)
		if err := s.file.Truncate(s.size); err != nil || l.Lazy {
			return err
		}
		return errors.Join(s.file.Sync(), l.Disk.Synced(segmentPath(l.Folder, s.base), s.size))
	case Position(s.size) < noted:
		l.tellCut(s, noted)
	default:
		l.Log.Error("messages of a queue are lost: the end of its log is damaged", "segment", segmentPath(l.Folder, s.base), "at", int64(end-s.base),
			"bytes", int64(s.end()-end), "next", damage.Restore)
	}
	return l.begin(max(s.end(), s.base+noted))
}

// sound is where the last sound record of the last segment ends, and whether the segment
// ends before the record would that begins there.
func (l *Log) sound(s *segment) (end Position, partial bool) {
	r := l.reader(s.first())
	end = s.first()
	for {
		_, _, next, err := r.Next(s.end())
		if err != nil {
			break
		}
		end = next
	}
	head, err := readAt(s.file, int64(end-s.base), frameHead, nil)
	return end, err != nil || end+frameHead+Position(binary.LittleEndian.Uint32(head)) > s.end()
}

// begin makes the next segment.
func (l *Log) begin(base Position) error {
	s, err := createSegment(l.Folder, l.Name, base)
	if err != nil {
		return err
	}
	l.segments = append(l.segments, s)
	if l.Lazy {
		return nil
	}
	return syncFolder(l.Folder)
}

func (l *Log) last() *segment { return l.segments[len(l.segments)-1] }

func (l *Log) end() Position { return l.last().end() }

// End is where the next record will begin, unless a new segment does.
func (l *Log) End() Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.end()
}

// Append writes records, and returns where the first of them begins. They survive the
// end of the process at once, and that of the machine once they are synced. For want of
// room it returns a *disk.Error, and nothing was appended; after another error nothing more
// can be. It does not see that the file has been taken away, as Sync and Present do.
func (l *Log) Append(b *Batch) (first Position, err error) {
	l.Disk.BeginWrite()
	defer l.Disk.EndWrite()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return 0, l.err
	}
	if l.last().size >= l.Segment {
		if err := l.tried(l.roll); err != nil {
			return 0, err
		}
	}
	s := l.last()
	first = s.end()
	b.seal(s.salt, first)
	if err := l.tried(func() error { return s.write(b.buf) }); err != nil {
		return 0, err
	}
	s.size += int64(len(b.buf))
	return first, nil
}

// lately is for how long Present takes for granted what it has seen. It is less than it takes to
// remove a file and begin a call, and enough for thousands of calls a second to look once.
const lately = time.Millisecond

// Present returns a *damage.Gone when the file that is appended to is not any more where it was.
// What is not synced, as a receive, has to be found again, too.
func (l *Log) Present() error {
	if l.Lazy {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return l.err
	}
	if time.Since(l.looked) < lately {
		return nil
	}
	err := l.tried(l.last().present)
	l.looked = time.Now()
	return err
}

// tried does what writes, with room of the reserve if there is no other. An error that is
// not for want of room stays.
func (l *Log) tried(write func() error) error {
	err := write()
	for l.Disk.Refuses(err) && l.Disk.Relieve() {
		err = write()
	}
	if err == nil || l.Disk.Refuses(err) {
		return l.Disk.Explain(err)
	}
	return l.failed(fmt.Errorf("write %s: %w", segmentPath(l.Folder, l.last().base), err))
}

// roll finishes the last segment and begins another.
func (l *Log) roll() error {
	end := l.end()
	if !l.Lazy {
		s := l.last()
		if err := errors.Join(s.file.Sync(), l.Disk.Synced(segmentPath(l.Folder, s.base), s.size)); err != nil {
			return fmt.Errorf("sync: %v", err) // whatever the reason: nothing is known of it now
		}
	}
	l.raise(end)
	l.note(l.last())
	return l.begin(end)
}

// raise notes up to where all is on disk.
func (l *Log) raise(to Position) {
	for {
		had := l.synced.Load()
		if had >= int64(to) || l.synced.CompareAndSwap(had, int64(to)) {
			return
		}
	}
}

// Synced is up to where all is on disk.
func (l *Log) Synced() Position { return Position(l.synced.Load()) }

// Sync returns when all is on disk up to a position. After an error nothing is known
// of what was appended and not synced, and nothing more can be.
func (l *Log) Sync(to Position) error {
	l.syncing.Lock()
	defer l.syncing.Unlock()
	if l.Synced() >= to {
		return nil
	}
	l.mu.Lock()
	last, end, err := *l.last(), l.end(), l.err
	l.mu.Unlock()
	if err != nil {
		return err
	}
	if !l.Lazy {
		// A segment that was finished meanwhile is synced, and may be closed.
		if err := errors.Join(last.file.Sync(), last.present()); err != nil && l.Synced() < to {
			return l.fail(fmt.Errorf("sync the log of a queue: %w", err))
		}
		if err := l.Disk.Synced(segmentPath(l.Folder, last.base), last.size); err != nil {
			return l.fail(err)
		}
		l.note(&last)
	}
	l.raise(end)
	return nil
}

// fail keeps the log from being appended to.
func (l *Log) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed(err)
}

// failed is fail under the lock.
func (l *Log) failed(err error) error {
	if l.err == nil {
		l.err = err
		l.Log.Error("nothing more is taken for a queue, or handed out of it, until the server starts again", "queue", l.Folder, "error", err)
	}
	return l.err
}

// A Segment is a part of the log that can be removed as a whole.
type Segment struct{ First, End Position }

// Segments are the parts of the log, in order. The last one is appended to.
func (l *Log) Segments() []Segment {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]Segment, len(l.segments))
	for i, s := range l.segments {
		all[i] = Segment{s.base, s.end()}
	}
	return all
}

// SegmentOf is where the segment begins that a record is in, if it is there.
func (l *Log) SegmentOf(p Position) (first Position, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.find(p); s != nil {
		return s.base, true
	}
	return 0, false
}

// find is the segment that a position is in, or nil.
func (l *Log) find(p Position) *segment {
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].end() > p })
	if i == len(l.segments) || l.segments[i].base > p {
		return nil
	}
	return l.segments[i]
}

// Remove removes the segment that begins at a position, unless it is the last one.
func (l *Log) Remove(first Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := sort.Search(len(l.segments), func(i int) bool { return l.segments[i].base >= first })
	if i >= len(l.segments)-1 || l.segments[i].base != first {
		return nil
	}
	s := l.segments[i]
	l.segments = append(l.segments[:i], l.segments[i+1:]...)
	l.Book.Forget(l.noted(s.base))
	if s.file != nil {
		s.file.Close()
	}
	if err := os.Remove(segmentPath(l.Folder, s.base)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return l.Disk.Removed(segmentPath(l.Folder, first))
}

// Close syncs what was appended, and closes the files.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if n := len(l.segments); n > 0 && l.segments[n-1].file != nil && !l.Lazy && l.err == nil {
		err = l.segments[n-1].file.Sync()
	}
	for _, s := range l.segments {
		if s.file != nil {
			err = errors.Join(err, s.file.Close())
			s.file = nil
		}
	}
	if l.err == nil {
		l.err = ErrClosed
	}
	return err
}
