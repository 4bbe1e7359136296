package process

import (
	"os"
	"sync"
	"syscall"
)

// A pace holds a container up that writes faster than its log is read, for readers that
// want all of it. The container's processes are stopped for that time, as if a write
// took so long.
type pace struct {
	mu   sync.Mutex
	most int64 // bytes that may be unread; 0 when no reader wants all
	read int64 // where the reader is
	held bool
	hold func(bool)
}

// begin begins a reading from a place. A container that an earlier life of the server has
// held up goes on.
func (p *pace) begin(read, most int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most, p.read = most, read
	p.set(false)
}

// at notes where the reader is in a log of a size.
func (p *pace) at(read, size int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.read = read
	p.look(size)
}

// end ends the reading.
func (p *pace) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = 0
	p.set(false)
}

// bound is how much of the newest part of a log is to be kept, of which a limit is kept
// anyway.
func (p *pace) bound(path string, limit int64) int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.most == 0 {
		return limit
	}
	info, err := os.Stat(path)
	if err != nil {
		return limit // nothing has been written
	}
	p.look(info.Size())
	return max(limit, info.Size()-p.read)
}

// look holds the container up, or lets it go on when half of what it may be ahead is read.
func (p *pace) look(size int64) {
	switch unread := size - p.read; {
	case unread > p.most && !p.held:
		p.set(true)
	case unread <= p.most/2 && p.held:
		p.set(false)
	}
}

func (p *pace) set(held bool) {
	p.held = held
	p.hold(held)
}

// suspend stops the container's processes, or lets them go on.
func (c *container) suspend(up bool) {
	sig := syscall.SIGCONT
	if up {
		sig = syscall.SIGSTOP
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.exit == nil && c.process.PID > 0 {
		_ = syscall.Kill(-c.process.PID, sig) // it may end at this moment
	}
}
