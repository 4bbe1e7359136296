package events

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"flyball/internal/optional"
	"flyball/internal/service/events/fault"
	"flyball/internal/service/events/pattern"
	"flyball/internal/state"
	"flyball/schedule"
)

// A rule is a row, and its document.
type rule struct {
	Bus         string
	Name        string
	Pattern     string            `json:",omitempty"`
	Schedule    string            `json:",omitempty"`
	State       types.RuleState   `json:",omitempty"`
	Description string            `json:",omitempty"`
	Role        string            `json:",omitempty"`
	Tags        map[string]string `json:",omitempty"`
	Targets     []types.Target    `json:",omitempty"` // by ID
	// Since is when the rule began to be as it is, from which a rate counts.
	Since time.Time
}

// ruleKey is the key of a rule's row. No name of a bus has a bar.
func ruleKey(bus, name string) string { return bus + "|" + name }

// rule is the row of a rule, under the lock.
func (a *API) rule(busName, name string) (rule, error) {
	if _, err := a.bus(busName); err != nil {
		return rule{}, err
	}
	r, ok := a.rules.Get(ruleKey(busName, name))
	if !ok {
		return rule{}, fault.NoRule(name, busName)
	}
	return r, nil
}

func (r rule) enabled() bool { return r.State != types.RuleStateDisabled }

// ruleARN has the bus only where that is not the default one.
func (a *API) ruleARN(busName, name string) string {
	if busName == defaultBus {
		return a.cell.ARN("events", "rule/"+name)
	}
	return a.cell.ARN("events", "rule/"+busName+"/"+name)
}

// ruleOfARN is the rule that the end of an ARN names.
func ruleOfARN(resource string) (busName, name string, ok bool) {
	rest, ok := strings.CutPrefix(resource, "rule/")
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		return rest[:i], rest[i+1:], ok
	}
	return defaultBus, rest, ok
}

// PutRule creates a rule, or puts it into the place of the one that has its name, whose
// targets and tags stay.
func (a *API) PutRule(ctx context.Context, in *eventbridge.PutRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutRuleOutput, error) {
	busName, err := a.busName(in.EventBusName)
	if err != nil {
		return nil, err
	}
	r := rule{
		Bus: busName, Name: *in.Name, Pattern: aws.ToString(in.EventPattern), Schedule: aws.ToString(in.ScheduleExpression),
		State: in.State, Description: aws.ToString(in.Description), Role: aws.ToString(in.RoleArn), Since: a.cell.Clock.Now(),
	}
	if r.State == "" {
		r.State = types.RuleStateEnabled
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	if r.Tags, err = mergeTags(nil, in.Tags); err != nil {
		return nil, err
	}
	key := ruleKey(busName, r.Name)
	err = a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		if _, err := a.bus(busName); err != nil {
			return err
		}
		if r.Schedule != "" && r.Bus != defaultBus {
			return fault.Invalid("ScheduleExpression is supported only on the default event bus.")
		}
		before, exists := a.rules.Get(key)
		switch {
		case exists:
			r.Targets, r.Tags = before.Targets, before.Tags
			if before.Schedule == r.Schedule && before.enabled() {
				r.Since = before.Since
			}
		case len(a.rules.Keys(ruleKey(busName, ""))) >= mostRules:
			return fault.TooMany()
		}
		a.rules.Put(tx, key, r)
		tx.After(func() { a.follow(ctx, key) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.PutRuleOutput{RuleArn: aws.String(a.ruleARN(busName, r.Name))}, nil
}

// check says what is wrong with a rule.
func (r rule) check() error {
	switch {
	case r.Pattern == "" && r.Schedule == "":
		return fault.Invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	}
	if r.Schedule != "" {
		if _, err := r.schedule(); err != nil {
			return fault.Invalid("Parameter ScheduleExpression is not valid.")
		}
	}
	if r.Pattern != "" {
		if _, err := pattern.Parse(r.Pattern); err != nil {
			return fault.Pattern(err)
		}
	}
	return nil
}

// expression is what the schedules of rules look like beside those of others: no single
// run, no seconds, and "if the value is equal to 1, then the unit must be singular. If the
// value is greater than 1, the unit must be plural" ("Rate expressions").
var expression = regexp.MustCompile(`^(rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)|cron\(\S+( +\S+){5}\))$`)

// schedule is when the rule is due.
func (r rule) schedule() (schedule.Schedule, error) {
	if !expression.MatchString(r.Schedule) {
		return schedule.Schedule{}, schedule.Error("it is no schedule of a rule")
	}
	s, err := schedule.Parse(r.Schedule, time.UTC)
	return s.Between(r.Since, time.Time{}), err
}

// DescribeRule tells what a rule is.
func (a *API) DescribeRule(ctx context.Context, in *eventbridge.DescribeRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error) {
	r, err := a.find(ctx, in.EventBusName, *in.Name)
	if err != nil {
		return nil, err
	}
	d := a.described(r)
	return &eventbridge.DescribeRuleOutput{
		Name: d.Name, Arn: d.Arn, EventBusName: d.EventBusName, EventPattern: d.EventPattern, ScheduleExpression: d.ScheduleExpression,
		State: d.State, Description: d.Description, RoleArn: d.RoleArn, CreatedBy: &a.cell.Account,
	}, nil
}

// find is a rule of a bus that is given by name or by ARN.
func (a *API) find(ctx context.Context, busGiven *string, name string) (r rule, err error) {
	busName, err := a.busName(busGiven)
	if err != nil {
		return rule{}, err
	}
	a.cell.State.View(ctx, func() { r, err = a.rule(busName, name) })
	return r, err
}

func (a *API) described(r rule) types.Rule {
	return types.Rule{
		Name: &r.Name, Arn: aws.String(a.ruleARN(r.Bus, r.Name)), EventBusName: &r.Bus, EventPattern: optional.String(r.Pattern),
		ScheduleExpression: optional.String(r.Schedule), State: r.State, Description: optional.String(r.Description), RoleArn: optional.String(r.Role),
	}
}

// ListRules lists the rules of a bus by name, in pages.
func (a *API) ListRules(ctx context.Context, in *eventbridge.ListRulesInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListRulesOutput, error) {
	rows, err := a.rulesOf(ctx, in.EventBusName, aws.ToString(in.NamePrefix))
	if err != nil {
		return nil, err
	}
	rows, next, err := pageOf(rows, func(r rule) string { return r.Name }, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eventbridge.ListRulesOutput{NextToken: next, Rules: []types.Rule{}}
	for _, r := range rows {
		out.Rules = append(out.Rules, a.described(r))
	}
	return out, nil
}

// rulesOf are the rules of a bus whose names begin with a prefix, by name.
func (a *API) rulesOf(ctx context.Context, busGiven *string, prefix string) (rows []rule, err error) {
	busName, err := a.busName(busGiven)
	if err != nil {
		return nil, err
	}
	a.cell.State.View(ctx, func() {
		if _, err = a.bus(busName); err == nil {
			rows = a.rules.Rows(ruleKey(busName, prefix))
		}
	})
	return rows, err
}

// ListRuleNamesByTarget lists the rules of a bus that have a target, in pages.
func (a *API) ListRuleNamesByTarget(ctx context.Context, in *eventbridge.ListRuleNamesByTargetInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListRuleNamesByTargetOutput, error) {
	rows, err := a.rulesOf(ctx, in.EventBusName, "")
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(r rule) bool {
		return !slices.ContainsFunc(r.Targets, func(t types.Target) bool { return *t.Arn == *in.TargetArn })
	})
	rows, next, err := pageOf(rows, func(r rule) string { return r.Name }, in.NextToken, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eventbridge.ListRuleNamesByTargetOutput{NextToken: next, RuleNames: []string{}}
	for _, r := range rows {
		out.RuleNames = append(out.RuleNames, r.Name)
	}
	return out, nil
}

// EnableRule has a rule act again.
func (a *API) EnableRule(ctx context.Context, in *eventbridge.EnableRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.EnableRuleOutput, error) {
	if err := a.setState(ctx, in.EventBusName, *in.Name, types.RuleStateEnabled); err != nil {
		return nil, err
	}
	return &eventbridge.EnableRuleOutput{}, nil
}

// DisableRule has a rule not act.
func (a *API) DisableRule(ctx context.Context, in *eventbridge.DisableRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DisableRuleOutput, error) {
	if err := a.setState(ctx, in.EventBusName, *in.Name, types.RuleStateDisabled); err != nil {
		return nil, err
	}
	return &eventbridge.DisableRuleOutput{}, nil
}

// setState enables or disables a rule. One that is enabled already goes on.
func (a *API) setState(ctx context.Context, busGiven *string, name string, to types.RuleState) error {
	busName, err := a.busName(busGiven)
	if err != nil {
		return err
	}
	return a.changeRule(ctx, busName, name, func(r *rule) error {
		if to == types.RuleStateDisabled || !r.enabled() {
			r.State, r.Since = to, a.cell.Clock.Now()
		}
		return nil
	})
}

// DeleteRule deletes a rule without targets, if there is one.
func (a *API) DeleteRule(ctx context.Context, in *eventbridge.DeleteRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DeleteRuleOutput, error) {
	busName, err := a.busName(in.EventBusName)
	if err != nil {
		return nil, err
	}
	key := ruleKey(busName, *in.Name)
	err = a.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		if _, err := a.bus(busName); err != nil {
			return err
		}
		if r, _ := a.rules.Get(key); len(r.Targets) > 0 {
			return fault.Invalid("Rule can't be deleted since it has targets.")
		}
		a.rules.Delete(tx, key)
		tx.After(func() { a.follow(ctx, key) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.DeleteRuleOutput{}, nil
}

// TestEventPattern tells whether an event pattern matches an event.
func (a *API) TestEventPattern(_ context.Context, in *eventbridge.TestEventPatternInput, _ ...func(*eventbridge.Options)) (*eventbridge.TestEventPatternOutput, error) {
	p, err := pattern.Parse(*in.EventPattern)
	if err != nil {
		return nil, fault.Pattern(err)
	}
	if err := checkEvent(*in.Event); err != nil {
		return nil, err
	}
	matches, err := p.Matches([]byte(*in.Event))
	if err != nil {
		return nil, fault.Invalid("Parameter Event is not valid.")
	}
	return &eventbridge.TestEventPatternOutput{Result: matches}, nil
}
