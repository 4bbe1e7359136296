package cloudwatch

import (
	"maps"
	"slices"
	"sort"
	"strings"
	"sync"
)

// A registry is the alarms by name, and which composite alarms follow which alarm.
type registry struct {
	alarms     map[string]*entry
	order      order
	composites int                 // how many of the alarms are composite
	selecting  int                 // how many are on Metrics Insights queries
	states     [3]int              // how many are in each alarm.State
	parents    map[string][]*entry // composite alarms by the names that their rules mention
	suppressed map[string][]*entry // composite alarms by the name of their suppressor
}

func (g *registry) init() {
	g.alarms, g.parents, g.suppressed = map[string]*entry{}, map[string][]*entry{}, map[string][]*entry{}
}

// get is the alarm with a name, or nil.
func (g *registry) get(name string) *entry { return g.alarms[name] }

func (g *registry) add(e *entry) {
	g.alarms[e.name] = e
	g.order.change(e.name)
	g.states[e.State]++
	if e.metric.selects() {
		g.selecting++
	}
	if c := e.composite; c != nil {
		g.composites++
		for _, child := range c.children {
			g.parents[child] = append(g.parents[child], e)
		}
		if c.suppressor != "" {
			g.suppressed[c.suppressor] = append(g.suppressed[c.suppressor], e)
		}
	}
}

func (g *registry) remove(e *entry) {
	delete(g.alarms, e.name)
	g.order.change(e.name)
	g.states[e.State]--
	if e.metric.selects() {
		g.selecting--
	}
	if c := e.composite; c != nil {
		g.composites--
		for _, child := range c.children {
			removeFrom(g.parents, child, e)
		}
		removeFrom(g.suppressed, c.suppressor, e)
	}
}

// enter has an alarm that is known be in a state, with how it came about.
func (g *registry) enter(e *entry, s status) {
	g.states[e.State]--
	e.status = s
	g.states[e.State]++
}

// removeFrom takes an alarm out of the list under a key.
func removeFrom(lists map[string][]*entry, key string, e *entry) {
	rest := slices.DeleteFunc(lists[key], func(other *entry) bool { return other == e })
	if len(rest) == 0 {
		delete(lists, key)
	} else {
		lists[key] = rest
	}
}

// children are the names in a composite alarm's rule.
func (g *registry) children(name string) []string {
	if e := g.alarms[name]; e != nil && e.composite != nil {
		return e.composite.children
	}
	return nil
}

// withNames are the alarms of these names that exist, by name.
func (g *registry) withNames(names []string) []*entry {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	var found []*entry
	for _, name := range names {
		if e := g.alarms[name]; e != nil {
			found = append(found, e)
		}
	}
	return found
}

// withPrefix are the alarms whose names begin with a prefix, by name. The list is
// shared: the caller leaves it as it is.
func (g *registry) withPrefix(prefix string) []*entry {
	rest := g.order.of(g.alarms)
	rest = rest[search(rest, prefix):]
	return rest[:sort.Search(len(rest), func(i int) bool { return !strings.HasPrefix(rest[i].name, prefix) })]
}

// search is the index of the first alarm whose name is not before a name.
func search(list []*entry, name string) int {
	i, _ := slices.BinarySearchFunc(list, name, func(e *entry, name string) int { return strings.Compare(e.name, name) })
	return i
}

// An order is the alarms by name. What changes after a listing is put into its place
// at the next one: to order a million alarms again for each new one would take a
// second.
type order struct {
	changed map[string]bool // names, since list was made; nil before that

	mu   sync.Mutex // for readers, of which there may be several
	list []*entry   // nil when all must be ordered
}

// change tells of an alarm that comes or goes.
func (o *order) change(name string) {
	switch {
	case o.list == nil:
	case len(o.changed) > len(o.list)/8: // it is as soon ordered anew
		o.list, o.changed = nil, nil
	default:
		o.changed[name] = true
	}
}

// of are the alarms by name.
func (o *order) of(alarms map[string]*entry) []*entry {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.list == nil:
		o.list = slices.SortedFunc(maps.Values(alarms), func(x, y *entry) int { return strings.Compare(x.name, y.name) })
	case len(o.changed) > 0:
		o.list = o.merged(alarms)
	default:
		return o.list
	}
	o.changed = map[string]bool{}
	return o.list
}

// merged is the list with what changed since it was made.
func (o *order) merged(alarms map[string]*entry) []*entry {
	list, rest := make([]*entry, 0, len(alarms)), o.list
	for _, name := range slices.Sorted(maps.Keys(o.changed)) {
		i := search(rest, name)
		list, rest = append(list, rest[:i]...), rest[i:]
		if len(rest) > 0 && rest[0].name == name {
			rest = rest[1:]
		}
		if e := alarms[name]; e != nil {
			list = append(list, e)
		}
	}
	return append(list, rest...)
}
