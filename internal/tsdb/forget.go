package tsdb

import (
	"encoding/binary"
	"errors"
	"fmt"
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

// forget lets go of the series that are dormant and that nobody watches.
func (db *DB) forget() error {
	// Until it is over no journal and no block is written, which could name a series whose
	// document is on its way.
	db.writing.Lock()
	defer db.writing.Unlock()
	limit := ago(unix(db.clock.Now()), dormantAfter)
	forgotten := 0
	for i := range db.shards {
		n, err := db.forgetIn(&db.shards[i], limit)
		if err != nil {
			return fmt.Errorf("let go of metrics without datapoints: %w", err)
		}
		forgotten += n
	}
	if forgotten > 0 {
		db.names.drop()
	}
	return nil
}

// forgetIn lets go of series of a shard, and returns how many.
func (db *DB) forgetIn(sh *shard, limit uint32) (int, error) {
	dormant, batch := sh.rest(limit)
	if len(dormant) == 0 {
		return 0, nil
	}
	if err := db.store.Write(batch).Wait(); err != nil {
		return 0, err
	}
	db.dormant.Store(true)
	return sh.drop(dormant), nil
}

// rest are the series that can go, and what writes their documents anew. One that was asked
// for since the last time stays: whoever did may be about to watch it.
func (sh *shard) rest(limit uint32) (dormant []*Series, batch *store.Batch) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	batch = new(store.Batch)
	for _, s := range sh.series {
		asked := s.asked
		s.asked = false
		if asked || s.last >= limit || !s.idle() {
			continue
		}
		dormant = append(dormant, s)
		if s.last != 0 && !s.dormant {
			batch.Delete(kindSeries, seriesKey(s.number))
			batch.Put(kindDormant, string(s.key), s.dormantDocument())
			s.dormant = true
		}
	}
	return dormant, batch
}

// idle reports whether nobody watches the series and nothing of it is in memory. The
// shard's lock is held.
func (s *Series) idle() bool {
	return s.watcher == nil && !s.dirty && len(s.minutes.list) == 0 && (s.seconds == nil || len(s.seconds.list) == 0)
}

// drop takes series out of the shard that are idle still, and returns how many.
func (sh *shard) drop(dormant []*Series) (dropped int) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for _, s := range dormant {
		if s.idle() && !s.asked {
			delete(sh.series, s.key)
			s.gone = true
			dropped++
		}
	}
	if dropped > len(sh.series) { // maps do not shrink
		kept := make(map[metric.Key]*Series, len(sh.series))
		for key, s := range sh.series {
			kept[key] = s
		}
		sh.series = kept
	}
	return dropped
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
