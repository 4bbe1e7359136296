package lambda

import (
	"context"
	"sync"
	"time"

	"flyball/internal/clock"
	"flyball/metric"
)

// namespace is that of functions' metrics ("Types of metrics for Lambda functions").
const namespace = "AWS/Lambda"

// A meter adds up what functions measure, and hands it on each minute.
type meter struct {
	clock *clock.Clock
	to    Recorder // nil takes nothing

	mu     sync.Mutex
	minute time.Time // of what is in sets
	sets   map[measure]*metric.Set
}

// A measure is a metric of a function. Without a function it is one of the region.
type measure struct {
	name, unit                  string
	function, resource, version string
	mapping                     string
}

func newMeter(c *clock.Clock, to Recorder) *meter {
	return &meter{clock: c, to: to, sets: map[measure]*metric.Set{}}
}

// add adds a value to the minute that it is.
func (m *meter) add(of measure, value float64) {
	minute := m.clock.Now().Truncate(time.Minute)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !minute.Equal(m.minute) {
		m.flush()
		m.minute = minute
	}
	set := m.sets[of]
	if set == nil {
		set = &metric.Set{}
		m.sets[of] = set
	}
	set.Add(value, 1)
}

// flush hands on what there is, under the lock.
func (m *meter) flush() {
	if m.to == nil || len(m.sets) == 0 {
		return
	}
	samples := make([]metric.Sample, 0, len(m.sets))
	for of, set := range m.sets {
		samples = append(samples, metric.Sample{Metric: of.id(), Time: m.minute, Unit: of.unit, Set: *set})
	}
	clear(m.sets)
	m.to.Record(samples)
}

func (m measure) id() metric.ID {
	var dimensions []metric.Dimension
	for _, d := range []metric.Dimension{{Name: "FunctionName", Value: m.function}, {Name: "Resource", Value: m.resource}, {Name: "ExecutedVersion", Value: m.version}, {Name: "EventSourceMappingUUID", Value: m.mapping}} {
		if d.Value != "" {
			dimensions = append(dimensions, d)
		}
	}
	return metric.NewID(namespace, m.name, dimensions...)
}

// run hands on each minute when it is over, and what is left when ctx ends.
func (m *meter) run(ctx context.Context) {
	for {
		over := m.clock.Now().Truncate(time.Minute).Add(time.Minute)
		ended := m.clock.SleepUntil(ctx, over) != nil
		m.mu.Lock()
		m.flush()
		m.mu.Unlock()
		if ended {
			return
		}
	}
}

// measured adds a value of an invocation to the metrics of the region, of the function,
// and of the qualifier that it was invoked with. An alias with weights has them for each
// version that it runs, too.
func (m *meter) measured(t target, ran version, name, unit string, value float64) {
	of := measure{name: name, unit: unit}
	m.add(of, value)
	of.function = t.function.Name
	m.add(of, value)
	of.resource = t.function.Name
	if t.qualifier != "" {
		of.resource += ":" + t.qualifier
	}
	m.add(of, value)
	if t.alias != nil && len(t.alias.Weights) > 0 {
		of.version = ran.Number
		m.add(of, value)
	}
}
