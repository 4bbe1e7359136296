package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
)

// eachTarget lists the scalable targets.
func eachTarget(ctx context.Context, c *client.Client, each func(aastypes.ScalableTarget)) error {
	pages := applicationautoscaling.NewDescribeScalableTargetsPaginator(c.AutoScaling,
		&applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: namespace})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, t := range page.ScalableTargets {
			each(t)
		}
	}
	return nil
}

func (w *world) readTargets(ctx context.Context, c *client.Client) error {
	return eachTarget(ctx, c, func(t aastypes.ScalableTarget) {
		w.facts[key{treeOf(t.ResourceId), "target", ""}] = targetFact(*t.MinCapacity, *t.MaxCapacity)
	})
}

// readTags reads the tags of scalable targets, which hang on their ARNs.
func (w *world) readTags(ctx context.Context, c *client.Client) error {
	arns := map[string]string{}
	if err := eachTarget(ctx, c, func(t aastypes.ScalableTarget) { arns[treeOf(t.ResourceId)] = *t.ScalableTargetARN }); err != nil {
		return err
	}
	for tree, arn := range arns {
		out, err := c.AutoScaling.ListTagsForResource(ctx, &applicationautoscaling.ListTagsForResourceInput{ResourceARN: &arn})
		if err != nil {
			return err
		}
		w.facts[key{tree, "tags", ""}] = tagsFact(out.Tags)
	}
	return nil
}

func (w *world) readPolicies(ctx context.Context, c *client.Client) error {
	pages := applicationautoscaling.NewDescribeScalingPoliciesPaginator(c.AutoScaling,
		&applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: namespace})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range page.ScalingPolicies {
			w.addPolicy(p)
		}
	}
	return nil
}

func (w *world) addPolicy(p aastypes.ScalingPolicy) {
	seen := policy{tree: treeOf(p.ResourceId), name: *p.PolicyName}
	for _, a := range p.Alarms {
		seen.alarms = append(seen.alarms, *a.AlarmName)
	}
	k := key{seen.tree, "policy", seen.name}
	if t := p.TargetTrackingScalingPolicyConfiguration; t != nil {
		seen.tracks = true
		w.facts[k] = trackingFact(*t.TargetValue, !aws.ToBool(t.DisableScaleIn))
	} else if s := p.StepScalingPolicyConfiguration; s != nil {
		w.facts[k] = stepFact(aws.ToInt32(s.Cooldown))
	}
	w.policies[*p.PolicyARN] = seen
}

func (w *world) readActions(ctx context.Context, c *client.Client) error {
	pages := applicationautoscaling.NewDescribeScheduledActionsPaginator(c.AutoScaling,
		&applicationautoscaling.DescribeScheduledActionsInput{ServiceNamespace: namespace})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, a := range page.ScheduledActions {
			k := key{treeOf(a.ResourceId), "action", *a.ScheduledActionName}
			w.facts[k] = actionFact(*a.Schedule, aws.ToInt32(a.ScalableTargetAction.MaxCapacity))
		}
	}
	return nil
}

func (w *world) readAlarms(ctx context.Context, c *client.Client) error {
	pages := cloudwatch.NewDescribeAlarmsPaginator(c.CloudWatch, &cloudwatch.DescribeAlarmsInput{MaxRecords: aws.Int32(100)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, m := range page.MetricAlarms {
			w.addAlarm(m)
		}
	}
	return nil
}

func (w *world) addAlarm(m cwtypes.MetricAlarm) {
	name := *m.AlarmName
	w.updated[name] = *m.StateUpdatedTimestamp
	rest, tracks := strings.CutPrefix(name, trackingPrefix)
	if !tracks {
		w.alarms[name] = *m.AlarmArn
		w.facts[key{treeNamed(name), "alarm", name}] = alarmFact(*m.Threshold, *m.ActionsEnabled)
		return
	}
	// TREE-AlarmHigh-UUID, with the policy in the alarm's action.
	tree, side, _ := strings.Cut(rest, "-Alarm")
	side, _, _ = strings.Cut(side, "-")
	w.tracking[name] = strings.Join(m.AlarmActions, " ")
	_, policy, _ := strings.Cut(w.tracking[name], ":policyName/")
	k := key{tree, "tracking alarm", policy + " " + side}
	fact := thresholdFact(*m.Threshold, *m.EvaluationPeriods)
	if w.facts[k] != "" {
		fact = w.facts[k] + " and " + fact // two where there should be one
	}
	w.facts[k] = fact
}

// readAlarmTags reads the tags of the alarms that were read.
func (w *world) readAlarmTags(ctx context.Context, c *client.Client) error {
	for name, arn := range w.alarms {
		out, err := c.CloudWatch.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: &arn})
		if err != nil {
			return err
		}
		tags := map[string]string{}
		for _, t := range out.Tags {
			tags[*t.Key] = *t.Value
		}
		w.facts[key{treeNamed(name), "alarm tags", name}] = tagsFact(tags)
	}
	return nil
}

// readServices reads the active services.
func (w *world) readServices(ctx context.Context, c *client.Client) error {
	// A call describes as many as are on such a page.
	pages := ecs.NewListServicesPaginator(c.ECS, &ecs.ListServicesInput{Cluster: aws.String(clusterName), MaxResults: aws.Int32(10)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if len(page.ServiceArns) == 0 {
			continue
		}
		out, err := c.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{
			Cluster: aws.String(clusterName), Services: page.ServiceArns, Include: []ecstypes.ServiceField{ecstypes.ServiceFieldTags},
		})
		if err != nil {
			return err
		}
		for _, s := range out.Services {
			w.addService(s)
		}
	}
	return nil
}

func (w *world) addService(s ecstypes.Service) {
	if aws.ToString(s.Status) != "ACTIVE" {
		return
	}
	tree, desired := *s.ServiceName, s.DesiredCount
	w.desired[tree], w.running[tree] = desired, s.RunningCount
	if tree == scaledName {
		desired = 0 // not the calls' but the activities'
	}
	w.facts[key{tree, "service", ""}] = serviceFact(desired, aws.ToInt32(s.HealthCheckGracePeriodSeconds), ecsTags(s.Tags))
}

func ecsTags(tags []ecstypes.Tag) map[string]string {
	m := map[string]string{}
	for _, t := range tags {
		m[aws.ToString(t.Key)] = aws.ToString(t.Value)
	}
	return m
}

// readTasks reads the tasks, stopped ones too while they are remembered.
func (w *world) readTasks(ctx context.Context, c *client.Client) error {
	for _, status := range []ecstypes.DesiredStatus{ecstypes.DesiredStatusRunning, ecstypes.DesiredStatusStopped} {
		pages := ecs.NewListTasksPaginator(c.ECS, &ecs.ListTasksInput{Cluster: aws.String(clusterName), DesiredStatus: status})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			if len(page.TaskArns) == 0 {
				continue
			}
			out, err := c.ECS.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(clusterName), Tasks: page.TaskArns})
			if err != nil {
				return err
			}
			for _, t := range out.Tasks {
				w.addTask(t)
			}
		}
	}
	return nil
}

func (w *world) addTask(t ecstypes.Task) {
	seen := task{
		id: lastPart(aws.ToString(t.TaskArn)), status: aws.ToString(t.LastStatus), desired: aws.ToString(t.DesiredStatus),
		stopCode: t.StopCode, reason: aws.ToString(t.StoppedReason), startedBy: aws.ToString(t.StartedBy),
	}
	for _, c := range t.Containers {
		if c.ExitCode != nil {
			seen.reason += fmt.Sprintf(" (exit code %d)", *c.ExitCode)
		}
		if c.Reason != nil {
			seen.reason += ": " + *c.Reason
		}
	}
	seen.service, _ = strings.CutPrefix(aws.ToString(t.Group), "service:")
	w.tasks[seen.id] = seen
}

// lastPart is what follows the last slash of an ARN.
func lastPart(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func (w *world) readActivities(ctx context.Context, c *client.Client) error {
	out, err := c.AutoScaling.DescribeScalingActivities(ctx, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: namespace, ResourceId: resourceID(scaledName), ScalableDimension: dimension, MaxResults: aws.Int32(activitiesRead),
	})
	if err != nil {
		return err
	}
	for _, a := range out.ScalingActivities {
		seen := activity{id: *a.ActivityId, status: a.StatusCode, start: *a.StartTime, end: aws.ToTime(a.EndTime)}
		_, seen.policy, _ = strings.Cut(aws.ToString(a.Cause), "triggered policy ")
		if _, err := fmt.Sscanf(aws.ToString(a.Description), "Setting desired count to %d.", &seen.to); err != nil {
			return fmt.Errorf("activity %s: %q: %w", seen.id, aws.ToString(a.Description), err)
		}
		w.activities = append(w.activities, seen)
	}
	return nil
}

func (w *world) readDashboards(ctx context.Context, c *client.Client) error {
	pages := cloudwatch.NewListDashboardsPaginator(c.CloudWatch, &cloudwatch.ListDashboardsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, d := range page.DashboardEntries {
			out, err := c.CloudWatch.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: d.DashboardName})
			if err != nil {
				return err
			}
			w.facts[key{treeNamed(*d.DashboardName), "dashboard", *d.DashboardName}] = *out.DashboardBody
		}
	}
	return nil
}

func (w *world) readClusters(ctx context.Context, c *client.Client) error {
	pages := ecs.NewListClustersPaginator(c.ECS, &ecs.ListClustersInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		out, err := c.ECS.DescribeClusters(ctx, &ecs.DescribeClustersInput{
			Clusters: page.ClusterArns, Include: []ecstypes.ClusterField{ecstypes.ClusterFieldTags},
		})
		if err != nil {
			return err
		}
		for _, cl := range out.Clusters {
			w.facts[key{treeNamed(*cl.ClusterName), "cluster", *cl.ClusterName}] = tagsFact(ecsTags(cl.Tags))
		}
	}
	return nil
}

func (w *world) readDefinitions(ctx context.Context, c *client.Client) error {
	for _, status := range []ecstypes.TaskDefinitionStatus{ecstypes.TaskDefinitionStatusActive, ecstypes.TaskDefinitionStatusInactive} {
		pages := ecs.NewListTaskDefinitionsPaginator(c.ECS, &ecs.ListTaskDefinitionsInput{Status: status})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return err
			}
			for _, arn := range page.TaskDefinitionArns {
				family, revision, _ := strings.Cut(lastPart(arn), ":")
				w.facts[key{treeNamed(family), "definition", revision}] = string(status)
			}
		}
	}
	return nil
}
