package plan

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	astypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Resource is the service as Application Auto Scaling calls it.
func (p Parts) Resource() *string { return aws.String("service/" + p.Cluster + "/" + p.Name) }

// Target is the scalable target.
func (p Parts) Target(s Settings, given []types.Tag) *applicationautoscaling.RegisterScalableTargetInput {
	return &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: p.Resource(), MinCapacity: s.Scaling.MinTaskCount, MaxCapacity: s.Scaling.MaxTaskCount, Tags: Tags(given),
	}
}

// PolicyName is that of the policy for a metric.
func (p Parts) PolicyName(metric types.ExpressGatewayServiceScalingMetric) *string {
	return aws.String(bounded(p.Name, mostName-len(Predefined(metric))) + string(Predefined(metric)))
}

// Predefined is the metric as Application Auto Scaling calls it.
func Predefined(metric types.ExpressGatewayServiceScalingMetric) astypes.MetricType {
	switch metric {
	case types.ExpressGatewayServiceScalingMetricAverageMemoryUtilization:
		return astypes.MetricTypeECSServiceAverageMemoryUtilization
	case types.ExpressGatewayServiceScalingMetricRequestCountPerTarget:
		return astypes.MetricTypeALBRequestCountPerTarget
	}
	return astypes.MetricTypeECSServiceAverageCPUUtilization
}

// ScalingPolicy keeps the metric at its target.
func (p Parts) ScalingPolicy(s Settings) *applicationautoscaling.PutScalingPolicyInput {
	tracking := &astypes.TargetTrackingScalingPolicyConfiguration{
		TargetValue: aws.Float64(float64(*s.Scaling.AutoScalingTargetValue)), DisableScaleIn: aws.Bool(false),
	}
	if metric := Predefined(s.Scaling.AutoScalingMetric); metric == astypes.MetricTypeALBRequestCountPerTarget {
		tracking.CustomizedMetricSpecification = p.requests()
	} else {
		tracking.PredefinedMetricSpecification = &astypes.PredefinedMetricSpecification{PredefinedMetricType: metric}
	}
	return &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: p.Resource(), PolicyName: p.PolicyName(s.Scaling.AutoScalingMetric), PolicyType: astypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: tracking,
	}
}

// requests are those to each target, in whichever of the target groups the tasks are.
// The predefined metric is that of one group, which deployments leave for the other.
func (p Parts) requests() *astypes.CustomizedMetricSpecification {
	m := &astypes.CustomizedMetricSpecification{}
	for i := range p.TargetGroups {
		m.Metrics = append(m.Metrics, astypes.TargetTrackingMetricDataQuery{
			Id: aws.String(fmt.Sprintf("m%d", i+1)), ReturnData: aws.Bool(false),
			MetricStat: &astypes.TargetTrackingMetricStat{Stat: aws.String("Sum"), Metric: &astypes.TargetTrackingMetric{
				Namespace: aws.String(balancerMetrics), MetricName: aws.String("RequestCountPerTarget"),
				Dimensions: []astypes.TargetTrackingMetricDimension{{Name: aws.String("TargetGroup"), Value: aws.String(p.groupLabel(i))}},
			}},
		})
	}
	m.Metrics = append(m.Metrics, astypes.TargetTrackingMetricDataQuery{
		Id: aws.String("requests"), ReturnData: aws.Bool(true), Expression: aws.String("SUM([FILL(m1, 0), FILL(m2, 0)])"), Label: aws.String("Requests per target"),
	})
	return m
}

// balancerMetrics is the namespace of the metrics of load balancers.
const balancerMetrics = "AWS/ApplicationELB"

// Unpolicy deletes the policy for a metric.
func (p Parts) Unpolicy(metric types.ExpressGatewayServiceScalingMetric) *applicationautoscaling.DeleteScalingPolicyInput {
	return &applicationautoscaling.DeleteScalingPolicyInput{
		ServiceNamespace: astypes.ServiceNamespaceEcs, ScalableDimension: astypes.ScalableDimensionECSServiceDesiredCount,
		ResourceId: p.Resource(), PolicyName: p.PolicyName(metric),
	}
}
