package datafolder

import (
	"fmt"

	"flyball/internal/damage"
	"flyball/internal/state"
	"flyball/internal/store"
)

// The layouts of a data folder. A release refuses one that it does not know. So a change of any
// file's format that earlier releases would take for damage is a layout of its own.
const (
	LayoutUnscoped = 0 // keys name no cell
	LayoutWhole    = 1 // keys begin with their cell's scope, and what one call changes is one write
	LayoutNamed    = 2 // segments of queues name their queue
	Layout         = LayoutNamed
)

// kindLayout says which layout the folder has; one document.
var kindLayout = state.Kind{Name: "server.layout", Version: 1}

const layoutKey = "layout"

// A NewerError is of a folder that a later release has written.
type NewerError struct{ Layout int }

func (e *NewerError) Error() string {
	return fmt.Sprintf("the data folder has layout %d, and this flyball knows layouts up to %d; use the release that wrote it, or a later one", e.Layout, Layout)
}

// ReadLayout returns the layout that a folder's state has noted, a *NewerError of one that is not
// known, or store.ErrNotFound.
func ReadLayout(s *state.State) (int, error) {
	layout, err := state.Get[int](s, kindLayout, layoutKey)
	if err != nil {
		return 0, err
	}
	return *layout, knows(*layout)
}

func knows(layout int) error {
	if layout > Layout {
		return &NewerError{layout}
	}
	return nil
}

// NoteLayout adds to a batch that a folder has today's layout.
func NoteLayout(b *store.Batch) *store.Batch {
	return b.Put(kindLayout.Name, layoutKey, kindLayout.Encode(Layout))
}

// checkState is the check of the state, which ends with a *NewerError where a later release has
// written it: nothing else in the folder is to be taken for damaged then.
func checkState(dir string) (damage.Report, error) {
	var newer error
	r, err := store.Check(Database(dir), func(kind, key string, value []byte) {
		var layout int
		if kind == kindLayout.Name && key == layoutKey && kindLayout.Decode(value, &layout) == nil {
			newer = knows(layout)
		}
	})
	if newer != nil {
		return r, newer
	}
	return r, err
}
