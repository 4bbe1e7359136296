package pattern

import (
	"cmp"
	"slices"
)

// An Index finds the patterns that an event matches among many. The zero Index is empty and ready
// to use. Match may be called by several goroutines at once, but not while Set or Delete is.
//
// Match takes as long as the event is large and the rules are alike that have something in common
// with it; how many others there are makes no difference. Memory is bounded by the sizes of the patterns, and by 1,000
// branches and about as many places of each.
type Index[K comparable] struct {
	rules  map[K]*rule
	keys   map[*rule]K
	filter filter
	number uint64
}

// Set gives a key its pattern.
func (x *Index[K]) Set(k K, p *Pattern) {
	x.Delete(k)
	if x.rules == nil {
		x.rules, x.keys = map[K]*rule{}, map[*rule]K{}
	}
	x.number++
	r := &rule{pattern: p, number: x.number}
	x.rules[k], x.keys[r] = r, k
	x.filter.add(r)
}

// Delete takes a key and its pattern out.
func (x *Index[K]) Delete(k K) {
	if r := x.rules[k]; r != nil {
		x.filter.remove(r)
		delete(x.rules, k)
		delete(x.keys, r)
	}
}

// Len is how many keys there are.
func (x *Index[K]) Len() int { return len(x.rules) }

// Match returns the keys whose patterns want an event, in the order in which they were set.
func (x *Index[K]) Match(e *Event) []K {
	f := x.find(e)
	slices.SortFunc(f.found, func(a, b *rule) int { return cmp.Compare(a.number, b.number) })
	keys := make([]K, len(f.found))
	for i, r := range f.found {
		keys[i] = x.keys[r]
	}
	return keys
}

func (x *Index[K]) find(e *Event) find {
	f := find{event: e, values: map[*field][]*node{}}
	x.filter.fields.collect(&e.root, f.values)
	f.in(&x.filter.root)
	return f
}

// A find is one event on its way through a filter.
type find struct {
	event  *Event
	values map[*field][]*node
	found  []*rule
	tried  int // branches
	// seen are the buckets that were looked into and the rules that were found, where they can be met again.
	seen map[any]bool
}

// again says whether a bucket or a rule was met before.
func (f *find) again(what any) bool {
	if f.seen[what] {
		return true
	}
	if f.seen == nil {
		f.seen = map[any]bool{}
	}
	f.seen[what] = true
	return false
}

// in looks through a bucket and those below it.
func (f *find) in(b *bucket) {
	for _, e := range b.rest {
		f.try(e)
	}
	if len(b.splits) < len(f.values) {
		for field, s := range b.splits {
			f.by(s, f.values[field])
		}
		return
	}
	for field, values := range f.values {
		if s := b.splits[field]; s != nil {
			f.by(s, values)
		}
	}
}

// by goes on from a split with the keys of values.
func (f *find) by(s *split, values []*node) {
	several := len(values) > 1 || len(s.lengths[fragmentKey].sorted) > 0
	for _, v := range values {
		s.lengths.each(v, func(k key) {
			if b := s.buckets[k]; b != nil && (!several || !f.again(b)) {
				f.in(b)
			}
		})
	}
}

func (f *find) try(e *entry) {
	r := e.rule
	several := len(r.entries) > 1 || len(e.in) > 1
	if several && f.seen[r] {
		return
	}
	f.tried++
	if !r.pattern.holds(e.branch, f.event) {
		return
	}
	if several {
		f.again(r)
	}
	f.found = append(f.found, r)
}
