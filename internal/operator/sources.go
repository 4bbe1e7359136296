package operator

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"flyball/internal/control"
	"flyball/internal/operator/v1alpha1"
	"flyball/internal/source"
	"flyball/metric"
)

// bindings read the metrics that policies themselves say where to read, and leave the others to the
// controller's sources.
type bindings struct {
	others     control.Sources
	prometheus string       // address of the server of queries that name none; "": there is none
	web        *http.Client // for addresses that policies name
	samples    source.Samples

	mu      sync.Mutex
	servers map[string]*server // of Prometheus, by address
	values  map[metric.Key]source.JSONValue
}

var _ control.Sources = sourcesOf{}

func newBindings(others control.Sources, prometheus string, web *http.Client) *bindings {
	return &bindings{others: others, prometheus: prometheus, web: web, servers: map[string]*server{}, values: map[metric.Key]source.JSONValue{}}
}

// sourcesOf are the sources of one target.
type sourcesOf struct {
	*bindings
	says map[metric.Key]v1alpha1.MetricSource
}

// of are the sources of the metrics that a target's policies name.
func (b *bindings) of(d described) sourcesOf {
	s := sourcesOf{b, map[metric.Key]v1alpha1.MetricSource{}}
	add := func(m v1alpha1.MetricSource) {
		if m.Prometheus != nil || m.HTTP != nil {
			s.says[boundID(m).Key()] = m
		}
	}
	for _, p := range d.policies {
		if t := p.Spec.TargetTrackingScalingPolicyConfiguration; t != nil {
			add(t.MetricSource)
		}
		for _, a := range p.Spec.Alarms {
			add(a.MetricSource)
		}
		for _, m := range queries(p.Spec.PredictiveScalingPolicyConfiguration) {
			add(m)
		}
	}
	return s
}

// Of is the source of a metric.
func (s sourcesOf) Of(q source.Query) (source.Source, error) {
	key := q.Metric.Key()
	said, is := s.says[key]
	if !is {
		return s.others.Of(q)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if v := said.HTTP; v != nil {
		s.values[key] = source.JSONValue{URL: v.URL, Pointer: v.ValuePointer}
		return values{s.bindings, source.Host(v.URL)}, nil
	}
	address := said.Prometheus.ServerAddress
	if address == "" {
		address = s.prometheus
	}
	if address == "" {
		return nil, errors.New("the query names no serverAddress, and the controller was started without --prometheus: give one of the two")
	}
	of := s.servers[address]
	if of == nil {
		of = &server{address: address, web: s.web, queries: map[metric.Key]string{}}
		if address == s.prometheus {
			of.web = nil // whoever started the controller says so
		}
		s.servers[address] = of
	}
	of.add(key, said.Prometheus.Query)
	return of, nil
}

// A server is a Prometheus that is asked more queries as time goes on.
type server struct {
	address string
	web     *http.Client // nil: that of package source

	mu      sync.Mutex
	queries map[metric.Key]string
}

func (s *server) add(key metric.Key, query string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries[key] = query
}

// Read implements source.Source.
func (s *server) Read(ctx context.Context, queries []source.Query) []source.Answer {
	p := source.Prometheus{URL: s.address, HTTP: s.web, Queries: make(map[metric.Key]string, len(queries))}
	s.mu.Lock()
	for _, q := range queries {
		p.Queries[q.Metric.Key()] = s.queries[q.Metric.Key()]
	}
	s.mu.Unlock()
	return p.Read(ctx, queries)
}

// Each implements source.Each.
func (*server) Each() {}

// values are the numbers behind addresses of one host that policies name: a host that does not answer holds up itself.
type values struct {
	of   *bindings
	host string
}

// Read implements source.Source.
func (v values) Read(ctx context.Context, queries []source.Query) []source.Answer {
	j := source.JSON{Values: make(map[metric.Key]source.JSONValue, len(queries)), HTTP: v.of.web, Samples: &v.of.samples}
	v.of.mu.Lock()
	for _, q := range queries {
		j.Values[q.Metric.Key()] = v.of.values[q.Metric.Key()]
	}
	v.of.mu.Unlock()
	return j.Read(ctx, queries)
}

// boundID is the metric of what a policy says where to read. Its name is for people, and its dimension tells it
// from others.
func boundID(m v1alpha1.MetricSource) metric.ID {
	if q := m.Prometheus; q != nil {
		return metric.NewID("Prometheus", "query", metric.Dimension{Name: "Digest", Value: digest(q.ServerAddress, q.Query)})
	}
	return metric.NewID("HTTP", "value", metric.Dimension{Name: "Digest", Value: digest(m.HTTP.URL, m.HTTP.ValuePointer)})
}
