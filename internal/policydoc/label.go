package policydoc

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// unknownLabel stands for the load balancer of a metric that is known only when all is in place.
// Which one it is makes no difference to a simulation.
const unknownLabel = "app/known-after-apply/0/targetgroup/known-after-apply/0"

// labelKnownLater gives the metrics of load balancers a label where a document has none yet.
func labelKnownLater(s *types.ScalingPolicy) {
	if c := s.TargetTrackingScalingPolicyConfiguration; c != nil && c.PredefinedMetricSpecification != nil {
		if m := c.PredefinedMetricSpecification; m.PredefinedMetricType == types.MetricTypeALBRequestCountPerTarget {
			m.ResourceLabel = known(m.ResourceLabel)
		}
	}
	c := s.PredictiveScalingPolicyConfiguration
	if c == nil {
		return
	}
	for _, m := range c.MetricSpecifications {
		if pair := m.PredefinedMetricPairSpecification; pair != nil && strings.Contains(aws.ToString(pair.PredefinedMetricType), "ALB") {
			pair.ResourceLabel = known(pair.ResourceLabel)
		}
		if load := m.PredefinedLoadMetricSpecification; load != nil && strings.Contains(aws.ToString(load.PredefinedMetricType), "ALB") {
			load.ResourceLabel = known(load.ResourceLabel)
		}
		if one := m.PredefinedScalingMetricSpecification; one != nil && strings.Contains(aws.ToString(one.PredefinedMetricType), "ALB") {
			one.ResourceLabel = known(one.ResourceLabel)
		}
	}
}

// known is a label, or what stands for one.
func known(label *string) *string {
	if label == nil || strings.Contains(*label, unknownYet) {
		return aws.String(unknownLabel)
	}
	return label
}
