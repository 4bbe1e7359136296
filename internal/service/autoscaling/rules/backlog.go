package rules

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/backlog"
	"flyball/internal/service/autoscaling/fault"
	"flyball/scaling"
)

// checkQueueLabel checks what of a queue's name can be checked without knowing it.
func checkQueueLabel(m *types.PredefinedMetricSpecification) error {
	if queue, _ := queueOf(m); queue == "" {
		return fault.Invalid("Resource label should be specified for predefined metric type %s: the ARN, the URL or the name of a queue", backlogPerTask)
	}
	return nil
}

// queueOf is the name of the queue whose backlog a metric is: the last part of its ARN
// or its URL.
func queueOf(m *types.PredefinedMetricSpecification) (queue string, counts bool) {
	if m == nil || m.PredefinedMetricType != backlogPerTask {
		return "", false
	}
	label := aws.ToString(m.ResourceLabel)
	return label[strings.LastIndexAny(label, ":/")+1:], true
}

// subject is what of a predefined metric's label tells it from others of its type.
func subject(m *types.PredefinedMetricSpecification) string {
	if queue, counts := queueOf(m); counts {
		return queue
	}
	return aws.ToString(m.ResourceLabel)
}

// Queue is the queue whose backlog the policy follows, by its name, and as the policy
// names it.
func (p Policy) Queue() (name, label string, follows bool) {
	if p.Tracking == nil {
		return "", "", false
	}
	m := p.Tracking.PredefinedMetricSpecification
	if name, follows = queueOf(m); follows {
		label = aws.ToString(m.ResourceLabel)
	}
	return name, label, follows
}

// NoQueue answers a policy on the backlog of a queue that is not there.
func NoQueue(label, region, account string) error {
	return fault.Invalid("The queue %s of predefined metric type %s does not exist in region %s of account %s", label, backlogPerTask, region, account)
}

// backlogMetric is an alarm on the backlog of a queue, without its threshold.
func (p Policy) backlogMetric(id scaling.ResourceID, queue string, pace Pace) *cloudwatch.PutMetricAlarmInput {
	m := backlog.Metric(id, queue)
	in := &cloudwatch.PutMetricAlarmInput{
		Namespace: aws.String(m.Namespace), MetricName: aws.String(m.Name),
		Statistic: cwtypes.StatisticAverage, Unit: cwtypes.StandardUnitCount, Period: seconds(p.Period(pace)),
	}
	for _, d := range m.Dimensions {
		in.Dimensions = append(in.Dimensions, cwtypes.Dimension{Name: aws.String(d.Name), Value: aws.String(d.Value)})
	}
	return in
}
