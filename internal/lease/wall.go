package lease

import (
	"sync"
	"time"
)

// A wall is the database's clock as a replica knows it between two beats.
type wall struct {
	mu   sync.Mutex
	at   time.Time     // what the database's clock showed
	boot time.Duration // when that was
	told bool          // that this machine's clock is another
}

const (
	// step is by how much the database's clock must differ from what is counted on before it is followed: the
	// time that an answer takes moves nothing.
	step = 100 * time.Millisecond
	// apart is by how much this machine's clock may differ before that is told.
	apart = 5 * time.Second
)

// set takes what the database's clock showed at some moment of a question, and returns what it shows now.
func (w *wall) set(shown time.Time, asked, answered time.Duration) (now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	middle := (asked + answered) / 2
	differs := shown.Sub(w.at.Add(middle - w.boot)).Abs()
	if w.at.IsZero() || differs > step+(answered-asked) {
		w.at, w.boot = shown, middle
	}
	return shown.Add(sinceBoot() - middle)
}

func (w *wall) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at.Add(sinceBoot() - w.boot)
}

// tellWall tells, once, that this machine's clock is another than the database's.
func (m *Member) tellWall(now time.Time) {
	ahead := m.Wall().Round(0).Sub(now).Round(time.Millisecond)
	m.mu.Lock()
	defer m.mu.Unlock()
	if differs := ahead.Abs() > apart; differs != m.wall.told {
		m.wall.told = differs
		if differs {
			m.Log.Warn("this machine's clock is not the database's, which all replicas go by", "ahead", ahead)
		}
	}
}
