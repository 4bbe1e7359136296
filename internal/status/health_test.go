package status

import (
	"context"
	"testing"

	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// targetStates are the states of the targets of groups.
type targetStates map[string][]elbtypes.TargetHealthStateEnum

func (s targetStates) DescribeTargetHealth(_ context.Context, in *elb.DescribeTargetHealthInput, _ ...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error) {
	states, ok := s[*in.TargetGroupArn]
	if !ok {
		return nil, &elbtypes.TargetGroupNotFoundException{}
	}
	out := &elb.DescribeTargetHealthOutput{}
	for _, state := range states {
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, elbtypes.TargetHealthDescription{TargetHealth: &elbtypes.TargetHealth{State: state}})
	}
	return out, nil
}

func TestHealthyTargetsAreThoseOfTheGroupWithTheFewest(t *testing.T) {
	states := targetStates{"blue": {"healthy", "healthy", "initial"}, "green": {"healthy", "unhealthy", "draining"}}
	for _, tt := range []struct {
		groups []string
		want   string
	}{
		{nil, "-"},
		{[]string{"blue"}, "2"},
		{[]string{"blue", "green"}, "1"},
		{[]string{"blue", "gone"}, "0"},
	} {
		var balancers []ecstypes.LoadBalancer
		for _, arn := range tt.groups {
			balancers = append(balancers, ecstypes.LoadBalancer{TargetGroupArn: &arn})
		}
		n, err := healthyTargets(t.Context(), states, balancers)
		if err != nil || healthy(n) != tt.want {
			t.Errorf("%v: %s, %v, want %s", tt.groups, healthy(n), err, tt.want)
		}
	}
}
