// Package logstore keeps log events: on disk when they are acknowledged, until they are
// deleted or too old, and in memory only where on the disk they are.
//
//	s, err := logstore.Open(dir, logstore.Options{Live: live, Log: log})
//	go s.Run(ctx)
//	err = s.Append(group, stream, ingested, events) // on disk
//	page, err := s.Read(ctx, logstore.Query{Group: group, End: math.MaxInt64, Events: 100})
//
// Groups and streams are numbers that their owner gives out once and never again.
//
// What is put is appended to one file for all groups, as it comes (commit.go). A file
// that is full is written anew in the background: by group and stream, in compressed
// blocks (compact.go). So are files of which much is deleted or expired. A read looks for
// the earliest or the latest events in the blocks that can have them, with memory for one
// block and one page (read.go), whatever the order in which they came.
//
// All files are rows of frames (frame.go), each with a block (block.go) of runs (run.go).
package logstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"flyball/internal/disk"

	"flyball/internal/damage"
	"flyball/internal/mark"
)

// An Event is a message and its time, in milliseconds since 1970.
type Event struct {
	Time    int64
	Message string
}

// Options say how a store meets the outside.
type Options struct {
	// Live tells whether a group and a stream in it still exist. What of others is on
	// disk is removed.
	Live func(group, stream uint32) bool
	Disk *disk.Disk // of the folder; nil always has room
	Log  *slog.Logger
}

// A Store keeps the events of streams in groups. Its methods may be called from several
// goroutines.
type Store struct {
	dir   string
	disk  *disk.Disk
	log   *slog.Logger
	codec *codec
	book  *mark.Book    // of the lengths of files
	next  atomic.Uint64 // the number of the next event
	kick  chan struct{} // wakes compaction

	buffers sync.Pool // of *[]byte, in which frames are put together

	mu       sync.RWMutex
	segments map[uint64]*segment
	number   uint64 // of the next segment
	groups   map[uint32]*group
	gone     map[uint32]bool // streams that were deleted in this life
	goneOf   map[uint32]bool // groups that were deleted in this life
	active   *segment        // is written to; nil before the first event

	pending    *commit // waits for the disk
	committing bool
	idle       sync.Cond // committing has ended
}

// A group is where the events of a group are.
type group struct {
	blocks  []*block
	streams map[uint32]*Stream
	bytes   int64
}

// A Stream is what is known of the events of a stream. Times are in milliseconds since
// 1970.
type Stream struct {
	First, Last int64 // of the earliest and the latest event
	Ingested    int64 // when the latest one was put
}

// Open returns the store in a folder, which it makes if need be.
func Open(dir string, opts Options) (*Store, error) {
	s := &Store{
		dir: dir, disk: opts.Disk, log: opts.Log, kick: make(chan struct{}, 1),
		segments: map[uint64]*segment{}, groups: map[uint32]*group{},
		gone: map[uint32]bool{}, goneOf: map[uint32]bool{},
	}
	s.idle.L = &s.mu
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.codec, err = newCodec(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of log events: %w", err)
	}
	if err := s.openBook(); err != nil {
		return nil, err
	}
	if err := s.load(opts.Live); err != nil {
		s.release()
		return nil, fmt.Errorf("open log events: %w", err)
	}
	s.wake()
	return s, nil
}

func (s *Store) openBook() error {
	path := filepath.Join(s.dir, mark.FileName)
	if lost, err := bookLost(s.dir); err != nil {
		return err
	} else if lost && !s.disk.Mirrored() {
		s.log.Error("it is not known of the files of log events how long they were, so what may be cut off of them is not missed: the note of it is gone and is begun anew", "file", path)
	}
	book, damaged, err := mark.Open(path)
	if err != nil {
		return err
	}
	if s.book = book; damaged > 0 {
		s.log.Error("it is not known of some files of log events how long they were, so what may be cut off of them is not missed: the note of it is damaged and was begun anew",
			"file", path, "notes", damaged)
	}
	return nil
}

// bookLost tells whether there are log events, and no book of the lengths of their files.
func bookLost(dir string) (bool, error) {
	if _, err := os.Stat(filepath.Join(dir, mark.FileName)); !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"+suffix))
	return len(files) > 0, err
}

// load finds the segments and what is in them.
func (s *Store) load(live func(group, stream uint32) bool) error {
	files, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	all := map[*segment]found{}
	replaced := map[uint64]bool{}
	for _, f := range files {
		name, is := strings.CutSuffix(f.Name(), suffix)
		number, err := strconv.ParseUint(name, 16, 64)
		if !is || err != nil {
			if strings.HasPrefix(f.Name(), unfinished) {
				os.Remove(filepath.Join(s.dir, f.Name()))
			}
			continue
		}
		seg, in, err := s.openSegment(number)
		if err != nil {
			return err
		}
		all[seg] = in
		for _, n := range in.replaces {
			replaced[n] = true
		}
	}
	s.tellMissing(replaced)
	for seg, in := range all {
		if replaced[seg.number] {
			s.drop(seg)
			continue
		}
		for i, b := range in.blocks {
			s.restore(b, in.parts[i], live)
		}
	}
	s.dropDead()
	return nil
}

// missing are the files of a folder that are in its book and are not there.
func missing(dir string, book *mark.Book) (paths []string) {
	for name := range book.Below("") {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

// tellMissing tells of files that are gone, but for those that others have replaced.
func (s *Store) tellMissing(replaced map[uint64]bool) {
	for _, path := range missing(s.dir, s.book) {
		if number, err := strconv.ParseUint(strings.TrimSuffix(filepath.Base(path), suffix), 16, 64); err != nil || !replaced[number] {
			s.log.Error("log events are lost: a file is gone", "file", path, "next", damage.Restore)
		}
		s.book.Forget(filepath.Base(path))
	}
}

// openSegment opens a file of an earlier life, and cuts off what was torn at its end.
func (s *Store) openSegment(number uint64) (*segment, found, error) {
	path := segmentPath(s.dir, number)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, found{}, err
	}
	seg := &segment{number: number, path: path, file: file, closed: true}
	seg.users.Store(1)
	s.segments[number], s.number = seg, max(s.number, number+1)
	info, err := file.Stat()
	if err != nil {
		return nil, found{}, err
	}
	seg.size.Store(info.Size())
	in, err := seg.scan(false)
	if err != nil {
		return nil, in, fmt.Errorf("%s: %w", path, err)
	}
	if err := s.judge(seg, in); err != nil {
		return nil, in, err
	}
	if n := len(in.blocks); n > 0 && in.blocks[n-1].body >= seg.size.Load() {
		in.blocks = in.blocks[:n-1] // cut off
	}
	return seg, in, nil
}

// judge cuts off what was torn at a file's end, and tells what else is not there any more.
func (s *Store) judge(seg *segment, in found) error {
	size, noted := seg.size.Load(), s.book.Length(filepath.Base(seg.path))
	raw := seg.raw || len(in.blocks)+len(in.replaces) == 0
	for _, g := range in.gaps {
		if g.torn(raw, noted) {
			s.log.Info("an unfinished write was cut off a file of log events; nobody was told that it had succeeded", "file", seg.path, "bytes", size-g.from)
			if err := seg.file.Truncate(g.from); err != nil {
				return err
			}
			seg.size.Store(g.from)
			continue
		}
		seg.damaged = true
		s.log.Error("log events are lost: a file is damaged", "file", seg.path, "at", g.from, "bytes", g.to-g.from, "next", damage.Restore)
	}
	if size < noted {
		seg.damaged = true
		s.log.Error("log events are lost: a file has been cut", "file", seg.path, "at", size, "bytes", noted-size, "next", damage.Restore)
	}
	if seg.damaged || seg.size.Load() <= noted {
		return nil
	}
	if err := seg.file.Sync(); err != nil { // a kill may have left it to the system
		return err
	}
	s.book.Note(filepath.Base(seg.path), seg.size.Load())
	return nil
}

// restore takes up a block of an earlier life.
func (s *Store) restore(b *block, parts []part, live func(group, stream uint32) bool) {
	wanted := false
	for _, p := range parts {
		if after := p.last + 1; after > s.next.Load() {
			s.next.Store(after)
		}
		if live == nil || live(b.group, p.stream) {
			wanted = true
			s.groupOf(b.group).note(p)
		} else {
			s.gone[p.stream] = true
		}
	}
	if wanted {
		s.add(b)
	}
}

// groupOf is a group, which is made if need be. The lock is held.
func (s *Store) groupOf(number uint32) *group {
	g := s.groups[number]
	if g == nil {
		g = &group{streams: map[uint32]*Stream{}}
		s.groups[number] = g
	}
	return g
}

// add makes a block known to readers. The lock is held.
func (s *Store) add(b *block) {
	g := s.groupOf(b.group)
	g.blocks = append(g.blocks, b)
	g.bytes += int64(b.bytes)
	b.segment.live += int64(b.frame)
}

// note keeps the times of what was put into a stream.
func (g *group) note(p part) {
	st := g.streams[p.stream]
	if st == nil {
		st = &Stream{First: math.MaxInt64}
		g.streams[p.stream] = st
	}
	st.First, st.Last, st.Ingested = min(st.First, p.min), max(st.Last, p.max), max(st.Ingested, p.ingested)
}

// Stream is what is known of a stream with events.
func (s *Store) Stream(group, stream uint32) (Stream, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if g := s.groups[group]; g != nil && g.streams[stream] != nil {
		return *g.streams[stream], true
	}
	return Stream{}, false
}

// Bytes is how long the messages are that a group holds.
func (s *Store) Bytes(group uint32) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if g := s.groups[group]; g != nil {
		return g.bytes
	}
	return 0
}

// DeleteGroup removes all events of a group, for good.
func (s *Store) DeleteGroup(number uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goneOf[number] = true
	if g := s.groups[number]; g != nil {
		for _, b := range g.blocks {
			b.segment.live -= int64(b.frame)
		}
		delete(s.groups, number)
	}
	s.dropDead()
	s.wake()
}

// DeleteStream removes all events of a stream, for good.
func (s *Store) DeleteStream(number, stream uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone[stream] = true
	g := s.groups[number]
	if g == nil {
		return
	}
	delete(g.streams, stream)
	s.remove(g, s.allGone)
}

// allGone tells whether nothing of a block is wanted. The lock is held.
func (s *Store) allGone(b *block) bool {
	return !slices.ContainsFunc(b.streams, func(n uint32) bool { return !s.gone[n] })
}

// Expire removes the events of a group that are older than a time, where a whole block
// is. What is left of them is not read: queries say from when.
func (s *Store) Expire(number uint32, before int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.groups[number]; g != nil {
		s.remove(g, func(b *block) bool { return b.max < before })
	}
}

// remove forgets blocks of a group. The lock is held.
func (s *Store) remove(g *group, which func(*block) bool) {
	before := len(g.blocks)
	g.blocks = slices.DeleteFunc(slices.Clone(g.blocks), func(b *block) bool {
		if !which(b) {
			return false
		}
		b.segment.live -= int64(b.frame)
		g.bytes -= int64(b.bytes)
		return true
	})
	if len(g.blocks) < before {
		s.dropDead()
		s.wake()
	}
}

// dropDead removes the files in which nothing is wanted any more. The lock is held.
func (s *Store) dropDead() {
	for _, seg := range s.segments {
		if seg.closed && seg.live <= 0 && !seg.damaged {
			s.drop(seg)
		}
	}
}

// drop removes a segment's file, which those who read it still have. The lock is held.
func (s *Store) drop(seg *segment) {
	delete(s.segments, seg.number)
	s.book.Forget(filepath.Base(seg.path))
	if err := errors.Join(os.Remove(seg.path), s.disk.Removed(seg.path)); err != nil {
		s.log.Error("a file of log events could not be removed", "file", seg.path, "error", err)
	}
	seg.leave()
}

// wake has compaction look for work.
func (s *Store) wake() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// Run compacts files in the background until ctx ends, and returns nil.
func (s *Store) Run(ctx context.Context) error {
	again := time.AfterFunc(compactAgain, s.wake)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.kick:
		}
		if s.disk.Check() != nil {
			again.Reset(compactAgain)
			continue
		}
		if err := s.compact(ctx); err != nil && !errors.Is(err, context.Canceled) {
			again.Reset(compactAgain)
			if !s.disk.Refuses(err) {
				s.log.Error("log events could not be compacted", "error", err)
			}
		}
	}
}

// Close waits for what is being written and closes the files. Nobody reads or writes any
// more.
func (s *Store) Close() error {
	s.mu.Lock()
	for s.committing {
		s.idle.Wait()
	}
	s.mu.Unlock()
	s.release()
	return nil
}

func (s *Store) release() {
	for _, seg := range s.segments {
		seg.file.Close()
	}
	s.book.Close()
	s.codec.encoder.Close()
	s.codec.decoder.Close()
}
