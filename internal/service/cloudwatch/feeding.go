package cloudwatch

import (
	"log/slog"
	"slices"
	"sync"

	"flyball/internal/tsdb"
	"flyball/metric"
)

// awsNamespaces begins the namespaces that are AWS's own.
const awsNamespaces = "AWS/"

// feeding is what callers publish in AWS's namespaces, where they may. A metric that was fed
// once is the callers' as long as the server lives: what is measured for it here is left out.
// Were both taken, an average would be of neither, and a test would depend on when which comes.
type feeding struct {
	allowed bool
	db      *tsdb.DB
	log     *slog.Logger

	refused sync.Once
	mu      sync.RWMutex
	fed     map[metric.Key]struct{}
}

func newFeeding(cfg Config) *feeding {
	f := &feeding{allowed: cfg.FeedAWS, db: cfg.Metrics, log: cfg.Cell.Log, fed: map[metric.Key]struct{}{}}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	return f
}

// tellRefused tells the log once that it can be otherwise, since callers are answered as on AWS.
func (f *feeding) tellRefused() {
	f.refused.Do(func() {
		f.log.Info("PutMetricData was refused for a namespace that begins with AWS/, as on AWS; to feed such metrics, start the server with --feed-aws-namespaces")
	})
}

// take notes that metrics are fed.
func (f *feeding) take(samples []metric.Sample) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range samples {
		key := s.Metric.Key()
		if _, known := f.fed[key]; known {
			continue
		}
		f.fed[key] = struct{}{}
		if series, ok := f.db.Lookup(s.Metric); ok && !series.Last().IsZero() {
			f.log.Info("a metric that has datapoints is fed from now on; what is measured for it here is left out until the server starts again",
				"namespace", s.Metric.Namespace, "metric", s.Metric.Name, "dimensions", s.Metric.Dimensions)
		}
	}
}

// leave are the samples of metrics that are not fed.
func (f *feeding) leave(samples []metric.Sample) []metric.Sample {
	if !f.allowed {
		return samples
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	isFed := func(s metric.Sample) bool { _, fed := f.fed[s.Metric.Key()]; return fed }
	if !slices.ContainsFunc(samples, isFed) {
		return samples
	}
	return slices.DeleteFunc(slices.Clone(samples), isFed)
}
