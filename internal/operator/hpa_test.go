package operator

import (
	"strings"
	"testing"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"sigs.k8s.io/yaml"

	"flyball/internal/operator/v1alpha1"
)

func TestAnHPABecomesATargetThatIsPausedAndAPolicyForEachUtilization(t *testing.T) {
	var h autoscalingv2.HorizontalPodAutoscaler
	if err := yaml.UnmarshalStrict([]byte(`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 40
  metrics:
    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 60}}}
    - {type: Pods, pods: {metric: {name: requests}, target: {type: AverageValue, averageValue: "10"}}}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 120
      policies: [{type: Percent, value: 10, periodSeconds: 30}]
    scaleUp:
      policies: [{type: Pods, value: 4, periodSeconds: 15}]
`), &h); err != nil {
		t.Fatal(err)
	}
	resources, notes := FromHPA(h)
	if len(resources) != 2 || len(notes) != 1 || !strings.Contains(notes[0], "metric of pods requests") {
		t.Fatalf("%d resources, notes %q; want a target and one policy, and that the metric of pods is left out", len(resources), notes)
	}
	target := resources[0].(*v1alpha1.ScalableTarget)
	if s := target.Spec; s.MinCapacity != 2 || s.MaxCapacity != 40 || s.ScaleTargetRef != (v1alpha1.ScaleTargetRef{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"}) {
		t.Errorf("the target's spec is %+v", s)
	}
	if l := target.Spec.MaxChangePerMinute; l == nil || l.ScaleIn.String() != "20%" || l.ScaleOut.String() != "16" {
		t.Errorf("the limits are %+v; want 20%% in and 16 out", l)
	}
	if target.Annotations[v1alpha1.PausedAnnotation] == "" {
		t.Error("the target is not paused beside the HPA that drives it")
	}
	c := resources[1].(*v1alpha1.ScalingPolicy).Spec.TargetTrackingScalingPolicyConfiguration
	if c.TargetValue != 60 || *c.ScaleInCooldown != 120 || c.Resource == nil || c.Resource.Name != "cpu" {
		t.Errorf("the policy is %+v", c)
	}
}
