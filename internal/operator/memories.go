package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"flyball/internal/control"
	"flyball/internal/operator/v1alpha1"
	"flyball/scaling"
)

// Memories keep what a host remembers of targets in their status. Each write has a revision of its
// own and the name of who wrote it: a controller that goes by an older one is refused, so that of
// two that act by mistake one sets capacity.
type Memories struct {
	names      *names
	statuses   statuses
	namespaces []string // whose targets are remembered; none: all of the cluster
	identity   string   // of this controller, and no other, since it was started
	// show has a status that is written say how a target stands, with what is about to be told. nil: it does not.
	show func(*v1alpha1.ScalableTarget, []control.Record)

	mu        sync.Mutex
	revisions map[scaling.ResourceID]int64 // that were read or written last
	// found are the states that were there when the first was asked for, and nobody has since; nil: none was.
	found map[types.NamespacedName]found
}

// A found is a state of a target.
type found struct {
	uid   types.UID
	state *v1alpha1.State
}

var _ control.State = (*Memories)(nil)

// writers is how many statuses are written at a time.
const writers = 16

// errBehind is that what was read is older than what this controller itself has written.
var errBehind = errors.New("the copy of the status is behind")

// Load reads what the status of targets has, as the API server has it: a copy may be behind what the controller before
// has written. The first time it reads those of all targets.
func (m *Memories) Load(ctx context.Context, ids []scaling.ResourceID) (map[scaling.ResourceID]*control.Memory, map[scaling.ResourceID]error) {
	known, failed := map[scaling.ResourceID]*control.Memory{}, map[scaling.ResourceID]error{}
	if m.found == nil {
		var err error
		if m.found, err = m.find(ctx); err != nil {
			for _, id := range ids {
				failed[id] = err
			}
			return known, failed
		}
	}
	for _, id := range ids {
		switch memory, err := m.load(ctx, id); {
		case err != nil:
			failed[id] = err
		case memory != nil:
			known[id] = memory
		}
	}
	return known, failed
}

// foundAtOnce is how many targets are read in one call.
const foundAtOnce = 500

// find reads the states of all targets.
func (m *Memories) find(ctx context.Context) (map[types.NamespacedName]found, error) {
	all := map[types.NamespacedName]found{}
	namespaces := m.namespaces
	if len(namespaces) == 0 {
		namespaces = []string{""}
	}
	for _, namespace := range namespaces {
		for next := ""; ; {
			var some v1alpha1.ScalableTargetList
			if err := m.statuses.live.List(ctx, &some, client.InNamespace(namespace), client.Limit(foundAtOnce), client.Continue(next)); err != nil {
				return nil, err
			}
			for i := range some.Items {
				t := &some.Items[i]
				all[client.ObjectKeyFromObject(t)] = found{t.UID, t.Status.State}
			}
			if next = some.Continue; next == "" {
				break
			}
		}
	}
	return all, nil
}

// state is the state of a target, once: what was found is nobody's to change but this controller's.
func (m *Memories) state(ctx context.Context, key types.NamespacedName) (*v1alpha1.State, error) {
	var t v1alpha1.ScalableTarget
	f, is := m.found[key]
	delete(m.found, key)
	if is && m.statuses.client.Get(ctx, key, &t) == nil && t.UID == f.uid {
		return f.state, nil
	}
	if err := m.statuses.live.Get(ctx, key, &t); err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return t.Status.State, nil
}

// load reads what the status of a target has; nil: nothing.
func (m *Memories) load(ctx context.Context, id scaling.ResourceID) (*control.Memory, error) {
	key, known := m.names.key(id)
	if !known {
		return nil, nil
	}
	s, err := m.state(ctx, key)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	m.revisions[id] = revision(s)
	m.mu.Unlock()
	if s == nil || len(s.Memory.Raw) == 0 {
		return nil, nil
	}
	var memory control.Memory
	if err := json.Unmarshal(s.Memory.Raw, &memory); err != nil {
		return nil, fmt.Errorf("status.state of ScalableTarget %s cannot be read: %w; remove it to begin anew, without cooldowns", key, err)
	}
	return &memory, nil
}

// Save writes what targets have become.
func (m *Memories) Save(ctx context.Context, changed map[scaling.ResourceID]control.Change) map[scaling.ResourceID]error {
	failed := map[scaling.ResourceID]error{}
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(writers)
	for id, change := range changed {
		all.Go(func() error {
			if err := m.save(ctx, id, change); err != nil {
				mu.Lock()
				failed[id] = err
				mu.Unlock()
			}
			return nil
		})
	}
	all.Wait()
	return failed
}

func (m *Memories) save(ctx context.Context, id scaling.ResourceID, change control.Change) error {
	key, known := m.names.key(id)
	if !known {
		return fmt.Errorf("no ScalableTarget governs %s any more", id)
	}
	raw, err := json.Marshal(change.Memory)
	if err != nil {
		return err
	}
	m.mu.Lock()
	mine := m.revisions[id]
	m.mu.Unlock()
	var next int64
	err = m.statuses.target(ctx, key, func(t *v1alpha1.ScalableTarget) error {
		switch stored := revision(t.Status.State); {
		case stored < mine:
			return errBehind
		case stored > mine && t.Status.State.Holder != m.identity:
			return fmt.Errorf("%s governs it, too: stop one of the two controllers, or give both the same lease; start this one again if it is the one that stays", t.Status.State.Holder)
		default: // what is newer than what is known is a write of its own to which the answer was lost
			next = stored + 1
		}
		t.Status.State = &v1alpha1.State{Revision: next, Holder: m.identity}
		t.Status.State.Memory.Raw = raw
		if m.show != nil {
			m.show(t, change.Records)
		}
		return nil
	})
	if err == nil {
		m.mu.Lock()
		m.revisions[id] = next
		m.mu.Unlock()
	}
	return err
}

// Forget does nothing: what is remembered of a target goes with its resource.
func (m *Memories) Forget(_ context.Context, id scaling.ResourceID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.revisions, id)
	return nil
}

func revision(s *v1alpha1.State) int64 {
	if s == nil {
		return 0
	}
	return s.Revision
}
