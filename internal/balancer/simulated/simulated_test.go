package simulated_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/balancer"
	"flyball/internal/balancer/simulated"
)

func TestRegisteredTargetsAreWellAndOthersDrain(t *testing.T) {
	var p simulated.Plane
	p.SetGroup(balancer.Group{
		TargetGroup: types.TargetGroup{TargetGroupArn: aws.String("group")},
		Targets: []balancer.Target{
			{TargetDescription: types.TargetDescription{Id: aws.String("100.96.0.1"), Port: aws.Int32(80)}},
			{TargetDescription: types.TargetDescription{Id: aws.String("100.96.0.2"), Port: aws.Int32(80)}, DrainUntil: time.Unix(1, 0)},
		},
	})
	var got []types.TargetHealthStateEnum
	for _, d := range p.Health("group") {
		got = append(got, d.TargetHealth.State)
	}
	if len(got) != 2 || got[0] != types.TargetHealthStateEnumHealthy || got[1] != types.TargetHealthStateEnumDraining {
		t.Errorf("they are %v", got)
	}
	if p.RemoveGroup("group"); p.Health("group") != nil {
		t.Error("a group that was removed has targets")
	}
}
