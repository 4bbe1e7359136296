package logstore

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"flyball/internal/damage"
)

// fullSegment is how long the file may become that is written to.
const fullSegment = 16 << 20

// A commit is what several callers have put and one write makes durable.
type commit struct {
	frames *[]byte
	blocks []placed
	done   chan struct{}
	err    error
}

// A placed block is one whose body is somewhere in a commit.
type placed struct {
	*block
	part part
}

// Append puts events into a stream, and returns when they are on disk. They are in the
// order of their times. For want of room it returns a *disk.Error, and keeps nothing.
func (s *Store) Append(group, stream uint32, ingested int64, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	if err := s.disk.Check(); err != nil {
		return err
	}
	first := s.next.Add(uint64(len(events))) - uint64(len(events))
	p := part{
		stream: stream, min: events[0].Time, max: events[len(events)-1].Time, ingested: ingested,
		last: first + uint64(len(events)), events: uint32(len(events)), initialised: true,
	}
	for i := range events {
		p.bytes += uint32(len(events[i].Message))
	}
	buf := s.buffer()
	*buf = appendRun(slices.Grow(*buf, headRoom+int(p.bytes)+8*len(events)+64)[:headRoom], stream, first, ingested, events)
	body := (*buf)[headRoom:]
	if len(body) > maxBody {
		return errors.New("too many log events at once")
	}
	head := appendBlockHead(make([]byte, 0, headRoom), rawCodec, group, len(body), []part{p})
	b := &block{
		length: uint32(len(body)), raw: uint32(len(body)), bytes: p.bytes,
		group: group, codec: rawCodec, min: p.min, max: p.max, streams: []uint32{stream},
	}
	framed := frameAround(*buf, headRoom, head)
	b.frame, b.sum = uint32(len(framed)), frameSum(framed)
	c := s.enqueue(framed, placed{b, p})
	s.keep(buf)
	<-c.done
	return c.err
}

// headRoom is more than a frame with a part of one stream has before its body, in bytes.
const headRoom = frameHead + 80

// maxKept bounds the buffers that are kept, in bytes.
const maxKept = 2 << 20

// buffer is one to put frames together in. It has been used before, if there is one: what is put would
// otherwise leave several times its size to the garbage collector.
func (s *Store) buffer() *[]byte {
	if b, ok := s.buffers.Get().(*[]byte); ok {
		return b
	}
	return new([]byte)
}

// keep takes a buffer back.
func (s *Store) keep(b *[]byte) {
	if cap(*b) <= maxKept {
		*b = (*b)[:0]
		s.buffers.Put(b)
	}
}

// enqueue adds a frame to the next commit.
func (s *Store) enqueue(frame []byte, b placed) *commit {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == nil {
		s.pending = &commit{frames: s.buffer(), done: make(chan struct{})}
	}
	c := s.pending
	*c.frames = append(*c.frames, frame...)
	// Until it is written, the place is one in the commit.
	b.body = int64(len(*c.frames)) - int64(b.length)
	c.blocks = append(c.blocks, b)
	if !s.committing {
		s.committing = true
		go s.commitAll()
	}
	return c
}

// commitAll writes what is put until nothing waits.
func (s *Store) commitAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.pending != nil {
		c := s.pending
		s.pending = nil
		seg, err := s.writable()
		if err == nil {
			s.mu.Unlock()
			err = s.write(seg, *c.frames)
			s.mu.Lock()
		}
		if err != nil {
			c.err = s.disk.Explain(fmt.Errorf("write log events: %w", err))
			s.giveUp(seg)
		} else {
			s.publish(seg, c)
		}
		s.keep(c.frames)
		close(c.done)
	}
	s.committing = false
	s.idle.Broadcast()
}

// writable is the segment to write to. The lock is held.
func (s *Store) writable() (*segment, error) {
	if s.active != nil && s.active.size.Load() < fullSegment {
		return s.active, nil
	}
	if s.active != nil {
		s.active.closed = true
		s.active = nil
		s.dropDead()
		s.wake()
	}
	seg, err := createSegment(s.dir, s.number)
	if err != nil {
		return nil, err
	}
	s.number++
	s.segments[seg.number], s.active = seg, seg
	return seg, nil
}

// write writes to a segment, and looks whether that is where it was.
func (s *Store) write(seg *segment, frames []byte) error {
	s.disk.BeginWrite()
	defer s.disk.EndWrite()
	return errors.Join(seg.write(frames), seg.present(), s.disk.Synced(seg.path, seg.size.Load()+int64(len(frames))))
}

// write appends frames and has them on disk.
func (g *segment) write(frames []byte) error {
	at := g.size.Load()
	if _, err := g.file.WriteAt(frames, at); err != nil {
		return err
	}
	return syncData(g.file)
}

// present reports a *damage.Gone when the file is not any more what its path leads to: what is
// written to it then is lost.
func (g *segment) present() error {
	was, err := g.file.Stat()
	if err != nil {
		return err
	}
	return damage.Present(g.path, was)
}

// giveUp leaves a segment behind whose end is not certain. What was written before is
// kept. The lock is held.
func (s *Store) giveUp(seg *segment) {
	if seg == nil {
		return
	}
	if err := seg.file.Truncate(seg.size.Load()); err != nil {
		s.log.Error("a file of log events could not be cut", "file", seg.path, "error", err)
	}
	seg.closed, s.active = true, nil
	s.dropDead()
}

// publish makes what was written known to readers. The lock is held.
func (s *Store) publish(seg *segment, c *commit) {
	start := seg.size.Load()
	seg.size.Store(start + int64(len(*c.frames)))
	s.book.Note(filepath.Base(seg.path), seg.size.Load())
	for _, b := range c.blocks {
		if s.goneOf[b.group] || s.gone[b.part.stream] {
			continue // deleted meanwhile
		}
		b.segment = seg
		b.body += start
		s.groupOf(b.group).note(b.part)
		s.add(b.block)
	}
}
