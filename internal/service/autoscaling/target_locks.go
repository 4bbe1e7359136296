package autoscaling

import (
	"sync"

	"flyball/scaling"
)

// targetLocks are a lock for each target, kept only while somebody has it or waits
// for it. The zero targetLocks are ready to use.
type targetLocks struct {
	mu    sync.Mutex
	locks map[scaling.ResourceID]*counted
}

// A counted is a lock with those who have it or wait for it.
type counted struct {
	sync.Mutex
	users int
}

// lock waits until nobody else has the lock of a target, and returns what frees it.
func (k *targetLocks) lock(id scaling.ResourceID) (unlock func()) {
	l := k.use(id)
	l.Lock()
	return func() { k.free(id, l) }
}

// try is lock if nobody has it.
func (k *targetLocks) try(id scaling.ResourceID) (unlock func(), free bool) {
	l := k.use(id)
	if !l.TryLock() {
		k.leave(id, l)
		return nil, false
	}
	return func() { k.free(id, l) }, true
}

func (k *targetLocks) use(id scaling.ResourceID) *counted {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.locks == nil {
		k.locks = map[scaling.ResourceID]*counted{}
	}
	l := k.locks[id]
	if l == nil {
		l = new(counted)
		k.locks[id] = l
	}
	l.users++
	return l
}

func (k *targetLocks) free(id scaling.ResourceID, l *counted) {
	l.Unlock()
	k.leave(id, l)
}

func (k *targetLocks) leave(id scaling.ResourceID, l *counted) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l.users--; l.users == 0 {
		delete(k.locks, id)
	}
}
