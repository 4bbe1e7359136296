package policydoc

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"
)

// Fetch reads the documents of a server, or of AWS.
func Fetch(ctx context.Context, scaling *applicationautoscaling.Client, alarms *cloudwatch.Client) (Documents, error) {
	var d Documents
	targets := applicationautoscaling.NewDescribeScalableTargetsPaginator(scaling, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: types.ServiceNamespaceEcs})
	for targets.HasMorePages() {
		out, err := targets.NextPage(ctx)
		if err != nil {
			return d, fmt.Errorf("read the scalable targets: %w", err)
		}
		d.Targets = append(d.Targets, out.ScalableTargets...)
	}
	if err := d.fetchTags(ctx, scaling); err != nil {
		return d, err
	}
	policies := applicationautoscaling.NewDescribeScalingPoliciesPaginator(scaling, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: types.ServiceNamespaceEcs})
	for policies.HasMorePages() {
		out, err := policies.NextPage(ctx)
		if err != nil {
			return d, fmt.Errorf("read the scaling policies: %w", err)
		}
		d.Policies = append(d.Policies, out.ScalingPolicies...)
	}
	actions := applicationautoscaling.NewDescribeScheduledActionsPaginator(scaling, &applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: types.ServiceNamespaceEcs})
	for actions.HasMorePages() {
		out, err := actions.NextPage(ctx)
		if err != nil {
			return d, fmt.Errorf("read the scheduled actions: %w", err)
		}
		d.Actions = append(d.Actions, out.ScheduledActions...)
	}
	described := cloudwatch.NewDescribeAlarmsPaginator(alarms, &cloudwatch.DescribeAlarmsInput{AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeMetricAlarm}})
	for described.HasMorePages() {
		out, err := described.NextPage(ctx)
		if err != nil {
			return d, fmt.Errorf("read the alarms: %w", err)
		}
		d.Alarms = append(d.Alarms, out.MetricAlarms...)
	}
	if d.empty() {
		return d, errNoneThere
	}
	return d, nil
}

// fetchTags reads the tags of the targets. Where nobody may read them, a note says so.
func (d *Documents) fetchTags(ctx context.Context, scaling *applicationautoscaling.Client) error {
	for _, t := range d.Targets {
		if t.ScalableTargetARN == nil {
			continue
		}
		out, err := scaling.ListTagsForResource(ctx, &applicationautoscaling.ListTagsForResourceInput{ResourceARN: t.ScalableTargetARN})
		if refused := smithy.APIError(nil); errors.As(err, &refused) && refused.ErrorCode() == "AccessDeniedException" {
			d.Notes = append(d.Notes, "the tags of the scalable targets may not be read, so that none of Flyball's own counts: allow application-autoscaling:ListTagsForResource")
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the tags of %s: %w", aws.ToString(t.ResourceId), err)
		}
		d.tag(aws.ToString(t.ResourceId), out.Tags)
	}
	return nil
}
