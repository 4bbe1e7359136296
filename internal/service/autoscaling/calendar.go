package autoscaling

import (
	"container/heap"
	"context"
	"time"
)

// A calendar says when policies are due, each at one time. Its owner's lock
// guards it.
type calendar struct {
	entries entries
	due     map[*policy]time.Time // an entry that says another time is out of date
	changed chan struct{}         // holds a token when an earlier entry may have come
}

type entry struct {
	at     time.Time
	policy *policy
}

func newCalendar() calendar {
	return calendar{due: map[*policy]time.Time{}, changed: make(chan struct{}, 1)}
}

// set makes a policy due at a time, and at no other.
func (c *calendar) set(p *policy, at time.Time) {
	c.due[p] = at
	heap.Push(&c.entries, entry{at, p})
	select {
	case c.changed <- struct{}{}:
	default: // its loop is told already
	}
}

// drop takes a policy out.
func (c *calendar) drop(p *policy) { delete(c.due, p) }

// take removes and returns policies that are due, up to a number of them. If
// there is none it says when the next one will be; zero: never.
func (c *calendar) take(now time.Time, most int) (due []*policy, next time.Time) {
	for len(c.entries) > 0 && len(due) < most {
		first := c.entries[0]
		if at, ok := c.due[first.policy]; !ok || !at.Equal(first.at) {
			heap.Pop(&c.entries)
			continue
		}
		if first.at.After(now) {
			return due, first.at
		}
		heap.Pop(&c.entries)
		delete(c.due, first.policy)
		due = append(due, first.policy)
	}
	return due, time.Time{}
}

// attend hands policies to a function when they are due, a number of them at a
// time, until ctx ends. There is one timer for all.
func (a *API) attend(ctx context.Context, c *calendar, most int, do func(context.Context, []*policy)) {
	for ctx.Err() == nil {
		a.mu.Lock()
		due, next := c.take(a.now(), most)
		a.mu.Unlock()
		if len(due) > 0 {
			do(ctx, due)
			continue
		}
		a.awaitChange(ctx, c.changed, next)
	}
}

// entries is a heap, the soonest first.
type entries []entry

// Len, Less, Swap, Push and Pop are for package heap.
func (e entries) Len() int           { return len(e) }
func (e entries) Less(i, j int) bool { return e[i].at.Before(e[j].at) }
func (e entries) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *entries) Push(x any)        { *e = append(*e, x.(entry)) }

func (e *entries) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	(*e)[last] = entry{}
	*e = (*e)[:last]
	return x
}
