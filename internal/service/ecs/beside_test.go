package ecs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const (
	production = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener-rule/app/web/1/2/3"
	testing80  = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/web/1/4"
)

// forwards is a rule's action to one group.
func forwards(group string) []elbtypes.Action {
	return []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &group}}
}

// weights are those of the groups of a rule.
func (b *fakeBalancing) weights(rule string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var shown []string
	for _, g := range forwardOf(b.rules[rule][0]).TargetGroups {
		shown = append(shown, fmt.Sprintf("%s %d", strings.TrimPrefix(*g.TargetGroupArn, "arn:"), *g.Weight))
	}
	return strings.Join(shown, ", ")
}

// shifting puts a service behind a production and a test listener that traffic is
// shifted with.
func shifting(strategy types.DeploymentStrategy, changes ...func(*types.DeploymentConfiguration)) func(*ecs.CreateServiceInput) {
	return func(in *ecs.CreateServiceInput) {
		in.LoadBalancers = balancersOf(blue)
		in.LoadBalancers[0].AdvancedConfiguration = &types.AdvancedConfiguration{
			AlternateTargetGroupArn: aws.String(green), ProductionListenerRule: aws.String(production), TestListenerRule: aws.String(testing80),
			RoleArn: aws.String("arn:aws:iam::123456789012:role/ecs-elb"),
		}
		in.DeploymentConfiguration = &types.DeploymentConfiguration{Strategy: strategy, BakeTimeInMinutes: aws.Int32(5)}
		for _, change := range changes {
			change(in.DeploymentConfiguration)
		}
	}
}

// routed runs a test in a world with a service of two tasks that is deployed with a
// strategy, and whose first deployment is over.
func routed(t *testing.T, create func(*ecs.CreateServiceInput), test func(w *world, lb *fakeBalancing)) {
	t.Helper()
	balanced(t, func(w *world, lb *fakeBalancing) {
		lb.rules[production], lb.rules[testing80] = forwards(blue), forwards(blue)
		w.serve(2, create)
		w.pass(10 * time.Second)
		w.define()
		test(w, lb)
	})
}

func (w *world) deploy() {
	w.Helper()
	w.update(&ecs.UpdateServiceInput{ForceNewDeployment: true})
}

// rollouts are the service deployments, newest first.
func (w *world) rollouts() []types.ServiceDeployment {
	w.Helper()
	list := must(w.api.ListServiceDeployments(w.Context(), &ecs.ListServiceDeploymentsInput{Cluster: aws.String("prod"), Service: aws.String("web")}))(w)
	var arns []string
	for _, d := range list.ServiceDeployments {
		arns = append(arns, *d.ServiceDeploymentArn)
	}
	return must(w.api.DescribeServiceDeployments(w.Context(), &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: arns}))(w).ServiceDeployments
}

// wantStage checks where the newest service deployment stands.
func (w *world) wantStage(status types.ServiceDeploymentStatus, stage types.ServiceDeploymentLifecycleStage, production float64) {
	w.Helper()
	d := w.rollouts()[0]
	if d.Status != status || d.LifecycleStage != stage || aws.ToFloat64(d.TargetServiceRevision.RequestedProductionTrafficWeight) != production {
		w.Errorf("deployment is %s at %s with %v %% of the traffic, want %s at %s with %v %%",
			d.Status, d.LifecycleStage, aws.ToFloat64(d.TargetServiceRevision.RequestedProductionTrafficWeight), status, stage, production)
	}
}

func (w *world) wantWeights(lb *fakeBalancing, production_, test string) {
	w.Helper()
	if got := lb.weights(production); got != production_ {
		w.Errorf("production: %s, want %s", got, production_)
	}
	if got := lb.weights(testing80); got != test {
		w.Errorf("test: %s, want %s", got, test)
	}
}

func TestTheFirstDeploymentOfAServiceThatShiftsTraffic(t *testing.T) {
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		w.wantStage(types.ServiceDeploymentStatusSuccessful, types.ServiceDeploymentLifecycleStageCleanUp, 100)
		w.wantWeights(lb, "green 0, blue 100", "green 0, blue 100")
		if lb.shown(blue) != "healthy healthy" || lb.shown(green) != "" {
			t.Errorf("targets %q and %q", lb.shown(blue), lb.shown(green))
		}
	})
}

func TestABlueGreenDeployment(t *testing.T) {
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		w.deploy()
		w.pass(time.Second)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageScaleUp, 0)
		w.wantWeights(lb, "blue 100, green 0", "blue 100, green 0")
		w.pass(10 * time.Second)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageBakeTime, 100)
		w.wantWeights(lb, "blue 0, green 100", "blue 0, green 100")
		if lb.shown(blue) != "healthy healthy" || lb.shown(green) != "healthy healthy" {
			t.Errorf("targets %q and %q while it bakes", lb.shown(blue), lb.shown(green))
		}
		if s := w.service(); len(s.Deployments) != 2 || s.Deployments[0].RolloutState != types.DeploymentRolloutStateInProgress || s.RunningCount != 4 {
			t.Errorf("%d deployments, %s, %d tasks", len(s.Deployments), s.Deployments[0].RolloutState, s.RunningCount)
		}
		w.pass(5 * time.Minute)
		w.pass(time.Minute)
		w.wantStage(types.ServiceDeploymentStatusSuccessful, types.ServiceDeploymentLifecycleStageCleanUp, 100)
		if lb.shown(blue) != "" || lb.shown(green) != "healthy healthy" {
			t.Errorf("targets %q and %q at the end", lb.shown(blue), lb.shown(green))
		}
		if s := w.service(); len(s.Deployments) != 1 || s.Deployments[0].RolloutState != types.DeploymentRolloutStateCompleted || s.RunningCount != 2 {
			t.Errorf("%d deployments, %s, %d tasks", len(s.Deployments), s.Deployments[0].RolloutState, s.RunningCount)
		}

		w.deploy() // the roles of the groups are swapped
		w.pass(6 * time.Minute)
		w.pass(time.Minute)
		w.wantStage(types.ServiceDeploymentStatusSuccessful, types.ServiceDeploymentLifecycleStageCleanUp, 100)
		w.wantWeights(lb, "green 0, blue 100", "green 0, blue 100")
	})
}
