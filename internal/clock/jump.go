package clock

import "time"

// A Jump is what a wall clock did that did not go on as time has run.
type Jump struct {
	By time.Duration // forward, or back where it is negative
	To time.Time     // what the wall clock showed then
}

const (
	// jump is the least step of the wall clock that is one. Smaller ones are corrections.
	jump = 5 * time.Second
	// step is the least correction for which those who wait are woken.
	step = 100 * time.Millisecond
)

// Jumped is closed when the clock next jumps forward: whoever waits for a time asks it anew.
func (c *Clock) Jumped() <-chan struct{} { return *c.jumped.Load() }

// Landed is what the clock showed when it had jumped forward for the last time: what was due
// before, and is not done, was missed. It is zero as long as there was no jump.
func (c *Clock) Landed() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.landed
}

// Look looks whether the wall clock has jumped, and wakes those who wait. It has to be called
// from time to time, for who sleeps does not see it. It returns the jump since it was called
// last, if there was one; several are added up.
func (c *Clock) Look() (Jump, bool) {
	if c.speed != 1 || c.manual != nil {
		return Jump{}, false
	}
	c.look(true)
	c.Now() // what has passed is not lost when the wall clock goes back
	c.mu.Lock()
	defer c.mu.Unlock()
	told := c.told
	c.told = Jump{}
	return told, told.By != 0
}

// look compares the wall clock with the time that has run. Small differences count once
// they are looked for, so that those of many days are no jump.
func (c *Clock) look(corrections bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	passed, ran := c.readings()
	offset := passed - ran
	by := offset - time.Duration(c.offset.Load())
	jumped := by > jump || by < -jump
	if !jumped && !corrections {
		return // another was first
	}
	if jumped {
		c.told = Jump{By: c.told.By + by, To: c.began.Add(passed)}
		if by > 0 {
			c.landed = c.virtual.Add(max(passed, time.Duration(c.shown.Load())))
		}
	}
	c.offset.Store(int64(offset))
	if offset < c.woke {
		c.woke = offset // who waits asks again by itself
	} else if offset-c.woke >= step {
		c.woke = offset
		c.wake()
	}
}

// wake wakes those who wait, under the lock.
func (c *Clock) wake() {
	next := make(chan struct{})
	close(*c.jumped.Swap(&next))
}
