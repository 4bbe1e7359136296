package client

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
)

// Rules are the operations of EventBridge and of EventBridge Scheduler that pages call. As with EC2,
// the rest of their clients stays out of the program.
type Rules struct {
	buses     func(context.Context, *eventbridge.ListEventBusesInput, ...func(*eventbridge.Options)) (*eventbridge.ListEventBusesOutput, error)
	names     func(context.Context, *eventbridge.ListRuleNamesByTargetInput, ...func(*eventbridge.Options)) (*eventbridge.ListRuleNamesByTargetOutput, error)
	rule      func(context.Context, *eventbridge.DescribeRuleInput, ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error)
	rules     func(context.Context, *eventbridge.ListRulesInput, ...func(*eventbridge.Options)) (*eventbridge.ListRulesOutput, error)
	targets   func(context.Context, *eventbridge.ListTargetsByRuleInput, ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error)
	schedules func(context.Context, *scheduler.ListSchedulesInput, ...func(*scheduler.Options)) (*scheduler.ListSchedulesOutput, error)
	schedule  func(context.Context, *scheduler.GetScheduleInput, ...func(*scheduler.Options)) (*scheduler.GetScheduleOutput, error)
}

func newRules(cfg aws.Config) Rules {
	e, s := eventbridge.NewFromConfig(cfg), scheduler.NewFromConfig(cfg)
	return Rules{e.ListEventBuses, e.ListRuleNamesByTarget, e.DescribeRule, e.ListRules, e.ListTargetsByRule, s.ListSchedules, s.GetSchedule}
}

// ListEventBuses is the operation of that name.
func (r Rules) ListEventBuses(ctx context.Context, in *eventbridge.ListEventBusesInput) (*eventbridge.ListEventBusesOutput, error) {
	return r.buses(ctx, in)
}

// ListRuleNamesByTarget is the operation of that name.
func (r Rules) ListRuleNamesByTarget(ctx context.Context, in *eventbridge.ListRuleNamesByTargetInput) (*eventbridge.ListRuleNamesByTargetOutput, error) {
	return r.names(ctx, in)
}

// DescribeRule is the operation of that name.
func (r Rules) DescribeRule(ctx context.Context, in *eventbridge.DescribeRuleInput) (*eventbridge.DescribeRuleOutput, error) {
	return r.rule(ctx, in)
}

// ListRules is the operation of that name.
func (r Rules) ListRules(ctx context.Context, in *eventbridge.ListRulesInput) (*eventbridge.ListRulesOutput, error) {
	return r.rules(ctx, in)
}

// ListTargetsByRule is the operation of that name.
func (r Rules) ListTargetsByRule(ctx context.Context, in *eventbridge.ListTargetsByRuleInput) (*eventbridge.ListTargetsByRuleOutput, error) {
	return r.targets(ctx, in)
}

// ListSchedules is the operation of that name.
func (r Rules) ListSchedules(ctx context.Context, in *scheduler.ListSchedulesInput, options ...func(*scheduler.Options)) (*scheduler.ListSchedulesOutput, error) {
	return r.schedules(ctx, in, options...)
}

// GetSchedule is the operation of that name.
func (r Rules) GetSchedule(ctx context.Context, in *scheduler.GetScheduleInput) (*scheduler.GetScheduleOutput, error) {
	return r.schedule(ctx, in)
}
