package standalone

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"flyball/governor"
	"flyball/internal/capacity"
	"flyball/internal/control"
	"flyball/internal/policydoc"
	"flyball/internal/scales"
	"flyball/internal/source"
	"flyball/metric"
	"flyball/scaling"
)

// A world is what is scaled, and where metrics are read.
type world struct {
	kinds   capacity.Kinds
	cluster cluster
	calls   *calls
	budget  *source.Budget
	limits  scaling.Limits
	client  *http.Client
	queues  source.QueueClient
	cloud   source.Source
	samples *source.Samples // of sources that come and go with settings
}

// PauseTag is the tag of ECS services with which nothing is to be done for now.
const PauseTag = "flyball:paused"

func newWorld(cfg Config, config aws.Config) *world {
	w := &world{calls: newCalls(), budget: &source.Budget{PerDay: cfg.Budget}, limits: cfg.Limits, samples: &source.Samples{}}
	w.cluster.of = cfg.Cluster
	w.client = &http.Client{Transport: w.calls.transport(source.Transport()), Timeout: 30 * time.Second}
	config.APIOptions = append(slices.Clone(config.APIOptions), w.calls.count)
	w.queues = sqs.NewFromConfig(config)
	w.cloud = &source.CloudWatch{Client: cloudwatch.NewFromConfig(config), Budget: w.budget}
	w.kinds = capacity.Kinds{
		scaling.Services:  capacity.Services{ECS: ecs.NewFromConfig(config), PauseTag: PauseTag},
		scaling.Functions: capacity.Functions{Lambda: lambda.NewFromConfig(config)},
		scaling.Custom:    capacity.Custom{HTTP: w.client, TokenFile: cfg.TokenFile},
		scaling.Scales:    &w.cluster,
	}
	return w
}

// Look implements capacity.Capacity.
func (w *world) Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	return w.kinds.Look(ctx, ids)
}

// LookMarked implements capacity.Marked.
func (w *world) LookMarked(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, []string, error) {
	return w.kinds.LookMarked(ctx, ids)
}

// Set implements capacity.Capacity.
func (w *world) Set(ctx context.Context, id scaling.ResourceID, to scaling.Capacity) error {
	return w.kinds.Set(ctx, id, to)
}

// compile makes targets of documents and of what is written beside them.
func (w *world) compile(d policydoc.Documents, beside policydoc.Beside) (targets []control.Target, problems []control.Problem) {
	registry := w.registry(beside)
	compiled, problems := control.Compile(d, registry)
	for _, t := range compiled {
		t.Limits = w.limits
		t, err := control.Apply(beside, t)
		if err != nil {
			problems = append(problems, control.Problem{Resource: string(t.Resource), Err: fmt.Errorf("%s: %w", policydoc.BesideName, err)})
			continue
		}
		targets = append(targets, t)
	}
	return targets, problems
}

// registry is where metrics are read, with those that are bound.
func (w *world) registry(beside policydoc.Beside) *source.Registry {
	r := &source.Registry{Bound: map[metric.Key]source.Source{}, CloudWatch: w.cloud}
	prometheus := map[string]*source.Prometheus{}
	json := map[string]*source.JSON{} // by host: one that does not answer holds up itself
	queues := &source.Queues{Client: w.queues, Samples: w.samples, Bound: map[metric.Key]source.QueueAttribute{}}
	pods := &source.Pods{Meter: &w.cluster, Samples: w.samples, Bound: map[metric.Key]source.PodMetric{}}
	r.Queues, r.Kubernetes = queues, pods
	for _, m := range beside.Metrics {
		var dimensions []metric.Dimension
		for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
			dimensions = append(dimensions, metric.Dimension{Name: name, Value: m.Dimensions[name]})
		}
		key := metric.NewID(m.Namespace, m.Name, dimensions...).Key()
		switch {
		case m.Prometheus != nil:
			q := m.Prometheus
			of := prometheus[q.URL+"\x00"+q.TokenFile]
			if of == nil {
				of = &source.Prometheus{URL: q.URL, TokenFile: q.TokenFile, HTTP: w.client, Queries: map[metric.Key]string{}}
				prometheus[q.URL+"\x00"+q.TokenFile] = of
			}
			of.Queries[key] = q.Query
			r.Bound[key] = of
		case m.Queue != nil:
			queues.Bound[key] = source.QueueAttribute{Queue: m.Queue.Queue, Attribute: string(m.Queue.Attribute)}
			r.Bound[key] = queues
		case m.HTTP != nil:
			host := source.Host(m.HTTP.URL)
			of := json[host]
			if of == nil {
				of = &source.JSON{HTTP: w.client, Samples: w.samples, Values: map[metric.Key]source.JSONValue{}}
				json[host] = of
			}
			of.Values[key] = source.JSONValue{URL: m.HTTP.URL, Pointer: m.HTTP.Pointer, TokenFile: m.HTTP.TokenFile}
			r.Bound[key] = of
		case m.Kubernetes != nil:
			k := m.Kubernetes
			pods.Bound[key] = source.PodMetric{Of: scaling.ScaleID(k.Namespace, k.Resource, k.Name), Resource: string(k.Metric)}
			r.Bound[key] = pods
		case m.Running:
			r.Bound[key] = source.Running
		}
	}
	return r
}

// A cluster of Kubernetes is connected to when something of it is needed.
type cluster struct {
	of   Cluster
	once sync.Once
	is   *scales.Scales
	err  error
}

func (c *cluster) open() (*scales.Scales, error) {
	c.once.Do(func() {
		config, err := scales.Config(c.of.File, c.of.Context)
		if err != nil {
			c.err = err
			return
		}
		c.is, c.err = scales.New(config)
	})
	return c.is, c.err
}

// Look implements capacity.Capacity.
func (c *cluster) Look(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, error) {
	seen, _, err := c.LookMarked(ctx, ids)
	return seen, err
}

// LookMarked implements capacity.Marked.
func (c *cluster) LookMarked(ctx context.Context, ids []scaling.ResourceID) ([]governor.Capacity, []string, error) {
	s, err := c.open()
	if err != nil {
		return nil, nil, err
	}
	return s.LookMarked(ctx, ids)
}

// Set implements capacity.Capacity.
func (c *cluster) Set(ctx context.Context, id scaling.ResourceID, to scaling.Capacity) error {
	s, err := c.open()
	if err != nil {
		return err
	}
	return s.Set(ctx, id, to)
}

// Usage implements source.PodMeter.
func (c *cluster) Usage(ctx context.Context, id scaling.ResourceID, of string) (float64, error) {
	s, err := c.open()
	if err != nil {
		return 0, err
	}
	return s.Usage(ctx, id, of)
}
