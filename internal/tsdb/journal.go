package tsdb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"

	"flyball/internal/store"
	"flyball/metric"
)

// The kinds of documents in the store.
const (
	kindSeries  = "tsdb.series"  // number -> key, last datapoint, resolution
	kindDormant = "tsdb.dormant" // key -> number and the same
	kindBlock   = "tsdb.block"   // tier, start, number -> points
	kindJournal = "tsdb.journal" // shard, sequence -> points
)

// journalFormat is the first byte of a journal entry, seriesFormat that of a
// series.
const (
	journalFormat = 1
	seriesFormat  = 1
)

var (
	errJournal = errors.New("tsdb: not a journal of datapoints")
	errSeries  = errors.New("tsdb: not a series")
)

// Flush makes durable what was appended before, and returns when it is.
func (db *DB) Flush() error {
	db.writing.Lock()
	defer db.writing.Unlock()
	var batch store.Batch
	for i := range db.shards {
		entry := db.shards[i].journal(&batch)
		if len(entry) == 0 {
			continue
		}
		db.sequence++
		db.journaled += len(entry)
		db.shards[i].journaled = true
		batch.Put(kindJournal, journalKey(i, db.sequence), entry)
	}
	if err := db.store.Write(&batch).Wait(); err != nil {
		return fmt.Errorf("write datapoints: %w", err)
	}
	return nil
}

// backlog is how many bytes the journal has.
func (db *DB) backlog() int {
	db.writing.Lock()
	defer db.writing.Unlock()
	return db.journaled
}

func journalKey(shard int, sequence uint64) string { return fmt.Sprintf("%02x%016x", shard, sequence) }

func parseJournalKey(key string) (shard uint8, sequence uint64, err error) {
	if len(key) != 18 {
		return 0, 0, errJournal
	}
	n, errN := strconv.ParseUint(key[:2], 16, 8)
	sequence, errS := strconv.ParseUint(key[2:], 16, 64)
	if errN != nil || errS != nil {
		return 0, 0, errJournal
	}
	return uint8(n), sequence, nil
}

// journal returns an entry with all that changed since the last one, and puts
// series that the store does not know into the batch.
func (sh *shard) journal(batch *store.Batch) []byte {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if len(sh.dirty) == 0 {
		return nil
	}
	entry := make([]byte, 1, 32*len(sh.dirty))
	entry[0] = journalFormat
	for _, s := range sh.dirty {
		s.dirty = false
		if s.stored == 0 || s.dormant {
			s.store(batch)
		}
		entry = s.minutes.journal(entry, s.number, minutes)
		if s.seconds != nil {
			entry = s.seconds.journal(entry, s.number, seconds)
		}
	}
	clear(sh.dirty)
	sh.dirty = sh.dirty[:0]
	return entry
}

// journal appends the changed points: what their buckets hold now, so that a
// later entry replaces an earlier one.
func (t *track) journal(b []byte, number uint32, k int) []byte {
	for i := t.search(t.changed, 0); i < len(t.list); i++ {
		p := &t.list[i]
		if p.flags&unflushed == 0 {
			continue
		}
		p.flags &^= unflushed
		head := byte(k) << 1
		if p.flags&late != 0 {
			head |= 1
		}
		b = append(binary.AppendUvarint(b, uint64(number)), head)
		b = binary.AppendUvarint(b, uint64(p.at))
		b = append(b, p.unit)
		b = t.set(p).Append(b)
	}
	t.changed = math.MaxUint32
	return b
}

// A record is one point in a journal entry.
type record struct {
	bucket
	late bool
	set  metric.Set
}

// A bucket is where a record belongs.
type bucket struct {
	series, at uint32
	tier, unit uint8
}

// decodeJournal calls each for the records of an entry.
func decodeJournal(b []byte, each func(r record)) error {
	if len(b) == 0 || b[0] != journalFormat {
		return errJournal
	}
	b = b[1:]
	for len(b) > 0 {
		series, n := binary.Uvarint(b)
		if n <= 0 || len(b) == n || series > math.MaxUint32 {
			return errJournal
		}
		head := b[n]
		b = b[n+1:]
		at, n := binary.Uvarint(b)
		if n <= 0 || len(b) == n || at > math.MaxUint32 || head>>1 > minutes || b[n] >= noUnit {
			return errJournal
		}
		r := record{late: head&1 != 0}
		r.bucket = bucket{series: uint32(series), at: uint32(at), tier: head >> 1, unit: b[n]}
		set, rest, err := metric.DecodeSet(b[n+1:])
		if err != nil {
			return err
		}
		r.set = set
		each(r)
		b = rest
	}
	return nil
}

// store puts the series itself into a batch. It keeps the end of the half hour of
// its newest datapoint: one write in half an hour, and a metric is listed a
// little longer rather than shorter after a restart.
func (s *Series) store(batch *store.Batch) {
	s.stored = s.blockEnd()
	batch.Put(kindSeries, seriesKey(s.number), append(s.head(), s.key...))
	if s.dormant {
		batch.Delete(kindDormant, string(s.key))
		s.dormant = false
	}
}

// head begins the document of a series.
func (s *Series) head() []byte {
	b := []byte{seriesFormat, 0}
	if s.seconds != nil {
		b[1] = 1
	}
	return binary.BigEndian.AppendUint32(b, s.stored)
}

// read reads what head wrote.
func (s *Series) read(document []byte) {
	s.stored = binary.BigEndian.Uint32(document[2:])
	s.last = s.stored - 1
	if document[1] != 0 {
		s.seconds = &track{reach: tiers[seconds].reach}
	}
}

func seriesKey(number uint32) string { return fmt.Sprintf("%08x", number) }

func (s *Series) blockEnd() uint32 {
	start := tiers[minutes].blockOf(s.last)
	return start + min(tiers[minutes].block, math.MaxUint32-start)
}

// restore adds the series of a document.
func (db *DB) restore(key string, value []byte) (*Series, error) {
	number, err := parseSeriesKey(key)
	if err != nil || len(value) < 7 || value[0] != seriesFormat {
		return nil, errSeries
	}
	name := value[6:]
	s := db.add(&db.shards[shardOf(name)], metric.Key(name), number)
	s.read(value)
	return s, nil
}
