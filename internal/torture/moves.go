package main

import (
	"context"
	"fmt"
	"strconv"
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

func (t *tree) createService() move {
	grace, made := int32(t.next()), strconv.Itoa(t.n)
	set := facts{t.key("service", ""): serviceFact(0, grace, map[string]string{"made": made})}
	return t.move("CreateService", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.ECS.CreateService(ctx, &ecs.CreateServiceInput{
			Cluster: aws.String(clusterName), ServiceName: &t.name, TaskDefinition: aws.String(clusterName), DesiredCount: aws.Int32(0),
			HealthCheckGracePeriodSeconds: &grace, Tags: []ecstypes.Tag{{Key: aws.String("made"), Value: &made}},
		})
		return err
	})
}

func (t *tree) updateService() move {
	grace := int32(t.next())
	_, tags, _ := strings.Cut(t.known[t.key("service", "")], ", tags")
	set := facts{t.key("service", ""): serviceFact(0, grace, nil) + tags}
	return t.move("UpdateService", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.ECS.UpdateService(ctx, &ecs.UpdateServiceInput{
			Cluster: aws.String(clusterName), Service: &t.name, HealthCheckGracePeriodSeconds: &grace,
		})
		return err
	})
}

func (t *tree) deleteService() move {
	set := t.without("service", "target", "tags", "policy", "tracking alarm", "action")
	return t.move("DeleteService", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.ECS.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String(clusterName), Service: &t.name})
		return err
	})
}

func (t *tree) registerTarget() move {
	most := int32(t.next())
	set := facts{t.key("target", ""): targetFact(0, most)}
	if !t.has("target", "") {
		set[t.key("tags", "")] = tagsFact(nil)
	}
	return t.move("RegisterScalableTarget", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.AutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
			ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: resourceID(t.name),
			MinCapacity: aws.Int32(0), MaxCapacity: &most,
		})
		return err
	})
}

func (t *tree) deregisterTarget() move {
	set := t.without("target", "tags", "policy", "tracking alarm", "action")
	return t.move("DeregisterScalableTarget", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.AutoScaling.DeregisterScalableTarget(ctx, &applicationautoscaling.DeregisterScalableTargetInput{
			ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: resourceID(t.name),
		})
		return err
	})
}

// tags are the target's.
func (t *tree) tags() map[string]string { return t.tagsOf("tags", "") }

// tagsOf are the tags of something that there is.
func (t *tree) tagsOf(kind, thing string) map[string]string {
	tags := map[string]string{}
	for _, word := range strings.Fields(t.known[t.key(kind, thing)])[1:] {
		name, value, _ := strings.Cut(word, "=")
		tags[name] = value
	}
	return tags
}

func (t *tree) tagTarget() move { return t.retag("note", strconv.Itoa(t.next()), facts{}) }

// paceTag says how many datapoints the high alarms of the target's policies wait
// for, so that it changes them, too.
const paceTag = "flyball:scale-out-datapoints"

func (t *tree) changePace() move {
	pace := t.next()%90 + 4
	set := facts{}
	for k, v := range t.known {
		if k.kind == "tracking alarm" && strings.HasSuffix(k.name, " High") {
			threshold, _, _ := strings.Cut(v, ",")
			set[k] = fmt.Sprintf("%s, %d periods", threshold, pace)
		}
	}
	return t.retag(paceTag, strconv.Itoa(pace), set)
}

// retag sets a tag of the target, which changes a set of other things, too.
func (t *tree) retag(name, value string, set facts) move {
	tags := t.tags()
	tags[name] = value
	set[t.key("tags", "")] = tagsFact(tags)
	return t.move("TagResource", set, func(ctx context.Context, c *client.Client) error {
		var arn *string
		err := eachTarget(ctx, c, func(target aastypes.ScalableTarget) {
			if treeOf(target.ResourceId) == t.name {
				arn = target.ScalableTargetARN
			}
		})
		if err != nil {
			return before(err)
		}
		_, err = c.AutoScaling.TagResource(ctx, &applicationautoscaling.TagResourceInput{
			ResourceARN: arn, Tags: map[string]string{name: value},
		})
		return err
	})
}

// putTracking makes or changes one of two target tracking policies, and with it
// one or two alarms.
func (t *tree) putTracking() move {
	name, in := []string{"cpu", "queue"}[t.rng.IntN(2)], t.rng.IntN(3) > 0
	value, pace := float64(t.next()*10), 3
	if n, err := strconv.Atoi(t.tags()[paceTag]); err == nil {
		pace = n
	}
	set := facts{
		t.key("policy", name):                 trackingFact(value, in),
		t.key("tracking alarm", name+" High"): thresholdFact(value, int32(pace)),
		t.key("tracking alarm", name+" Low"):  "",
	}
	if in {
		set[t.key("tracking alarm", name+" Low")] = thresholdFact(value*0.9, 15)
	}
	return t.move("PutScalingPolicy", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.AutoScaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
			ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: resourceID(t.name),
			PolicyName: &name, PolicyType: aastypes.PolicyTypeTargetTrackingScaling,
			TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
				TargetValue: &value, DisableScaleIn: aws.Bool(!in),
				CustomizedMetricSpecification: &aastypes.CustomizedMetricSpecification{
					Namespace: aws.String("Torture"), MetricName: &name, Statistic: aastypes.MetricStatisticAverage,
					Dimensions: []aastypes.MetricDimension{{Name: aws.String("Service"), Value: &t.name}},
				},
			},
		})
		return err
	})
}

func (t *tree) putStep() move {
	cooldown := int32(t.next())
	return t.move("PutScalingPolicy", facts{t.key("policy", "step"): stepFact(cooldown)}, func(ctx context.Context, c *client.Client) error {
		_, err := putStep(ctx, c, t.name, "step", cooldown, 1)
		return err
	})
}

// putStep makes a step policy that adds a number of tasks, and returns its ARN.
func putStep(ctx context.Context, c *client.Client, tree, name string, cooldown, adjustment int32) (string, error) {
	step := aastypes.StepAdjustment{ScalingAdjustment: &adjustment, MetricIntervalLowerBound: aws.Float64(0)}
	out, err := c.AutoScaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: resourceID(tree),
		PolicyName: &name, PolicyType: aastypes.PolicyTypeStepScaling,
		StepScalingPolicyConfiguration: &aastypes.StepScalingPolicyConfiguration{
			AdjustmentType: aastypes.AdjustmentTypeChangeInCapacity, Cooldown: &cooldown,
			StepAdjustments: []aastypes.StepAdjustment{step},
		},
	})
	if err != nil {
		return "", err
	}
	return *out.PolicyARN, nil
}

func (t *tree) deletePolicy() move {
	names := t.policies()
	name := names[t.rng.IntN(len(names))]
	set := facts{t.key("policy", name): ""}
	for _, side := range []string{" High", " Low"} {
		if t.has("tracking alarm", name+side) {
			set[t.key("tracking alarm", name+side)] = ""
		}
	}
	return t.move("DeleteScalingPolicy", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.AutoScaling.DeleteScalingPolicy(ctx, &applicationautoscaling.DeleteScalingPolicyInput{
			ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: resourceID(t.name), PolicyName: &name,
		})
		return err
	})
}

// putAction makes a scheduled action that runs on no day of the test.
func (t *tree) putAction() move {
	const schedule = "cron(0 0 1 1 ? 2199)"
	most := int32(t.next())
	set := facts{t.key("action", "yearly"): actionFact(schedule, most)}
	return t.move("PutScheduledAction", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.AutoScaling.PutScheduledAction(ctx, &applicationautoscaling.PutScheduledActionInput{
			ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: resourceID(t.name),
			ScheduledActionName: aws.String("yearly"), Schedule: aws.String(schedule),
			ScalableTargetAction: &aastypes.ScalableTargetAction{MaxCapacity: &most},
		})
		return err
	})
}

func (t *tree) deleteAction() move {
	return t.move("DeleteScheduledAction", facts{t.key("action", "yearly"): ""}, func(ctx context.Context, c *client.Client) error {
		_, err := c.AutoScaling.DeleteScheduledAction(ctx, &applicationautoscaling.DeleteScheduledActionInput{
			ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: resourceID(t.name), ScheduledActionName: aws.String("yearly"),
		})
		return err
	})
}

func (t *tree) putAlarm() move {
	name, threshold := own(t.name, []string{"one", "two"}[t.rng.IntN(2)]), float64(t.next())
	set := facts{t.key("alarm", name): alarmFact(threshold, true)}
	var tags []cwtypes.Tag
	if !t.has("alarm", name) { // or it keeps those that it has
		made := strconv.Itoa(t.n)
		tags = []cwtypes.Tag{{Key: aws.String("made"), Value: &made}}
		set[t.key("alarm tags", name)] = tagsFact(map[string]string{"made": made})
	}
	return t.move("PutMetricAlarm", set, func(ctx context.Context, c *client.Client) error {
		return putAlarm(ctx, c, name, threshold, nil, tags)
	})
}

// tagAlarm tags one of the alarms that there are.
func (t *tree) tagAlarm() move {
	name, note := own(t.name, "one"), strconv.Itoa(t.next())
	if !t.has("alarm", name) {
		name = own(t.name, "two")
	}
	tags := t.tagsOf("alarm tags", name)
	tags["note"] = note
	return t.move("TagResource", facts{t.key("alarm tags", name): tagsFact(tags)}, func(ctx context.Context, c *client.Client) error {
		found, err := c.CloudWatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}})
		if err != nil {
			return before(err)
		}
		_, err = c.CloudWatch.TagResource(ctx, &cloudwatch.TagResourceInput{
			ResourceARN: found.MetricAlarms[0].AlarmArn, Tags: []cwtypes.Tag{{Key: aws.String("note"), Value: &note}},
		})
		return err
	})
}

// putAlarm makes an alarm that keeps the state that it is given: its metric has
// no data.
func putAlarm(ctx context.Context, c *client.Client, name string, threshold float64, actions []string, tags []cwtypes.Tag) error {
	_, err := c.CloudWatch.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: &name, Namespace: aws.String("Torture"), MetricName: aws.String("None"), Statistic: cwtypes.StatisticAverage,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: &threshold, AlarmActions: actions,
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold, TreatMissingData: aws.String("ignore"),
		Tags: tags,
	})
	return err
}

// switchAlarms enables or disables the actions of both alarms in one call.
func (t *tree) switchAlarms() move {
	enable := t.rng.IntN(2) == 0
	set, names := facts{}, []string{own(t.name, "one"), own(t.name, "two")}
	for _, name := range names {
		if before, ok := t.known[t.key("alarm", name)]; ok {
			threshold, _, _ := strings.Cut(before, ",")
			set[t.key("alarm", name)] = fmt.Sprintf("%s, actions enabled: %t", threshold, enable)
		}
	}
	if enable {
		return t.move("EnableAlarmActions", set, func(ctx context.Context, c *client.Client) error {
			_, err := c.CloudWatch.EnableAlarmActions(ctx, &cloudwatch.EnableAlarmActionsInput{AlarmNames: names})
			return err
		})
	}
	return t.move("DisableAlarmActions", set, func(ctx context.Context, c *client.Client) error {
		_, err := c.CloudWatch.DisableAlarmActions(ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: names})
		return err
	})
}

func (t *tree) deleteAlarms() move {
	return t.move("DeleteAlarms", t.without("alarm", "alarm tags"), func(ctx context.Context, c *client.Client) error {
		_, err := c.CloudWatch.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{own(t.name, "one"), own(t.name, "two")}})
		return err
	})
}

func (t *tree) putDashboard() move {
	name, body := own(t.name, "board"), fmt.Sprintf(`{"widgets":[],"n":%d}`, t.next())
	return t.move("PutDashboard", facts{t.key("dashboard", name): body}, func(ctx context.Context, c *client.Client) error {
		_, err := c.CloudWatch.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: &name, DashboardBody: &body})
		return err
	})
}

func (t *tree) deleteDashboard() move {
	name := own(t.name, "board")
	return t.move("DeleteDashboards", facts{t.key("dashboard", name): ""}, func(ctx context.Context, c *client.Client) error {
		_, err := c.CloudWatch.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{name}})
		return err
	})
}

// putCluster makes the tree's cluster, or tags the one that there is.
func (t *tree) putCluster() move {
	name, value := own(t.name, "cluster"), strconv.Itoa(t.next())
	tags := []ecstypes.Tag{{Key: aws.String("n"), Value: &value}}
	set := facts{t.key("cluster", name): tagsFact(map[string]string{"n": value})}
	if !t.has("cluster", name) {
		return t.move("CreateCluster", set, func(ctx context.Context, c *client.Client) error {
			_, err := c.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &name, Tags: tags})
			return err
		})
	}
	return t.move("TagResource", set, func(ctx context.Context, c *client.Client) error {
		out, err := c.ECS.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{name}})
		if err != nil {
			return before(err)
		}
		_, err = c.ECS.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: out.Clusters[0].ClusterArn, Tags: tags})
		return err
	})
}

func (t *tree) deleteCluster() move {
	name := own(t.name, "cluster")
	return t.move("DeleteCluster", facts{t.key("cluster", name): ""}, func(ctx context.Context, c *client.Client) error {
		_, err := c.ECS.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: &name})
		return err
	})
}

func (t *tree) registerDefinition() move {
	revision := strconv.Itoa(t.known.revision(t.name))
	return t.move("RegisterTaskDefinition", facts{t.key("definition", revision): "ACTIVE"}, func(ctx context.Context, c *client.Client) error {
		return registerDefinition(ctx, c, own(t.name, "task"), nil)
	})
}

// webMemory is what a task of the built-in web server may have, in MiB. The race detector, with
// which `make test` builds the server, takes several times what it needs.
const webMemory = 256

// registerDefinition registers a task of the built-in web server.
func registerDefinition(ctx context.Context, c *client.Client, family string, environment []ecstypes.KeyValuePair) error {
	_, err := c.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family: &family,
		ContainerDefinitions: []ecstypes.ContainerDefinition{{
			Name: aws.String("web"), Image: aws.String("flyball/web"), Memory: aws.Int32(webMemory), Environment: environment,
			PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(8080)}},
		}},
	})
	return err
}
