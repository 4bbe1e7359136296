package operator

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"flyball/scaling"
)

// names say which ScalableTarget governs a resource.
type names struct {
	mu   sync.Mutex
	keys map[scaling.ResourceID]types.NamespacedName
	ids  map[types.NamespacedName]scaling.ResourceID
}

func newNames() *names {
	return &names{keys: map[scaling.ResourceID]types.NamespacedName{}, ids: map[types.NamespacedName]scaling.ResourceID{}}
}

func (n *names) set(key types.NamespacedName, id scaling.ResourceID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.keys[id], n.ids[key] = key, id
}

func (n *names) key(id scaling.ResourceID) (types.NamespacedName, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key, ok := n.keys[id]
	return key, ok
}

// drop forgets a ScalableTarget, and returns what it governed, unless another one does so now.
func (n *names) drop(key types.NamespacedName) (scaling.ResourceID, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	id, ok := n.ids[key]
	delete(n.ids, key)
	if !ok || n.keys[id] != key {
		return id, false
	}
	delete(n.keys, id)
	return id, true
}
