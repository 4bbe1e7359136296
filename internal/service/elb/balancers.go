package elb

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/optional"
	"flyball/internal/service/elb/fault"
	"flyball/internal/service/elb/rules"
	"flyball/internal/state"
)

// mostBalancers is how many load balancers a region of an account can have.
const mostBalancers = 50

var kindBalancer = state.Kind{Name: "elb.loadbalancer", Version: 1} // by ARN

// A loadBalancer is the row of a load balancer. Its state is not kept: that is what
// the data plane says of it.
type loadBalancer struct {
	types.LoadBalancer
	Address    netip.Addr // it listens here
	Attributes map[string]string
	Tags       map[string]string
	Reserved   *reservation `json:",omitempty"`
	Endpoints  []endpoint   `json:",omitempty"`
}

// CreateLoadBalancer makes an application load balancer. Making it again with the
// same settings answers with the one that there is.
func (a *API) CreateLoadBalancer(ctx context.Context, in *elb.CreateLoadBalancerInput, _ ...func(*elb.Options)) (*elb.CreateLoadBalancerOutput, error) {
	given, err := newTags(in.Tags)
	if err := cmp.Or(err, rules.CheckBalancerName(aws.ToString(in.Name)), checkBalancerKind(in), checkPeriodTag(given)); err != nil {
		return nil, err
	}
	var made loadBalancer
	err = a.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		wanted, err := a.draft(ctx, in)
		if err != nil {
			return err
		}
		made, err = a.makeBalancer(tx, loadBalancer{LoadBalancer: wanted, Attributes: rules.BalancerAttributes().Usual(), Tags: given})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &elb.CreateLoadBalancerOutput{LoadBalancers: []types.LoadBalancer{a.shown(made)}}, nil
}

// checkBalancerKind refuses load balancers of other kinds than applications', and
// what only those have.
func checkBalancerKind(in *elb.CreateLoadBalancerInput) error {
	switch {
	case in.Type != "" && in.Type != types.LoadBalancerTypeEnumApplication:
		return fault.NotServed("Load balancers of type '" + string(in.Type) + "' are")
	case in.CustomerOwnedIpv4Pool != nil:
		return fault.NotServed("Customer-owned address pools are")
	case in.IpamPools != nil:
		return fault.NotServed("IPAM pools are")
	case in.EnablePrefixForIpv6SourceNat != "":
		return fault.InvalidConfiguration("EnablePrefixForIpv6SourceNat can be specified for network load balancers only")
	}
	return nil
}

// draft is the load balancer that a request asks for, without what makes it itself.
func (a *API) draft(ctx context.Context, in *elb.CreateLoadBalancerInput) (types.LoadBalancer, error) {
	subnets, err := subnetIDs(in.Subnets, in.SubnetMappings)
	if err != nil {
		return types.LoadBalancer{}, err
	}
	zones, vpc, err := a.attach(ctx, subnets)
	if err != nil {
		return types.LoadBalancer{}, err
	}
	groups, err := a.securityGroups(ctx, in.SecurityGroups, vpc)
	return types.LoadBalancer{
		LoadBalancerName: in.Name, Type: types.LoadBalancerTypeEnumApplication,
		Scheme:            cmp.Or(in.Scheme, types.LoadBalancerSchemeEnumInternetFacing),
		IpAddressType:     cmp.Or(in.IpAddressType, types.IpAddressTypeIpv4),
		AvailabilityZones: zones, VpcId: &vpc, SecurityGroups: groups,
	}, err
}

// makeBalancer makes a load balancer, unless there is the same one already.
func (a *API) makeBalancer(tx *state.Tx, b loadBalancer) (loadBalancer, error) {
	name := *b.LoadBalancerName
	if old, ok := a.balancerNamed(name); ok {
		if old.same(b) {
			return old, nil
		}
		return b, fault.DuplicateLoadBalancer(name)
	}
	if a.balancers.Len() >= mostBalancers {
		return b, fault.TooManyLoadBalancers(mostBalancers)
	}
	arn := a.newARN(kindOfBalancer, name)
	b.LoadBalancerArn = &arn
	b.CreatedTime = aws.Time(a.cell.Clock.Now().UTC().Truncate(time.Millisecond))
	b.CanonicalHostedZoneId = aws.String("Z35SXDOTRQ7X7K")
	b.Address = a.cfg.Addresses.Take(arn)
	tx.Undo(func() { a.cfg.Addresses.Release(b.Address) })
	b.DNSName = aws.String(b.Address.String())
	if a.cfg.Domain != "" {
		b.DNSName = aws.String(a.dnsName(name, b.Scheme))
	}
	if b.Scheme == types.LoadBalancerSchemeEnumInternal {
		b.Attributes["ipv6.deny_all_igw_traffic"] = "true"
	}
	a.putBalancer(tx, b)
	return b, nil
}

// same says whether a load balancer has the settings of another one.
func (b loadBalancer) same(other loadBalancer) bool {
	return b.Scheme == other.Scheme && b.IpAddressType == other.IpAddressType && maps.Equal(b.Tags, other.Tags) &&
		slices.Equal(sortedCopy(b.SecurityGroups), sortedCopy(other.SecurityGroups)) && slices.Equal(b.subnets(), other.subnets())
}

func sortedCopy(texts []string) []string { return slices.Sorted(slices.Values(texts)) }

// subnets are those of a load balancer, sorted.
func (b loadBalancer) subnets() []string {
	return sortedCopy(shown(b.AvailabilityZones, func(z types.AvailabilityZone) string { return *z.SubnetId }))
}

// putBalancer keeps a load balancer, and tells the data plane.
func (a *API) putBalancer(tx *state.Tx, b loadBalancer) {
	a.balancers.Put(tx, *b.LoadBalancerArn, b)
	tx.After(func() {
		a.plane.setBalancer(*b.LoadBalancerArn)
		a.periodMayHaveChanged()
	})
}

// shown is a load balancer as it is described. What it could not listen to is told
// where AWS tells what is wrong with one. It is active all the same: clients wait for
// that, and by its name at the server's own address it serves.
func (a *API) shown(b loadBalancer) types.LoadBalancer {
	b.State = &types.LoadBalancerState{
		Code: types.LoadBalancerStateEnumActive, Reason: optional.String(a.plane.troubleOf(*b.LoadBalancerArn)),
	}
	return b.LoadBalancer
}

func (a *API) balancerNamed(name string) (loadBalancer, bool) {
	for _, b := range a.balancers.Rows(a.cell.ARN(serviceName, kindOfBalancer+name+"/")) {
		return b, true
	}
	return loadBalancer{}, false
}

// balancer finds a load balancer by its ARN.
func (a *API) balancer(arn *string) (loadBalancer, error) {
	b, ok := a.balancers.Get(aws.ToString(arn))
	if ok {
		return b, nil
	}
	if err := checkARN(aws.ToString(arn), kindOfBalancer); err != nil {
		return b, err
	}
	return b, fault.LoadBalancerNotFound(aws.ToString(arn))
}

// changeBalancer changes a load balancer.
func (a *API) changeBalancer(ctx context.Context, arn *string, change func(context.Context, *loadBalancer) error) error {
	return a.write(ctx, func(ctx context.Context, tx *state.Tx) error {
		b, err := a.balancer(arn)
		if err != nil {
			return err
		}
		if err := change(ctx, &b); err != nil {
			return err
		}
		a.putBalancer(tx, b)
		return nil
	})
}

// DescribeLoadBalancers describes load balancers: all, or those with some names or
// ARNs.
func (a *API) DescribeLoadBalancers(ctx context.Context, in *elb.DescribeLoadBalancersInput, _ ...func(*elb.Options)) (*elb.DescribeLoadBalancersOutput, error) {
	err := oneWay("Load balancer names and load balancer ARNs cannot be specified at the same time", len(in.Names) > 0, len(in.LoadBalancerArns) > 0)
	if err != nil {
		return nil, err
	}
	rows, err := read(ctx, a, func() ([]loadBalancer, error) {
		switch {
		case len(in.Names) > 0:
			return a.balancersNamed(in.Names)
		case len(in.LoadBalancerArns) > 0:
			return each(in.LoadBalancerArns, func(arn string) (loadBalancer, error) { return a.balancer(&arn) })
		}
		return a.balancers.Rows(""), nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(x, y loadBalancer) int { return cmp.Compare(*x.LoadBalancerArn, *y.LoadBalancerArn) })
	rows, next, err := list(rows, func(b loadBalancer) string { return *b.LoadBalancerArn }, in.Marker, in.PageSize)
	if err != nil {
		return nil, err
	}
	return &elb.DescribeLoadBalancersOutput{LoadBalancers: shown(rows, a.shown), NextMarker: next}, nil
}

func (a *API) balancersNamed(names []string) (rows []loadBalancer, err error) {
	var missing []string
	for _, name := range names {
		if b, ok := a.balancerNamed(name); ok {
			rows = append(rows, b)
		} else {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return nil, fault.LoadBalancersNotFound(missing)
	}
	return rows, nil
}

// each finds what some names stand for, or none of it.
func each[T any](names []string, find func(string) (T, error)) ([]T, error) {
	all := make([]T, 0, len(names))
	for _, name := range names {
		found, err := find(name)
		if err != nil {
			return nil, err
		}
		all = append(all, found)
	}
	return all, nil
}

// DeleteLoadBalancer deletes a load balancer with its listeners and their rules, if
// it exists. Its target groups stay.
func (a *API) DeleteLoadBalancer(ctx context.Context, in *elb.DeleteLoadBalancerInput, _ ...func(*elb.Options)) (*elb.DeleteLoadBalancerOutput, error) {
	arn := aws.ToString(in.LoadBalancerArn)
	if err := checkARN(arn, kindOfBalancer); err != nil {
		return nil, err
	}
	err := a.write(ctx, func(_ context.Context, tx *state.Tx) error {
		b, ok := a.balancers.Get(arn)
		switch {
		case !ok:
			return nil
		case b.Attributes[rules.DeletionProtection] == "true":
			return fault.NotPermitted("Load balancer '%s' cannot be deleted because deletion protection is enabled", arn)
		}
		for _, listener := range slices.Clone(a.listeners.Keys(a.listenersOf(arn))) {
			a.dropListener(tx, listener)
		}
		a.balancers.Delete(tx, arn)
		tx.After(func() {
			a.plane.setBalancer(arn)
			a.cfg.Addresses.Release(b.Address)
			for _, e := range b.Endpoints {
				a.release(e)
			}
		})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &elb.DeleteLoadBalancerOutput{}, nil
}
