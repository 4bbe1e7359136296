package state

import (
	"sync"

	"flyball/internal/store"
)

// announcements are made in the order of the changes that they are about, each
// once its change is on disk. The goroutine that makes them ends when there are
// none.
type announcements struct {
	mu      sync.Mutex
	waiting []announcement
	making  bool
	made    chan struct{} // closed when none is left; nil while nobody waits
}

type announcement struct {
	commit store.Commit
	make   []func()
}

// add has announcements made after those that were added before.
func (a *announcements) add(c store.Commit, news []func()) {
	if len(news) == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = append(a.waiting, announcement{c, news})
	if !a.making {
		a.making = true
		go a.makeAll()
	}
}

// left is closed when none is left that was added before; it is nil when none is now.
func (a *announcements) left() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.making && a.made == nil {
		a.made = make(chan struct{})
	}
	return a.made
}

func (a *announcements) makeAll() {
	for {
		a.mu.Lock()
		if len(a.waiting) == 0 {
			a.waiting, a.making = nil, false
			if a.made != nil {
				close(a.made)
				a.made = nil
			}
			a.mu.Unlock()
			return
		}
		next := a.waiting[0]
		a.waiting = a.waiting[1:]
		a.mu.Unlock()
		if next.commit.Wait() != nil {
			continue // it is not on disk, and the server ends
		}
		for _, f := range next.make {
			f()
		}
	}
}
