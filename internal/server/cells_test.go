package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"flyball/alarm"
	"flyball/internal/client"
	"flyball/internal/task/idle"
)

// serving runs a server on a folder until the test or its caller ends it.
func serving(t *testing.T, dir string) (url string, stop func()) {
	t.Helper()
	s := open(t, dir)
	return s.URL(), running(t, s)
}

// running runs a server until the test or its caller ends it.
func running(t *testing.T, s *Server) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

// furnish makes a cluster shop with a service, a target with a policy, and an
// alarm, and returns their ARNs.
func furnish(t *testing.T, c *client.Client) []string {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	cluster, err := c.ECS.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("shop")})
	check(err)
	_, err = c.ECS.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{
		Family:               aws.String("web"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("web"), Memory: aws.Int32(16)}},
	})
	check(err)
	service, err := c.ECS.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String("shop"), ServiceName: aws.String("web"), TaskDefinition: aws.String("web"), DesiredCount: aws.Int32(1)})
	check(err)
	target, err := c.AutoScaling.RegisterScalableTarget(ctx, &applicationautoscaling.RegisterScalableTargetInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ResourceId: aws.String("service/shop/web"), ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		MinCapacity: aws.Int32(1), MaxCapacity: aws.Int32(4),
	})
	check(err)
	policy, err := c.AutoScaling.PutScalingPolicy(ctx, &applicationautoscaling.PutScalingPolicyInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ResourceId: aws.String("service/shop/web"), ScalableDimension: aastypes.ScalableDimensionECSServiceDesiredCount,
		PolicyName: aws.String("cpu"), PolicyType: aastypes.PolicyTypeTargetTrackingScaling,
		TargetTrackingScalingPolicyConfiguration: &aastypes.TargetTrackingScalingPolicyConfiguration{
			TargetValue: aws.Float64(50), PredefinedMetricSpecification: &aastypes.PredefinedMetricSpecification{PredefinedMetricType: aastypes.MetricTypeECSServiceAverageCPUUtilization},
		},
	})
	check(err)
	return []string{*cluster.Cluster.ClusterArn, *service.Service.ServiceArn, *target.ScalableTargetARN, *policy.PolicyARN, *policy.Alarms[0].AlarmARN, *policy.Alarms[1].AlarmARN}
}

// listed are the ARNs that a client is shown.
func listed(t *testing.T, c *client.Client) []string {
	t.Helper()
	ctx := t.Context()
	var arns []string
	clusters, err := c.ECS.ListClusters(ctx, &ecs.ListClustersInput{})
	if err != nil {
		t.Fatal(err)
	}
	arns = append(arns, clusters.ClusterArns...)
	services, err := c.ECS.ListServices(ctx, &ecs.ListServicesInput{Cluster: aws.String("shop")})
	if err == nil {
		arns = append(arns, services.ServiceArns...)
	} else if !errors.As(err, new(*ecstypes.ClusterNotFoundException)) {
		t.Fatal(err)
	}
	targets, err := c.AutoScaling.DescribeScalableTargets(ctx, &applicationautoscaling.DescribeScalableTargetsInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range targets.ScalableTargets {
		arns = append(arns, *x.ScalableTargetARN)
	}
	policies, err := c.AutoScaling.DescribeScalingPolicies(ctx, &applicationautoscaling.DescribeScalingPoliciesInput{ServiceNamespace: aastypes.ServiceNamespaceEcs})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range policies.ScalingPolicies {
		arns = append(arns, *x.PolicyARN)
	}
	alarms, err := c.CloudWatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range alarms.MetricAlarms {
		arns = append(arns, *x.AlarmArn)
	}
	return arns
}

// The cells of the test, and how ARNs in them begin.
var testCells = []struct{ region, account, partition string }{
	{"us-east-1", "", "aws"}, // the server's own account
	{"eu-west-2", "", "aws"},
	{"eu-west-2", "210987654321", "aws"},
	{"cn-north-1", "210987654321", "aws-cn"},
	{"us-gov-west-1", "210987654321", "aws-us-gov"},
}

// Nothing is seen across regions and accounts, in one life of the server or the
// next.
func TestRegionsAndAccountsSeeNothingOfEachOther(t *testing.T) {
	dir := t.TempDir()
	url, stop := serving(t, dir)
	made := make([][]string, len(testCells))
	for i, cell := range testCells {
		made[i] = furnish(t, client.New(client.Config{Endpoint: url, Region: cell.region, Account: cell.account}))
	}
	for life := range 2 {
		for i, cell := range testCells {
			account := cell.account
			if account == "" {
				account = "123456789012"
			}
			got, want := listed(t, client.New(client.Config{Endpoint: url, Region: cell.region, Account: cell.account})), slices.Clone(made[i])
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("life %d: in %v there are %q, want %q", life, cell, got, want)
			}
			for _, arn := range got {
				part := strings.SplitN(arn, ":", 6)
				if part[1] != cell.partition || part[3] != cell.region || part[4] != account {
					t.Errorf("in %v: %s", cell, arn)
				}
			}
		}
		stop()
		url, stop = serving(t, dir)
	}
	stop()
}

// An alarm may name a policy of another account, as it may name a topic there. It
// is no alarm of the target, even if it bears the name of one.
func TestAlarmsScaleNothingOutsideTheirCell(t *testing.T) {
	s := open(t, "")
	stop := running(t, s)
	defer stop()
	made := furnish(t, client.New(client.Config{Endpoint: s.URL(), Region: "us-east-1"}))
	policy, high := made[3], made[4]
	for _, from := range []struct {
		alarm string
		taken bool
	}{
		{high, true},
		{strings.Replace(high, "123456789012", "210987654321", 1), false},
		{strings.Replace(high, "us-east-1", "eu-west-2", 1), false},
	} {
		_, name, _ := strings.Cut(from.alarm, ":alarm:")
		err := s.router.Deliver(t.Context(), policy, alarm.Notification{Alarm: name, AlarmARN: from.alarm, State: alarm.Alarm, Action: policy})
		if (err == nil) != from.taken {
			t.Errorf("a call of %s: %v", from.alarm, err)
		}
	}
}

func TestTheNumberOfCellsIsBounded(t *testing.T) {
	dir := t.TempDir()
	url, stop := serving(t, dir)
	var err error
	for i := range mostCells {
		if _, err = client.New(client.Config{Endpoint: url, Region: "us-east-1", Account: fmt.Sprintf("9%011d", i)}).ECS.ListClusters(t.Context(), &ecs.ListClustersInput{}); err != nil {
			break
		}
	}
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "LimitExceededException" {
		t.Errorf("got %v", err)
	}
	stop()

	// Those that are there do not keep the server from starting in another region.
	s, err := Open(t.Context(), Config{
		Addr: "127.0.0.1:0", Data: dir, Tasks: idle.Runtime{}, Speed: 1, Account: "123456789012", Region: "eu-west-2",
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
