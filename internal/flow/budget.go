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

// inTurn is how long those who wait and have failed alike are served in the order in which they came. Once the
// first has waited longer, more come than can be served, and the newest goes first: most are
// answered at once then, in place of all when they have given up.
const inTurn = time.Second

// A Budget is memory that requests share, in bytes. Those that it has no room for
// wait for a time: what some have and others wait for is then given up by one of them.
// Meanwhile answers are given up whose clients do not take them; see Share.Send.
type Budget struct {
	patience time.Duration // how long a request waits, in real time

	mu      sync.Mutex
	free    int64 // less than nothing after Set
	waiting []*wait
	sending []*sending
	looking bool // answers to give up are going to be looked for
}

// A wait is for so many bytes.
type wait struct {
	bytes  int64
	failed int64 // of the client: who has failed less goes first
	since  time.Time
	over   chan struct{} // closed when it has them
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
	w := &wait{bytes, clientOf(ctx).failed(), time.Now(), make(chan struct{})}
	b.waiting = append(b.waiting, w)
	b.admit()
	b.lookSoon()
	b.mu.Unlock()

	patience := time.NewTimer(b.patience)
	defer patience.Stop()
	select {
	case <-w.over:
		return true
	case <-patience.C:
	case <-ctx.Done():
	}
	if b.leave(w) {
		return true
	}
	clientOf(ctx).fail()
	return false
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
	b.admit() // others may need less
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
	for b.free > 0 && len(b.waiting) > 0 {
		next := b.next()
		w := b.waiting[next]
		if b.free < w.bytes {
			return
		}
		b.free -= w.bytes
		b.waiting = slices.Delete(b.waiting, next, next+1)
		close(w.over)
	}
}

// next is whose wait ends first. There is one.
func (b *Budget) next() (next int) {
	first := b.waiting[0]
	for i, w := range b.waiting {
		if w.failed < first.failed {
			next, first = i, w
		}
	}
	if time.Since(first.since) <= inTurn {
		return next
	}
	for i := len(b.waiting) - 1; ; i-- {
		if b.waiting[i].failed == first.failed {
			return i
		}
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
