package main

import (
	"context"
	"math/rand/v2"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"flyball/internal/client"
)

// A tree is a service without tasks and all that hangs on it: its scalable
// target, policies and their alarms, scheduled actions; and beside it alarms, a
// dashboard, a cluster, a task definition, a load balancer and a log stream of its own. Its calls are chosen at
// random among those that the server must accept.
type tree struct {
	caller
	name string
	rng  *rand.Rand
	n    int // the last value that was written; none is written twice
}

// A move is a call with what it changes.
type move struct {
	change
	do func(context.Context, *client.Client) error
}

func newTree(name string, rng *rand.Rand) *tree {
	return &tree{caller: caller{known: facts{}}, name: name, rng: rng}
}

// step makes one call.
func (t *tree) step(ctx context.Context, c *client.Client) bool {
	moves := t.moves()
	m := moves[t.rng.IntN(len(moves))]()
	return t.do(ctx, m.change, func(ctx context.Context) error { return m.do(ctx, c) })
}

// moves are what can be done now. What changes several things at once comes
// more often.
func (t *tree) moves() []func() move {
	moves := slices.Concat(t.movesBeside(), t.movesOfBalancing(), t.movesOfLogs())
	if !t.has("service", "") {
		return append(moves, t.createService, t.createService, t.createService)
	}
	moves = append(moves, t.updateService)
	if !t.has("target", "") {
		return append(moves, t.registerTarget, t.registerTarget, t.registerTarget, t.deleteService)
	}
	moves = append(moves, t.registerTarget, t.tagTarget, t.putTracking, t.putTracking, t.putTracking, t.putTracking,
		t.putStep, t.putAction, t.deregisterTarget, t.deleteService)
	if len(t.policies()) > 0 {
		moves = append(moves, t.deletePolicy, t.deletePolicy, t.changePace, t.changePace)
	}
	if t.has("action", "yearly") {
		moves = append(moves, t.deleteAction)
	}
	return moves
}

// movesBeside are what can be done beside the service.
func (t *tree) movesBeside() []func() move {
	moves := []func() move{t.putAlarm, t.putDashboard, t.putCluster}
	if t.has("alarm", own(t.name, "one")) || t.has("alarm", own(t.name, "two")) {
		moves = append(moves, t.switchAlarms, t.tagAlarm, t.deleteAlarms)
	}
	if t.has("dashboard", own(t.name, "board")) {
		moves = append(moves, t.deleteDashboard)
	}
	if t.has("cluster", own(t.name, "cluster")) {
		moves = append(moves, t.deleteCluster)
	}
	if t.known.revision(t.name) <= 12 { // they stay for ever
		moves = append(moves, t.registerDefinition)
	}
	return moves
}

func (t *tree) key(kind, name string) key { return key{t.name, kind, name} }

func (t *tree) has(kind, name string) bool { return t.known[t.key(kind, name)] != "" }

func (t *tree) next() int {
	t.n++
	return t.n
}

// move makes a move, which is told by its call and its tree.
func (t *tree) move(call string, set facts, do func(context.Context, *client.Client) error) move {
	return move{change{call: call + " for " + t.name, set: set}, do}
}

// policies are the names of the policies that there are.
func (t *tree) policies() []string {
	var names []string
	for k := range t.known {
		if k.kind == "policy" {
			names = append(names, k.name)
		}
	}
	slices.Sort(names)
	return names
}

// without are the facts of some kinds, taken away.
func (t *tree) without(kinds ...string) facts {
	gone := facts{}
	for k := range t.known {
		if slices.Contains(kinds, k.kind) {
			gone[k] = ""
		}
	}
	return gone
}

// abandon takes away what can be taken away of a tree in which a fault was found.
// What cannot is left: it is not looked at again.
func (t *tree) abandon(ctx context.Context, c *client.Client) {
	_, _ = c.ECS.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String(clusterName), Service: &t.name, Force: aws.Bool(true)})
	found, err := c.CloudWatch.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String(trackingPrefix + t.name + "-Alarm"),
	})
	names := []string{own(t.name, "one"), own(t.name, "two")}
	if err == nil {
		for _, m := range found.MetricAlarms {
			names = append(names, *m.AlarmName)
		}
	}
	_, _ = c.CloudWatch.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: names})
	_, _ = c.CloudWatch.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{own(t.name, "board")}})
	_, _ = c.ECS.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: aws.String(own(t.name, "cluster"))})
	_ = deleteStream(ctx, c, t.name)
	if arn, err := balancerARN(ctx, c, t.name); err == nil {
		_, _ = c.LoadBalancing.DeleteLoadBalancer(ctx, &elasticloadbalancingv2.DeleteLoadBalancerInput{LoadBalancerArn: arn})
	}
	if arn, err := groupARN(ctx, c, t.name); err == nil {
		_, _ = c.LoadBalancing.DeleteTargetGroup(ctx, &elasticloadbalancingv2.DeleteTargetGroupInput{TargetGroupArn: arn})
	}
}
