package store

import (
	"fmt"
	"time"
)

// What is deleted leaves pages in the file, which are written again before it grows. Where
// they are many they go back to the disk, in steps between which others write.
const (
	// shrinkAfter is how long after a write that deletes the file is looked at.
	shrinkAfter = time.Second
	// shrinkPause is from one step to the next, and shrinkPages what a step gives back: with
	// pages of 4 KiB, 5 MiB a second.
	shrinkPause = 50 * time.Millisecond
	shrinkPages = 64
	// spareShare and leastSpare are the free pages that stay for what comes next.
	spareShare = 4
	leastSpare = 256
	// mostLog is how long the file of the write-ahead log is once it begins anew, in bytes.
	mostLog = 4 << 20
)

// deletes tells whether a group may leave free pages.
func (g *group) deletes() bool {
	for i := range g.changes {
		if g.changes[i].op != opPut {
			return true
		}
	}
	return false
}

// shrinkOnce makes a step, and plans the next. That it fails is no reason to write no more.
func (s *SQLite) shrinkOnce(next *time.Timer) {
	again, err := s.shrink()
	if s.shrinks = err == nil && again > 0; s.shrinks {
		next.Reset(again)
	}
}

// shrink gives back some of the free pages, and returns when it is to be called again; 0: when
// something is deleted.
func (s *SQLite) shrink() (again time.Duration, err error) {
	if s.disk.Check() != nil {
		return shrinkAfter, nil // a step needs room itself
	}
	var pages, free, mode int64
	for _, p := range []struct {
		name string
		to   *int64
	}{{"page_count", &pages}, {"freelist_count", &free}, {"auto_vacuum", &mode}} {
		if err := s.db.QueryRow("PRAGMA " + p.name).Scan(p.to); err != nil {
			return 0, fmt.Errorf("look at the free pages: %w", err)
		}
	}
	if free < max(pages/spareShare, leastSpare) {
		return 0, s.checkpoint()
	}
	if mode == 0 {
		return 0, s.rewrite()
	}
	if _, err := s.db.Exec(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", shrinkPages)); err != nil {
		return 0, fmt.Errorf("give back free pages: %w", err)
	}
	return shrinkPause, nil
}

// checkpoint has the file be as long as the write-ahead log says, unless readers are in the
// way.
func (s *SQLite) checkpoint() error {
	var busy, log, done int
	return s.db.QueryRow("PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &log, &done)
}

// rewrite has the file of an earlier release, which cannot be shrunk in steps, be written anew
// without its free pages. That is once, and not before its check: what this does not find
// would be gone.
func (s *SQLite) rewrite() error {
	if !s.verified.Load() {
		return nil
	}
	if _, err := s.db.Exec("VACUUM"); err != nil && !s.lacksRoom(err) {
		return fmt.Errorf("write the state anew: %w", err)
	}
	return s.checkpoint()
}
