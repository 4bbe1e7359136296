package kubernetes

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metrics "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"flyball/internal/task"
)

// meters are what metrics.k8s.io says of all pods of a runtime, which is asked for all at once.
type meters struct {
	cluster  Cluster
	selector string

	mu  sync.Mutex
	at  time.Time // when it was asked last
	err error
	of  map[string]metrics.PodMetrics // by the name of the pod
}

// metricsAge is how old the metrics may be: their source looks at nodes each 15 seconds or so.
const metricsAge = 2 * time.Second

// pod is what is said of a pod.
func (m *meters) pod(ctx context.Context, name string) (metrics.PodMetrics, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if time.Since(m.at) > metricsAge {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		list, err := m.cluster.Metrics.MetricsV1beta1().PodMetricses(m.cluster.Namespace).List(ctx, metav1.ListOptions{LabelSelector: m.selector})
		m.at, m.err, m.of = time.Now(), err, map[string]metrics.PodMetrics{}
		if err == nil {
			for _, p := range list.Items {
				m.of[p.Name] = p
			}
		}
	}
	if m.err != nil {
		return metrics.PodMetrics{}, fmt.Errorf("metrics.k8s.io: %w", m.err)
	}
	p, ok := m.of[name]
	if !ok {
		return p, fmt.Errorf("metrics.k8s.io tells nothing of pod %s yet", name)
	}
	return p, nil
}

// Usage adds up what metrics.k8s.io tells: how much CPU was used in a window before a time.
// It is as old as that time says.
func (t *Task) Usage(ctx context.Context) (task.Usage, error) {
	m, err := t.runtime.meters.pod(ctx, t.name)
	if err != nil {
		return task.Usage{}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if at := m.Timestamp.Time; at.After(t.used.At) {
		span := m.Window.Duration
		if !t.used.At.IsZero() {
			span = at.Sub(t.used.At)
		}
		rate, memory := 0.0, int64(0)
		for _, c := range m.Containers {
			rate += c.Usage.Cpu().AsApproximateFloat64()
			memory += c.Usage.Memory().Value()
		}
		t.used.At, t.used.Memory = at, memory
		t.used.CPU += time.Duration(rate * float64(span))
	}
	return t.used, nil
}
