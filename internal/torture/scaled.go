package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
)

// The services with tasks that are there for the whole run.
const (
	steadyName = "steady" // nobody touches it: its tasks are the same as long as the server is only killed
	scaledName = "scaled" // only step policies change its desired count
)

// The policies of the scaled service, whose alarms are set by hand, and the
// bounds of its capacity.
const (
	outPolicy   = "out"
	inPolicy    = "in"
	scaledLeast = 1
	scaledMost  = 4
)

// adjustments are what the policies add.
var adjustments = map[string]int32{outPolicy: 1, inPolicy: -1}

// cooldown is that of these policies. The clock is some minutes ahead after each
// start, so that a shorter one would end too soon to hold anything.
const cooldown = 15 * time.Minute

func alarmOf(policy string) string { return own(scaledName, policy) }

// setUp makes what is there for the whole run. Tasks carry a mark in their
// environment, by which their processes are found.
func setUp(ctx context.Context, regions []*region, mark string) error {
	environment := []ecstypes.KeyValuePair{{Name: aws.String(taskMark), Value: &mark}}
	for _, in := range regions {
		if err := setUpShared(ctx, in.client, environment); err != nil {
			return err
		}
	}
	return setUpScaled(ctx, regions[0].client)
}

// setUpShared makes what the trees of a region share.
func setUpShared(ctx context.Context, c *client.Client, environment []ecstypes.KeyValuePair) error {
	if _, err := c.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String(clusterName)}); err != nil {
		return err
	}
	if _, err := c.Logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String(clusterName)}); err != nil {
		return err
	}
	return registerDefinition(ctx, c, clusterName, environment)
}

// setUpScaled makes the services with tasks that no call changes.
func setUpScaled(ctx context.Context, c *client.Client) error {
	for tree, desired := range map[string]int32{steadyName: 2, scaledName: scaledLeast} {
		if err := createService(ctx, c, tree, desired, nil); err != nil {
			return err
		}
	}
	_, err := c.AutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: namespace, ScalableDimension: dimension, ResourceId: resourceID(scaledName),
		MinCapacity: aws.Int32(scaledLeast), MaxCapacity: aws.Int32(scaledMost),
	})
	if err != nil {
		return err
	}
	for policy, adjustment := range adjustments {
		arn, err := putStep(ctx, c, scaledName, policy, int32(cooldown/time.Second), adjustment)
		if err != nil {
			return err
		}
		if err := putAlarm(ctx, c, alarmOf(policy), 1, []string{arn}, nil); err != nil {
			return err
		}
	}
	return nil
}

func createService(ctx context.Context, c *client.Client, tree string, desired int32, how *ecstypes.DeploymentConfiguration) error {
	_, err := c.ECS.CreateService(ctx, &ecs.CreateServiceInput{
		Cluster: aws.String(clusterName), ServiceName: &tree, TaskDefinition: aws.String(clusterName), DesiredCount: &desired,
		DeploymentConfiguration: how,
	})
	return err
}

// breach has the scaled service's alarms ask for more or fewer tasks, and rest.
// An alarm that stays in ALARM asks again each minute.
func breach(ctx context.Context, c *client.Client, rng *rand.Rand) {
	for ctx.Err() == nil {
		policy, state := outPolicy, cwtypes.StateValueAlarm
		if rng.IntN(2) == 0 {
			policy = inPolicy
		}
		if rng.IntN(3) == 0 {
			state = cwtypes.StateValueOk
		}
		if setState(ctx, c, policy, state) != nil {
			return
		}
		pause(ctx, time.Duration(rng.IntN(60))*time.Millisecond)
	}
}

// rest ends what the scaled service's alarms ask for.
func rest(ctx context.Context, c *client.Client) error {
	for policy := range adjustments {
		if err := setState(ctx, c, policy, cwtypes.StateValueOk); err != nil {
			return err
		}
	}
	return nil
}

func setState(ctx context.Context, c *client.Client, policy string, state cwtypes.StateValue) error {
	_, err := c.CloudWatch.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{
		AlarmName: aws.String(alarmOf(policy)), StateValue: state, StateReason: aws.String("torture"),
	})
	return err
}
