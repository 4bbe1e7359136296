package function

import (
	"context"
	"sync"
	"time"

	"flyball/internal/task"
)

// A meter keeps the most memory that an environment was seen to use.
type meter struct {
	mu   sync.Mutex
	last time.Time
	most int64
}

// look measures the environment, unless it was measured just now.
func (m *meter) look(t task.Task) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.last) < lookInterval {
		return
	}
	if usage, err := t.Usage(context.Background()); err == nil {
		m.most = max(m.most, usage.Memory)
	}
	m.last = time.Now()
}

// megabytes is the most in MiB, rounded up.
func (m *meter) megabytes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int((m.most + 1<<20 - 1) >> 20)
}
