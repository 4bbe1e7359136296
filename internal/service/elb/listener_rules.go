package elb

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/optional"
	"flyball/internal/service/elb/fault"
	"flyball/internal/service/elb/rules"
	"flyball/internal/state"
)

// mostRules is how many rules a load balancer can have, without the default ones.
const mostRules = 100

// defaultPriority is what the default rule of a listener has for a priority.
const defaultPriority = "default"

var kindRule = state.Kind{Name: "elb.rule", Version: 1} // by ARN

// A rule is the row of a listener's rule.
type rule struct {
	types.Rule
	Tags map[string]string
}

// order is what rules are sorted by: their priorities, and the default one is last.
func (r rule) order() string {
	n, err := strconv.Atoi(*r.Priority)
	if err != nil {
		n = 99999
	}
	return fmt.Sprintf("%05d %s", n, *r.RuleArn)
}

// rulesInOrder are the rules of a listener as they are tried.
func (a *API) rulesInOrder(listener string) []rule {
	rows := a.rules.Rows(a.rulesOf(listener))
	slices.SortFunc(rows, func(x, y rule) int { return cmp.Compare(x.order(), y.order()) })
	return rows
}

// putRule keeps a rule, and tells the data plane.
func (a *API) putRule(tx *state.Tx, r rule) {
	a.rules.Put(tx, *r.RuleArn, r)
	tx.After(func() { a.plane.setBalancer(a.balancerOf(*r.RuleArn)) })
}

// rule finds a rule by its ARN.
func (a *API) rule(arn *string) (rule, error) {
	r, ok := a.rules.Get(aws.ToString(arn))
	if ok {
		return r, nil
	}
	if err := checkARN(aws.ToString(arn), kindOfRule); err != nil {
		return r, err
	}
	return r, fault.RuleNotFound()
}

// CreateRule makes a rule of a listener.
func (a *API) CreateRule(ctx context.Context, in *elb.CreateRuleInput, _ ...func(*elb.Options)) (*elb.CreateRuleOutput, error) {
	given, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	r := rule{Tags: given, Rule: types.Rule{
		Priority: aws.String(strconv.Itoa(int(aws.ToInt32(in.Priority)))), IsDefault: aws.Bool(false), Transforms: optional.List(in.Transforms),
	}}
	if r.Conditions, err = rules.Conditions(in.Conditions); err != nil {
		return nil, err
	}
	if r.Actions, err = rules.Actions(in.Actions); err != nil {
		return nil, err
	}
	if err = rules.CheckTransforms(in.Transforms); err != nil {
		return nil, err
	}
	err = a.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		r, err = a.makeRule(ctx, tx, in.ListenerArn, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &elb.CreateRuleOutput{Rules: []types.Rule{r.Rule}}, nil
}

func (a *API) makeRule(ctx context.Context, tx *state.Tx, listener *string, r rule) (rule, error) {
	l, err := a.listener(listener)
	if err != nil {
		return r, err
	}
	for _, other := range a.rules.Rows(a.rulesOf(*l.ListenerArn)) {
		if *other.Priority == *r.Priority {
			return r, priorityInUse(*r.Priority)
		}
	}
	balancer := *l.LoadBalancerArn
	if len(a.rules.Keys(a.rulesOfBalancer(balancer)))-len(a.listeners.Keys(a.listenersOf(balancer))) >= mostRules {
		return r, fault.TooManyRules(mostRules)
	}
	if err := a.checkForwards(ctx, l.Listener, r.Actions); err != nil {
		return r, err
	}
	r.RuleArn = aws.String(a.newARN(kindOfRule, tail(*l.ListenerArn, kindOfListener)))
	a.putRule(tx, r)
	return r, nil
}

// ModifyRule changes what is given of a rule.
func (a *API) ModifyRule(ctx context.Context, in *elb.ModifyRuleInput, _ ...func(*elb.Options)) (*elb.ModifyRuleOutput, error) {
	reset := aws.ToBool(in.ResetTransforms)
	switch {
	case len(in.Conditions) == 0 && len(in.Actions) == 0 && len(in.Transforms) == 0 && !reset:
		return nil, fault.Validation("Either conditions or actions must be specified")
	case reset && len(in.Transforms) > 0:
		return nil, fault.Validation("You cannot specify both Transforms and ResetTransforms")
	}
	var changed rule
	err := a.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		r, err := a.rule(in.RuleArn)
		if err != nil {
			return err
		}
		if *r.IsDefault {
			return fault.NotPermitted("Default rule '%s' cannot be modified", *r.RuleArn)
		}
		if r.Rule, err = withChange(r.Rule, in); err != nil {
			return err
		}
		l, err := a.listener(aws.String(a.listenerOf(*r.RuleArn)))
		if err != nil {
			return err
		}
		if err := a.checkForwards(ctx, l.Listener, r.Actions); err != nil {
			return err
		}
		changed = r
		a.putRule(tx, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elb.ModifyRuleOutput{Rules: []types.Rule{changed.Rule}}, nil
}

// withChange is a rule with what a request changes of it.
func withChange(r types.Rule, in *elb.ModifyRuleInput) (types.Rule, error) {
	var err error
	if len(in.Conditions) > 0 {
		if r.Conditions, err = rules.Conditions(in.Conditions); err != nil {
			return r, err
		}
	}
	if len(in.Actions) > 0 {
		if r.Actions, err = rules.Actions(in.Actions); err != nil {
			return r, err
		}
	}
	if len(in.Transforms) > 0 || aws.ToBool(in.ResetTransforms) {
		r.Transforms = optional.List(in.Transforms)
	}
	return r, rules.CheckTransforms(r.Transforms)
}

// SetRulePriorities gives rules other priorities, all or none.
func (a *API) SetRulePriorities(ctx context.Context, in *elb.SetRulePrioritiesInput, _ ...func(*elb.Options)) (*elb.SetRulePrioritiesOutput, error) {
	if err := a.checkPairs(in.RulePriorities); err != nil {
		return nil, err
	}
	var changed []types.Rule
	err := a.write(ctx, func(_ context.Context, tx *state.Tx) error {
		changed = nil
		for _, p := range in.RulePriorities {
			r, err := a.rule(p.RuleArn)
			switch {
			case err != nil:
				return err
			case *r.IsDefault:
				return fault.NotPermitted("The priority of the default rule '%s' cannot be set", *r.RuleArn)
			}
			r.Priority = aws.String(strconv.Itoa(int(*p.Priority)))
			a.putRule(tx, r)
			changed = append(changed, r.Rule)
		}
		return a.checkPriorities(changed)
	})
	if err != nil {
		return nil, err
	}
	return &elb.SetRulePrioritiesOutput{Rules: optional.List(changed)}, nil
}

// checkPairs refuses pairs that say what no rules can have.
func (a *API) checkPairs(pairs []types.RulePriorityPair) error {
	for i, p := range pairs {
		if err := checkARN(aws.ToString(p.RuleArn), kindOfRule); err != nil {
			return err
		}
		if p.Priority == nil {
			return fault.Validation("A priority must be specified")
		}
		for _, before := range pairs[:i] {
			switch sameListener := a.listenerOf(*before.RuleArn) == a.listenerOf(*p.RuleArn); {
			case *before.RuleArn == *p.RuleArn:
				return fault.Validation("Rule '%s' was provided multiple times", *p.RuleArn)
			case sameListener && *before.Priority == *p.Priority:
				return fault.Validation("Priority '%d' was provided multiple times", *p.Priority)
			}
		}
	}
	return nil
}

// checkPriorities refuses rules that have the priority of another one now.
func (a *API) checkPriorities(changed []types.Rule) error {
	for _, r := range changed {
		for _, other := range a.rules.Rows(a.rulesOf(a.listenerOf(*r.RuleArn))) {
			if *other.RuleArn != *r.RuleArn && *other.Priority == *r.Priority {
				return priorityInUse(*r.Priority)
			}
		}
	}
	return nil
}

func priorityInUse(priority string) error {
	n, _ := strconv.Atoi(priority)
	return fault.PriorityInUse(int32(n))
}

// DescribeRules describes the rules of a listener in their order, or some by their
// ARNs.
func (a *API) DescribeRules(ctx context.Context, in *elb.DescribeRulesInput, _ ...func(*elb.Options)) (*elb.DescribeRulesOutput, error) {
	if (in.ListenerArn == nil) == (len(in.RuleArns) == 0) {
		return nil, fault.Validation("You must specify either listener rule ARNs or a listener ARN")
	}
	rows, err := read(ctx, a, func() ([]rule, error) {
		if in.ListenerArn == nil {
			return each(in.RuleArns, func(arn string) (rule, error) { return a.rule(&arn) })
		}
		l, err := a.listener(in.ListenerArn)
		if err != nil {
			return nil, err
		}
		return a.rulesInOrder(*l.ListenerArn), nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(x, y rule) int { return cmp.Compare(x.order(), y.order()) })
	rows, next, err := list(rows, rule.order, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elb.DescribeRulesOutput{Rules: shown(rows, func(r rule) types.Rule { return r.Rule }), NextMarker: next}, nil
}

// DeleteRule deletes a rule. The default one stays as long as its listener.
func (a *API) DeleteRule(ctx context.Context, in *elb.DeleteRuleInput, _ ...func(*elb.Options)) (*elb.DeleteRuleOutput, error) {
	err := a.write(ctx, func(_ context.Context, tx *state.Tx) error {
		r, err := a.rule(in.RuleArn)
		if err != nil {
			return err
		}
		if *r.IsDefault {
			return fault.NotPermitted("Default rule '%s' cannot be deleted", *r.RuleArn)
		}
		a.rules.Delete(tx, *r.RuleArn)
		tx.After(func() { a.plane.setBalancer(a.balancerOf(*r.RuleArn)) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elb.DeleteRuleOutput{}, nil
}
