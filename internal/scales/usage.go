package scales

import (
	"context"
	"fmt"
	"math"
	"slices"

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
		if requests[p.Name], err = requested(p, of); err != nil {
			return 0, err
		}
	}
	var used, all float64
	for _, m := range measured.Items {
		request, runs := requests[m.Name]
		if !runs {
			continue
		}
		all += request
		for _, c := range m.Containers {
			used += c.Usage.Name(core.ResourceName(of), resource.DecimalSI).AsApproximateFloat64()
		}
	}
	if all == 0 {
		return math.NaN(), nil
	}
	return 100 * used / all, nil
}

// requested is what the containers of a pod request that go on as long as it does: those that start before the
// others and stay, too.
func requested(p core.Pod, of string) (sum float64, err error) {
	containers := slices.Clone(p.Spec.Containers)
	for _, c := range p.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == core.ContainerRestartPolicyAlways {
			containers = append(containers, c)
		}
	}
	for _, c := range containers {
		q := c.Resources.Requests[core.ResourceName(of)]
		if q.IsZero() {
			return 0, fmt.Errorf("container %s of pod %s requests no %s, of which its use could be a part: set resources.requests.%s", c.Name, p.Name, of, of)
		}
		sum += q.AsApproximateFloat64()
	}
	return sum, nil
}
