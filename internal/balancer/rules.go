package balancer

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// A rule is a listener rule, compiled.
type rule struct {
	conditions []condition // all have to hold
	transforms []transform
	action     action
}

// An action answers a request.
type action interface{ serve(*exchange) }

func (p *plan) newRule(r types.Rule) (rule, error) {
	var compiled rule
	for _, c := range r.Conditions {
		condition, err := newCondition(c)
		if err != nil {
			return compiled, fmt.Errorf("rule %s: %w", aws.ToString(r.RuleArn), err)
		}
		compiled.conditions = append(compiled.conditions, condition)
	}
	for _, t := range r.Transforms {
		transform, err := newTransform(t)
		if err != nil {
			return compiled, fmt.Errorf("rule %s: %w", aws.ToString(r.RuleArn), err)
		}
		compiled.transforms = append(compiled.transforms, transform)
	}
	for _, a := range r.Actions {
		switch a.Type {
		case types.ActionTypeEnumForward:
			compiled.action = p.newForward(a)
		case types.ActionTypeEnumRedirect:
			compiled.action = newRedirect(a.RedirectConfig)
		case types.ActionTypeEnumFixedResponse:
			compiled.action = newFixedResponse(a.FixedResponseConfig)
		}
	}
	if compiled.action == nil {
		return compiled, fmt.Errorf("rule %s: no action that is known", aws.ToString(r.RuleArn))
	}
	return compiled, nil
}

func (r *rule) match(q *request) bool {
	for _, holds := range r.conditions {
		if !holds(q) {
			return false
		}
	}
	return true
}
