package tsdb

import (
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"flyball/metric"
)

// List goes through the metrics of a namespace and with a name, after a key and in
// the order of their keys. "" is any namespace, any name, and before all keys. It
// goes through those with a datapoint within the last two weeks; with each comes
// the time of its newest one, or up to half an hour more after a restart.
func (db *DB) List(namespace, name string, after metric.Key) iter.Seq2[metric.ID, time.Time] {
	prefix := ""
	if namespace != "" {
		prefix = string(metric.ID{Namespace: namespace, Name: name}.Key())
	}
	return func(yield func(metric.ID, time.Time) bool) {
		limit := ago(unix(db.clock.Now()), active)
		for _, s := range db.names.from(max(metric.Key(prefix), after)) {
			if !strings.HasPrefix(string(s.key), prefix) {
				return
			}
			last := s.newest()
			if last == 0 || last < limit || s.key == after {
				continue
			}
			if id := s.key.ID(); (name == "" || id.Name == name) && !yield(id, fromUnix(last)) {
				return
			}
		}
	}
}

// newest is the time of the newest datapoint, or 0.
func (s *Series) newest() uint32 {
	s.shard.mu.Lock()
	defer s.shard.mu.Unlock()
	return s.last
}

// An index has all series in the order of their keys.
type index struct {
	mu     sync.Mutex
	sorted []*Series // never changed, but replaced
	fresh  []*Series // came since, in any order
}

func (x *index) add(s *Series) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.fresh = append(x.fresh, s)
}

// from are the series that start at a key.
func (x *index) from(key metric.Key) []*Series {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.sort()
	return x.sorted[before(x.sorted, key):]
}

// sort puts the series that came since into their places.
func (x *index) sort() {
	if len(x.fresh) == 0 {
		return
	}
	slices.SortFunc(x.fresh, func(a, b *Series) int { return strings.Compare(string(a.key), string(b.key)) })
	all, rest := make([]*Series, 0, len(x.sorted)+len(x.fresh)), x.sorted
	for _, s := range x.fresh {
		n := before(rest, s.key)
		all = append(append(all, rest[:n]...), s)
		rest = rest[n:]
	}
	x.sorted, x.fresh = append(all, rest...), nil
}

// before is how many of sorted series have a lower key.
func before(sorted []*Series, key metric.Key) int {
	n, _ := slices.BinarySearchFunc(sorted, key, func(s *Series, key metric.Key) int { return strings.Compare(string(s.key), string(key)) })
	return n
}
