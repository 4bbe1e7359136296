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
// not measured yet as a whole are left out; where none is, it is NaN.
func (s *Scales) Usage(ctx context.Context, id scaling.ResourceID, of string) (float64, error) {
	namespace, _, _ := id.Scale()
	selector, err := s.selector(ctx, id)
	if err != nil {
		return 0, fmt.Errorf("read the scale of %s: %w", id, err)
	}
	if selector == "" {
		return 0, fmt.Errorf("the scale of %s names no pods: its resource has no labelSelectorPath", id)
	}
	selected := metav1.ListOptions{LabelSelector: selector}
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
	usage := map[string]map[string]float64{} // by pod and container
	for _, m := range measured.Items {
		containers := map[string]float64{}
		for _, c := range m.Containers {
			containers[c.Name] = c.Usage.Name(core.ResourceName(of), resource.DecimalSI).AsApproximateFloat64()
		}
		usage[m.Name] = containers
	}
	var used, all float64
	for _, p := range pods.Items {
		if p.Status.Phase != core.PodRunning || p.DeletionTimestamp != nil {
			continue
		}
		request, err := requested(p, of)
		if err != nil {
			return 0, err
		}
		if u, whole := usedBy(p, usage[p.Name]); whole {
			used += u
			all += request
		}
	}
	if all == 0 {
		return math.NaN(), nil
	}
	return 100 * used / all, nil
}

// usedBy is what the containers of a pod use that go on as long as it does; not whole if one of them is not measured,
// as just after its start: the pod would seem idle. What others use, such as one for debugging, nobody has requested.
func usedBy(p core.Pod, measured map[string]float64) (sum float64, whole bool) {
	for _, c := range staying(p) {
		u, is := measured[c.Name]
		if !is {
			return 0, false
		}
		sum += u
	}
	return sum, true
}

// requested is what a pod requests as a whole or, where it says nothing of that, what its containers do that go on as
// long as it does.
func requested(p core.Pod, of string) (sum float64, err error) {
	if r := p.Spec.Resources; r != nil {
		if q := r.Requests[core.ResourceName(of)]; !q.IsZero() {
			return q.AsApproximateFloat64(), nil
		}
	}
	for _, c := range staying(p) {
		q := c.Resources.Requests[core.ResourceName(of)]
		if q.IsZero() {
			return 0, fmt.Errorf("container %s of pod %s requests no %s, of which its use could be a part: set its resources.requests.%s, or the pod's", c.Name, p.Name, of, of)
		}
		sum += q.AsApproximateFloat64()
	}
	return sum, nil
}

// staying are the containers of a pod that go on as long as it does: those that start before the others and stay
// (sidecars), too.
func staying(p core.Pod) []core.Container {
	all := slices.Clone(p.Spec.Containers)
	for _, c := range p.Spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == core.ContainerRestartPolicyAlways {
			all = append(all, c)
		}
	}
	return all
}
