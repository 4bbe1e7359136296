package queue

import (
	"cmp"
	"container/heap"
)

// groups is the order of a FIFO queue. Messages of a group are received in the order in
// which they were sent: none while one that was sent before it is in flight, unless the
// same call receives that one, or delayed. Groups take turns: one that has messages to
// receive again is behind those that have had them since before.
type groups struct {
	queue *Queue
	named map[string]*group
	ready readyGroups
	ahead int64    // messages that were looked at, but for delayed ones
	busy  int64    // groups with messages in flight
	front uint64   // messages before this one are not in the backlog
	open  []*group // from which the call has received that goes on
}

// A group is the messages of one group that were looked at.
type group struct {
	name   string
	held   messages // those that are not in flight
	flying messages // those in flight, but for those of the call that goes on
	taken  []*entry // by the call that goes on
	since  Millis   // when it got messages that can be received
	rank   int      // among those that are ready; -1: not there
}

// mostAhead bounds the messages that are looked at, in flight or not ("FIFO queue and
// message group quotas").
const mostAhead = 120_000

func newGroups(q *Queue) *groups { return &groups{queue: q, named: map[string]*group{}} }

// of is the group of a name, which begins with its first message.
func (g *groups) of(name string) *group {
	if found := g.named[name]; found != nil {
		return found
	}
	made := &group{name: name, rank: -1}
	g.named[name] = made
	return made
}

func (g *groups) add(e *entry) {
	if e.state == visible {
		g.ahead++
	}
	heap.Push(&e.group.held, e)
	g.refresh(e.group, e.sent)
}

func (g *groups) due(e *entry) {
	g.ahead++
	g.refresh(e.group, g.queue.now)
}

func (g *groups) back(e *entry) {
	g.land(e)
	heap.Push(&e.group.held, e)
	g.refresh(e.group, g.queue.now)
}

// fly notes that a message of a group is in flight.
func (g *groups) fly(e *entry) {
	heap.Push(&e.group.flying, e)
	if e.aloft = true; len(e.group.flying) == 1 {
		g.busy++
	}
}

// land notes that a message of a group is in flight no more.
func (g *groups) land(e *entry) {
	heap.Remove(&e.group.flying, e.rank)
	if e.aloft = false; len(e.group.flying) == 0 {
		g.busy--
	}
}

func (g *groups) drop(e *entry) {
	if e.state != delayed {
		g.ahead--
	}
	if e.aloft {
		g.land(e)
	} else {
		heap.Remove(&e.group.held, e.rank)
	}
	g.refresh(e.group, g.queue.now)
}

func (g *groups) pick(e *entry) {
	heap.Remove(&e.group.held, e.rank)
	g.fly(e)
	g.refresh(e.group, g.queue.now)
}

// refresh notes whether messages of a group can be received, and since when. A group
// without messages is forgotten.
func (g *groups) refresh(of *group, since Millis) {
	can := len(of.held) > 0 && of.held[0].state == visible && (len(of.flying) == 0 || of.held[0].sequence < of.flying[0].sequence)
	switch {
	case can && of.rank < 0:
		of.since = since
		heap.Push(&g.ready, of)
	case can:
		heap.Fix(&g.ready, of.rank)
	case of.rank >= 0:
		heap.Remove(&g.ready, of.rank)
	}
	if len(of.held)+len(of.flying)+len(of.taken) == 0 {
		delete(g.named, of.name)
	}
}

// take is the next message, of the group of the one before if that has any: "Amazon
// SQS first attempts to return as many messages with the same message group ID as
// possible" ("FIFO queue delivery logic").
func (g *groups) take() *entry {
	g.lookAhead()
	of := (*group)(nil)
	if n := len(g.open); n > 0 && g.can(g.open[n-1]) {
		of = g.open[n-1]
	} else if g.look(); len(g.ready) > 0 && g.can(g.ready[0]) {
		of = g.ready[0]
	}
	if of == nil {
		return nil
	}
	if len(of.taken) == 0 {
		g.open = append(g.open, of)
	}
	e := heap.Pop(&of.held).(*entry)
	of.taken = append(of.taken, e)
	g.refresh(of, of.since)
	return e
}

// can tells whether a message of a group can be received. What is behind the front
// could have one of its group before it.
func (g *groups) can(of *group) bool {
	return of.rank >= 0 && (of.held[0].sequence < g.front || g.queue.waiting == 0)
}

// usualAhead is how many messages are looked at whatever can be received, so that
// those of a group are found together.
const usualAhead = 1000

func (g *groups) lookAhead() {
	for g.queue.waiting > 0 && g.ahead < usualAhead {
		g.load()
	}
}

// look looks ahead in the backlog until it has come past a message that can be
// received, or too far.
func (g *groups) look() {
	for g.queue.waiting > 0 && g.ahead < mostAhead && !(len(g.ready) > 0 && g.can(g.ready[0])) {
		g.load()
	}
}

// load looks at the first message of the backlog.
func (g *groups) load() {
	if e := g.queue.load(); e != nil {
		g.front = e.sequence + 1
		g.add(e)
	}
}

func (g *groups) settled() {
	for _, of := range g.open {
		for _, e := range of.taken {
			g.fly(e)
		}
		of.taken = nil
		g.refresh(of, g.queue.now)
	}
	g.open = g.open[:0]
}

func (g *groups) locked() int64 { return g.busy }

// messages is a heap of messages of a group, in the order of sending.
type messages []*entry

// Len, Less, Swap, Push and Pop are for package heap.
func (h messages) Len() int           { return len(h) }
func (h messages) Less(i, j int) bool { return h[i].sequence < h[j].sequence }

func (h messages) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].rank, h[j].rank = i, j
}

func (h *messages) Push(x any) {
	e := x.(*entry)
	e.rank = len(*h)
	*h = append(*h, e)
}

func (h *messages) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	e.rank = -1
	return e
}

// readyGroups is a heap of groups, by their turns. Of two with the same the one is
// first whose message was sent first.
type readyGroups []*group

// Len, Less, Swap, Push and Pop are for package heap.
func (r readyGroups) Len() int { return len(r) }
func (r readyGroups) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(r[i].since, r[j].since), cmp.Compare(r[i].held[0].sequence, r[j].held[0].sequence)) < 0
}

func (r readyGroups) Swap(i, j int) {
	r[i], r[j] = r[j], r[i]
	r[i].rank, r[j].rank = i, j
}

func (r *readyGroups) Push(x any) {
	of := x.(*group)
	of.rank = len(*r)
	*r = append(*r, of)
}

func (r *readyGroups) Pop() any {
	last := len(*r) - 1
	of := (*r)[last]
	(*r)[last] = nil
	*r = (*r)[:last]
	of.rank = -1
	return of
}
