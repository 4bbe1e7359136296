package store

import "sync/atomic"

// Written is what was written since a store was opened.
type Written struct {
	Transactions, Documents, Bytes int64
	Stalled                        bool // a write waits for room
}

// writtenCounts counts what is written.
type writtenCounts struct{ transactions, documents, bytes atomic.Int64 }

func (w *writtenCounts) add(g *group) {
	w.transactions.Add(1)
	w.documents.Add(int64(len(g.changes)))
	for i := range g.changes {
		c := &g.changes[i]
		w.bytes.Add(int64(len(c.key) + len(c.value)))
	}
}

// Written is what was written since the store was opened, and whether a write waits.
func (s *SQLite) Written() Written {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Written{s.written.transactions.Load(), s.written.documents.Load(), s.written.bytes.Load(), s.waits}
}
