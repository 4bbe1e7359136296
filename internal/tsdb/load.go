package tsdb

import (
	"errors"
	"fmt"

	"flyball/internal/store"
	"flyball/metric"
)

// load fills the database from the store: the series, the end of their blocks,
// and the journal on top.
func (db *DB) load() error {
	now := unix(db.clock.Now())
	known, err := db.loadSeries(now)
	if err != nil {
		return err
	}
	for k := range tiers {
		if db.eldest[k], err = db.firstBlock(k); err != nil {
			return err
		}
	}
	for _, k := range []int{seconds, minutes} {
		if err := db.loadBlocks(k, now, known); err != nil {
			return err
		}
	}
	return db.loadJournal(known)
}

// scan is Scan with a callback that may fail.
func (db *DB) scan(kind string, r store.Range, each func(key string, value []byte) error) error {
	var failure error
	err := db.store.Scan(kind, r, func(key string, value []byte) bool {
		if failure = each(key, value); failure != nil {
			failure = fmt.Errorf("%s %q: %w", kind, key, failure)
		}
		return failure == nil
	})
	return errors.Join(err, failure)
}

// loadSeries returns the series by number. It deletes those whose datapoints are
// all gone.
func (db *DB) loadSeries(now uint32) (map[uint32]*Series, error) {
	known := map[uint32]*Series{}
	highest := uint32(0)
	limit := ago(now, tiers[hours].keep+tiers[hours].block)
	var gone store.Batch
	err := db.scan(kindSeries, store.Range{}, func(key string, value []byte) error {
		s, err := db.restore(key, value)
		if err != nil {
			return err
		}
		highest = max(highest, s.number)
		if s.last < limit {
			delete(s.shard.series, s.key)
			gone.Delete(kindSeries, key)
			return nil
		}
		known[s.number] = s
		return nil
	})
	if err != nil {
		return nil, err
	}
	db.number.Store(highest)
	if err := db.store.Write(&gone).Wait(); err != nil {
		return nil, err
	}
	return known, db.sweepDormant(now)
}

// loadBlocks brings the newest blocks of a tier into memory.
func (db *DB) loadBlocks(k int, now uint32, known map[uint32]*Series) error {
	tier := &tiers[k]
	from := tier.blockOf(ago(now, tier.reach))
	for _, s := range known {
		if t := s.memory(k); t != nil {
			t.from = from
		}
	}
	return db.scan(kindBlock, tier.since(from), func(key string, value []byte) error {
		start, number, err := tier.parseKey(key)
		if err != nil {
			return err
		}
		s := known[number]
		if s == nil {
			// A repair has moved its series aside. Its number is not given out again.
			db.number.Store(max(db.number.Load(), number))
			return nil
		}
		if s.memory(k) == nil {
			return errSeries
		}
		return decodeBlock(value, start, tier.step, tier.block, func(at uint32, unit uint8, set metric.Set) {
			s.memory(k).put(at, unit, set)
		})
	})
}

// loadJournal brings what is not in blocks yet into memory, one shard after the
// other. Of several records of a bucket the newest counts.
func (db *DB) loadJournal(known map[uint32]*Series) error {
	newest := map[bucket]record{}
	current := uint8(0)
	replay := func() {
		for _, r := range newest {
			if s := known[r.series]; s != nil {
				s.replay(&r)
			} else {
				db.number.Store(max(db.number.Load(), r.series)) // as of a block
			}
		}
		clear(newest)
	}
	err := db.scan(kindJournal, store.Range{}, func(key string, value []byte) error {
		shard, sequence, err := parseJournalKey(key)
		if err != nil {
			return err
		}
		if shard != current {
			replay()
			current = shard
		}
		db.shards[shard].journaled = true
		db.sequence = max(db.sequence, sequence)
		db.journaled += len(value)
		return decodeJournal(value, func(r record) { newest[r.bucket] = r })
	})
	replay()
	return err
}

// replay brings one record of the journal into memory, from where the next fold
// writes it to its block.
func (s *Series) replay(r *record) {
	t := s.memory(int(r.tier))
	if t == nil {
		return
	}
	p := &point{at: r.at, unit: r.unit}
	if r.late {
		p.flags = late
	}
	if r.at >= t.from {
		t.apply(p, r.set).flags |= unfolded
	} else {
		t.insert(r.at, r.unit, p.flags|unfolded, r.set)
	}
	s.last = max(s.last, r.at)
}
