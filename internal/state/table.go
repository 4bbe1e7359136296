package state

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
)

// A Table is rows that are kept in memory, and each as a document. Rows are
// values: to change one, put a changed copy. A Table is read under the state's
// lock, in a View or a Change, and changed in a Change.
type Table[T any] struct {
	kind   Kind
	rows   map[string]T
	sorted atomic.Pointer[[]string] // the keys in order; nil when they must be sorted anew
}

// NewTable loads a table.
func NewTable[T any](s *State, k Kind) (*Table[T], error) {
	t := &Table[T]{kind: k, rows: map[string]T{}}
	err := Load(s, k, func(key string, row *T) error {
		t.rows[key] = *row
		return nil
	})
	return t, err
}

// Len is the number of rows.
func (t *Table[T]) Len() int { return len(t.rows) }

// Get is the row of a key.
func (t *Table[T]) Get(key string) (row T, ok bool) {
	row, ok = t.rows[key]
	return row, ok
}

// Put sets the row of a key.
func (t *Table[T]) Put(tx *Tx, key string, row T) {
	old, had := t.rows[key]
	t.rows[key] = row
	if !had {
		t.sorted.Store(nil)
	}
	tx.Undo(func() { t.restore(key, old, had) })
	tx.Put(t.kind, key, row)
}

// Delete removes the row of a key, if there is one.
func (t *Table[T]) Delete(tx *Tx, key string) {
	old, had := t.rows[key]
	if !had {
		return
	}
	delete(t.rows, key)
	t.sorted.Store(nil)
	tx.Undo(func() { t.restore(key, old, true) })
	tx.Delete(t.kind, key)
}

func (t *Table[T]) restore(key string, old T, had bool) {
	t.sorted.Store(nil)
	if had {
		t.rows[key] = old
	} else {
		delete(t.rows, key)
	}
}

// Keys are the keys that begin with a prefix, in order. They are shared: the
// caller leaves them as they are.
func (t *Table[T]) Keys(prefix string) []string {
	sorted := t.sorted.Load()
	if sorted == nil {
		keys := slices.Sorted(maps.Keys(t.rows))
		sorted = &keys
		t.sorted.Store(sorted)
	}
	keys := *sorted
	start := sort.SearchStrings(keys, prefix)
	n := sort.Search(len(keys)-start, func(i int) bool { return !strings.HasPrefix(keys[start+i], prefix) })
	return keys[start : start+n]
}

// Rows are the rows whose keys begin with a prefix, in the order of their keys.
func (t *Table[T]) Rows(prefix string) []T {
	keys := t.Keys(prefix)
	rows := make([]T, len(keys))
	for i, key := range keys {
		rows[i] = t.rows[key]
	}
	return rows
}
