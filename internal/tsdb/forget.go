package tsdb

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"flyball/internal/store"
	"flyball/metric"
)

// A series that has had no datapoint for so long that it is not listed any more leaves memory.
// Its document is kept by its key then (kindDormant), where the next datapoint and
// readers of what blocks still have find it.
//
//	kindSeries   number -> key    in memory, also after a restart
//	kindDormant  key -> number    looked up when a metric is not in memory

// dormantAfter is how long after its newest datapoint a series leaves memory: when no sample
// of that time is taken any more.
const dormantAfter = oldest

// forget lets go of the series that are dormant and that nobody watches. It stops when
// ctx ends, and goes on the next time.
func (db *DB) forget(ctx context.Context) error {
	pass := db.pass.Add(1)
	dormant := db.idle(pass)
	if len(dormant) == 0 {
		return nil
	}
	// As they came, and as metrics that are alike often come: documents that stand
	// together are quickly written.
	slices.SortFunc(dormant, func(a, b *Series) int { return cmp.Compare(a.number, b.number) })
	for some := range slices.Chunk(dormant, foldRows) {
		if ctx.Err() != nil {
			break
		}
		if err := db.release(some, pass); err != nil {
			return fmt.Errorf("let go of metrics without datapoints: %w", err)
		}
	}
	for i := range db.shards {
		db.shards[i].shrink()
	}
	db.names.drop()
	return nil
}

// idle are the series that can go. One that was asked for in this pass of forget or the one
// before stays: whoever did may be about to watch it.
func (db *DB) idle(pass uint32) (idle []*Series) {
	limit := ago(unix(db.clock.Now()), dormantAfter)
	for i := range db.shards {
		sh := &db.shards[i]
		sh.mu.Lock()
		for _, s := range sh.series {
			if s.last < limit && s.idle(pass) {
				idle = append(idle, s)
			}
		}
		sh.mu.Unlock()
	}
	return idle
}

// idle reports whether nobody has to do with the series and nothing of it is in memory. The
// shard's lock is held.
func (s *Series) idle(pass uint32) bool {
	return s.watcher == nil && s.asked+1 < pass && !s.dirty && len(s.minutes.list) == 0 && (s.seconds == nil || len(s.seconds.list) == 0)
}

// release writes the documents of series anew, and takes those out of memory that are idle
// still. Meanwhile no journal and no block is written, which could name a series whose document
// is on its way.
func (db *DB) release(some []*Series, pass uint32) error {
	db.writing.Lock()
	defer db.writing.Unlock()
	var batch store.Batch
	for _, s := range some {
		s.rest(&batch, pass)
	}
	if err := db.store.Write(&batch).Wait(); err != nil {
		return err
	}
	db.dormant.Store(true)
	for _, s := range some {
		s.leave(pass)
	}
	return nil
}

// rest puts the document of a dormant series in place of the other.
func (s *Series) rest(batch *store.Batch, pass uint32) {
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	if s.idle(pass) && s.last != 0 && !s.dormant {
		batch.Delete(kindSeries, seriesKey(s.number))
		batch.Put(kindDormant, string(s.key), s.dormantDocument())
		s.dormant = true
	}
}

// leave takes the series out of memory.
func (s *Series) leave(pass uint32) {
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	if s.idle(pass) && (s.dormant || s.last == 0) {
		delete(s.shard.series, s.key)
		s.gone = true
	}
}

// shrink gives back what a map keeps of series that have left: maps do not shrink. It is
// for one goroutine.
func (sh *shard) shrink() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.most = max(sh.most, len(sh.series)); len(sh.series) > sh.most/2 {
		return
	}
	kept := make(map[metric.Key]*Series, len(sh.series))
	maps.Copy(kept, sh.series)
	sh.series, sh.most = kept, len(kept)
}

// drop takes the series out that are gone. Only forget writes whether they are.
func (x *index) drop() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sort()
	left := 0
	for _, s := range x.sorted {
		if !s.gone {
			left++
		}
	}
	kept := make([]*Series, 0, left)
	for _, s := range x.sorted {
		if !s.gone {
			kept = append(kept, s)
		}
	}
	x.sorted = kept
}

// dormantDocument is what is kept of a series that is dormant: as of others, with its number
// in place of its key.
func (s *Series) dormantDocument() []byte {
	return binary.BigEndian.AppendUint32(s.head(), s.number)
}

// wake brings a series back of which only a document is left. The shard's lock is held.
func (db *DB) wake(sh *shard, key metric.Key) (*Series, error) {
	if !db.dormant.Load() {
		return nil, nil
	}
	value, err := db.store.Get(kindDormant, string(key))
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if len(value) != 10 || value[0] != seriesFormat {
		return nil, errSeries
	}
	s := db.add(sh, key, binary.BigEndian.Uint32(value[6:]))
	s.dormant = true
	s.read(value)
	now := unix(db.clock.Now())
	s.minutes.from = tiers[minutes].blockOf(ago(now, tiers[minutes].reach))
	if s.seconds != nil {
		s.seconds.from = tiers[seconds].blockOf(ago(now, tiers[seconds].reach))
	}
	return s, nil
}

// sweepDormant deletes the documents of series whose datapoints are all gone, and notes
// whether there are others, and the highest of their numbers.
func (db *DB) sweepDormant(now uint32) error {
	limit := ago(now, tiers[hours].keep+tiers[hours].block)
	var gone store.Batch
	left, highest := false, uint32(0)
	err := db.scan(kindDormant, store.Range{}, func(key string, value []byte) error {
		if len(value) != 10 || value[0] != seriesFormat {
			return errSeries
		}
		highest = max(highest, binary.BigEndian.Uint32(value[6:]))
		if binary.BigEndian.Uint32(value[2:]) < limit {
			gone.Delete(kindDormant, key)
		} else {
			left = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	db.dormant.Store(left)
	db.number.Store(max(highest, db.number.Load()))
	return db.store.Write(&gone).Wait()
}

// parseSeriesKey reads what seriesKey wrote.
func parseSeriesKey(key string) (uint32, error) {
	number, err := strconv.ParseUint(key, 16, 32)
	if err != nil {
		return 0, errSeries
	}
	return uint32(number), nil
}
