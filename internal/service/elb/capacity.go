package elb

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/elb/fault"
)

// Bounds of the capacity units that can be reserved ("Quotas for your Application
// Load Balancers").
const (
	leastUnits = 100
	mostUnits  = 1500
	decreases  = 2 // of a reservation in a day
)

// A reservation is the least capacity of a load balancer. It is kept and means
// nothing: this machine has the capacity that it has.
type reservation struct {
	Units    int32
	Modified time.Time
}

// DescribeCapacityReservation describes what is reserved of a load balancer.
func (a *API) DescribeCapacityReservation(ctx context.Context, in *elb.DescribeCapacityReservationInput, _ ...func(*elb.Options)) (*elb.DescribeCapacityReservationOutput, error) {
	b, err := read(ctx, a, func() (loadBalancer, error) { return a.balancer(in.LoadBalancerArn) })
	if err != nil {
		return nil, err
	}
	out := &elb.DescribeCapacityReservationOutput{DecreaseRequestsRemaining: aws.Int32(decreases), CapacityReservationState: b.reserved()}
	if b.Reserved != nil {
		out.LastModifiedTime = &b.Reserved.Modified
		out.MinimumLoadBalancerCapacity = &types.MinimumLoadBalancerCapacity{CapacityUnits: &b.Reserved.Units}
	}
	return out, nil
}

// reserved says how a reservation is dealt out over the zones.
func (b loadBalancer) reserved() []types.ZonalCapacityReservationState {
	zones := []types.ZonalCapacityReservationState{}
	if b.Reserved == nil {
		return zones
	}
	for _, z := range b.AvailabilityZones {
		zones = append(zones, types.ZonalCapacityReservationState{
			AvailabilityZone: z.ZoneName, EffectiveCapacityUnits: aws.Float64(float64(b.Reserved.Units) / float64(len(b.AvailabilityZones))),
			State: &types.CapacityReservationStatus{Code: types.CapacityReservationStateEnumProvisioned},
		})
	}
	return zones
}

// ModifyCapacityReservation reserves capacity for a load balancer, or gives it back.
func (a *API) ModifyCapacityReservation(ctx context.Context, in *elb.ModifyCapacityReservationInput, _ ...func(*elb.Options)) (*elb.ModifyCapacityReservationOutput, error) {
	reset := aws.ToBool(in.ResetCapacityReservation)
	given := in.MinimumLoadBalancerCapacity != nil && in.MinimumLoadBalancerCapacity.CapacityUnits != nil
	if reset == given {
		return nil, fault.Validation("You must specify either MinimumLoadBalancerCapacity or ResetCapacityReservation")
	}
	out := &elb.ModifyCapacityReservationOutput{DecreaseRequestsRemaining: aws.Int32(decreases)}
	err := a.changeBalancer(ctx, in.LoadBalancerArn, func(_ context.Context, b *loadBalancer) error {
		now := a.cell.Clock.Now().UTC().Truncate(time.Millisecond)
		out.LastModifiedTime = &now
		if reset {
			b.Reserved = nil
			return nil
		}
		units := *in.MinimumLoadBalancerCapacity.CapacityUnits
		if units < leastUnits || units > mostUnits {
			return fault.InvalidConfiguration("The capacity units '%d' must be between '%d-%d' inclusive", units, leastUnits, mostUnits)
		}
		b.Reserved = &reservation{units, now}
		out.MinimumLoadBalancerCapacity, out.CapacityReservationState = &types.MinimumLoadBalancerCapacity{CapacityUnits: &units}, b.reserved()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
