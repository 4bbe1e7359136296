package tally_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"flyball/internal/clock"
	"flyball/internal/tally"
	"flyball/metric"
)

// recorded are samples, each with the second of its time, its sum and its count.
type recorded struct {
	mu  sync.Mutex
	all []string
}

func (r *recorded) Record(samples []metric.Sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range samples {
		r.all = append(r.all, fmt.Sprintf("%s %s %v %v/%v %s", s.Time.UTC().Format("15:04:05"), s.Metric.Name, s.Metric.Dimensions, s.Set.Sum, s.Set.Count, s.Unit))
	}
	slices.Sort(r.all)
}

func (r *recorded) taken() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

// named has a metric of a name, and one of the same with a dimension.
func named(name string) (unit string, of []metric.ID) {
	return "Count", []metric.ID{metric.NewID("N", name), metric.NewID("N", name, metric.Dimension{Name: "D", Value: "v"})}
}

func TestValuesAreOfTheMinuteInWhichTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		got := &recorded{}
		c := tally.New(clock.New(start, 1), got, named)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { c.Run(ctx) })
		c.Add("m", 2)
		time.Sleep(59 * time.Second)
		c.Add("m", 3)
		synctest.Wait()
		if len(got.taken()) != 0 {
			t.Fatalf("before the minute is over there is %q", got.taken())
		}
		time.Sleep(2 * time.Second)
		c.Add("m", 4)
		stop()
		running.Wait()
		want := []string{"00:00:00 m [] 5/2 Count", "00:00:00 m [{D v}] 5/2 Count", "00:01:00 m [] 4/1 Count", "00:01:00 m [{D v}] 4/1 Count"}
		if !slices.Equal(got.taken(), want) {
			t.Errorf("it got %q, want %q", got.taken(), want)
		}
	})
}

func TestWithoutALoopAMinuteIsHandedOnByTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := &recorded{}
		c := tally.New(clock.New(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), 1), got, named)
		c.Add("m", 1)
		time.Sleep(time.Minute)
		c.Add("m", 1)
		if len(got.taken()) != 2 {
			t.Errorf("it got %q", got.taken())
		}
	})
}

func TestWithoutARecorderNothingIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := tally.New(clock.New(time.Now(), 1), nil, named)
		c.Add("m", 1)
		time.Sleep(time.Minute)
		c.Add("m", 1)
	})
}
