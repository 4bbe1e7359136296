package tsdb

import (
	"context"
	"errors"
	"fmt"

	"flyball/internal/store"
	"flyball/metric"
)

// retire makes coarser blocks of those that are too old for their tier, and
// deletes those that are too old for any. It stops when ctx ends, and goes on the
// next time.
func (db *DB) retire(ctx context.Context) error {
	now := unix(db.clock.Now())
	for k := range tiers {
		limit := ago(now, tiers[k].keep)
		for ctx.Err() == nil {
			more, err := db.retireSome(k, limit)
			if err != nil {
				return fmt.Errorf("retire datapoints: %w", err)
			}
			if !more {
				break
			}
		}
	}
	return nil
}

// coarser is the tier that takes up the blocks of another one, if there is one.
func coarser(k int) (int, bool) {
	// Seconds are in the minutes from the start.
	return k + 1, k == minutes || k == fives
}

// retireSome retires up to foldRows blocks of the oldest time, if that ended
// before limit, and reports whether there may be more.
func (db *DB) retireSome(k int, limit uint32) (more bool, err error) {
	db.disk.Lock()
	defer db.disk.Unlock()
	tier, start := &tiers[k], db.eldest[k]
	if uint64(start)+uint64(tier.block) > uint64(limit) {
		return false, nil
	}
	var batch store.Batch
	if next, ok := coarser(k); ok {
		err = db.rollUp(k, next, start, &batch)
	} else {
		batch.DeleteRange(kindBlock, store.Range{From: tier.prefix(start), To: tier.prefix(tier.blockOf(limit))})
	}
	if err != nil {
		return false, err
	}
	if err := db.store.Write(&batch).Wait(); err != nil {
		return false, err
	}
	db.eldest[k], err = db.firstBlock(k)
	return true, err
}

// firstBlock is the start of the oldest block of a tier, or noBlock.
func (db *DB) firstBlock(k int) (uint32, error) {
	first, failure := uint32(noBlock), error(nil)
	err := db.store.Scan(kindBlock, tiers[k].since(0), func(key string, _ []byte) bool {
		first, _, failure = tiers[k].parseKey(key)
		return false
	})
	return first, errors.Join(err, failure)
}

// rollUp moves blocks that start at start to the coarser tier.
func (db *DB) rollUp(k, next int, start uint32, batch *store.Batch) error {
	tier, coarse := &tiers[k], &tiers[next]
	var writes []blockWrite
	var failure error
	err := db.store.Scan(kindBlock, store.Prefix(tier.prefix(start)), func(key string, value []byte) bool {
		w := blockWrite{tier: next, start: coarse.blockOf(start)}
		_, w.series, failure = tier.parseKey(key)
		if failure == nil {
			failure = decodeBlock(value, start, tier.step, tier.block, func(at uint32, unit uint8, set metric.Set) {
				w.points.put(at-at%coarse.step, unit, set).flags |= late
			})
		}
		writes = append(writes, w)
		batch.Delete(kindBlock, key)
		return failure == nil && len(writes) < foldRows
	})
	if err := errors.Join(err, failure); err != nil {
		return err
	}
	for i := range writes {
		if err := db.putBlock(&writes[i], batch); err != nil {
			return err
		}
	}
	return nil
}
