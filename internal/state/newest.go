package state

import (
	"strings"
	"sync"

	"flyball/internal/store"
)

// newest knows the last write of each family of kinds, and that of all under "".
// The zero newest knows of none.
type newest struct {
	mu      sync.Mutex
	commits map[string]store.Commit
}

// note keeps the commit of a batch, the newest of all that were queued.
func (n *newest) note(b *store.Batch, c store.Commit) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.commits == nil {
		n.commits = map[string]store.Commit{}
	}
	n.commits[""] = c
	last := ""
	for kind := range b.Kinds() {
		if kind != last {
			n.commits[family(kind)] = c
			last = kind
		}
	}
}

// of is the newest commit of a family.
func (n *newest) of(family string) store.Commit {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.commits[family]
}

// family is what the name of a kind begins with: that of a service.
func family(kind string) string {
	name, _, _ := strings.Cut(kind, ".")
	return name
}
