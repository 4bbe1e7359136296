package balancer

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// A stream is a connection on which nothing may happen for as long as its idle
// time-out. To set a deadline costs as much as a short write, so it is set anew only
// when an eighth of it has passed.
type stream struct {
	net.Conn
	idle   time.Duration
	active atomic.Int64 // when something went either way, in Unix nanoseconds
	until  atomic.Int64 // the deadline that is set
	woken  atomic.Bool
	// glance is called when nothing was read for a second, and again after each further
	// one, while glancing is set.
	glance   func()
	glancing atomic.Bool
}

const glanceAfter = time.Second

// touch notes that something went over the connection.
func (s *stream) touch() {
	now := time.Now().UnixNano()
	s.active.Store(now)
	wait := int64(s.idle)
	if s.glancing.Load() {
		wait = min(wait, int64(glanceAfter))
	}
	if left := s.until.Load() - now; left < wait-wait/8 || left > wait {
		s.deadline(now + wait)
	}
}

func (s *stream) deadline(until int64) {
	s.until.Store(until)
	if !s.woken.Load() {
		s.SetDeadline(time.Unix(0, until))
	}
	if s.woken.Load() { // it may have been between these lines
		s.SetDeadline(time.Unix(1, 0))
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
	s.until.Store(0)
	s.touch()
}

// Read reads. It times out when nothing went either way for as long as it may.
func (s *stream) Read(p []byte) (int, error) {
	for {
		n, err := s.Conn.Read(p)
		if n > 0 {
			s.touch()
			return n, err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || s.woken.Load() {
			return n, err
		}
		now := time.Now().UnixNano()
		until := s.active.Load() + int64(s.idle)
		if now >= until {
			return n, err
		}
		if s.glancing.Load() {
			s.glance()
			until = min(until, now+int64(glanceAfter))
		}
		s.deadline(until)
	}
}

func (s *stream) Write(p []byte) (int, error) {
	n, err := s.Conn.Write(p)
	if n > 0 {
		s.touch()
	}
	return n, err
}
