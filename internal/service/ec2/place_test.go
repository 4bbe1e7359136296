package ec2_test

import (
	"context"
	"errors"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/ec2"

	"flyball/internal/cell"
	"flyball/internal/clock"
	"flyball/internal/service/ec2"
	"flyball/internal/state"
)

func TestOthersAskWhereSubnetsAndGroupsAre(t *testing.T) {
	w := newWorld(t)
	vpc := w.vpc("10.0.0.0/16")
	subnet, group := w.subnet(vpc, "10.0.1.0/24"), w.group(vpc, "web")
	if of, zone, ok := w.SubnetVPC(t.Context(), subnet); of != vpc || zone != "eu-west-2a" || !ok {
		t.Errorf("the subnet is in %s of %s, known %t", zone, of, ok)
	}
	if of, ok := w.GroupVPC(t.Context(), group); of != vpc || !ok {
		t.Errorf("the group is in %s, known %t", of, ok)
	}
	own, ok := w.DefaultGroup(t.Context(), vpc)
	if of, _ := w.GroupVPC(t.Context(), own); of != vpc || !ok || own == group {
		t.Errorf("the VPC's own group is %s in %s, known %t", own, of, ok)
	}
	for _, id := range []string{vpc, subnet, group, own} {
		if !ec2.IsID(id) {
			t.Errorf("%s has the form of no id", id)
		}
	}
	for _, id := range []string{"", "subnet-1", "subnet-0123456789ABCDEF0", "subnet-0123456789abcdef01", "0123456789abcdef0"} {
		if ec2.IsID(id) {
			t.Errorf("%q has the form of an id", id)
		}
		_, _, subnet := w.SubnetVPC(t.Context(), id)
		_, group := w.GroupVPC(t.Context(), id)
		if _, vpc := w.DefaultGroup(t.Context(), id); vpc || subnet || group {
			t.Errorf("%q is known", id)
		}
	}
}

// The default VPC that a change of another service makes goes when that fails, and is
// there the next time.
func TestTheDefaultVPCIsMadeWithinAChange(t *testing.T) {
	w := newWorld(t)
	st := state.New(w.store).Scope(cell.Scope("123456789012", "eu-west-1"))
	api, err := ec2.New(ec2.Config{Cell: &cell.Cell{Account: "123456789012", Region: "eu-west-1", Clock: clock.New(time.Now(), 1), State: st}})
	if err != nil {
		t.Fatal(err)
	}
	subnets := func(ctx context.Context) int {
		return len(must(api.DescribeSubnets(ctx, &sdk.DescribeSubnetsInput{}))(t).Subnets)
	}
	refused := errors.New("refused")
	err = st.Change(t.Context(), func(ctx context.Context, _ *state.Tx) error {
		if err := api.EnsureDefaultVPC(ctx); err != nil || subnets(ctx) != 3 {
			t.Errorf("%d subnets within the change, error %v", subnets(ctx), err)
		}
		return refused
	})
	if !errors.Is(err, refused) || subnets(t.Context()) != 0 {
		t.Errorf("%d subnets after a change that failed with %v", subnets(t.Context()), err)
	}
	for range 2 {
		if err := api.EnsureDefaultVPC(t.Context()); err != nil || subnets(t.Context()) != 3 {
			t.Errorf("%d subnets, error %v", subnets(t.Context()), err)
		}
	}
}
