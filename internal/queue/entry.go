package queue

import "container/heap"

// An entry is a message that was looked at.
type entry struct {
	sequence uint64
	place    int64
	sent     Millis
	until    Millis // of a delay or of being in flight
	received Millis // the last time; 0: never
	first    Millis // when it was received first; 0: never
	receives uint32
	state    state
	slots    [2]int32 // in the heaps of the queue; -1: not there
	group    *group   // of a FIFO queue
	aloft    bool     // among those of the group that are in flight
	rank     int      // in the order of the queue; -1: not there
}

type state uint8

const (
	visible state = iota
	delayed
	inFlight
	gone
)

// A heap of entries notes in each where it is.
type heapOf struct {
	all  []*entry
	less func(a, b *entry) bool
	slot int
}

const (
	dueSlot = iota
	ageSlot
)

func dueFirst(a, b *entry) bool {
	return a.until < b.until || a.until == b.until && a.sequence < b.sequence
}

func oldestFirst(a, b *entry) bool {
	return a.sent < b.sent || a.sent == b.sent && a.sequence < b.sequence
}

func (h *heapOf) first() *entry {
	if len(h.all) == 0 {
		return nil
	}
	return h.all[0]
}

func (h *heapOf) push(e *entry) { heap.Push(h, e) }

// remove takes an entry out, if it is in.
func (h *heapOf) remove(e *entry) {
	if i := e.slots[h.slot]; i >= 0 {
		heap.Remove(h, int(i))
	}
}

// Len, Less, Swap, Push and Pop are for package heap.
func (h *heapOf) Len() int           { return len(h.all) }
func (h *heapOf) Less(i, j int) bool { return h.less(h.all[i], h.all[j]) }

func (h *heapOf) Swap(i, j int) {
	h.all[i], h.all[j] = h.all[j], h.all[i]
	h.all[i].slots[h.slot], h.all[j].slots[h.slot] = int32(i), int32(j)
}

func (h *heapOf) Push(x any) {
	e := x.(*entry)
	e.slots[h.slot] = int32(len(h.all))
	h.all = append(h.all, e)
}

func (h *heapOf) Pop() any {
	last := len(h.all) - 1
	e := h.all[last]
	h.all[last] = nil
	h.all = h.all[:last]
	e.slots[h.slot] = -1
	return e
}
