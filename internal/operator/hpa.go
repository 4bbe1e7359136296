package operator

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"flyball/internal/operator/v1alpha1"
)

// FromHPA makes resources that do what a HorizontalPodAutoscaler does, as far as they can, and says in a
// sentence each what they do not. The target is paused, since it is scaled by the other still.
func FromHPA(h autoscalingv2.HorizontalPodAutoscaler) (resources []client.Object, notes []string) {
	target := &v1alpha1.ScalableTarget{TypeMeta: typeOf("ScalableTarget"), ObjectMeta: metav1.ObjectMeta{
		Name: h.Name, Namespace: h.Namespace, Annotations: map[string]string{v1alpha1.PausedAnnotation: "the HorizontalPodAutoscaler scales it"},
	}}
	ref := h.Spec.ScaleTargetRef
	target.Spec = v1alpha1.ScalableTargetSpec{
		ScaleTargetRef: v1alpha1.ScaleTargetRef{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name},
		MinCapacity:    1, MaxCapacity: h.Spec.MaxReplicas,
	}
	if h.Spec.MinReplicas != nil {
		target.Spec.MinCapacity = *h.Spec.MinReplicas
	}
	pace, notes := behavior(h.Spec.Behavior, &target.Spec)
	resources = append(resources, target)
	metrics := h.Spec.Metrics
	if len(metrics) == 0 {
		metrics = []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
			Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{AverageUtilization: new(int32(80))},
		}}}
		notes = append(notes, "it has no metrics: Kubernetes takes 80 % of the processors then, and so does the policy")
	}
	for _, m := range metrics {
		r := m.Resource
		if r == nil || r.Target.AverageUtilization == nil || r.Name != corev1.ResourceCPU && r.Name != corev1.ResourceMemory {
			notes = append(notes, fmt.Sprintf("the %s is left out: write a ScalingPolicy with a query of Prometheus, a metric of CloudWatch or a queue for it", metricText(m)))
			continue
		}
		p := &v1alpha1.ScalingPolicy{TypeMeta: typeOf("ScalingPolicy"), ObjectMeta: metav1.ObjectMeta{Name: h.Name + "-" + string(r.Name), Namespace: h.Namespace}}
		p.Spec.ScalableTargetRef.Name, p.Spec.PolicyType = h.Name, v1alpha1.TargetTrackingScaling
		c := pace
		c.TargetValue = float64(*r.Target.AverageUtilization)
		c.Resource = &v1alpha1.ResourceMetric{Name: string(r.Name)}
		p.Spec.TargetTrackingScalingPolicyConfiguration = &c
		resources = append(resources, p)
	}
	return resources, notes
}

func typeOf(kind string) metav1.TypeMeta {
	return metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: kind}
}

func metricText(m autoscalingv2.MetricSpec) string {
	switch {
	case m.Resource != nil:
		return fmt.Sprintf("value of the resource %s that is no part of what pods request", m.Resource.Name)
	case m.ContainerResource != nil:
		return fmt.Sprintf("resource %s of the container %s", m.ContainerResource.Name, m.ContainerResource.Container)
	case m.Pods != nil:
		return "metric of pods " + m.Pods.Metric.Name
	case m.Object != nil:
		return "metric of an object " + m.Object.Metric.Name
	case m.External != nil:
		return "external metric " + m.External.Metric.Name
	}
	return "metric of the type " + string(m.Type)
}

// What a HorizontalPodAutoscaler does where its behavior says nothing.
const (
	scaleDownWindow = 300
	scaleUpCooldown = 60 // it has no window; a policy sees a scale-out in its metric after a minute
)

// behavior is the pace of policies, and what of it is the target's.
func behavior(b *autoscalingv2.HorizontalPodAutoscalerBehavior, s *v1alpha1.ScalableTargetSpec) (pace v1alpha1.TargetTrackingScalingPolicyConfiguration, notes []string) {
	in, out := int32(scaleDownWindow), int32(scaleUpCooldown)
	var limits v1alpha1.MaxChangePerMinute
	if b != nil && b.ScaleDown != nil {
		r := b.ScaleDown
		if r.StabilizationWindowSeconds != nil {
			in = *r.StabilizationWindowSeconds
		}
		pace.DisableScaleIn = disabled(r)
		limits.ScaleIn = perMinute(r, "scaleDown", &notes)
	}
	if b != nil && b.ScaleUp != nil {
		r := b.ScaleUp
		if r.StabilizationWindowSeconds != nil {
			out = max(out, *r.StabilizationWindowSeconds)
		}
		if disabled(r) {
			s.SuspendedState = &v1alpha1.SuspendedState{DynamicScalingOutSuspended: true}
		}
		limits.ScaleOut = perMinute(r, "scaleUp", &notes)
	}
	if limits != (v1alpha1.MaxChangePerMinute{}) {
		s.MaxChangePerMinute = &limits
	}
	pace.ScaleInCooldown, pace.ScaleOutCooldown = &in, &out
	return pace, notes
}

func disabled(r *autoscalingv2.HPAScalingRules) bool {
	return r.SelectPolicy != nil && *r.SelectPolicy == autoscalingv2.DisabledPolicySelect
}

// perMinute is what the one policy of rules allows in a minute.
func perMinute(r *autoscalingv2.HPAScalingRules, of string, notes *[]string) *intstr.IntOrString {
	if r.Tolerance != nil {
		*notes = append(*notes, fmt.Sprintf("behavior.%s.tolerance is left out: a policy scales in below 90 %% of its target, and out above it", of))
	}
	if len(r.Policies) == 0 || disabled(r) {
		return nil
	}
	if len(r.Policies) > 1 {
		*notes = append(*notes, fmt.Sprintf("behavior.%s has several policies, which are left out: set maxChangePerMinute if it should change no faster", of))
		return nil
	}
	p := r.Policies[0]
	most := max(1, int64(p.Value)*60/int64(max(1, p.PeriodSeconds)))
	limit := intstr.FromInt32(int32(min(most, 999999)))
	if p.Type == autoscalingv2.PercentScalingPolicy {
		limit = intstr.FromString(fmt.Sprintf("%d%%", min(most, 999999)))
	}
	return &limit
}

// YAML is a resource as people write it: without a status and what the API server adds.
func YAML(of client.Object) ([]byte, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(of)
	if err != nil {
		return nil, err
	}
	delete(fields, "status")
	if metadata, is := fields["metadata"].(map[string]any); is {
		delete(metadata, "creationTimestamp")
	}
	return yaml.Marshal(fields)
}
