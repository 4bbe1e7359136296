package cloudwatch

import (
	"slices"
	"strings"
	"sync/atomic"
)

// A registry is the alarms by name, and which composite alarms follow which alarm.
type registry struct {
	alarms     map[string]*entry
	ordered    atomic.Pointer[[]*entry] // by name; nil when it must be ordered anew
	composites int                      // how many of the alarms are composite
	parents    map[string][]*entry      // composite alarms by the names that their rules mention
	suppressed map[string][]*entry      // composite alarms by the name of their suppressor
}

func (g *registry) init() {
	g.alarms, g.parents, g.suppressed = map[string]*entry{}, map[string][]*entry{}, map[string][]*entry{}
}

// get is the alarm with a name, or nil.
func (g *registry) get(name string) *entry { return g.alarms[name] }

func (g *registry) add(e *entry) {
	g.alarms[e.name] = e
	g.ordered.Store(nil)
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
	g.ordered.Store(nil)
	if c := e.composite; c != nil {
		g.composites--
		for _, child := range c.children {
			removeFrom(g.parents, child, e)
		}
		removeFrom(g.suppressed, c.suppressor, e)
	}
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
	rest := g.all()
	start, _ := slices.BinarySearchFunc(rest, prefix, func(e *entry, p string) int { return strings.Compare(e.name, p) })
	rest = rest[start:]
	if end := slices.IndexFunc(rest, func(e *entry) bool { return !strings.HasPrefix(e.name, prefix) }); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// all are the alarms by name. Several readers may order them at the same time.
func (g *registry) all() []*entry {
	if ordered := g.ordered.Load(); ordered != nil {
		return *ordered
	}
	all := make([]*entry, 0, len(g.alarms))
	for _, e := range g.alarms {
		all = append(all, e)
	}
	slices.SortFunc(all, func(x, y *entry) int { return strings.Compare(x.name, y.name) })
	g.ordered.Store(&all)
	return all
}
