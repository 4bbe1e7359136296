package flow

import (
	"context"
	"slices"
	"sync"
	"time"
)

// spared is what each request has of a budget without asking, in bytes. It is less than
// the connection costs that the request came on, and most requests need no more: they
// go on while others have used a budget up.
const spared = 16 << 10

// A Budget is memory that requests share, in bytes. Those that it has no room for
// wait, the first come first, for a time: what some have and others wait for is then
// given up by one of them.
type Budget struct {
	patience time.Duration // how long a request waits, in real time

	mu      sync.Mutex
	free    int64 // less than nothing after Set
	waiting []*wait
}

// A wait is for so many bytes.
type wait struct {
	bytes int64
	over  chan struct{} // closed when it has them
}

// NewBudget returns a budget of so many bytes, for which requests wait so long.
func NewBudget(bytes int64, patience time.Duration) *Budget {
	return &Budget{free: bytes, patience: patience}
}

// take takes bytes, and reports whether there were so many within the time to wait.
func (b *Budget) take(ctx context.Context, bytes int64) bool {
	b.mu.Lock()
	if b.free >= bytes && len(b.waiting) == 0 {
		b.free -= bytes
		b.mu.Unlock()
		return true
	}
	w := &wait{bytes, make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.mu.Unlock()

	patience := time.NewTimer(b.patience)
	defer patience.Stop()
	select {
	case <-w.over:
		return true
	case <-patience.C:
	case <-ctx.Done():
	}
	return b.leave(w)
}

// leave ends a wait, and reports whether it has got its bytes meanwhile.
func (b *Budget) leave(w *wait) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	i := slices.Index(b.waiting, w)
	if i < 0 {
		return true
	}
	b.waiting = slices.Delete(b.waiting, i, i+1)
	b.admit() // those behind it may need less
	return false
}

// put gives bytes back. Fewer than none takes them, whether they are there or not.
func (b *Budget) put(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += bytes
	b.admit()
}

// admit ends the waits that there is room for. The lock is held.
func (b *Budget) admit() {
	for len(b.waiting) > 0 && b.free >= b.waiting[0].bytes {
		w := b.waiting[0]
		b.free -= w.bytes
		b.waiting = slices.Delete(b.waiting, 0, 1)
		close(w.over)
	}
}

// A Share is what one request has of a budget. The zero Share has nothing of none,
// and may have as much as it likes. It is for one goroutine.
type Share struct {
	budget *Budget
	taken  int64
}

// Share returns a share without anything in it. A nil budget has no bounds.
func (b *Budget) Share() Share { return Share{budget: b} }

// Grow waits until the share covers so many bytes in all. It reports whether that came
// about; if not, the share is as before.
func (s *Share) Grow(ctx context.Context, bytes int64) bool {
	more := bytes - spared - s.taken
	if s.budget == nil || more <= 0 {
		return true
	}
	if !s.budget.take(ctx, more) {
		return false
	}
	s.taken += more
	return true
}

// Set makes the share cover so many bytes at once, of memory that is in use already.
func (s *Share) Set(bytes int64) {
	to := max(bytes-spared, 0)
	if s.budget == nil || to == s.taken {
		return
	}
	s.budget.put(s.taken - to)
	s.taken = to
}
