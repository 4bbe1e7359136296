package event_test

import (
	"context"
	"errors"
	"strconv"
	"testing"

	"flyball/internal/event"
)

func publish(s *event.Stream, from, to int) {
	for i := from; i <= to; i++ {
		s.Publish(event.Event{Resource: strconv.Itoa(i)})
	}
}

func TestReadersSeeEventsInOrder(t *testing.T) {
	var s event.Stream
	publish(&s, 1, 3)
	events, err := s.Next(t.Context(), 1)
	if err != nil || len(events) != 2 || events[0].Resource != "2" || events[1].Number != 3 {
		t.Errorf("got %v, %v", events, err)
	}
}

func TestASlowReaderSeesAGap(t *testing.T) {
	var s event.Stream
	publish(&s, 1, 10_000)
	events, err := s.Next(t.Context(), 2)
	if err != nil || len(events) == 0 || events[0].Number == 3 || events[len(events)-1].Number != 10_000 {
		t.Fatalf("got %d events from %d, %v", len(events), events[0].Number, err)
	}
	for i, e := range events {
		if e.Number != events[0].Number+uint64(i) || e.Resource != strconv.FormatUint(e.Number, 10) {
			t.Fatalf("event %d is %v", i, e)
		}
	}
}

func TestNextWaitsForTheNextEvent(t *testing.T) {
	var s event.Stream
	got := make(chan []event.Event)
	go func() {
		events, _ := s.Next(t.Context(), 0)
		got <- events
	}()
	publish(&s, 1, 1)
	if events := <-got; len(events) != 1 {
		t.Errorf("got %v", events)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := s.Next(ended, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
