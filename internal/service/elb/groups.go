package elb

import (
	"cmp"
	"context"
	"maps"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
	"flyball/internal/service/elb/rules"
	"flyball/internal/state"
)

// mostGroups is how many target groups a region of an account can have.
const mostGroups = 3000

var kindGroup = state.Kind{Name: "elb.targetgroup", Version: 1} // by ARN

// A targetGroup is the row of a target group. Which load balancers it has is not
// kept: that is what their rules say.
type targetGroup struct {
	types.TargetGroup
	Attributes map[string]string
	Tags       map[string]string
	Targets    []target `json:",omitempty"`
}

// CreateTargetGroup makes a target group. Making it again with the same settings
// answers with the one that there is.
func (a *API) CreateTargetGroup(ctx context.Context, in *elb.CreateTargetGroupInput, _ ...func(*elb.Options)) (*elb.CreateTargetGroupOutput, error) {
	given, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	wanted, err := rules.Group(in)
	if err != nil {
		return nil, err
	}
	var made targetGroup
	err = a.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		if err := a.checkVPC(ctx, aws.ToString(wanted.VpcId)); err != nil {
			return err
		}
		made, err = a.makeGroup(tx, targetGroup{TargetGroup: wanted, Attributes: rules.GroupAttributes().Usual(), Tags: given})
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.createdGroup(ctx, made)
}

func (a *API) createdGroup(ctx context.Context, g targetGroup) (*elb.CreateTargetGroupOutput, error) {
	shown, err := a.shownGroups(ctx, []targetGroup{g})
	return &elb.CreateTargetGroupOutput{TargetGroups: shown}, err
}

// makeGroup makes a target group, unless there is the same one already.
func (a *API) makeGroup(tx *state.Tx, g targetGroup) (targetGroup, error) {
	name := *g.TargetGroupName
	if old, ok := a.groupNamed(name); ok {
		g.TargetGroupArn = old.TargetGroupArn
		if reflect.DeepEqual(old.TargetGroup, g.TargetGroup) && maps.Equal(old.Tags, g.Tags) {
			return old, nil
		}
		return g, fault.DuplicateTargetGroup(name)
	}
	if a.groups.Len() >= mostGroups {
		return g, fault.TooManyTargetGroups(mostGroups)
	}
	g.TargetGroupArn = aws.String(a.newARN(kindOfGroup, name))
	a.putGroup(tx, g)
	return g, nil
}

// putGroup keeps a target group, and tells the data plane.
func (a *API) putGroup(tx *state.Tx, g targetGroup) {
	a.groups.Put(tx, *g.TargetGroupArn, g)
	tx.After(func() { a.plane.setGroup(*g.TargetGroupArn) })
}

func (a *API) groupNamed(name string) (targetGroup, bool) {
	for _, g := range a.groups.Rows(a.cell.ARN(serviceName, kindOfGroup+name+"/")) {
		return g, true
	}
	return targetGroup{}, false
}

// group finds a target group by its ARN.
func (a *API) group(arn *string) (targetGroup, error) {
	g, ok := a.groups.Get(aws.ToString(arn))
	if ok {
		return g, nil
	}
	if err := checkARN(aws.ToString(arn), kindOfGroup); err != nil {
		return g, err
	}
	return g, fault.TargetGroupNotFound()
}

// changeGroup changes a target group.
func (a *API) changeGroup(ctx context.Context, arn *string, change func(context.Context, *targetGroup) error) error {
	return a.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		g, err := a.group(arn)
		if err != nil {
			return err
		}
		if err := change(ctx, &g); err != nil {
			return err
		}
		a.putGroup(tx, g)
		return nil
	})
}

// ModifyTargetGroup changes the health checks of a target group.
func (a *API) ModifyTargetGroup(ctx context.Context, in *elb.ModifyTargetGroupInput, _ ...func(*elb.Options)) (*elb.ModifyTargetGroupOutput, error) {
	var changed targetGroup
	err := a.changeGroup(ctx, in.TargetGroupArn, func(_ context.Context, g *targetGroup) (err error) {
		g.TargetGroup, err = rules.WithHealthCheck(g.TargetGroup, rules.HealthCheck{
			Enabled: in.HealthCheckEnabled, Interval: in.HealthCheckIntervalSeconds, Path: in.HealthCheckPath, Port: in.HealthCheckPort,
			Protocol: in.HealthCheckProtocol, Timeout: in.HealthCheckTimeoutSeconds, Healthy: in.HealthyThresholdCount,
			Unhealthy: in.UnhealthyThresholdCount, Matcher: in.Matcher,
		})
		changed = *g
		return err
	})
	if err != nil {
		return nil, err
	}
	shown, err := a.shownGroups(ctx, []targetGroup{changed})
	return &elb.ModifyTargetGroupOutput{TargetGroups: shown}, err
}

// DescribeTargetGroups describes target groups: all, those with some names or ARNs,
// or those of a load balancer.
func (a *API) DescribeTargetGroups(ctx context.Context, in *elb.DescribeTargetGroupsInput, _ ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error) {
	err := oneWay("Target group names, target group ARNs, and a load balancer ARN cannot be specified at the same time",
		len(in.Names) > 0, len(in.TargetGroupArns) > 0, in.LoadBalancerArn != nil)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, func() ([]targetGroup, error) { return a.findGroups(in) })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(x, y targetGroup) int { return cmp.Compare(*x.TargetGroupArn, *y.TargetGroupArn) })
	rows, next, err := list(rows, func(g targetGroup) string { return *g.TargetGroupArn }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	shown, err := a.shownGroups(ctx, rows)
	return &elb.DescribeTargetGroupsOutput{TargetGroups: shown, NextMarker: next}, err
}

func (a *API) findGroups(in *elb.DescribeTargetGroupsInput) ([]targetGroup, error) {
	switch {
	case len(in.Names) > 0:
		return each(in.Names, func(name string) (targetGroup, error) {
			g, ok := a.groupNamed(name)
			if !ok {
				return g, fault.TargetGroupNotFound()
			}
			return g, nil
		})
	case len(in.TargetGroupArns) > 0:
		return each(in.TargetGroupArns, func(arn string) (targetGroup, error) { return a.group(&arn) })
	case in.LoadBalancerArn != nil:
		b, err := a.balancer(in.LoadBalancerArn)
		if err != nil {
			return nil, err
		}
		used := slices.Sorted(maps.Keys(a.usedBy(*b.LoadBalancerArn)))
		if len(used) == 0 {
			return nil, fault.TargetGroupNotFound() // so AWS answers, and not with an empty list
		}
		return each(used, func(arn string) (targetGroup, error) { return a.group(&arn) })
	}
	return a.groups.Rows(""), nil
}

// shownGroups are target groups as they are described.
func (a *API) shownGroups(ctx context.Context, rows []targetGroup) ([]types.TargetGroup, error) {
	users, err := read(ctx, a, func() (map[string][]string, error) { return a.users(), nil })
	return shown(rows, func(g targetGroup) types.TargetGroup {
		if g.LoadBalancerArns = users[*g.TargetGroupArn]; g.LoadBalancerArns == nil {
			g.LoadBalancerArns = []string{}
		}
		return g.TargetGroup
	}), err
}

// DeleteTargetGroup deletes a target group that nothing forwards to, if it exists.
func (a *API) DeleteTargetGroup(ctx context.Context, in *elb.DeleteTargetGroupInput, _ ...func(*elb.Options)) (*elb.DeleteTargetGroupOutput, error) {
	arn := aws.ToString(in.TargetGroupArn)
	if err := checkARN(arn, kindOfGroup); err != nil {
		return nil, err
	}
	err := a.write(ctx, func(_ context.Context, tx *state.Tx) error {
		if len(a.users()[arn]) > 0 {
			return fault.TargetGroupInUse(arn)
		}
		a.groups.Delete(tx, arn)
		tx.After(func() { a.plane.setGroup(arn) })
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elb.DeleteTargetGroupOutput{}, nil
}
