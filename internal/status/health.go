package status

import (
	"context"
	"errors"

	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// targetHealth is what describes the health of targets.
type targetHealth interface {
	DescribeTargetHealth(context.Context, *elb.DescribeTargetHealthInput, ...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error)
}

var _ targetHealth = (*elb.Client)(nil)

// healthyTargets counts the healthy targets of the group that has the fewest; a
// group that is gone has none.
func healthyTargets(ctx context.Context, c targetHealth, balancers []ecstypes.LoadBalancer) (fewest *int, err error) {
	for _, lb := range balancers {
		out, err := c.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: lb.TargetGroupArn})
		if _, gone := errors.AsType[*elbtypes.TargetGroupNotFoundException](err); gone {
			out = &elb.DescribeTargetHealthOutput{}
		} else if err != nil {
			return nil, err
		}
		n := 0
		for _, d := range out.TargetHealthDescriptions {
			if d.TargetHealth.State == elbtypes.TargetHealthStateEnumHealthy {
				n++
			}
		}
		if fewest == nil || n < *fewest {
			fewest = &n
		}
	}
	return fewest, nil
}
