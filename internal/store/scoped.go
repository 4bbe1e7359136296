package store

import "strings"

// Scoped is a part of a store: the documents whose keys begin with a prefix,
// which its users neither give nor see. It shares the order of writes, the
// failure and the end of the store that it is a part of.
func Scoped(whole Store, prefix string) Store {
	if prefix == "" {
		return whole
	}
	return scoped{whole, prefix}
}

type scoped struct {
	Store
	prefix string
}

// Get implements Store.
func (s scoped) Get(kind, key string) ([]byte, error) { return s.Store.Get(kind, s.prefix+key) }

// Scan implements Store.
func (s scoped) Scan(kind string, r Range, each func(key string, value []byte) bool) error {
	return s.Store.Scan(kind, r.Within(s.prefix), func(key string, value []byte) bool {
		return each(strings.TrimPrefix(key, s.prefix), value)
	})
}

// Write implements Store.
func (s scoped) Write(b *Batch) Commit {
	within := Batch{changes: make([]change, len(b.changes))}
	for i, c := range b.changes {
		within.changes[i] = c.within(s.prefix)
	}
	return s.Store.Write(&within)
}

// Within is the range among the keys that begin with a prefix.
func (r Range) Within(prefix string) Range {
	all := Prefix(prefix)
	all.From, all.Reverse = prefix+r.From, r.Reverse
	if r.To != "" {
		all.To = prefix + r.To
	}
	return all
}

// within is the change to the documents whose keys begin with a prefix.
func (c change) within(prefix string) change {
	r := Range{From: c.key, To: c.to}.Within(prefix)
	c.key = r.From
	if c.op == opDeleteRange {
		c.to = r.To
	}
	return c
}
