package source

import (
	"context"
	"fmt"

	"flyball/internal/backlog"
	"flyball/internal/service/autoscaling/rules"
	"flyball/metric"
)

// Messages is the metric of package backlog's namespace that tells how many messages of a queue
// are visible.
const Messages = "Messages"

// A Registry knows where metrics are read: those that are bound to a source there, and the others
// by their namespace. nil is a source that is not there.
type Registry struct {
	Bound      map[metric.Key]Source
	CloudWatch Source
	Queues     Source
	Kubernetes Source
}

// Of is the source of a metric.
func (r *Registry) Of(q Query) (Source, error) {
	if s := r.Bound[q.Metric.Key()]; s != nil {
		return s, nil
	}
	s, what := r.CloudWatch, "CloudWatch"
	switch q.Metric.Namespace {
	case backlog.Namespace:
		s, what = r.Queues, "SQS"
	case rules.NamespaceKubernetes:
		s, what = r.Kubernetes, "Kubernetes"
	}
	if s == nil {
		return nil, fmt.Errorf("metric %s of namespace %s is one of %s, which control does not read here", q.Metric.Name, q.Metric.Namespace, what)
	}
	return s, nil
}

// Running stands for how many tasks of the target itself run, which whoever governs it knows.
var Running Source = running{}

type running struct{}

// Read implements Source.
func (running) Read(_ context.Context, queries []Query) []Answer {
	return Failed(len(queries), fmt.Errorf("%w: how many tasks run is known to who governs them", ErrQuery))
}
