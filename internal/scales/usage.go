package scales

import (
	"context"
	"fmt"
	"math"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"flyball/scaling"
)

// Usage is what the pods of something use of a resource, cpu or memory, as a part of what they
// request, in percent: all that they use together, of all that they request together. Pods that are
// not measured yet are left out; where none is, it is NaN.
func (s *Scales) Usage(ctx context.Context, id scaling.ResourceID, of string) (float64, error) {
	namespace, _, _ := id.Scale()
	is, _, err := s.get(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("read the scale of %s: %w", id, err)
	}
	if is.Status.Selector == "" {
		return 0, fmt.Errorf("the scale of %s names no pods: its resource has no labelSelectorPath", id)
	}
	selected := metav1.ListOptions{LabelSelector: is.Status.Selector}
	pods, err := s.pods.Pods(namespace).List(ctx, selected)
	if err != nil {
		return 0, fmt.Errorf("list the pods of %s: %w", id, err)
	}
	measured, err := s.measured.PodMetricses(namespace).List(ctx, selected)
	if apierrors.IsNotFound(err) {
		return 0, fmt.Errorf("the cluster has no resource metrics (metrics.k8s.io): install the metrics server: %w", err)
	}
	if err != nil {
		return 0, fmt.Errorf("read what the pods of %s use: %w", id, err)
	}
	requests := map[string]float64{}
	for _, p := range pods.Items {
		if p.Status.Phase != core.PodRunning || p.DeletionTimestamp != nil {
			continue
		}
		requested := 0.0
		for _, c := range p.Spec.Containers {
			q := c.Resources.Requests[core.ResourceName(of)]
			if q.IsZero() {
				return 0, fmt.Errorf("container %s of pod %s requests no %s, of which its use could be a part: set resources.requests.%s", c.Name, p.Name, of, of)
			}
			requested += q.AsApproximateFloat64()
		}
		requests[p.Name] = requested
	}
	var used, requested float64
	for _, m := range measured.Items {
		request, runs := requests[m.Name]
		if !runs {
			continue
		}
		requested += request
		for _, c := range m.Containers {
			used += c.Usage.Name(core.ResourceName(of), resource.DecimalSI).AsApproximateFloat64()
		}
	}
	if requested == 0 {
		return math.NaN(), nil
	}
	return 100 * used / requested, nil
}
