package source

import (
	"context"
	"fmt"

	"flyball/metric"
	"flyball/scaling"
)

// A PodMeter measures what the pods of something use of a resource, cpu or memory, in percent of
// what they request; NaN: none is measured.
type PodMeter interface {
	Usage(ctx context.Context, id scaling.ResourceID, of string) (float64, error)
}

// A PodMetric is what the pods of something use.
type PodMetric struct {
	Of       scaling.ResourceID
	Resource string // cpu or memory
}

// Pods read what pods use.
type Pods struct {
	Meter   PodMeter
	Bound   map[metric.Key]PodMetric // other metrics than those of package rules
	Samples *Samples
}

func (*Pods) forgets() {}

// Read implements Source.
func (p *Pods) Read(ctx context.Context, queries []Query) []Answer {
	return readNow(ctx, p.Samples, queries, func(q Query) (reading, error) {
		m, bound := p.Bound[q.Metric.Key()]
		if !bound {
			var err error
			if m, err = podMetric(q.Metric); err != nil {
				return reading{}, err
			}
		}
		return reading{about: string(m.Of) + " " + m.Resource, read: func(ctx context.Context) (float64, error) {
			return p.Meter.Usage(ctx, m.Of, m.Resource)
		}}, nil
	})
}

// podMetric is a metric as predefined metrics of policies name it.
func podMetric(id metric.ID) (m PodMetric, err error) {
	of := map[string]string{}
	for _, d := range id.Dimensions {
		of[d.Name] = d.Value
	}
	m.Of = scaling.ScaleID(of["Namespace"], of["Resource"], of["Name"])
	switch id.Name {
	case "CPUUtilization":
		m.Resource = "cpu"
	case "MemoryUtilization":
		m.Resource = "memory"
	default:
		err = fmt.Errorf("%w: there is no metric %s of pods", ErrQuery, id.Name)
	}
	return m, err
}
