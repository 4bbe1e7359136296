package lookahead_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"flyball/autoscaler"
	"flyball/autoscaler/lookahead"
	"flyball/scaling"
	"flyball/sim"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

// whole is a replica for each request a second.
func whole(rate float64) int { return max(1, int(math.Ceil(rate-1e-9))) }

// live lets a controller live through loads, a minute each, and returns what it asks for
// after each.
func live(spec lookahead.Spec, loads []float64) []int {
	a, replicas := spec.New(), 1
	sizes := make([]int, len(loads))
	for i, load := range loads {
		replicas = a.Decide(autoscaler.Seen{At: start.Add(time.Duration(i) * time.Minute), Desired: replicas, Max: 1 << 20, Requests: load}).Replicas
		sizes[i] = replicas
	}
	return sizes
}

func noisy(minutes int, load func(minute int) float64) []float64 {
	random := rand.New(rand.NewPCG(1, 2))
	loads := make([]float64, minutes)
	for i := range loads {
		loads[i] = load(i) * (1 + 0.1*random.NormFloat64())
	}
	return loads
}

// lacking is the share of the minutes, after the first ones, in which there were too few, of
// replicas that serve in the minute after they were asked for.
func lacking(sizes []int, loads []float64, first int) float64 {
	few := 0
	for i := first + 1; i < len(loads); i++ {
		if sizes[i-1] < whole(loads[i]) {
			few++
		}
	}
	return float64(few) / float64(len(loads)-first-1)
}

// A decision covers two minutes here, and a size lasts for one decision: of noise that has no
// memory as many minutes are enough as the quantile says, or a few more.
func TestTheMarginKeepsTheQuantile(t *testing.T) {
	loads := noisy(6000, func(int) float64 { return 1000 })
	for _, q := range []float64{0.8, 0.9, 0.98} {
		spec := lookahead.Spec{Staff: whole, Lead: 40 * time.Second, Quantile: q, Hold: 1}
		if got := lacking(live(spec, loads), loads, 1000); got > 1.1*(1-q) || got < 0.3*(1-q) {
			t.Errorf("quantile %v: %.4f of the minutes lack", q, got)
		}
	}
}

// The chance of independent requests is a tenth of a load of 100 and a fortieth of one of 1,600, by day: a
// margin in proportion to the load that is enough by night is too much by day.
func TestMarginsFollowTheRootOfTheLoad(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	loads := make([]float64, 8*1440)
	day := func(i int) bool { return i%1440 >= 720 }
	for i := range loads {
		load := 100.0
		if day(i) {
			load = 1600
		}
		loads[i] = load + math.Sqrt(load)*random.NormFloat64()
	}
	sizes := live(lookahead.Spec{Staff: whole, Lead: 40 * time.Second}, loads)
	over, minutes := map[bool]float64{}, map[bool]float64{}
	for i := 2 * 1440; i < len(loads); i++ {
		if i%720 < 60 {
			continue // levels have just changed
		}
		over[day(i)] += float64(sizes[i])
		minutes[day(i)]++
	}
	if night, byDay := over[false]/minutes[false]/100, over[true]/minutes[true]/1600; night < 1.15 || byDay > 1.1 {
		t.Errorf("%.3f of the load by night, %.3f by day", night, byDay)
	}
}

// Five minutes of each hour have four times the load: from the third day on the replicas are
// there before.
func TestItKnowsTheDay(t *testing.T) {
	loads := noisy(4*1440, func(minute int) float64 {
		if minute%60 < 5 {
			return 400
		}
		return 100
	})
	sizes := live(lookahead.Spec{Staff: whole, Lead: 40 * time.Second}, loads)
	for day, want := range map[int]bool{0: false, 2: true, 3: true} {
		before := day*1440 + 9*60 - 2 // its decision covers the first minute of the hour
		if got := sizes[before] > 300; got != want {
			t.Errorf("day %d: %d replicas before 9:00", day+1, sizes[before])
		}
	}
}

func TestWhatWaitsIsStaffed(t *testing.T) {
	seen := autoscaler.Seen{At: start, Desired: 10, Max: 1000, Requests: 10}
	spec := lookahead.Spec{Staff: whole}
	few := spec.New().Decide(seen)
	seen.Queue = 1200
	if many := spec.New().Decide(seen); many.Replicas != few.Replicas+20 {
		t.Errorf("%d without a queue, %d with one", few.Replicas, many.Replicas)
	}
}

func TestASizeLasts(t *testing.T) {
	loads := []float64{10, 50, 10, 10, 10, 10}
	sizes := live(lookahead.Spec{Staff: whole, Hold: 3}, loads)
	if sizes[3] != sizes[1] || sizes[4] >= sizes[1] {
		t.Errorf("sizes %v", sizes)
	}
}

func TestItSaysWhatItExpects(t *testing.T) {
	d := lookahead.Spec{Staff: whole, Lead: 40 * time.Second}.New().Decide(autoscaler.Seen{At: start, Desired: 1, Max: 100, Requests: 10})
	if d.By != lookahead.By || !strings.Contains(d.Reason, "requests a second are expected within 120 s, by the last value above all and what it was wrong by; that needs 13 replicas") {
		t.Errorf("%+v", d)
	}
}

// In days with noise it takes less than 0.85 of the task-hours of target tracking with the
// target that lacks tasks as rarely.
func TestItBeatsTargetTracking(t *testing.T) {
	loads := noisy(6*1440, func(minute int) float64 { return 1500 - 1200*math.Cos(float64(minute)/1440*2*math.Pi) })
	traffic := func(yield func(sim.Minute) bool) {
		for _, load := range loads {
			if !yield(sim.Minute{Requests: load}) {
				return
			}
		}
	}
	bounds, err := scaling.NewBounds(1, 100)
	if err != nil {
		t.Fatal(err)
	}
	s := sim.Scenario{
		Start: start, Bounds: bounds, Initial: 5, WarmUp: 4 * 24 * time.Hour, Agreement: sim.Agreement{Within: 800 * time.Millisecond},
		Service: sim.Service{CPU: 50 * time.Millisecond, VCPU: 0.25, Start: 30 * time.Second, Healthy: 10 * time.Second, Drain: 30 * time.Second},
	}
	run := func() sim.Result {
		r, err := sim.Run(s, traffic)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	s.Autoscaler = lookahead.Spec{Staff: sim.Staffing(s.Service, s.Agreement), Lead: 40 * time.Second}.New
	ours := run()
	s.Autoscaler = nil
	for target := 40.0; target <= 60; target += 5 {
		rule, err := scaling.NewTargetTracking(scaling.TrackingConfig{Target: target, ScaleOutCooldown: 5 * time.Minute, ScaleInCooldown: 5 * time.Minute, OfTasks: true})
		if err != nil {
			t.Fatal(err)
		}
		s.Policies = []sim.Policy{sim.Tracking("cpu", rule, sim.Metric{Quantity: sim.CPUUtilization}, sim.Pace{})}
		theirs := run()
		if theirs.Elasticity.UnderTimeshare <= ours.Elasticity.UnderTimeshare && ours.TaskHours > 0.85*theirs.TaskHours {
			t.Errorf("target %v: %.2f %% lack in %.0f task-hours, ours %.2f %% in %.0f", target, theirs.Elasticity.UnderTimeshare, theirs.TaskHours, ours.Elasticity.UnderTimeshare, ours.TaskHours)
		}
	}
}
