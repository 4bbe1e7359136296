package logstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"

	"flyball/internal/damage"
)

const (
	// blockBytes is how long the runs of a compressed block are: what a read unpacks for
	// an event of it.
	blockBytes = 128 << 10
	// atOnce is how many full segments one compaction takes at most, and how many small
	// ones wait for it.
	atOnce = 8
	// notWorth is a segment that is not written anew for what it wastes.
	notWorth = 4 << 10
	// compactAgain is when a compaction is made again that failed, as for want of room.
	compactAgain = time.Minute
	// smallSegment is a compressed segment that is merged with others.
	smallSegment = 16 << 20
)

// compact writes segments anew until none is worth it.
func (s *Store) compact(ctx context.Context) error {
	for {
		inputs, number := s.choose()
		if len(inputs) == 0 {
			return nil
		}
		err := s.rewrite(ctx, inputs, number)
		if err != nil && !errors.As(err, new(*damage.Error)) {
			return err
		}
	}
}

// choose takes the segments that are to be written anew: full ones as they were put, or
// one of which less than half is wanted, or many small ones.
func (s *Store) choose() (inputs []*segment, number uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var put, waste, small []*segment
	for _, seg := range s.segments {
		switch size := seg.size.Load(); {
		case !seg.closed, seg.damaged:
		case seg.raw:
			put = append(put, seg)
		case seg.live < size/2 && size > notWorth:
			waste = append(waste, seg)
		case size < smallSegment:
			small = append(small, seg)
		}
	}
	inputs = slices.Concat(put, waste)
	if len(inputs) == 0 && len(small) >= atOnce {
		inputs = small
	}
	slices.SortFunc(inputs, func(a, b *segment) int { return cmp.Compare(a.number, b.number) })
	inputs = inputs[:min(len(inputs), atOnce)]
	if len(inputs) > 0 {
		number = s.number
		s.number++
	}
	return inputs, number
}

// unfinished begins the names of files that are being written anew.
const unfinished = "compact-"

// rewrite replaces segments by one with what is wanted of them, by group and stream. A
// kill leaves either them or the new one.
func (s *Store) rewrite(ctx context.Context, inputs []*segment, number uint64) (err error) {
	path := segmentPath(s.dir, number)
	file, err := os.CreateTemp(s.dir, unfinished)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			file.Close()
			os.Remove(file.Name())
		}
	}()
	seg := &segment{number: number, path: path, file: file, closed: true}
	seg.users.Store(1)
	w := &writer{segment: seg, codec: s.codec, to: file}
	w.frame(appendList(nil, numbers(inputs)), nil)
	r := reader{codec: s.codec}
	blocks, release := s.blocksOf(inputs)
	defer release()
	for _, b := range blocks {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.copyRuns(w, &r, b); err != nil {
			return err
		}
	}
	if err := errors.Join(w.flush(), file.Sync(), os.Rename(file.Name(), path), syncDir(s.dir), s.disk.Synced(path, w.at)); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	seg.size.Store(w.at)
	s.replace(inputs, seg, w.blocks)
	return nil
}

func numbers(segments []*segment) (all []uint64) {
	for _, seg := range segments {
		all = append(all, seg.number)
	}
	return all
}

// blocksOf are the blocks in segments, by group and stream, and how to let go of their
// files: what is deleted meanwhile can be read until then.
func (s *Store) blocksOf(segments []*segment) (blocks []*block, release func()) {
	s.mu.RLock()
	for _, seg := range segments {
		seg.users.Add(1)
	}
	for _, g := range s.groups {
		for _, b := range g.blocks {
			if slices.Contains(segments, b.segment) {
				blocks = append(blocks, b)
			}
		}
	}
	s.mu.RUnlock()
	slices.SortFunc(blocks, func(a, b *block) int {
		return cmp.Or(cmp.Compare(a.group, b.group), cmp.Compare(a.streams[0], b.streams[0]), cmp.Compare(a.min, b.min), cmp.Compare(a.body, b.body))
	})
	return blocks, func() {
		for _, seg := range segments {
			seg.leave()
		}
	}
}

// copyRuns writes the runs of a block whose streams exist.
func (s *Store) copyRuns(w *writer, r *reader, b *block) error {
	runs, err := r.read(b)
	for err == nil && len(runs) > 0 {
		var next run
		whole := runs
		if next, runs, err = nextRun(runs); err != nil {
			break
		}
		if s.isGone(next.stream) {
			continue
		}
		if err = w.add(b.group, next, whole[:len(whole)-len(runs)]); err != nil && !errors.Is(err, errRun) {
			return err
		}
	}
	if err != nil {
		return s.lost(b, err)
	}
	return nil
}

func (s *Store) isGone(stream uint32) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.gone[stream]
}

// lost tells that a block is damaged, and has its file stay as it is. One that cannot be read
// because the store is closed, as by a call that a stop does not wait for, is not.
func (s *Store) lost(b *block, err error) error {
	if errors.Is(err, os.ErrClosed) || errors.Is(err, zstd.ErrDecoderClosed) {
		return errClosed
	}
	wrong := &damage.Error{File: b.segment.path, Where: fmt.Sprintf("the log events from %s to %s, %d bytes at %d, cannot be read: %v",
		moment(b.min), moment(b.max), b.length, b.body, err)}
	s.mu.Lock()
	told := b.segment.damaged
	b.segment.damaged = true
	s.mu.Unlock()
	if !told {
		s.log.Error("log events are lost", "error", wrong)
	}
	return wrong
}

var errClosed = errors.New("the server stops: log events are not read any more")

func moment(millis int64) string { return time.UnixMilli(millis).UTC().Format(time.RFC3339Nano) }

// replace has readers look into a new segment in place of others.
func (s *Store) replace(inputs []*segment, seg *segment, blocks []*block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.segments[seg.number] = seg
	s.book.Note(filepath.Base(seg.path), seg.size.Load())
	for _, g := range s.groups {
		g.blocks = slices.DeleteFunc(slices.Clone(g.blocks), func(b *block) bool {
			if !slices.Contains(inputs, b.segment) {
				return false
			}
			g.bytes -= int64(b.bytes)
			return true
		})
	}
	for _, b := range blocks {
		if !s.goneOf[b.group] && !s.allGone(b) {
			s.add(b)
		}
	}
	for _, in := range inputs {
		if s.segments[in.number] == in {
			s.drop(in)
		}
	}
	s.dropDead()
}

// A writer writes the blocks of a segment.
type writer struct {
	*segment
	codec  *codec
	to     io.Writer
	at     int64
	blocks []*block
	err    error

	group uint32
	runs  []byte // of the block that is being filled
	parts []part
	frames,
	body []byte // scratch
}

// add puts a run into the block that is being filled, or into the next. It returns errRun
// for what is none.
func (w *writer) add(group uint32, r run, whole []byte) error {
	if len(w.runs) > 0 && (group != w.group || len(w.runs)+len(whole) > blockBytes) {
		if err := w.flush(); err != nil {
			return err
		}
	}
	i := slices.IndexFunc(w.parts, func(p part) bool { return p.stream == r.stream })
	var p part
	if i >= 0 {
		p = w.parts[i]
	}
	if err := p.add(r); err != nil {
		return err
	}
	if i >= 0 {
		w.parts[i] = p
	} else {
		w.parts = append(w.parts, p)
	}
	w.group = group
	w.runs = append(w.runs, whole...)
	return nil
}

// flush writes the block that is being filled.
func (w *writer) flush() error {
	if len(w.runs) == 0 {
		return w.err
	}
	w.body = w.codec.encode(w.body[:0], w.runs)
	head := appendBlockHead(nil, zstdCodec, w.group, len(w.runs), w.parts)
	b, _, err := parseBlockHead(head)
	if err != nil {
		return err
	}
	w.frame(head, w.body)
	b.segment, b.length, b.sum = w.segment, uint32(len(w.body)), frameSum(w.frames)
	b.body, b.frame = w.at-int64(len(w.body)), uint32(len(w.frames))
	w.blocks = append(w.blocks, b)
	w.runs, w.parts = w.runs[:0], w.parts[:0]
	return w.err
}

// frame writes a frame.
func (w *writer) frame(head, body []byte) {
	w.frames = appendFrame(w.frames[:0], head, body)
	w.at += int64(len(w.frames))
	if w.err == nil {
		_, w.err = w.to.Write(w.frames)
	}
}
