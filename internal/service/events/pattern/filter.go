package pattern

import "slices"

// A filter finds the branches that an event may match among many: all that it does match, and few others.
//
// It is a tree of buckets. A bucket with more than a handful of branches is split by a field: each branch that
// compares that field goes to the buckets of the keys that a value must have to match, and an event
// goes on to the buckets of the keys that its values have. Which field splits a bucket is what tells
// its branches apart best, so that branches with much in common are told apart by the rest. So the work
// for an event depends on what it has in common with rules, not on how many there are.
type filter struct {
	root   bucket
	fields fields
}

// handful is how many branches a bucket may have before it is split, and mostKeys by how many keys a branch may be
// looked up in one split.
const (
	handful  = 8
	mostKeys = 64
)

// mostPlaces is in how many buckets a rule may be beside one for each branch, which bounds what a hostile one costs.
const mostPlaces = 1024

// An entry is a branch of a rule in a filter.
type entry struct {
	rule   *rule
	branch branch
	in     []*bucket
}

// A rule is a pattern in a filter.
type rule struct {
	pattern *Pattern
	number  uint64
	fields  []*field // of the pattern's terms
	entries []*entry
	spare   int // of mostPlaces
}

// A bucket has branches of which nothing is known but the keys on the way to it.
type bucket struct {
	above    *split // nil of the root
	key      key
	rest     []*entry
	splits   map[*field]*split
	size     int // entries in it and below
	patience int // how many entries may be in rest before a field to split by is looked for again
}

// A split has the buckets of the keys of one field.
type split struct {
	of      *bucket
	field   *field
	buckets map[key]*bucket
	lengths lengths
}

func (f *filter) add(r *rule) {
	r.fields = make([]*field, len(r.pattern.terms))
	for i := range r.pattern.terms {
		r.fields[i] = f.fields.use(&r.pattern.terms[i])
	}
	r.spare = mostPlaces
	for _, b := range r.pattern.branches {
		e := &entry{rule: r, branch: b}
		r.entries = append(r.entries, e)
		f.root.add(e)
	}
}

func (f *filter) remove(r *rule) {
	for _, e := range r.entries {
		for _, b := range e.in {
			b.remove(e)
		}
	}
	for i := range r.pattern.terms {
		f.fields.release(r.pattern.terms[i].steps)
	}
}

// add puts an entry into a bucket, or into those below it.
func (b *bucket) add(e *entry) {
	if b.passOn(e) {
		return
	}
	b.keep(e)
	if len(b.rest) > max(handful, b.patience) {
		b.refine()
	}
}

func (b *bucket) keep(e *entry) {
	b.rest = append(b.rest, e)
	e.in = append(e.in, b)
	b.count(1)
}

// passOn puts an entry into buckets below: of the fields that split this one, by that
// which leads to where there are the fewest others.
func (b *bucket) passOn(e *entry) bool {
	var best *split
	var keys []key
	least := 0
	for _, t := range e.branch {
		s := b.splits[e.rule.fields[t]]
		if s == nil {
			continue
		}
		if k, load, ok := s.keys(e, t); ok && (best == nil || load < least) {
			best, keys, least = s, k, load
		}
	}
	if best == nil {
		return false
	}
	e.rule.spare -= len(keys) - 1
	for _, k := range keys {
		best.bucket(k).add(e)
	}
	return true
}

// count notes that entries have come into a bucket.
func (b *bucket) count(n int) {
	b.size += n
	for s := b.above; s != nil; s = s.of.above {
		s.of.size += n
	}
}

// remove takes an entry out, and buckets and splits that are empty then.
func (b *bucket) remove(e *entry) {
	i := slices.Index(b.rest, e)
	b.rest = slices.Delete(b.rest, i, i+1)
	b.count(-1)
	for s := b.above; s != nil && b.size == 0; b, s = s.of, s.of.above {
		delete(s.buckets, b.key)
		s.lengths.remove(b.key)
		if len(s.buckets) == 0 {
			delete(s.of.splits, s.field)
		}
	}
}

// refine splits a bucket by more fields, as long as there are any that tell its entries apart.
func (b *bucket) refine() {
	for len(b.rest) > handful {
		by := b.divider()
		if by == nil {
			b.patience = 2 * len(b.rest)
			return
		}
		if b.splits == nil {
			b.splits = map[*field]*split{}
		}
		b.splits[by] = &split{of: b, field: by, buckets: map[key]*bucket{}}
		rest := b.rest
		b.rest = nil
		b.count(-len(rest))
		for _, e := range rest {
			e.in = slices.DeleteFunc(e.in, func(in *bucket) bool { return in == b })
			if !b.passOn(e) {
				b.keep(e)
			}
		}
	}
}

// divider is the field by which the entries of a bucket's rest are best told apart, or nil: the one that the most
// of them have, with the fewest under one key. A key that every value has tells nothing.
func (b *bucket) divider() (best *field) {
	type division struct {
		entries, most int
		under         map[key]int
	}
	divisions := map[*field]*division{}
	for _, e := range b.rest {
		for _, t := range e.branch {
			f := e.rule.fields[t]
			keys, _, ok := (*split)(nil).keys(e, t)
			if !ok || b.isSplitBy(f) {
				continue
			}
			d := divisions[f]
			if d == nil {
				d = &division{under: map[key]int{}}
				divisions[f] = d
			}
			d.entries++
			for _, k := range keys {
				d.under[k]++
				d.most = max(d.most, d.under[k])
			}
		}
	}
	most := 0
	for f, d := range divisions {
		worth := 3*d.entries - 2*d.most - d.under[key{kind: anyKey}]
		if worth > most || worth == most && best != nil && f.path < best.path {
			best, most = f, worth
		}
	}
	return best
}

// isSplitBy says whether a bucket is split by a field, or is below a split by it.
func (b *bucket) isSplitBy(f *field) bool {
	if b.splits[f] != nil {
		return true
	}
	for s := b.above; s != nil; s = s.of.above {
		if s.field == f {
			return true
		}
	}
	return false
}

// keys are those of a term of an entry, each way to look a comparison up taken that has the
// fewest entries so far, and how many entries the fullest of their buckets has. A nil split is an empty one.
func (s *split) keys(e *entry, t uint16) (keys []key, load int, ok bool) {
	term := &e.rule.pattern.terms[t]
	if term.absent || len(term.any) > mostKeys {
		return nil, 0, false
	}
	for _, c := range term.any {
		way, least := []key(nil), -1
		for _, candidate := range keysOf(c) {
			if l := s.load(candidate); least < 0 || l < least {
				way, least = candidate, l
			}
		}
		load = max(load, least)
		for _, k := range way {
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys, load, len(keys) <= min(mostKeys, e.rule.spare+1)
}

// load is how many entries the fullest bucket of some keys has.
func (s *split) load(keys []key) (most int) {
	if s == nil {
		return 0
	}
	for _, k := range keys {
		if b := s.buckets[k]; b != nil {
			most = max(most, b.size)
		}
	}
	return most
}

// bucket is that of a key, which is made if there is none.
func (s *split) bucket(k key) *bucket {
	b := s.buckets[k]
	if b == nil {
		b = &bucket{above: s, key: k}
		s.buckets[k] = b
		s.lengths.add(k)
	}
	return b
}
