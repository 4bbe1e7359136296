package backlog_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flyball/governor"
	"flyball/internal/backlog"
	"flyball/internal/clock"
	"flyball/metric"
	"flyball/scaling"
)

const workers = scaling.ResourceID("service/shop/workers")

// A shop is queues, and services with running tasks. It keeps what is measured.
type shop struct {
	mu       sync.Mutex
	waiting  map[string]int64
	running  map[scaling.ResourceID]scaling.Capacity
	measured []string
}

func (s *shop) Waiting(_ context.Context, queue string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, ok := s.waiting[queue]
	if !ok {
		return 0, errors.New("no such queue")
	}
	return n, nil
}

func (s *shop) Look(_ context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := make([]governor.Capacity, len(ids))
	for i, id := range ids {
		n, ok := s.running[id]
		seen[i] = governor.Capacity{Running: n, Gone: !ok}
	}
	return seen, nil
}

func (s *shop) Set(context.Context, scaling.ResourceID, scaling.Capacity) error {
	return errors.New("only looked at")
}

func (s *shop) Record(samples []metric.Sample) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range samples {
		s.measured = append(s.measured, fmt.Sprint(one.Time.Format("05"), " ", one.Metric, " ", one.Set.Sum, " ", one.Resolution))
	}
}

// inShop runs a test at a full minute.
func inShop(t *testing.T, test func(*shop, *backlog.Meter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &shop{waiting: map[string]int64{"vouchers": 1500}, running: map[scaling.ResourceID]scaling.Capacity{workers: 10}}
		m := backlog.New(backlog.Config{
			Clock: clock.New(time.Date(2026, 3, 2, 17, 0, 0, 0, time.UTC), 1), Queues: s, Capacity: s, Metrics: s,
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { m.Run(ctx); close(done) }()
		test(s, m)
		cancel()
		<-done
	})
}

// passes lets time pass, and returns what was measured meanwhile.
func (s *shop) passes(d time.Duration) []string {
	time.Sleep(d)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	measured := s.measured
	s.measured = nil
	return measured
}

func wantMeasured(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("measured\n%q, want\n%q", got, want)
	}
}

func TestABacklogIsMeasuredAtTheEndOfEachPeriod(t *testing.T) {
	name := fmt.Sprint(backlog.Metric(workers, "vouchers"))
	inShop(t, func(s *shop, m *backlog.Meter) {
		time.Sleep(2500 * time.Millisecond)
		m.Watch(workers, map[string]time.Duration{"vouchers": time.Second})
		wantMeasured(t, s.passes(2*time.Second), "02 "+name+" 150 1s", "03 "+name+" 150 1s")
		m.Watch(workers, map[string]time.Duration{"vouchers": time.Minute})
		wantMeasured(t, s.passes(time.Minute), "00 "+name+" 150 0s")
		m.Watch(workers, nil)
		wantMeasured(t, s.passes(time.Hour))
	})
}

func TestWhatCannotBeMeasuredHasNoDatapoint(t *testing.T) {
	inShop(t, func(s *shop, m *backlog.Meter) {
		m.Watch(workers, map[string]time.Duration{"lost": time.Second})
		m.Watch("service/shop/gone", map[string]time.Duration{"vouchers": time.Second})
		wantMeasured(t, s.passes(3*time.Second))
		s.mu.Lock()
		s.waiting["lost"] = 20
		s.mu.Unlock()
		if got := s.passes(time.Second); len(got) != 1 {
			t.Errorf("once the queue is there, measured %q", got)
		}
	})
}

func TestPerTask(t *testing.T) {
	for _, tt := range []struct {
		name    string
		waiting int64
		running scaling.Capacity
		want    float64
	}{
		{"1,500 messages for 10 tasks are 150", 1500, 10, 150},
		{"with no task it is as with one", 1500, 0, 1500},
		{"nothing waits", 0, 3, 0},
		{"nothing waits for nobody", 0, 0, 0},
	} {
		if got := backlog.PerTask(tt.waiting, tt.running); got != tt.want {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
