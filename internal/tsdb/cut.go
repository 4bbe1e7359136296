package tsdb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"flyball/internal/store"
	"flyball/metric"
)

// Cut removes the datapoints of a store that are after a time, for a database that is not open.
func Cut(st store.Store, after time.Time) error {
	c := cut{db: &DB{store: st}, after: unix(after)}
	for _, part := range []func() error{c.blocks, c.journal, c.series} {
		if err := part(); err != nil {
			return fmt.Errorf("remove datapoints of times to come: %w", err)
		}
	}
	return st.Write(&c.batch).Wait()
}

// A cut is what is to be removed and changed.
type cut struct {
	db    *DB
	after uint32
	batch store.Batch
}

// blocks removes those that begin later, and leaves of the others what is not later.
func (c *cut) blocks() error {
	for k := range tiers {
		tier := &tiers[k]
		err := c.db.scan(kindBlock, tier.since(tier.blockOf(c.after)), func(key string, value []byte) error {
			start, _, err := tier.parseKey(key)
			if err != nil {
				return err
			}
			var left points
			err = decodeBlock(value, start, tier.step, tier.block, func(at uint32, unit uint8, set metric.Set) {
				if at <= c.after {
					left.put(at, unit, set)
				}
			})
			if len(left.list) == 0 {
				c.batch.Delete(kindBlock, key)
			} else {
				c.batch.Put(kindBlock, key, left.encode(nil, left.list, start, tier.step))
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// journal leaves the records that are not later.
func (c *cut) journal() error {
	return c.db.scan(kindJournal, store.Range{}, func(key string, value []byte) error {
		left := []byte{journalFormat}
		err := decodeJournal(value, func(r record) {
			if r.at <= c.after {
				left = r.append(left)
			}
		})
		if len(left) == 1 {
			c.batch.Delete(kindJournal, key)
		} else {
			c.batch.Put(kindJournal, key, left)
		}
		return err
	})
}

// series has none be listed longer than after a datapoint of the time.
func (c *cut) series() error {
	last := &Series{last: c.after}
	for _, kind := range []string{kindSeries, kindDormant} {
		err := c.db.scan(kind, store.Range{}, func(key string, value []byte) error {
			if len(value) < 6 {
				return errSeries
			}
			if stored := binary.BigEndian.Uint32(value[2:]); stored > last.blockEnd() {
				document := bytes.Clone(value)
				binary.BigEndian.PutUint32(document[2:], last.blockEnd())
				c.batch.Put(kind, key, document)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
