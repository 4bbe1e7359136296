package scaling

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// An Hour is what history tells of one hour of a service. NaN is no data.
type Hour struct {
	Load   float64 // the load on the whole service, in any unit
	Metric float64 // the scaling metric: the utilization of a task, say
	Tasks  float64 // how many tasks shared the load, on average
}

// A Relation says how the scaling metric follows from the load on a task:
//
//	metric = Idle + PerLoad × load / tasks
//
// It is estimated from history, since nobody says what unit the load has, nor
// what a task does that has none.
type Relation struct {
	Idle    float64 `json:"idle"`    // the metric without load
	PerLoad float64 `json:"perLoad"` // what a unit of load on one task adds
}

// ErrNoRelation says that no hour of the history has load, metric and tasks.
var ErrNoRelation = errors.New("no hour has data of the load, of the scaling metric and of the number of tasks")

// When a line with a share that is always there is believed rather than plain
// proportion.
const (
	lineHours  = 12  // hours to see a line in
	lineSpread = 1.5 // the load on a task must have changed by this factor
	lineBetter = 0.9 // the line's typical error, in those of proportion, at most
	lineIdle   = 0.8 // the idle share may be this part of the target at most
)

// EstimateRelation finds the relation between load and metric, for a policy
// that aims at a target value. It asks for proportion, which is what
// utilizations and counts per task have, and for a line where history shows
// clearly that tasks without load are not at zero. Both are medians, so that a
// few odd hours change nothing.
func EstimateRelation(hours []Hour, target float64) (Relation, error) {
	points := pointsOf(hours)
	if len(points) == 0 {
		return Relation{}, ErrNoRelation
	}
	plain := proportion(points)
	if len(points) < lineHours || spread(points) < lineSpread {
		return plain, nil
	}
	line := theilSen(points)
	// Near the target, idle utilization makes the number of tasks explode, and
	// above it no number is enough.
	if line.PerLoad <= 0 || line.Idle <= 0 || line.Idle > lineIdle*target {
		return plain, nil
	}
	if line.typicalError(points) > lineBetter*plain.typicalError(points) {
		return plain, nil
	}
	return line, nil
}

// Capacity is the smallest number of tasks that keeps the metric at or under a
// target under a load: 600 requests a minute, of which each task's share adds
// 0.5 % to 10 % when idle, need 8 tasks for a target of 50 %.
func (r Relation) Capacity(load, target float64) Capacity {
	// The slack keeps what the medians compute with binary fractions from being
	// rounded up to one more.
	return ceil(load * r.PerLoad / (target - r.Idle) * (1 - 1e-9))
}

// A point is an hour with the load on one task.
type point struct{ share, metric float64 }

// pointsOf are the hours that say something, by load on a task.
func pointsOf(hours []Hour) []point {
	var points []point
	for _, h := range hours {
		p := point{h.Load / h.Tasks, h.Metric}
		if h.Tasks > 0 && p.share > 0 && !math.IsInf(p.share, 0) && p.metric >= 0 && !math.IsInf(p.metric, 0) {
			points = append(points, p)
		}
	}
	slices.SortFunc(points, func(a, b point) int {
		switch {
		case a.share < b.share:
			return -1
		case a.share > b.share:
			return 1
		}
		return 0
	})
	return points
}

// spread is the factor between high and low load on a task, without the tenth
// at either end.
func spread(points []point) float64 {
	edge := len(points) / 10
	return points[len(points)-1-edge].share / points[edge].share
}

func proportion(points []point) Relation {
	ratios := make([]float64, len(points))
	for i, p := range points {
		ratios[i] = p.metric / p.share
	}
	return Relation{PerLoad: median(ratios)}
}

// theilSen is the line whose slope is the median of those between points that
// are far from each other: half of all points lie between them. Close ones
// would tell of noise only.
func theilSen(points []point) Relation {
	var slopes []float64
	for i, p := range points {
		for j := i + len(points)/2; j < len(points); j++ {
			if q := points[j]; q.share > p.share {
				slopes = append(slopes, (q.metric-p.metric)/(q.share-p.share))
			}
		}
	}
	if len(slopes) == 0 {
		return Relation{}
	}
	r := Relation{PerLoad: median(slopes)}
	rest := make([]float64, len(points))
	for i, p := range points {
		rest[i] = p.metric - r.PerLoad*p.share
	}
	r.Idle = median(rest)
	return r
}

// typicalError is the median distance between points and relation.
func (r Relation) typicalError(points []point) float64 {
	distances := make([]float64, len(points))
	for i, p := range points {
		distances[i] = math.Abs(p.metric - r.Idle - r.PerLoad*p.share)
	}
	return median(distances)
}

// median sorts the values, of which there must be some.
func median(v []float64) float64 {
	slices.Sort(v)
	m := len(v) / 2
	if len(v)%2 == 1 {
		return v[m]
	}
	return v[m-1]/2 + v[m]/2
}

// A Breach is what happens when a forecast comes close to the maximum
// capacity. The zero Breach honors the maximum.
type Breach struct {
	Increase bool // the maximum gives way
	Buffer   int  // percent of the forecast that must be free above it
}

// Admit returns the bounds that a forecast may fill: with a buffer of 10, a
// forecast of 50 and a maximum of 40, the maximum becomes 55. It never becomes
// smaller. ("PredictiveScalingPolicyConfiguration", Application Auto Scaling
// API reference)
func (b Breach) Admit(bounds Bounds, forecast Capacity) Bounds {
	if b.Increase {
		bounds.max = max(bounds.max, ceil(float64(forecast)*float64(100+b.Buffer)/100))
	}
	return bounds
}

// A Plan is the capacity that a forecast asks for, hour by hour, or in shorter steps.
type Plan struct {
	Start time.Time     // of the first hour
	Step  time.Duration // for which there is a capacity each; 0: an hour
	Steps []Capacity
}

// Every is the time for which there is a capacity each.
func (p Plan) Every() time.Duration { return cmp.Or(p.Step, time.Hour) }

// At is the capacity of the step that a moment is in, if it is planned.
func (p Plan) At(moment time.Time) (Capacity, bool) {
	i := moment.Sub(p.Start) / p.Every()
	if moment.Before(p.Start) || int(i) >= len(p.Steps) {
		return 0, false
	}
	return p.Steps[i], true
}

// A Floor is the capacity under which no policy may scale in, because one
// forecasts that it is needed. The zero Floor holds nothing.
type Floor struct {
	Capacity Capacity  `json:"capacity"`
	Policy   string    `json:"policy"`
	Hour     time.Time `json:"hour"` // the start of the hour, or the shorter step, that needs it
	// Step is how long that is; 0: an hour.
	Step time.Duration `json:"step,omitempty"`
}

// Until is when the floor ends: with its hour, or its step.
func (f Floor) Until() time.Time { return f.Hour.Add(cmp.Or(f.Step, time.Hour)) }

// Floor is the floor at a moment of a policy that has acted for all hours up to
// one: the largest capacity of those that have not ended. In the minutes before
// the full hour, or step, in which capacity for the next one is there already, both count.
func (p Plan) Floor(policy string, now, acted time.Time) Floor {
	var f Floor
	every := p.Every()
	for hour := now.Truncate(every); !hour.After(acted); hour = hour.Add(every) {
		if c, ok := p.At(hour); ok && c > f.Capacity {
			f = Floor{c, policy, hour, p.Step}
		}
	}
	return f
}

// floor is the capacity that scale-in leaves.
func (t Target) floor() Capacity { return t.Bounds.Clamp(t.Floor.Capacity) }

// String tells the floor in a sentence's words.
func (f Floor) String() string {
	return fmt.Sprintf("policy %s forecasts that %d are needed until %s", f.Policy, f.Capacity, f.Until().Format(time.TimeOnly))
}

// ForecastActivity begins the record of raising a capacity to what is forecast.
// as far as may be. It returns false if it is there already, or may not be moved.
func ForecastActivity(id string, now time.Time, t Target, desired Capacity) (Activity, bool) {
	f, to := t.Floor, t.Reach.clamp(t.floor())
	if to <= desired {
		return Activity{}, false
	}
	return Activity{
		ID:          id,
		Kind:        t.Kind,
		Description: t.Kind.setting(to),
		Cause:       fmt.Sprintf("predictive scaling policy %s forecast a capacity of %d for %s", f.Policy, f.Capacity, f.Hour.Format(time.RFC3339)),
		Details:     fmt.Sprintf("%d desired, %d forecast, %d to %d allowed", desired, f.Capacity, t.Bounds.min, t.Bounds.max),
		Status:      Pending,
		From:        desired,
		To:          to,
		Start:       now,
	}, true
}

// MaxActivity is the record of a maximum capacity that gave way to a forecast.
func MaxActivity(id string, now time.Time, maximum Capacity, f Floor) Activity {
	return Activity{
		ID:          id,
		Description: fmt.Sprintf("Setting max capacity to %d.", maximum),
		Cause:       fmt.Sprintf("predictive scaling policy %s forecast a capacity of %d for %s", f.Policy, f.Capacity, f.Hour.Format(time.RFC3339)),
		Status:      Successful,
		Message:     fmt.Sprintf("Successfully set max capacity to %d.", maximum),
		To:          maximum,
		Start:       now,
		End:         now,
	}
}
