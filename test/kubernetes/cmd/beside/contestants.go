package main

import (
	"fmt"
	"math"
)

// A contestant scales the Deployment web of a namespace of its own.
type contestant struct {
	name      string // as the table has it
	namespace string
	flyball   bool
	manifest  string
}

// seconds are those of an HPA, at a speed.
func seconds(of, speed float64) int { return int(math.Round(of / speed)) }

// hpa is one with the defaults of Kubernetes, whose times are written out since they are to be shorter.
func hpa(name, namespace string, cpu int, speed float64) contestant {
	return contestant{name, namespace, false, fmt.Sprintf(`
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 2
  maxReplicas: 60
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: %d}}}]
  behavior:
    scaleUp:
      stabilizationWindowSeconds: 0
      policies: [{type: Percent, value: 100, periodSeconds: %[2]d}, {type: Pods, value: 4, periodSeconds: %[2]d}]
    scaleDown:
      stabilizationWindowSeconds: %[3]d
      policies: [{type: Percent, value: 100, periodSeconds: %[2]d}]
`, cpu, seconds(15, speed), seconds(300, speed))}
}

// tracking is Flyball with a target tracking policy, and with others beside it.
func tracking(name, namespace string, cpu int, beside string) contestant {
	return contestant{name, namespace, true, fmt.Sprintf(`
apiVersion: autoscaling.flyball.dev/v1alpha1
kind: ScalableTarget
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, minCapacity: 2, maxCapacity: 60}
---
apiVersion: autoscaling.flyball.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: web-cpu}
spec:
  scalableTargetRef: {name: web}
  policyType: TargetTrackingScaling
  targetTrackingScalingPolicyConfiguration: {targetValue: %d, resource: {name: cpu}}
`, cpu) + beside}
}

// steps scale out after one minute above 75 %.
const steps = `---
apiVersion: autoscaling.flyball.dev/v1alpha1
kind: ScalingPolicy
metadata: {name: web-rise}
spec:
  scalableTargetRef: {name: web}
  policyType: StepScaling
  stepScalingPolicyConfiguration:
    adjustmentType: PercentChangeInCapacity
    minAdjustmentMagnitude: 2
    cooldown: 60
    stepAdjustments:
      - {metricIntervalLowerBound: 0, metricIntervalUpperBound: 15, scalingAdjustment: 25}
      - {metricIntervalLowerBound: 15, scalingAdjustment: 50}
  alarms:
    - {alarmName: rise, comparisonOperator: GreaterThanThreshold, threshold: 75, evaluationPeriods: 1, resource: {name: cpu}}
`

func contestants(speed float64) []contestant {
	return []contestant{
		hpa("HPA, 60 % CPU", "hpa-60", 60, speed),
		hpa("HPA, 75 % CPU", "hpa-75", 75, speed),
		tracking("Flyball, target tracking at 60 %", "flyball-60", 60, ""),
		tracking("Flyball, target tracking at 50 %", "flyball-50", 50, ""),
		tracking("Flyball, the same at 60 % and steps after one minute above 75 %", "flyball-steps", 60, steps),
	}
}
