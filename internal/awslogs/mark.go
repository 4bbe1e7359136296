package awslogs

import "flyball/internal/state"

// A mark is what is remembered of a container's log: all before a position is put, in
// events that are not later than a time.
type mark struct {
	Position string
	After    int64 `json:",omitempty"` // milliseconds since 1970
	Ended    bool  `json:",omitempty"` // nothing is left to be put
}

// kindMark is the kind of marks, by TASK/CONTAINER.
var kindMark = state.Kind{Name: "awslogs.mark", Version: 1}

// markOf is the mark of a container, which is that of its beginning at first.
func (d *Driver) markOf(key string) (m mark) {
	d.cell.State.View(d.lives, func() { m, _ = d.marks.Get(key) })
	return m
}

// setMark remembers a mark. It is on disk soon: an older one will do.
func (d *Driver) setMark(key string, m mark) {
	d.cell.State.Later(func(tx *state.Tx) { d.marks.Put(tx, key, m) })
}
