// Package due does things when their time comes: any number of them, with one
// queue and one timer.
package due

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"flyball/internal/clock"
)

// A Queue knows when keys are due, each at one time. The zero Queue is empty and
// ready to use; its methods may be called from several goroutines.
type Queue[K comparable] struct {
	mu      sync.Mutex
	entries entries[K]
	index   map[K]*entry[K]
	sooner  *clock.Signal // is set when the first entry has changed; nil before Run
}

// An entry is a key with its time, and its place in the heap.
type entry[K comparable] struct {
	key   K
	at    time.Time
	place int
}

// Set makes a key due at a time, and at no other.
func (q *Queue[K]) Set(key K, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.set(key, at)
}

func (q *Queue[K]) set(key K, at time.Time) {
	if e := q.index[key]; e != nil {
		e.at = at
		heap.Fix(&q.entries, e.place)
	} else {
		if q.index == nil {
			q.index = map[K]*entry[K]{}
		}
		e := &entry[K]{key: key, at: at}
		q.index[key] = e
		heap.Push(&q.entries, e)
	}
	if q.entries[0].key == key {
		q.sooner.Set()
	}
}

// Sooner makes a key due at a time, unless it is due before that already.
func (q *Queue[K]) Sooner(key K, at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.index[key]; e == nil || at.Before(e.at) {
		q.set(key, at)
	}
}

// Drop makes a key never due.
func (q *Queue[K]) Drop(key K) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.index[key]; e != nil {
		heap.Remove(&q.entries, e.place)
		delete(q.index, key)
	}
}

// At is when a key is due, if it ever is.
func (q *Queue[K]) At(key K) (at time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if e := q.index[key]; e != nil {
		return e.at, true
	}
	return time.Time{}, false
}

// First is when the first of all keys is due, if there is any.
func (q *Queue[K]) First() (at time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.entries) == 0 {
		return time.Time{}, false
	}
	return q.entries[0].at, true
}

// Len is the number of keys that are due at some time.
func (q *Queue[K]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.entries)
}

// Take removes and returns keys that are due, the longest overdue first, up to a
// number of them. When none is due it says when the next one will be; zero is
// never.
func (q *Queue[K]) Take(now time.Time, most int) (keys []K, next time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.entries) > 0 && len(keys) < most {
		first := q.entries[0]
		if first.at.After(now) {
			break
		}
		heap.Pop(&q.entries)
		delete(q.index, first.key)
		keys = append(keys, first.key)
	}
	if len(keys) == 0 && len(q.entries) > 0 {
		next = q.entries[0].at
	}
	return keys, next
}

// Run hands keys to a function when they are due, up to a number of them at a
// time, until ctx ends. The function may set them again.
func (q *Queue[K]) Run(ctx context.Context, clk *clock.Clock, most int, do func(context.Context, []K)) {
	sooner := q.signal(clk)
	for ctx.Err() == nil {
		keys, next := q.Take(clk.Now(), most)
		if len(keys) > 0 {
			do(ctx, keys)
			continue
		}
		clk.Wait(ctx, next, sooner)
	}
}

// signal is what tells Run of an earlier time.
func (q *Queue[K]) signal(clk *clock.Clock) *clock.Signal {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.sooner == nil {
		q.sooner = clk.Signal()
	}
	return q.sooner
}

// entries is a heap, the soonest first.
type entries[K comparable] []*entry[K]

// Len, Less, Swap, Push and Pop are for package heap.
func (e entries[K]) Len() int           { return len(e) }
func (e entries[K]) Less(i, j int) bool { return e[i].at.Before(e[j].at) }

func (e entries[K]) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].place, e[j].place = i, j
}

func (e *entries[K]) Push(x any) {
	added := x.(*entry[K])
	added.place = len(*e)
	*e = append(*e, added)
}

func (e *entries[K]) Pop() any {
	last := len(*e) - 1
	taken := (*e)[last]
	(*e)[last] = nil
	*e = (*e)[:last]
	return taken
}
