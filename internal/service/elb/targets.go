package elb

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
	"flyball/internal/service/elb/rules"
)

// mostTargets is how many targets a group can have, and all groups of a load balancer.
const mostTargets = 1000

// A target is registered, or drains until a time by Config.Now.
type target struct {
	types.TargetDescription
	DrainUntil time.Time `json:",omitzero"`
}

func (t target) is(other types.TargetDescription) bool {
	return *t.Id == *other.Id && *t.Port == *other.Port
}

// gone says whether a target that drained is no target any more.
func (t target) gone(now time.Time) bool { return !t.DrainUntil.IsZero() && !now.Before(t.DrainUntil) }

// present are the targets of a group without those that have drained. Those leave
// the row when it is written the next time.
func (g targetGroup) present(now time.Time) []target {
	return slices.DeleteFunc(slices.Clone(g.Targets), func(t target) bool { return t.gone(now) })
}

// RegisterTargets adds targets to a group. One that drains is registered again.
func (a *API) RegisterTargets(ctx context.Context, in *elb.RegisterTargetsInput, _ ...func(*elb.Options)) (*elb.RegisterTargetsOutput, error) {
	err := a.changeGroup(ctx, in.TargetGroupArn, func(_ context.Context, g *targetGroup) error {
		g.Targets = g.present(a.cfg.Now())
		for _, given := range in.Targets {
			t, err := rules.Target(g.TargetGroup, given)
			if err != nil {
				return err
			}
			if i := slices.IndexFunc(g.Targets, func(old target) bool { return old.is(t) }); i < 0 {
				g.Targets = append(g.Targets, target{TargetDescription: t})
			} else if !g.Targets[i].DrainUntil.IsZero() {
				g.Targets[i] = target{TargetDescription: t}
			}
		}
		return a.checkCount(*g)
	})
	if err != nil {
		return nil, err
	}
	return &elb.RegisterTargetsOutput{}, nil
}

// checkCount refuses more targets than a group can have, or its load balancer.
func (a *API) checkCount(g targetGroup) error {
	if len(g.Targets) > mostTargets {
		return fault.TooManyTargets("target group", mostTargets)
	}
	for _, balancer := range a.users()[*g.TargetGroupArn] {
		n := len(g.Targets)
		for arn := range a.usedBy(balancer) {
			if other, _ := a.groups.Get(arn); arn != *g.TargetGroupArn {
				n += len(other.Targets)
			}
		}
		if n > mostTargets {
			return fault.TooManyTargets("load balancer", mostTargets)
		}
	}
	return nil
}

// DeregisterTargets has targets of a group drain. Those that no traffic can reach
// have nothing to drain.
func (a *API) DeregisterTargets(ctx context.Context, in *elb.DeregisterTargetsInput, _ ...func(*elb.Options)) (*elb.DeregisterTargetsOutput, error) {
	err := a.changeGroup(ctx, in.TargetGroupArn, func(_ context.Context, g *targetGroup) error {
		seconds, _ := strconv.Atoi(g.Attributes[rules.DrainingDelay])
		until := a.cfg.Now().Add(time.Duration(seconds) * time.Second).UTC()
		if len(a.users()[*g.TargetGroupArn]) == 0 {
			until = a.cfg.Now().UTC()
		}
		g.Targets = g.present(a.cfg.Now())
		for _, given := range in.Targets {
			if given.Port == nil {
				given.Port = g.Port
			}
			for i, t := range g.Targets {
				if t.is(given) && t.DrainUntil.IsZero() {
					g.Targets[i].DrainUntil = until
				}
			}
		}
		g.Targets = g.present(a.cfg.Now())
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elb.DeregisterTargetsOutput{}, nil
}

// DescribeTargetHealth describes the health of a group's targets, or of some of them.
func (a *API) DescribeTargetHealth(ctx context.Context, in *elb.DescribeTargetHealthInput, _ ...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error) {
	used := false
	g, err := read(ctx, a, func() (targetGroup, error) {
		used = len(a.users()[aws.ToString(in.TargetGroupArn)]) > 0
		return a.group(in.TargetGroupArn)
	})
	if err != nil {
		return nil, err
	}
	health := a.plane.health(g, used)
	if len(in.Targets) > 0 {
		health = chosen(g, health, in.Targets)
	}
	if slices.ContainsFunc(in.Include, func(i types.DescribeTargetHealthInputIncludeEnum) bool {
		return i == types.DescribeTargetHealthInputIncludeEnumAll || i == types.DescribeTargetHealthInputIncludeEnumAnomaly
	}) {
		for i := range health {
			health[i].AnomalyDetection = &types.AnomalyDetection{Result: types.AnomalyResultEnumNormal, MitigationInEffect: types.MitigationInEffectEnumNo}
		}
	}
	return &elb.DescribeTargetHealthOutput{TargetHealthDescriptions: health}, nil
}

// chosen are the descriptions of those targets that a request names.
func chosen(g targetGroup, all []types.TargetHealthDescription, names []types.TargetDescription) []types.TargetHealthDescription {
	some := make([]types.TargetHealthDescription, 0, len(names))
	for _, name := range names {
		if name.Port == nil {
			name.Port = g.Port
		}
		i := slices.IndexFunc(all, func(d types.TargetHealthDescription) bool { return target{TargetDescription: *d.Target}.is(name) })
		if i >= 0 {
			some = append(some, all[i])
			continue
		}
		some = append(some, types.TargetHealthDescription{Target: &name, HealthCheckPort: healthCheckPort(g, name), TargetHealth: &types.TargetHealth{
			State: types.TargetHealthStateEnumUnused, Reason: types.TargetHealthReasonEnumNotRegistered,
			Description: aws.String("Target is not registered to the target group"),
		}})
	}
	return some
}

// healthCheckPort is the port at which the health of a target is checked.
func healthCheckPort(g targetGroup, t types.TargetDescription) *string {
	if port := g.HealthCheckPort; *port != "traffic-port" {
		return port
	}
	return aws.String(strconv.Itoa(int(*t.Port)))
}

// unknownHealth is the health of a target of which the data plane knows nothing yet.
func unknownHealth(t target, used bool) *types.TargetHealth {
	switch {
	case !t.DrainUntil.IsZero():
		return &types.TargetHealth{
			State: types.TargetHealthStateEnumDraining, Reason: types.TargetHealthReasonEnumDeregistrationInProgress,
			Description: aws.String("Target deregistration is in progress"),
		}
	case !used:
		return &types.TargetHealth{
			State: types.TargetHealthStateEnumUnused, Reason: types.TargetHealthReasonEnumNotInUse,
			Description: aws.String("Target group is not configured to receive traffic from the load balancer"),
		}
	}
	return &types.TargetHealth{
		State: types.TargetHealthStateEnumInitial, Reason: types.TargetHealthReasonEnumRegistrationInProgress,
		Description: aws.String("Target registration is in progress"),
	}
}
