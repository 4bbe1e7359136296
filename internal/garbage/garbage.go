// Package garbage says when garbage is collected. Most of what a small server has is there to stay, as tables of
// its packages are, and each collection looks through it all: so there are none while the program starts, and then
// none before there is Least of garbage. A large one has as much garbage as is in use, as other programs have.
//
//	import "flyball/internal/garbage"
//
//	garbage.Begin() // the start is over
//	garbage.Often() // or: this is to stay small
//
// The start begins before most packages are initialised, as this one needs few others. It is over by itself with
// the first collection, which comes at Start: one that reads much does not take twice what it needs.
package garbage

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

const (
	// Start is how much the program takes before garbage is first collected, in bytes.
	Start = 48 << 20
	// Least is how much garbage there is at a collection, at the least, in bytes.
	Least = 12 << 20
)

var program = start()

// Begin ends the start.
func Begin() { program.begin() }

// Often has garbage collected as other programs do: when there is as much as is in use.
func Often() { program.end() }

// A collector says when garbage is collected.
type collector struct {
	percent int   // as it was before
	limit   int64 // as it was before

	mu       sync.Mutex
	begun    bool
	ended    bool
	adjusted int // the percentage that was set last
}

// start begins the start. There is none where the environment says when garbage is collected.
func start() *collector {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return &collector{begun: true, ended: true}
	}
	c := &collector{percent: debug.SetGCPercent(-1), limit: debug.SetMemoryLimit(Start)}
	c.await()
	return c
}

// await has the collector look again after the next collection: what nobody has is gone then.
func (c *collector) await() {
	runtime.AddCleanup(new(*byte), func(c *collector) {
		c.begin()
		c.look()
	}, c)
}

func (c *collector) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.begun {
		c.begun = true
		c.adjust()
		debug.SetMemoryLimit(c.limit)
	}
}

// look sets how much garbage there may be beside what is in use since the last collection.
func (c *collector) look() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.adjust()
		c.await()
	}
}

func (c *collector) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.ended {
		c.begun, c.ended = true, true
		debug.SetGCPercent(c.percent)
		debug.SetMemoryLimit(c.limit)
	}
}

// adjust sets the percentage, under the lock.
func (c *collector) adjust() {
	live := max(inUse(), 1)
	garbage := max(Least, int(live)*c.percent/100)
	if p := 100 * garbage / int(live); p != c.adjusted {
		c.adjusted = p
		debug.SetGCPercent(p)
	}
}

// inUse is how much was found to be in use at the last collection, or is at most, before there was one.
func inUse() uint64 {
	found := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(found)
	if live := found[0].Value.Uint64(); live > 0 {
		return live
	}
	return found[1].Value.Uint64()
}
