package ecs

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/service/ecs/lifecycle"
	"flyball/internal/state"
)

// A route is a load balancer's part in a deployment that shifts traffic: whose weights
// are set, and between which target groups.
type route struct {
	Production     string // ARN of a listener rule, or of a listener for its default action
	Test           string `json:",omitempty"` // the same for test traffic, if there is any
	Source, Target string // ARNs of the target groups
	Role           string `json:",omitempty"` // ARN of the role that may change the listeners
}

// alternate is the other target group of a load balancer, "" if it has one only.
func alternate(lb types.LoadBalancer) string {
	if lb.AdvancedConfiguration == nil {
		return ""
	}
	return aws.ToString(lb.AdvancedConfiguration.AlternateTargetGroupArn)
}

// groupsBeside chooses the target groups of a new revision: of each load balancer the
// one that the source does not use, if the new revision is to run beside it, or else
// the one that it does.
func groupsBeside(source *deployment, balancers []types.LoadBalancer, beside bool) []string {
	var used, groups []string
	if source != nil {
		used = source.groups()
	}
	for _, lb := range balancers {
		group, other := aws.ToString(lb.TargetGroupArn), alternate(lb)
		first := beside && slices.Contains(used, group)
		if second := !beside && slices.Contains(used, other); other != "" && (first || second) {
			group = other
		}
		groups = append(groups, group)
	}
	return groups
}

// groups are the target groups of a revision's tasks. Earlier releases kept none where
// they were those of the configuration.
func (r revision) groups() []string {
	if len(r.Groups) == len(r.LoadBalancers) {
		return r.Groups
	}
	return groupsBeside(nil, r.LoadBalancers, false)
}

// balancers are a revision's load balancers with the target groups that its tasks are
// in.
func (r revision) balancers() []types.LoadBalancer {
	list := slices.Clone(r.LoadBalancers)
	for i, group := range r.groups() {
		list[i].TargetGroupArn, list[i].AdvancedConfiguration = &group, nil
	}
	return list
}

// routes are those of a deployment of a revision beside a source.
func (r revision) routes(source *deployment) []route {
	var routes []route
	for i, lb := range r.LoadBalancers {
		c := lb.AdvancedConfiguration
		if c == nil || aws.ToString(c.ProductionListenerRule) == "" {
			continue
		}
		one := route{
			Production: *c.ProductionListenerRule, Test: aws.ToString(c.TestListenerRule), Role: aws.ToString(c.RoleArn),
			Source: alternate(lb), Target: r.groups()[i],
		}
		if one.Source == one.Target {
			one.Source = aws.ToString(lb.TargetGroupArn)
		}
		if source != nil && i < len(source.groups()) && source.groups()[i] != one.Target {
			one.Source = source.groups()[i]
		}
		routes = append(routes, one)
	}
	return routes
}

// returning are the routes by which a rolling deployment first has all traffic return to
// its source: those of a deployment before it that was shifting the traffic.
func (s *service) returning(source *deployment) []route {
	if len(s.history) == 0 {
		return nil
	}
	before := s.history[0]
	if !before.beside() || before.Position.Stage == lifecycle.CleanUp {
		return nil
	}
	routes := slices.Clone(before.Routes)
	for i, one := range routes {
		if slices.Contains(source.groups(), one.Target) { // a first deployment is its own source
			routes[i].Source, routes[i].Target = one.Target, one.Source
		}
	}
	return routes
}

// shifted is whether the listeners send the traffic that the deployment wants.
func (r *rollout) shifted() bool {
	return len(r.Routes) == 0 || r.Routed != nil && *r.Routed == r.Position.Traffic
}

// routable is whether the listeners are to be set for the deployment. One that has been
// halted leaves them as they are.
func (r *rollout) routable() bool { return !r.shifted() && !r.Position.Halted }

// routeDue sets the listeners of services whose deployments want other traffic. What
// they send is looked at once more before the deployment goes on: by then the load
// balancer has learnt of it, and requests that it sent the old way have their targets.
func (a *API) routeDue(ctx context.Context, due []*service) {
	for _, s := range due {
		denied := a.judgeRoutes(ctx, s)
		_ = a.cell.State.Maintain(ctx, func(ctx context.Context, tx *state.Tx) error {
			if s.there() && s.history[0].routable() {
				a.routeTraffic(ctx, tx, s, denied)
			}
			return nil
		})
	}
}

// routeTraffic has the listeners of a service send the traffic of its deployment,
// unless a role is denied that.
func (a *API) routeTraffic(ctx context.Context, tx *state.Tx, s *service, denied error) {
	r := s.history[0]
	want := r.Position.Traffic
	changed := false
	for _, one := range r.Routes {
		did, err := false, denied
		if err == nil {
			did, err = a.setRoute(ctx, one, want, r.Source == "")
		}
		if did && r.Routed != nil {
			r.Routed = nil // until it is certain again what they send
			r.save(tx, s)
		}
		if isGone(err) && !r.Plan.Beside {
			continue // it sends nothing that could return
		}
		if err != nil {
			a.missRoute(tx, s, one, err)
			return
		}
		changed = changed || did
	}
	first := !r.looked // the deployment before may have changed them a moment ago
	r.looked = true
	if changed || first {
		a.unrouted.Sooner(s, a.now().Add(a.virtual(gatherFor)))
		return
	}
	r.Routed = &want
	r.save(tx, s)
	a.reconcileSoon(s)
}

// missRoute is for a route that cannot be set. It is tried again, unless the deployment
// is on its way back and there is nothing left that could send the traffic there.
func (a *API) missRoute(tx *state.Tx, s *service, one route, err error) {
	a.warn(tx, s, cannotRoute(one, err))
	if r := s.history[0]; r.Position.Back && isGone(err) {
		_, text := fault.Code(err)
		s.fail(cause{"ECS deployment rollback", text + ".", text}, a.now())
		r.finish(types.ServiceDeploymentStatusRollbackFailed, "Service deployment rollback failed because "+text+".", a.now())
		r.save(tx, s)
	} else {
		a.unrouted.Sooner(s, a.now().Add(a.virtual(tryAgain)))
	}
	s.save(tx)
}

// isGone is whether an error says that a listener, a rule or a target group does not
// exist.
func isGone(err error) bool {
	_, noListener := errors.AsType[*elbtypes.ListenerNotFoundException](err)
	_, noRule := errors.AsType[*elbtypes.RuleNotFoundException](err)
	return noListener || noRule || isNoTargetGroup(err) || errors.Is(err, errNoForward)
}

// setRoute sets what the listeners of a route send, and returns whether they sent
// something else.
func (a *API) setRoute(ctx context.Context, one route, want lifecycle.Traffic, alone bool) (changed bool, err error) {
	changed, err = a.setWeights(ctx, one.Production, one, want.Production, alone)
	if err != nil || one.Test == "" {
		return changed, err
	}
	test, err := a.setWeights(ctx, one.Test, one, want.Test, alone)
	return changed || test, err
}

// setWeights gives the target group of a route a percentage of what a listener or a
// rule of it forwards. A revision that is alone takes nothing from others until it has
// its share: its groups are only made known to the load balancer, which checks the
// health of what it may forward to.
func (a *API) setWeights(ctx context.Context, arn string, one route, percent float64, alone bool) (changed bool, err error) {
	actions, set, err := a.actionsOf(ctx, arn)
	if err != nil {
		return false, err
	}
	i := slices.IndexFunc(actions, func(a elbtypes.Action) bool { return a.Type == elbtypes.ActionTypeEnumForward })
	if i < 0 {
		return false, errNoForward
	}
	old := forwardOf(actions[i])
	groups := weighted(one, percent)
	if alone && percent == 0 {
		groups = joined(old.TargetGroups, groups)
	}
	if reflect.DeepEqual(old.TargetGroups, groups) {
		return false, nil
	}
	actions = slices.Clone(actions)
	actions[i].TargetGroupArn = nil
	actions[i].ForwardConfig = &elbtypes.ForwardActionConfig{TargetGroups: groups, TargetGroupStickinessConfig: old.TargetGroupStickinessConfig}
	return true, set(actions)
}

var errNoForward = errors.New("the rule forwards to no target group")

// actionsOf are the actions of a listener or a rule, and what changes them.
func (a *API) actionsOf(ctx context.Context, arn string) ([]elbtypes.Action, func([]elbtypes.Action) error, error) {
	if !isRule(arn) {
		out, err := a.cfg.LoadBalancing.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{arn}})
		if err != nil {
			return nil, nil, err
		}
		return out.Listeners[0].DefaultActions, a.setDefault(ctx, arn), nil
	}
	out, err := a.cfg.LoadBalancing.DescribeRules(ctx, &elb.DescribeRulesInput{RuleArns: []string{arn}})
	if err != nil {
		return nil, nil, err
	}
	r := out.Rules[0]
	if aws.ToBool(r.IsDefault) {
		return r.Actions, a.setDefault(ctx, listenerOf(arn)), nil
	}
	return r.Actions, func(actions []elbtypes.Action) error {
		_, err := a.cfg.LoadBalancing.ModifyRule(ctx, &elb.ModifyRuleInput{RuleArn: &arn, Actions: actions})
		return err
	}, nil
}

func (a *API) setDefault(ctx context.Context, listener string) func([]elbtypes.Action) error {
	return func(actions []elbtypes.Action) error {
		_, err := a.cfg.LoadBalancing.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: &listener, DefaultActions: actions})
		return err
	}
}

func isRule(arn string) bool { return strings.Contains(arn, ":listener-rule/") }

// listenerOf is the ARN of a rule's listener.
func listenerOf(rule string) string {
	return strings.Replace(rule[:strings.LastIndexByte(rule, '/')], ":listener-rule/", ":listener/", 1)
}

// forwardOf is what an action forwards to, which may be said in a short form.
func forwardOf(action elbtypes.Action) elbtypes.ForwardActionConfig {
	if action.ForwardConfig != nil {
		return *action.ForwardConfig
	}
	return elbtypes.ForwardActionConfig{TargetGroups: []elbtypes.TargetGroupTuple{{TargetGroupArn: action.TargetGroupArn, Weight: aws.Int32(1)}}}
}

func weighted(one route, percent float64) []elbtypes.TargetGroupTuple {
	source, target := lifecycle.Weights(percent)
	return []elbtypes.TargetGroupTuple{
		{TargetGroupArn: &one.Source, Weight: &source},
		{TargetGroupArn: &one.Target, Weight: &target},
	}
}

// joined are target groups with those added, without a weight, that are not among
// them.
func joined(old, groups []elbtypes.TargetGroupTuple) []elbtypes.TargetGroupTuple {
	all := slices.Clone(old)
	for _, g := range groups {
		if !slices.ContainsFunc(old, func(o elbtypes.TargetGroupTuple) bool { return aws.ToString(o.TargetGroupArn) == *g.TargetGroupArn }) {
			all = append(all, elbtypes.TargetGroupTuple{TargetGroupArn: g.TargetGroupArn, Weight: aws.Int32(0)})
		}
	}
	return all
}
