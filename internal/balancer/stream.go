package balancer

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// A stream is a connection that times out when nothing went either way for as long as
// its idle time-out. To set a deadline costs as much as a short write, so one is set
// anew only when an eighth of it has passed.
type stream struct {
	net.Conn
	idle time.Duration
	// glance, if set, is called by a Read after each second in which nothing came.
	glance func()
	// patience, if set, is for what is read as a whole: only its first bytes count as something that went.
	patience patience

	active     atomic.Int64 // when something went either way, in Unix nanoseconds
	readUntil  atomic.Int64 // the deadlines that are set
	writeUntil atomic.Int64
	woken      atomic.Bool
}

const glanceAfter = time.Second

// patience is with who sends a head: it has to come within the idle time-out of its first bytes, or a byte now and
// then would keep a connection for ever.
type patience int

const (
	endless patience = iota
	fresh            // nothing of the head has come
	limited          // some has
)

// touch notes that something goes over the connection.
func (s *stream) touch() {
	now := time.Now().UnixNano()
	s.active.Store(now)
	wait := int64(s.idle)
	if far(s.writeUntil.Load()-now, wait) {
		s.writeUntil.Store(now + wait)
		s.set(s.SetWriteDeadline, now+wait)
	}
	wait = s.readWait(wait)
	if far(s.readUntil.Load()-now, wait) {
		s.readUntil.Store(now + wait)
		s.set(s.SetReadDeadline, now+wait)
	}
}

// readWait is how long a Read waits before it looks up.
func (s *stream) readWait(wait int64) int64 {
	if s.glance != nil {
		return min(wait, int64(glanceAfter))
	}
	return wait
}

// far says whether what is left until a deadline is too far from what it should be.
func far(left, wait int64) bool { return left < wait-wait/8 || left > wait }

// set sets a deadline, unless the connection was woken.
func (s *stream) set(deadline func(time.Time) error, until int64) {
	if !s.woken.Load() {
		deadline(time.Unix(0, until))
	}
	if s.woken.Load() { // it may have been between these lines
		deadline(time.Unix(1, 0))
	}
}

// wake ends reads and writes that wait, and those that come until rest is called.
func (s *stream) wake() {
	s.woken.Store(true)
	s.SetDeadline(time.Unix(1, 0))
}

// rest takes wake back.
func (s *stream) rest() {
	s.woken.Store(false)
	s.readUntil.Store(0)
	s.writeUntil.Store(0)
	s.touch()
}

// Read reads. It times out when nothing went either way for as long as it may, as far as patience counts it.
func (s *stream) Read(p []byte) (int, error) {
	for {
		n, err := s.Conn.Read(p)
		if n > 0 {
			switch s.patience {
			case limited:
				return n, err
			case fresh:
				s.patience = limited
			}
			s.touch()
			return n, err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || s.woken.Load() {
			return n, err
		}
		now := time.Now().UnixNano()
		left := s.active.Load() + int64(s.idle) - now
		if left <= 0 {
			return n, err
		}
		if s.glance != nil {
			s.glance()
		}
		until := now + s.readWait(left)
		s.readUntil.Store(until)
		s.set(s.SetReadDeadline, until)
	}
}

// Write writes. A deadline that was set before the other side made this one wait has
// to be renewed first.
func (s *stream) Write(p []byte) (int, error) {
	s.touch()
	n, err := s.Conn.Write(p)
	if n > 0 {
		s.active.Store(time.Now().UnixNano())
	}
	return n, err
}
