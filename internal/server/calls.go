package server

import (
	"net/http"
	"sync"
	"time"
)

// calls are those that are being answered.
type calls struct {
	mu    sync.Mutex
	under int
	ended bool
	idle  chan struct{} // closed when no call is left; nil while nobody waits
}

// enter begins a call, if there are to be any more.
func (c *calls) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return false
	}
	c.under++
	return true
}

func (c *calls) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.under--; c.under == 0 && c.idle != nil {
		close(c.idle)
		c.idle = nil
	}
}

// drain lets no call in any more, and waits for those that are under way, but not for long.
func (c *calls) drain(patience time.Duration) {
	c.mu.Lock()
	c.ended = true
	idle := make(chan struct{})
	if c.under == 0 {
		close(idle)
	} else {
		c.idle = idle
	}
	c.mu.Unlock()
	select {
	case <-idle:
	case <-time.After(patience):
	}
}

// counted is a handler whose calls are counted.
func (c *calls) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !c.enter() {
			unavailable(w, "The server is ending.")
			return
		}
		defer c.leave()
		next.ServeHTTP(w, r)
	})
}
