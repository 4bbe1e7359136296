// Package tsdb keeps the datapoints of metrics: in memory at once, on disk
// within a second, for as long as CloudWatch keeps them.
//
//	db, err := tsdb.Open(st, clk)
//	go db.Run(ctx)
//	db.Append(samples)
//
//	s := db.Series(id) // keep the handle: no look-up later
//	var last [3]float64
//	s.Window(last[:], metric.Average, time.Minute, "", end)
//
// A datapoint goes through three places:
//
//	memory    the last 20 minutes and more of each metric, sorted (points.go)
//	journal   what changed in memory, appended twice a second (journal.go)
//	blocks    half an hour of one metric each, written every few minutes, when
//	          the journal starts anew (fold.go); old blocks become coarser
//	          ones and end (retire.go)
//
// Readers that look further back than memory goes read blocks (query.go).
package tsdb

import (
	"context"
	"fmt"
	"hash/crc32"
	"sync"
	"sync/atomic"
	"time"

	"flyball/internal/clock"
	"flyball/internal/store"
	"flyball/metric"
)

const (
	// flushEvery is how often the journal is written, in real time: often enough
	// that with the commit no more than a second is lost.
	flushEvery = 500 * time.Millisecond
	// foldEvery is how often blocks are written, in real time, at the most.
	foldEvery = 5 * time.Minute
	// foldBytes is how long the journal may become before blocks are written early.
	foldBytes = 64 << 20
)

// A DB holds the datapoints of all metrics. Its methods may be called from
// several goroutines.
type DB struct {
	clock *clock.Clock
	store store.Store

	shards  [256]shard
	number  atomic.Uint32 // the highest number of a series
	names   index
	dormant atomic.Bool // there are series that are not in memory

	// writing is held by one flush or fold at a time, and taken before disk.
	writing   sync.Mutex
	sequence  uint64 // of the newest journal entry
	journaled int    // bytes in the journal

	// disk is held for writing while blocks change: while points are between
	// memory and blocks, or between two tiers. It is taken before a shard's lock.
	disk   sync.RWMutex
	eldest [len(tiers)]uint32 // the start of the oldest block, or noBlock
}

// A shard is a part of the series, with a lock and a journal of its own.
type shard struct {
	mu     sync.Mutex
	series map[metric.Key]*Series
	dirty  []*Series // with points that the journal does not have

	journaled bool // has entries in the journal; guarded by DB.writing
}

// shardOf must not change as long as there are journals on disk: a fold deletes
// the journal of one shard.
func shardOf(key []byte) uint8 { return uint8(crc32.Checksum(key, castagnoli)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Append adds samples to their metrics. Readers see them when it returns; they
// are durable within a second. Then it calls the watchers of the metrics. It
// ignores samples older than two weeks and those without a finite value. It keeps
// nothing of what it is given.
func (db *DB) Append(samples []metric.Sample) {
	var buf [512]byte
	var room [8]landing
	landed := room[:0]
	limit := ago(unix(db.clock.Now()), oldest)
	for i := range samples {
		m := &samples[i]
		at := unix(m.Time)
		if at < limit || !m.Set.Valid() {
			continue
		}
		key := m.Metric.AppendKey(buf[:0])
		sh := &db.shards[shardOf(key)]
		sh.mu.Lock()
		s := sh.series[metric.Key(key)]
		if s == nil {
			s = db.create(sh, metric.Key(key))
		}
		at, watcher := s.add(at, m), s.watcher
		sh.mu.Unlock()
		if l := (landing{watcher, s, at}); watcher != nil && (len(landed) == 0 || landed[len(landed)-1] != l) {
			landed = append(landed, l)
		}
	}
	// Not before all are readable: samples of one period are one datapoint.
	for _, l := range landed {
		l.watcher.Landed(l.series, fromUnix(l.at))
	}
}

// A landing is what a watcher is to be told.
type landing struct {
	watcher Watcher
	series  *Series
	at      uint32
}

// create adds a series that is not in memory to a shard, whose lock is held. One that was
// there before has its datapoints again. If that cannot be read, the series begins anew:
// there is nobody to be told, and a store that fails ends the server.
func (db *DB) create(sh *shard, key metric.Key) *Series {
	if s, err := db.wake(sh, key); err == nil && s != nil {
		return s
	}
	return db.add(sh, key, db.number.Add(1))
}

// add adds a series with a number to a shard, whose lock is held.
func (db *DB) add(sh *shard, key metric.Key, number uint32) *Series {
	s := &Series{db: db, shard: sh, key: key, number: number}
	s.minutes.reach = tiers[minutes].reach
	if sh.series == nil {
		sh.series = map[metric.Key]*Series{}
	}
	sh.series[key] = s
	db.names.add(s)
	return s
}

// Series returns the handle of a metric, which it creates if need be. A handle that is
// watched is valid as long as it is, others for a call: a metric without datapoints for
// two weeks leaves memory. A metric without datapoints is not listed.
func (db *DB) Series(id metric.ID) *Series {
	key := id.AppendKey(nil)
	sh := &db.shards[shardOf(key)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s := sh.series[metric.Key(key)]
	if s == nil {
		s = db.create(sh, metric.Key(key))
	}
	s.asked = true
	return s
}

// Lookup returns the handle of a metric if it has one, as Series does.
func (db *DB) Lookup(id metric.ID) (*Series, bool) {
	key := id.AppendKey(nil)
	sh := &db.shards[shardOf(key)]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	s := sh.series[metric.Key(key)]
	if s == nil {
		s, _ = db.wake(sh, metric.Key(key)) // what cannot be read is not there
	}
	if s == nil {
		return nil, false
	}
	s.asked = true
	return s, true
}

// Run makes datapoints durable, at most a second of real time after they came,
// and retires old ones, until ctx ends. Then it makes durable what is left and
// returns nil. Any other end is that of the store.
func (db *DB) Run(ctx context.Context) error {
	// A fast clock needs memory to be trimmed as fast.
	every := max(min(foldEvery, db.clock.Real(time.Hour)), 10*time.Second)
	ticker := time.NewTicker(flushEvery)
	defer ticker.Stop()
	folded := time.Now()
	for {
		select {
		case <-ctx.Done():
			return db.Flush()
		case <-ticker.C:
		}
		if db.stalled() {
			continue // they are in memory until there is room
		}
		if err := db.Flush(); err != nil {
			return err
		}
		if time.Since(folded) < every && db.backlog() < foldBytes {
			continue
		}
		if err := db.fold(); err != nil {
			return err
		}
		if err := db.retire(ctx); err != nil {
			return err
		}
		if err := db.forget(); err != nil {
			return err
		}
		folded = time.Now()
	}
}

// stalled tells whether the store waits for room: readers would wait with it while blocks
// change.
func (db *DB) stalled() bool {
	select {
	case <-db.store.Stalled():
		return true
	default:
		return false
	}
}

// Open returns the database as the store remembers it.
func Open(st store.Store, clk *clock.Clock) (*DB, error) {
	db := &DB{clock: clk, store: st}
	if err := db.load(); err != nil {
		return nil, fmt.Errorf("open datapoints: %w", err)
	}
	return db, nil
}
