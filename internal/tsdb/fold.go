package tsdb

import (
	"fmt"

	"flyball/internal/store"
	"flyball/metric"
)

// foldRows is about how many blocks one transaction writes, so that other writers
// of the store never wait long.
const foldRows = 256

// fold writes the blocks of all points that changed, empties the journal, and
// lets go of what memory need not have.
func (db *DB) fold() error {
	db.writing.Lock()
	defer db.writing.Unlock()
	for next := 0; next < len(db.shards); {
		n, err := db.foldShards(next)
		if err != nil {
			return fmt.Errorf("write blocks of datapoints: %w", err)
		}
		next += n
	}
	db.journaled = 0
	return nil
}

// A blockWrite is a block that is to be written: whole, or as points that go into
// what is on disk.
type blockWrite struct {
	tier   int
	start  uint32
	series uint32
	whole  []byte
	points points
}

// foldShards folds shards from first on until there is enough to write, in one
// transaction, and returns how many.
func (db *DB) foldShards(first int) (int, error) {
	db.disk.Lock()
	defer db.disk.Unlock()
	var batch store.Batch
	var writes []blockWrite
	next := first
	for ; next < len(db.shards) && len(writes) < foldRows; next++ {
		writes = db.shards[next].take(writes, &batch)
		if db.shards[next].journaled {
			batch.DeleteRange(kindJournal, store.Prefix(fmt.Sprintf("%02x", next)))
			db.shards[next].journaled = false
		}
	}
	for i := range writes {
		if err := db.putBlock(&writes[i], &batch); err != nil {
			return 0, err
		}
	}
	if err := db.store.Write(&batch).Wait(); err != nil {
		return 0, err
	}
	now := unix(db.clock.Now())
	for i := first; i < next; i++ {
		db.shards[i].trim(now)
	}
	return next - first, nil
}

// take returns what a shard has to write, and counts it as written.
func (sh *shard) take(writes []blockWrite, batch *store.Batch) []blockWrite {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, s := range sh.series {
		if s.last != 0 && s.stored < s.blockEnd() || s.dormant && s.dirty {
			s.store(batch)
		}
		writes = s.minutes.take(writes, minutes, s.number)
		if s.seconds != nil {
			writes = s.seconds.take(writes, seconds, s.number)
		}
		s.dirty = false
	}
	clear(sh.dirty)
	sh.dirty = sh.dirty[:0]
	return writes
}

// take collects the blocks with changed points. Points before the track's begin
// leave memory: their blocks are on disk.
func (t *track) take(writes []blockWrite, k int, series uint32) []blockWrite {
	tier := &tiers[k]
	early := t.search(t.from, 0)
	for i := 0; i < early; {
		w := blockWrite{tier: k, start: tier.blockOf(t.list[i].at), series: series}
		for ; i < early && tier.blockOf(t.list[i].at) == w.start; i++ {
			p := &t.list[i]
			w.points.insert(p.at, p.unit, p.flags&late, t.set(p))
		}
		writes = append(writes, w)
	}
	if early > 0 {
		t.remove(func(p *point) bool { return p.at < t.from })
	}
	for i := 0; i < len(t.list); i++ {
		if t.list[i].flags&unfolded == 0 {
			continue
		}
		start := tier.blockOf(t.list[i].at)
		list := t.between(start, start+tier.block)
		for j := range list {
			list[j].flags &^= unflushed | unfolded
		}
		whole := t.encode(make([]byte, 0, 12*len(list)), list, start, tier.step)
		writes = append(writes, blockWrite{tier: k, start: start, series: series, whole: whole})
	}
	return writes
}

// putBlock puts one block into a batch.
func (db *DB) putBlock(w *blockWrite, batch *store.Batch) error {
	tier := &tiers[w.tier]
	if w.whole == nil {
		var all points
		err := db.readBlock(w.tier, w.start, w.series, func(at uint32, unit uint8, set metric.Set) {
			all.put(at, unit, set)
		})
		if err != nil {
			return err
		}
		for i := range w.points.list {
			p := &w.points.list[i]
			all.apply(p, w.points.set(p))
		}
		w.whole = all.encode(nil, all.list, w.start, tier.step)
	}
	batch.Put(kindBlock, tier.key(w.start, w.series), w.whole)
	db.eldest[w.tier] = min(db.eldest[w.tier], w.start)
	return nil
}

// trim lets go of points that are on disk and further back than readers look.
func (sh *shard) trim(now uint32) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, s := range sh.series {
		s.minutes.trim(now, minutes)
		if s.seconds != nil {
			s.seconds.trim(now, seconds)
		}
	}
}

func (t *track) trim(now uint32, k int) {
	from := tiers[k].blockOf(ago(now, t.reach))
	if from <= t.from {
		return
	}
	t.from = from
	if len(t.list) > 0 && t.list[0].at < from {
		// What came while the blocks were written stays until the next time.
		t.remove(func(p *point) bool { return p.at < from && p.flags&unfolded == 0 })
	}
}
