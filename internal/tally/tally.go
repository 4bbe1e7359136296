// Package tally adds up what a service measures of its calls, and hands it on as metrics
// each minute: a statistic set for each metric, however often it was measured.
//
//	t := tally.New(clock, cloudWatch, func(k key) (unit string, of []metric.ID) { ... })
//	t.Add(key{"Invocations", "f"}, 1)
//	t.Run(ctx)
package tally

import (
	"context"
	"sync"
	"time"

	"flyball/internal/clock"
	"flyball/metric"
)

// A Recorder takes measurements; CloudWatch is one.
type Recorder interface {
	Record([]metric.Sample)
}

// A Tally adds values up by minute. Its methods may be called concurrently.
type Tally[K comparable] struct {
	clock *clock.Clock
	to    Recorder
	named func(K) (unit string, of []metric.ID)

	mu     sync.Mutex
	minute time.Time // of what is in sets
	sets   map[K]*metric.Set
}

// New returns a Tally that hands on what it has to a recorder; nil keeps none. A key stands
// for the metrics, of one unit, that a function names.
func New[K comparable](c *clock.Clock, to Recorder, named func(K) (unit string, of []metric.ID)) *Tally[K] {
	return &Tally[K]{clock: c, to: to, named: named, sets: map[K]*metric.Set{}}
}

// Add adds a value to the minute that it is.
func (t *Tally[K]) Add(k K, value float64) {
	minute := t.clock.Now().Truncate(time.Minute)
	t.mu.Lock()
	var over []metric.Sample
	if !minute.Equal(t.minute) {
		over = t.take()
		t.minute = minute
	}
	set := t.sets[k]
	if set == nil {
		set = &metric.Set{}
		t.sets[k] = set
	}
	set.Add(value, 1)
	t.mu.Unlock()
	t.hand(over)
}

// Run hands on each minute when it is over, and what is left when ctx ends.
func (t *Tally[K]) Run(ctx context.Context) {
	for {
		over := t.clock.Now().Truncate(time.Minute).Add(time.Minute)
		ended := t.clock.SleepUntil(ctx, over) != nil
		t.mu.Lock()
		samples := t.take()
		t.mu.Unlock()
		t.hand(samples)
		if ended {
			return
		}
	}
}

// take takes what was added, under the lock.
func (t *Tally[K]) take() (samples []metric.Sample) {
	for k, set := range t.sets {
		unit, of := t.named(k)
		for _, id := range of {
			samples = append(samples, metric.Sample{Metric: id, Time: t.minute, Unit: unit, Set: *set})
		}
	}
	clear(t.sets)
	return samples
}

// hand hands samples on. The recorder may be one that adds to the tally in turn.
func (t *Tally[K]) hand(samples []metric.Sample) {
	if t.to != nil && len(samples) > 0 {
		t.to.Record(samples)
	}
}
