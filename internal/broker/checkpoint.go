package broker

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"flyball/internal/queue"
	"flyball/internal/queuelog"
)

// A checkpoint is what a queue knows, and where in its log that is to be brought up to
// date from.
type checkpoint struct {
	Next   uint64            // sequence of the next message
	From   queuelog.Position // the log is replayed from here on
	Dedup  queuelog.Position // messages from here on count for deduplication
	Front  queuelog.Position // of the backlog
	Skips  int64
	Live   map[queuelog.Position]int64
	Memory queue.Saved
}

const (
	checkpointName = "checkpoint"
	checkpointMark = "fbcheck1"
)

// What is known of an entry besides numbers, in a byte.
const (
	savedInFlight = 1 << iota
	savedExpired
)

func (c *checkpoint) encode() []byte {
	b := []byte(checkpointMark)
	for _, n := range []uint64{c.Next, uint64(c.From), uint64(c.Dedup), uint64(c.Front), uint64(c.Memory.Waiting), uint64(len(c.Live))} {
		b = binary.AppendUvarint(b, n)
	}
	for segment, n := range c.Live {
		b = binary.AppendUvarint(b, uint64(segment))
		b = binary.AppendUvarint(b, uint64(n))
	}
	for _, e := range c.Memory.Entries {
		flags := boolByte(e.InFlight)*savedInFlight | boolByte(e.Expired)*savedExpired
		b = append(b, flags)
		for _, n := range []uint64{e.Sequence, uint64(e.Place), uint64(e.Sent), uint64(e.Until), uint64(e.Received), uint64(e.First), uint64(e.Receives)} {
			b = binary.AppendUvarint(b, n)
		}
		b = appendText(b, e.Group)
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func decodeCheckpoint(b []byte) (c checkpoint, err error) {
	if len(b) < len(checkpointMark)+4 || string(b[:len(checkpointMark)]) != checkpointMark {
		return c, errRecord
	}
	content, sum := b[:len(b)-4], b[len(b)-4:]
	if crc32.ChecksumIEEE(content) != binary.LittleEndian.Uint32(sum) {
		return c, errRecord
	}
	d := decoder{b: content[len(checkpointMark):]}
	position := func() queuelog.Position { return queuelog.Position(d.number()) }
	c.Next, c.From, c.Dedup, c.Front = d.number(), position(), position(), position()
	c.Memory.Waiting = int64(d.number())
	c.Live = map[queuelog.Position]int64{}
	for n := d.number(); n > 0 && !d.broken; n-- {
		segment := position()
		c.Live[segment] = int64(d.number())
	}
	for len(d.b) > 0 {
		flags := d.byte()
		e := queue.SavedEntry{InFlight: flags&savedInFlight != 0, Expired: flags&savedExpired != 0}
		e.Sequence, e.Place, e.Sent, e.Until = d.number(), int64(d.number()), d.millis(), d.millis()
		e.Received, e.First, e.Receives, e.Group = d.millis(), d.millis(), uint32(d.number()), d.text()
		c.Memory.Entries = append(c.Memory.Entries, e)
	}
	if d.broken {
		return c, errRecord
	}
	return c, nil
}

// readCheckpoint reads the checkpoint of a folder. Without one it is the zero one.
func readCheckpoint(folder string) (checkpoint, error) {
	b, err := os.ReadFile(filepath.Join(folder, checkpointName))
	if errors.Is(err, fs.ErrNotExist) {
		return checkpoint{Next: 1, Live: map[queuelog.Position]int64{}}, nil
	}
	if err != nil {
		return checkpoint{}, err
	}
	return decodeCheckpoint(b)
}

// writeCheckpoint puts a checkpoint into the place of the one before.
func writeCheckpoint(folder string, content []byte, sync bool) error {
	path := filepath.Join(folder, checkpointName)
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if sync && err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".new"))
	}
	return os.Rename(path+".new", path)
}

// putCheckpoint is writeCheckpoint, which is a write like others.
func (q *Queue) putCheckpoint(content []byte) error {
	q.broker.Disk.BeginWrite()
	defer q.broker.Disk.EndWrite()
	return q.writeCheckpoint(content)
}

func (q *Queue) writeCheckpoint(content []byte) error {
	if err := writeCheckpoint(q.folder, content, !q.broker.Lazy); err != nil {
		return err
	}
	return q.broker.Disk.Synced(filepath.Join(q.folder, checkpointName), int64(len(content)))
}

// saves is when a queue makes checkpoints.
type saves struct {
	from    queuelog.Position // of the last one
	size    int64             // of the last one, in bytes
	running bool
}

// A checkpoint is made when the log has grown by a segment, or by some times what
// the checkpoint takes.
const checkpointRatio = 8

// maySave makes a checkpoint if it is time for one, under the lock.
func (q *Queue) maySave() {
	grown := int64(q.log.End() - q.saves.from)
	if grown > max(q.broker.Segment, checkpointRatio*q.saves.size) {
		q.save()
	}
}

// save makes a checkpoint and has it written, under the lock. It is in place of the one
// before only once the log is on disk as far as it tells of it.
func (q *Queue) save() {
	if q.saves.running || q.removed || q.broker.Disk.Check() != nil {
		return
	}
	q.saves.running = true
	c := q.checkpoint()
	content, end := c.encode(), q.log.End()
	q.saving.Go(func() {
		err := q.log.Sync(end)
		if err == nil {
			err = q.putCheckpoint(content)
		}
		q.mu.Lock()
		defer q.mu.Unlock()
		q.saves.running = false
		if q.removed {
			return
		}
		if err != nil {
			q.broker.Log.Error("a checkpoint of a queue could not be written", "queue", q.folder, "error", err)
			return
		}
		q.saves.from, q.saves.size = c.From, int64(len(content))
		q.removeEmpty(min(c.From, c.Dedup))
	})
}

func (q *Queue) checkpoint() checkpoint {
	c := checkpoint{Next: q.next, From: q.log.End(), Front: q.backlog.front, Live: map[queuelog.Position]int64{}, Memory: q.machine.Save()}
	if len(q.unsynced) > 0 {
		first := q.unsynced[0]
		c.From, c.Next = queuelog.Position(first.Place), first.Sequence
	}
	c.Dedup = c.From
	if place, ok := q.dedup.First(q.now()); ok {
		c.Dedup = min(c.Dedup, queuelog.Position(place))
	}
	for segment, n := range q.live {
		if n > 0 {
			c.Live[segment] = n
		}
	}
	for _, u := range q.unsynced {
		if segment, ok := q.log.SegmentOf(queuelog.Position(u.Place)); ok {
			c.Live[segment]-- // the replay counts it
		}
	}
	return c
}

// removeEmpty removes the segments without messages that end before a position.
func (q *Queue) removeEmpty(before queuelog.Position) {
	for _, s := range q.log.Segments() {
		if q.live[s.First] > 0 || s.End > before || s.End > q.backlog.front {
			continue
		}
		delete(q.live, s.First)
		if err := q.log.Remove(s.First); err != nil {
			q.broker.Log.Warn("a part of a queue's log could not be removed", "queue", q.folder, "reason", err)
		}
	}
}
