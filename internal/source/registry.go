package source

import (
	"context"
	"errors"
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
	if q.Formula != nil {
		return r.ofFormula(q.Formula)
	}
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

// ofFormula is the source of a formula, which is CloudWatch if that has all its metrics.
func (r *Registry) ofFormula(f *Formula) (Source, error) {
	if r.CloudWatch == nil {
		return nil, errors.New("searches (SEARCH) and Metrics Insights (SELECT) are CloudWatch's, which control does not read here")
	}
	for _, id := range f.metrics() {
		if r.Bound[id.Key()] != nil || id.Namespace == backlog.Namespace || id.Namespace == rules.NamespaceKubernetes {
			return nil, fmt.Errorf("searches (SEARCH) and Metrics Insights (SELECT) are computed by CloudWatch, which does not have metric %s of namespace %s: name the metrics in the place of the search, or leave this one out", id.Name, id.Namespace)
		}
	}
	return r.CloudWatch, nil
}

// Running stands for how many tasks of the target itself run, which whoever governs it knows.
var Running Source = running{}

type running struct{}

func (running) forgets() {}

// Read implements Source.
func (running) Read(_ context.Context, queries []Query) []Answer {
	return Failed(len(queries), fmt.Errorf("%w: how many tasks run is known to who governs them", ErrQuery))
}
