package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"syscall"
	"time"

	"modernc.org/sqlite"
)

// A group is changes that become durable in one transaction.
type group struct {
	changes []change
	bytes   int // of the changes
	merged  int // bytes after changes that others made needless were left out
	done    chan struct{}
	err     error
}

const (
	// changeBytes is about what a change takes beside its texts.
	changeBytes = 96
	// mostKept is how many bytes of changes may wait for room. What loops write by
	// themselves replaces itself for the most part, so it takes long to come to that.
	mostKept = 64 << 20
	// mergeAt is how many bytes may be waiting before they are merged.
	mergeAt = 1 << 20
	// again is how long a write waits that the disk had no room for.
	again = 100 * time.Millisecond
)

func (g *group) add(changes []change) {
	g.changes = append(g.changes, changes...)
	for i := range changes {
		g.bytes += changes[i].size()
	}
}

func (c *change) size() int { return changeBytes + len(c.key) + len(c.to) + len(c.value) }

// writeLoop makes what is queued durable, everything that waits in one transaction.
func (s *SQLite) writeLoop() {
	defer close(s.stopped)
	shrinking := time.NewTimer(shrinkAfter)
	defer shrinking.Stop()
	if s.shrinks = s.path != ""; !s.shrinks {
		shrinking.Stop() // memory is given back by itself
	}
	var failure error
	for open := true; open; {
		select {
		case _, open = <-s.wake:
		case <-shrinking.C:
			if failure == nil {
				s.shrinkOnce(shrinking)
			}
			continue
		}
		g := s.take()
		if g == nil {
			continue
		}
		if failure == nil {
			if failure = s.write(g); failure != nil {
				s.failed <- failure
			} else {
				s.written.add(g)
			}
		}
		g.err = failure
		close(g.done)
		if s.path != "" && !s.shrinks && g.deletes() {
			s.shrinks = true
			shrinking.Reset(shrinkAfter)
		}
	}
}

// write makes a group durable. If there is no room, it takes some of the reserve or waits.
func (s *SQLite) write(g *group) error {
	defer s.resume()
	for {
		err := s.commit(g)
		if err == nil || !s.lacksRoom(err) {
			return err
		}
		if s.disk.Relieve() {
			continue
		}
		if kept := s.hold(g, true); kept > mostKept {
			return fmt.Errorf("%d MiB of changes wait for room, and more are not kept: %w", kept>>20, err)
		}
		select {
		case <-time.After(again):
		case <-s.ending:
			return fmt.Errorf("there was no room until the end: %w", s.commit(g))
		}
	}
}

// lacksRoom tells whether a write failed because the disk takes none. SQLite has a code of
// its own for a full disk only.
func (s *SQLite) lacksRoom(err error) bool {
	failed, ok := errors.AsType[*sqlite.Error](err)
	if !ok {
		return s.disk.Refuses(err)
	}
	const full, ioerr, readOnly, cantOpen = 13, 10, 8, 14 // the primary result codes
	switch failed.Code() & 0xff {
	case full:
		return s.disk.Refuses(syscall.ENOSPC)
	case ioerr, readOnly, cantOpen:
		return s.disk.Refuses(s.disk.Probe())
	}
	return false
}

func (s *SQLite) commit(g *group) error {
	return s.transact(func(ctx context.Context, tx *sql.Tx) error { return s.apply(ctx, tx, g.changes) })
}

// merge reduces a group once it has twice as much as after the last time.
func (g *group) merge() {
	if g.bytes >= max(mergeAt, 2*g.merged) {
		g.reduce()
	}
}

// reduce leaves out changes that later ones make needless.
func (g *group) reduce() {
	type document struct{ kind, key string }
	set := map[document]bool{}
	var ranges []change
	kept := g.changes[len(g.changes):]
	for i := len(g.changes) - 1; i >= 0; i-- {
		c := g.changes[i]
		at := document{c.kind, c.key}
		if c.op != opDeleteRange && (set[at] || covered(ranges, c)) {
			continue
		}
		if c.op == opDeleteRange {
			ranges = append(ranges, c)
		} else {
			set[at] = true
		}
		kept = append(kept, c)
	}
	g.changes, g.bytes = make([]change, 0, len(kept)), 0
	for i := len(kept) - 1; i >= 0; i-- {
		g.changes = append(g.changes, kept[i])
		g.bytes += kept[i].size()
	}
	g.merged = g.bytes
}

// covered tells whether a document is in a range that is deleted.
func covered(ranges []change, c change) bool {
	for _, r := range ranges {
		if r.kind == c.kind && r.key <= c.key && (r.to == "" || c.key < r.to) {
			return true
		}
	}
	return false
}
