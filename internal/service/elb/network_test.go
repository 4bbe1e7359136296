package elb_test

import (
	"context"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb"
)

// A network knows two VPCs: one with two subnets in one zone and one in another, and
// one with a subnet.
type network struct{}

func (network) SubnetVPC(_ context.Context, id string) (vpc, zone string, ok bool) {
	at, ok := map[string][2]string{
		"subnet-a1": {"vpc-1", "eu-west-2a"}, "subnet-a2": {"vpc-1", "eu-west-2a"}, "subnet-b": {"vpc-1", "eu-west-2b"},
		"subnet-far": {"vpc-2", "eu-west-2c"},
	}[id]
	return at[0], at[1], ok
}

func (network) GroupVPC(_ context.Context, id string) (vpc string, ok bool) {
	vpc, ok = map[string]string{"sg-1": "vpc-1", "sg-2": "vpc-2"}[id]
	return vpc, ok
}

func (network) DefaultGroup(_ context.Context, vpc string) (id string, ok bool) {
	id, ok = map[string]string{"vpc-1": "sg-1", "vpc-2": "sg-2"}[vpc]
	return id, ok
}

// newNetworkedWorld is a world with the network.
func newNetworkedWorld(t *testing.T, strict bool) *world {
	w := newWorld(t)
	w.config.Network, w.config.StrictNetwork = network{}, strict
	w.open()
	return w
}

// inSubnets makes a load balancer.
func (w *world) inSubnets(groups []string, subnets ...string) (types.LoadBalancer, error) {
	out, err := w.CreateLoadBalancer(w.ctx(), &sdk.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: subnets, SecurityGroups: groups})
	if err != nil {
		return types.LoadBalancer{}, err
	}
	return out.LoadBalancers[0], nil
}

func TestTheNetworkDecidesWhereALoadBalancerIs(t *testing.T) {
	for name, c := range map[string]struct {
		groups, subnets []string
		lax, strict     string // codes of the errors
	}{
		"two zones":                        {[]string{"sg-1"}, []string{"subnet-a1", "subnet-b"}, "", ""},
		"one zone":                         {nil, []string{"subnet-a1", "subnet-a2"}, "InvalidConfigurationRequest", "InvalidConfigurationRequest"},
		"two VPCs":                         {nil, []string{"subnet-a1", "subnet-far"}, "InvalidConfigurationRequest", "InvalidConfigurationRequest"},
		"a group of another VPC":           {[]string{"sg-2"}, []string{"subnet-a1", "subnet-b"}, "InvalidConfigurationRequest", "InvalidConfigurationRequest"},
		"a subnet that nobody knows":       {nil, []string{"subnet-a1", "subnet-x"}, "", "SubnetNotFound"},
		"a known one after an unknown one": {nil, []string{"subnet-x", "subnet-b"}, "", "SubnetNotFound"},
		"subnets that nobody knows":        {nil, []string{"subnet-x", "subnet-y"}, "", "SubnetNotFound"},
		"a group that nobody knows":        {[]string{"sg-x"}, []string{"subnet-a1", "subnet-b"}, "InvalidSecurityGroup", "InvalidSecurityGroup"},
		"neither group nor VPC known":      {[]string{"sg-x"}, []string{"subnet-x", "subnet-y"}, "", "SubnetNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			for strict, want := range map[bool]string{false: c.lax, true: c.strict} {
				_, err := newNetworkedWorld(t, strict).inSubnets(c.groups, c.subnets...)
				if want != "" {
					wantError(t, err, want, "")
				} else if err != nil {
					t.Errorf("strict %t: %v", strict, err)
				}
			}
		})
	}
}

func TestALoadBalancerWithoutAGroupHasThatOfItsVPC(t *testing.T) {
	w := newNetworkedWorld(t, false)
	lb, err := w.inSubnets(nil, "subnet-a1", "subnet-b")
	if err != nil || *lb.VpcId != "vpc-1" || !slices.Equal(lb.SecurityGroups, []string{"sg-1"}) {
		t.Errorf("groups %v in %s, error %v", lb.SecurityGroups, aws.ToString(lb.VpcId), err)
	}
	again, err := w.inSubnets(nil, "subnet-a1", "subnet-b")
	if err != nil || *again.LoadBalancerArn != *lb.LoadBalancerArn {
		t.Errorf("made again: %v", err)
	}
	if other := w.loadBalancer("other"); len(other.SecurityGroups) != 0 {
		t.Errorf("groups %v in a VPC that nobody knows", other.SecurityGroups)
	}
}

func TestTheGroupsOfALoadBalancerInAKnownVPCAreKnown(t *testing.T) {
	w := newNetworkedWorld(t, false)
	set := func(arn *string) error {
		_, err := w.SetSecurityGroups(w.ctx(), &sdk.SetSecurityGroupsInput{LoadBalancerArn: arn, SecurityGroups: []string{"sg-x"}})
		return err
	}
	lb := made(w.inSubnets(nil, "subnet-a1", "subnet-b"))(t).LoadBalancerArn
	wantError(t, set(lb), "InvalidSecurityGroup", "Invalid security group: sg-x")
	_, err := w.SetSecurityGroups(w.ctx(), &sdk.SetSecurityGroupsInput{LoadBalancerArn: lb, SecurityGroups: []string{"sg-2"}})
	wantError(t, err, "InvalidConfigurationRequest", "Security group 'sg-2' does not belong to VPC 'vpc-1'")
	if err := set(w.loadBalancer("elsewhere").LoadBalancerArn); err != nil {
		t.Errorf("in a VPC that nobody knows: %v", err)
	}
}

func TestATargetGroupIsInAVPCThatIsKnown(t *testing.T) {
	w := newNetworkedWorld(t, true)
	in := groupInput("app")
	in.VpcId = aws.String("vpc-x")
	_, err := w.CreateTargetGroup(w.ctx(), in)
	wantError(t, err, "ValidationError", "The VPC ID 'vpc-x' is not found")
	w.targetGroup("app")
}

func TestTargetGroupsOfAnotherVPCAreRefused(t *testing.T) {
	w := newNetworkedWorld(t, false)
	lb := *made(w.inSubnets(nil, "subnet-a1", "subnet-b"))(t).LoadBalancerArn
	group := func(name, vpc string) types.Action {
		in := groupInput(name)
		in.VpcId = &vpc
		return forwardTo(*made(w.CreateTargetGroup(w.ctx(), in))(t).TargetGroups[0].TargetGroupArn)
	}
	near, far, unknown := group("near", "vpc-1"), group("far", "vpc-2"), group("unknown", "vpc-x")
	listener := w.listener(lb, 80, near)
	rule := w.rule(listener, 1, "/unknown", unknown)
	for _, call := range []func() error{
		func() error { _, err := w.CreateListener(w.ctx(), listenerInput(lb, 81, far)); return err },
		func() error {
			_, err := w.ModifyListener(w.ctx(), &sdk.ModifyListenerInput{ListenerArn: &listener, DefaultActions: []types.Action{far}})
			return err
		},
		func() error { _, err := w.CreateRule(w.ctx(), ruleInput(listener, 2, "/far", far)); return err },
		func() error {
			_, err := w.ModifyRule(w.ctx(), &sdk.ModifyRuleInput{RuleArn: &rule, Actions: []types.Action{far}})
			return err
		},
	} {
		wantError(t, call(), "InvalidConfigurationRequest", "The following target groups are in a different VPC than load balancer '"+lb+"': arn:")
	}
}

func TestALoadBalancerHasAnInterfaceInEachSubnet(t *testing.T) {
	w := newNetworkedWorld(t, false)
	lb := made(w.inSubnets(nil, "subnet-a1", "subnet-b"))(t)
	all := w.Interfaces(w.ctx())
	if len(all) != 2 || all[0].ID == all[1].ID {
		t.Fatalf("interfaces %+v", all)
	}
	name := (*lb.LoadBalancerArn)[len("arn:aws:elasticloadbalancing:eu-west-2:123456789012:loadbalancer/"):]
	want := elb.Interface{
		ID: all[0].ID, Address: netip.MustParseAddr(*lb.DNSName), Public: true, Subnet: "subnet-a1", SecurityGroups: []string{"sg-1"},
		Description: "ELB " + name, Created: *lb.CreatedTime,
	}
	if !reflect.DeepEqual(all[0], want) {
		t.Errorf("interface %+v, want %+v", all[0], want)
	}
	w.open()
	if again := w.Interfaces(w.ctx()); len(again) != 2 || again[0].ID != all[0].ID || again[1].ID != all[1].ID {
		t.Errorf("interfaces %+v after a restart", again)
	}
	made(w.SetSubnets(w.ctx(), &sdk.SetSubnetsInput{LoadBalancerArn: lb.LoadBalancerArn, Subnets: []string{"subnet-a2", "subnet-b"}}))(t)
	if moved := w.Interfaces(w.ctx()); moved[0].Subnet != "subnet-a2" || moved[1].ID != all[1].ID {
		t.Errorf("interfaces %+v in other subnets", moved)
	}
	made(w.DeleteLoadBalancer(w.ctx(), &sdk.DeleteLoadBalancerInput{LoadBalancerArn: lb.LoadBalancerArn}))(t)
	if left := w.Interfaces(w.ctx()); len(left) != 0 {
		t.Errorf("interfaces %+v of nothing", left)
	}
}
