// Package event is what happened on a server: when, to what, in which cell. The
// services publish; whoever shows, forwards or records events reads the stream.
package event

import (
	"context"
	"sync"
	"time"
)

// An Event is something that happened.
type Event struct {
	Number   uint64    `json:"number"` // counts up from 1
	At       time.Time `json:"at"`
	Account  string    `json:"account"`
	Region   string    `json:"region"`
	Source   string    `json:"source"`   // the service, such as aws.ecs
	Type     string    `json:"type"`     // such as "ECS Task State Change"
	Resource string    `json:"resource"` // ARN, or the name that the service knows it by
	Detail   any       `json:"detail,omitempty"`
}

// kept is how many events a reader may lag behind.
const kept = 4096

// A Stream keeps the newest events. The zero Stream is empty and ready to use;
// its methods may be called from several goroutines.
type Stream struct {
	// Heard, if set, is told of each event as it is published, one after the other. It is set
	// before the first event, and must be quick.
	Heard func(Event)

	mu    sync.Mutex
	ring  []Event // event number n is at n % kept
	last  uint64
	moved chan struct{} // closed when the next event comes; nil while nobody waits
}

// Publish adds an event, and numbers it. A nil Stream takes none.
func (s *Stream) Publish(e Event) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ring == nil {
		s.ring = make([]Event, kept)
	}
	s.last++
	e.Number = s.last
	s.ring[e.Number%kept] = e
	if s.Heard != nil {
		s.Heard(e)
	}
	if s.moved != nil {
		close(s.moved)
		s.moved = nil
	}
}

// Last is the number of the newest event, 0 before the first.
func (s *Stream) Last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last
}

// Next waits for events after a number, and returns those that are still kept,
// oldest first. A gap after the number tells how many were missed. It returns the
// context's error when that ends first.
func (s *Stream) Next(ctx context.Context, after uint64) ([]Event, error) {
	for {
		events, moved := s.since(after)
		if len(events) > 0 {
			return events, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-moved:
		}
	}
}

// since returns the events after a number, or what will tell of the next one.
func (s *Stream) since(after uint64) ([]Event, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if after >= s.last {
		if s.moved == nil {
			s.moved = make(chan struct{})
		}
		return nil, s.moved
	}
	if s.last > kept {
		after = max(after, s.last-kept)
	}
	events := make([]Event, 0, s.last-after)
	for n := after + 1; n <= s.last; n++ {
		events = append(events, s.ring[n%kept])
	}
	return events, nil
}
