package operator

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"flyball/internal/control"
	"flyball/internal/operator/v1alpha1"
	"flyball/scaling"
)

// Memories keep what a host remembers of targets in their status. Each write has a revision of its
// own and the name of who wrote it: a controller that goes by an older one is refused, so that of
// two that act by mistake one sets capacity.
type Memories struct {
	names    *names
	statuses statuses
	identity string // of this controller, and no other, since it was started

	mu        sync.Mutex
	revisions map[scaling.ResourceID]int64 // that were read or written last
}

var _ control.State = (*Memories)(nil)

// writers is how many statuses are written at a time.
const writers = 16

// errBehind is that what was read is older than what this controller itself has written.
var errBehind = errors.New("the copy of the status is behind")

// Load reads what the status of a target has.
func (m *Memories) Load(ctx context.Context, id scaling.ResourceID) (*control.Memory, error) {
	key, known := m.names.key(id)
	if !known {
		return nil, nil
	}
	var t v1alpha1.ScalableTarget
	if err := m.statuses.live.Get(ctx, key, &t); err != nil {
		if apierrors.IsNotFound(err) {
			return nil, nil
		}
		return nil, err
	}
	s := t.Status.State
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
func (m *Memories) Save(ctx context.Context, changed map[scaling.ResourceID]*control.Memory) map[scaling.ResourceID]error {
	failed := map[scaling.ResourceID]error{}
	var mu sync.Mutex
	var all errgroup.Group
	all.SetLimit(writers)
	for id, memory := range changed {
		all.Go(func() error {
			if err := m.save(ctx, id, memory); err != nil {
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

func (m *Memories) save(ctx context.Context, id scaling.ResourceID, memory *control.Memory) error {
	key, known := m.names.key(id)
	if !known {
		return fmt.Errorf("no ScalableTarget governs %s any more", id)
	}
	raw, err := json.Marshal(memory)
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
