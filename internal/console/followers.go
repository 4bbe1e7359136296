package console

import (
	"sync"
	"time"
)

// Bounds of those who follow searches.
const (
	mostFollowers = 64
	mostOfOne     = 16               // of one access key
	slowest       = 20 * time.Second // that takes nothing
)

// followers count those who follow searches, by access key.
type followers struct {
	mu  sync.Mutex
	all int
	of  map[string]int
}

func (f *followers) enter(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.all >= mostFollowers || f.of[key] >= mostOfOne {
		return false
	}
	if f.of == nil {
		f.of = map[string]int{}
	}
	f.all++
	f.of[key]++
	return true
}

func (f *followers) leave(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all--
	if f.of[key]--; f.of[key] == 0 {
		delete(f.of, key)
	}
}
