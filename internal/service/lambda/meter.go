package lambda

import (
	"flyball/internal/clock"
	"flyball/internal/tally"
	"flyball/metric"
)

// namespace is that of functions' metrics ("Types of metrics for Lambda functions").
const namespace = "AWS/Lambda"

// A meter adds up what functions measure.
type meter struct{ *tally.Tally[measure] }

// A measure is a metric of a function. Without a function it is one of the region.
type measure struct {
	name, unit                  string
	function, resource, version string
	mapping                     string
}

func newMeter(c *clock.Clock, to tally.Recorder) meter {
	return meter{tally.New(c, to, func(m measure) (string, []metric.ID) { return m.unit, []metric.ID{m.id()} })}
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

// measured adds a value of an invocation to the metrics of the region, of the function,
// and of the qualifier that it was invoked with. An alias with weights has them for each
// version that it runs, too.
func (m meter) measured(t target, ran version, name, unit string, value float64) {
	of := measure{name: name, unit: unit}
	m.Add(of, value)
	of.function = t.function.Name
	m.Add(of, value)
	of.resource = t.function.Name
	if t.qualifier != "" {
		of.resource += ":" + t.qualifier
	}
	m.Add(of, value)
	if t.alias != nil && len(t.alias.Weights) > 0 {
		of.version = ran.Number
		m.Add(of, value)
	}
}
