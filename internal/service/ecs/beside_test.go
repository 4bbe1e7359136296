package ecs

import (
	"context"
	"fmt"
	"math/rand/v2"
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

func TestLinearStepsBakeBetweenThem(t *testing.T) {
	linear := shifting(types.DeploymentStrategyLinear, func(c *types.DeploymentConfiguration) {
		c.LinearConfiguration = &types.LinearConfiguration{StepPercent: aws.Float64(40), StepBakeTimeInMinutes: aws.Int32(2)}
	})
	routed(t, linear, func(w *world, lb *fakeBalancing) {
		w.deploy()
		w.pass(10 * time.Second)
		for _, want := range []struct {
			share   float64
			weights string
		}{{40, "blue 60, green 40"}, {80, "blue 20, green 80"}} {
			w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageProductionTrafficShift, want.share)
			w.wantWeights(lb, want.weights, "blue 0, green 100")
			w.pass(2 * time.Minute)
		}
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageBakeTime, 100)
	})
}

func TestACanaryBakesBeforeTheRest(t *testing.T) {
	canary := shifting(types.DeploymentStrategyCanary, func(c *types.DeploymentConfiguration) {
		c.CanaryConfiguration = &types.CanaryConfiguration{CanaryPercent: aws.Float64(0.5), CanaryBakeTimeInMinutes: aws.Int32(3)}
	})
	routed(t, canary, func(w *world, lb *fakeBalancing) {
		w.deploy()
		w.pass(10 * time.Second)
		w.wantWeights(lb, "blue 995, green 5", "blue 0, green 100")
		w.pass(3 * time.Minute)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageBakeTime, 100)
	})
}

// paused has a deployment wait at stages, for an hour at most.
func paused(onTimeout types.DeploymentLifecycleHookAction, stages ...types.DeploymentLifecycleHookStage) func(*types.DeploymentConfiguration) {
	return func(c *types.DeploymentConfiguration) {
		c.LifecycleHooks = []types.DeploymentLifecycleHook{{
			TargetType: types.DeploymentLifecycleHookTargetTypePause, LifecycleStages: stages,
			TimeoutConfiguration: &types.DeploymentLifecycleHookTimeoutConfiguration{Action: onTimeout, TimeoutInMinutes: aws.Int32(60)},
		}}
	}
}

// answer continues the newest deployment, or rolls it back.
func (w *world) answer(action types.DeploymentLifecycleHookAction) error {
	w.Helper()
	d := w.rollouts()[0]
	hook := d.LifecycleHookDetails[len(d.LifecycleHookDetails)-1]
	_, err := w.api.ContinueServiceDeployment(w.Context(), &ecs.ContinueServiceDeploymentInput{
		ServiceDeploymentArn: d.ServiceDeploymentArn, HookId: hook.HookId, Action: action,
	})
	return err
}

func TestADeploymentWaitsAtItsHooksUntilItIsContinued(t *testing.T) {
	hooks := paused(types.DeploymentLifecycleHookActionRollback, types.DeploymentLifecycleHookStagePostTestTrafficShift, types.DeploymentLifecycleHookStagePostProductionTrafficShift)
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		c := &types.DeploymentConfiguration{}
		hooks(c)
		w.update(&ecs.UpdateServiceInput{DeploymentConfiguration: c, ForceNewDeployment: true})
		w.pass(20 * time.Minute)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStagePostTestTrafficShift, 0)
		w.wantWeights(lb, "blue 100, green 0", "blue 0, green 100")
		first := w.rollouts()[0]
		if err := w.answer(""); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		if _, err := w.api.ContinueServiceDeployment(w.Context(), &ecs.ContinueServiceDeploymentInput{
			ServiceDeploymentArn: first.ServiceDeploymentArn, HookId: first.LifecycleHookDetails[0].HookId,
		}); err == nil {
			t.Error("a hook is answered twice")
		}
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStagePostProductionTrafficShift, 100)
		if err := w.answer(types.DeploymentLifecycleHookActionRollback); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Second)
		w.wantWeights(lb, "blue 100, green 0", "blue 100, green 0")
		w.pass(time.Minute)
		w.wantStage(types.ServiceDeploymentStatusRollbackSuccessful, types.ServiceDeploymentLifecycleStageCleanUp, 0)
		d := w.rollouts()[0]
		if got := []types.DeploymentLifecycleHookStatus{d.LifecycleHookDetails[0].Status, d.LifecycleHookDetails[1].Status}; got[0] != types.DeploymentLifecycleHookStatusSucceeded || got[1] != types.DeploymentLifecycleHookStatusFailed {
			t.Errorf("hooks %v", got)
		}
		if lb.shown(blue) != "healthy healthy" || lb.shown(green) != "" {
			t.Errorf("targets %q and %q", lb.shown(blue), lb.shown(green))
		}
	})
}

func TestAHookThatNobodyAnswersSendsTheDeploymentBack(t *testing.T) {
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		c := &types.DeploymentConfiguration{}
		paused(types.DeploymentLifecycleHookActionRollback, types.DeploymentLifecycleHookStagePreScaleUp)(c)
		w.update(&ecs.UpdateServiceInput{DeploymentConfiguration: c, ForceNewDeployment: true})
		w.pass(61 * time.Minute)
		w.wantStage(types.ServiceDeploymentStatusRollbackSuccessful, types.ServiceDeploymentLifecycleStageCleanUp, 0)
		if n := len(w.tasks("")); n != 2 {
			t.Errorf("%d tasks", n)
		}
	})
}

func TestTheCircuitBreakerSendsABlueGreenDeploymentBack(t *testing.T) {
	create := shifting(types.DeploymentStrategyBlueGreen, func(c *types.DeploymentConfiguration) {
		c.DeploymentCircuitBreaker = &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}
	})
	routed(t, create, func(w *world, lb *fakeBalancing) {
		w.runtime.set(nil, func(t *fakeTask) { t.exit(1) })
		w.deploy()
		w.pass(10 * time.Minute)
		w.wantStage(types.ServiceDeploymentStatusRollbackSuccessful, types.ServiceDeploymentLifecycleStageCleanUp, 0)
		w.wantWeights(lb, "blue 100, green 0", "blue 100, green 0")
		d := w.rollouts()[0]
		if b := d.DeploymentCircuitBreaker; b.Status != types.ServiceDeploymentRollbackMonitorsStatusTriggered || b.FailureCount < 3 || b.Threshold != 3 {
			t.Errorf("breaker %+v", b)
		}
		if lb.shown(blue) != "healthy healthy" {
			t.Errorf("targets %q", lb.shown(blue))
		}
	})
}

func TestTheSourceIsKeptWhileTheTargetBacksOff(t *testing.T) {
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		source := w.runtime.any()
		w.runtime.set(nil, func(t *fakeTask) { t.exit(1) })
		w.deploy()
		w.pass(10 * time.Minute) // the next try is minutes away
		w.runtime.set(nil, w.addressed)
		source.exit(1)
		w.pass(10 * time.Second)
		if got := lb.shown(blue); !strings.HasSuffix(got, "healthy healthy") {
			t.Errorf("targets of the source: %s", got)
		}
	})
}

func TestBothRevisionsFollowTheDesiredCount(t *testing.T) {
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		w.deploy()
		w.pass(20 * time.Second)
		w.scale(3)
		w.pass(20 * time.Second)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageBakeTime, 100)
		if lb.shown(blue) != "healthy healthy healthy" || lb.shown(green) != "healthy healthy healthy" {
			t.Errorf("targets %q and %q", lb.shown(blue), lb.shown(green))
		}
	})
}

func TestANewDeploymentFirstReturnsTrafficToTheSource(t *testing.T) {
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		w.deploy()
		w.pass(20 * time.Second)
		w.deploy()
		w.pass(time.Second)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageReconcileService, 0)
		w.wantWeights(lb, "blue 100, green 0", "blue 100, green 0")
		w.pass(time.Minute)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageBakeTime, 100)
		if d := w.rollouts()[1]; d.Status != types.ServiceDeploymentStatusStopped {
			t.Errorf("the deployment before is %s", d.Status)
		}
		w.pass(6 * time.Minute)
		if lb.shown(blue) != "" || lb.shown(green) != "healthy healthy" || w.runtime.alive() != 2 {
			t.Errorf("targets %q and %q, %d alive", lb.shown(blue), lb.shown(green), w.runtime.alive())
		}
	})
}

func TestADeploymentWithoutALoadBalancerShiftsNothing(t *testing.T) {
	headless := func(in *ecs.CreateServiceInput) {
		in.DeploymentConfiguration = &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen, BakeTimeInMinutes: aws.Int32(5)}
	}
	inWorld(t, func(w *world) {
		w.serve(2, headless)
		w.deploy()
		w.pass(10 * time.Second)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageBakeTime, 0)
		if d := w.rollouts()[0]; d.TargetServiceRevision.RequestedProductionTrafficWeight != nil || w.runtime.alive() != 4 {
			t.Errorf("weights %v, %d alive", d.TargetServiceRevision.RequestedProductionTrafficWeight, w.runtime.alive())
		}
		w.pass(6 * time.Minute)
		if w.runtime.alive() != 2 || w.rollouts()[0].Status != types.ServiceDeploymentStatusSuccessful {
			t.Errorf("%d alive, %s", w.runtime.alive(), w.rollouts()[0].Status)
		}
	})
}

func TestARuleThatCannotBeChangedIsToldAndTriedAgain(t *testing.T) {
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		lb.mu.Lock()
		lb.broken = &elbtypes.RuleNotFoundException{Message: aws.String("One or more rules not found")}
		lb.mu.Unlock()
		w.deploy()
		w.pass(time.Minute)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStagePreScaleUp, 0)
		w.wantEvents("(service web) was unable to shift traffic with (listener-rule " + production + ") due to (error One or more rules not found)")
		lb.mu.Lock()
		lb.broken = nil
		lb.mu.Unlock()
		w.pass(time.Minute)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageBakeTime, 100)
	})
}

func TestARollbackFailsWhenItsRuleIsGone(t *testing.T) {
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		w.deploy()
		w.pass(20 * time.Second)
		lb.mu.Lock()
		delete(lb.rules, production)
		lb.mu.Unlock()
		must(w.api.StopServiceDeployment(w.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: w.rollouts()[0].ServiceDeploymentArn}))(w)
		w.pass(time.Minute)
		if d := w.rollouts()[0]; d.Status != types.ServiceDeploymentStatusRollbackFailed || w.runtime.alive() != 4 {
			t.Errorf("%s, %d alive", d.Status, w.runtime.alive())
		}
	})
}

func TestAStrategyNeedsLoadBalancersThatItCanUse(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(1, behind(blue))
		_, err := w.api.UpdateService(w.Context(), &ecs.UpdateServiceInput{
			Cluster: aws.String("prod"), Service: aws.String("web"),
			DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyLinear},
		})
		if err == nil || !strings.Contains(err.Error(), "advancedConfiguration must be specified") {
			t.Error(err)
		}
	})
}

func TestARoleThatDoesNotAllowItHoldsADeployment(t *testing.T) {
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		denied := make(deniedRoles, 1)
		w.api.cfg.ListenerRoles = denied
		w.deploy()
		w.pass(time.Second)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStagePreScaleUp, 0)
		w.wantEvents("(service web) was unable to shift traffic with (listener-rule " + production + ") due to (error denied to arn:aws:iam::123456789012:role/ecs-elb)")
		close(denied)
		w.pass(time.Minute)
		w.wantStage(types.ServiceDeploymentStatusInProgress, types.ServiceDeploymentLifecycleStageBakeTime, 100)
	})
}

// deniedRoles allow nothing before they are closed.
type deniedRoles chan struct{}

func (d deniedRoles) Allow(_ context.Context, role, _ string, calls []BalancingCall) error {
	select {
	case <-d:
		return nil
	default:
		return fmt.Errorf("denied to %s", role)
	}
}

func TestARestartAtEachStageEndsAlike(t *testing.T) {
	linear := shifting(types.DeploymentStrategyLinear, func(c *types.DeploymentConfiguration) {
		c.LinearConfiguration = &types.LinearConfiguration{StepPercent: aws.Float64(50), StepBakeTimeInMinutes: aws.Int32(1)}
		c.BakeTimeInMinutes = aws.Int32(1)
	})
	for _, at := range []time.Duration{0, 50 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second, time.Minute, 65 * time.Second, 2 * time.Minute, 130 * time.Second} {
		for _, back := range []bool{false, true} {
			routed(t, linear, func(w *world, lb *fakeBalancing) {
				w.api.cfg.KeepTasks, w.config.KeepTasks = true, true
				w.deploy()
				w.pass(at)
				if d := w.rollouts()[0]; back && d.Status == types.ServiceDeploymentStatusInProgress {
					must(w.api.StopServiceDeployment(w.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: d.ServiceDeploymentArn}))(w)
				}
				w.end()
				w.boot()
				w.pass(5 * time.Minute)
				want, gone, status := green, blue, types.ServiceDeploymentStatusSuccessful
				if back {
					want, gone, status = blue, green, types.ServiceDeploymentStatusRollbackSuccessful
				}
				if got := w.rollouts()[0].Status; got != status || lb.shown(want) != "healthy healthy" || lb.shown(gone) != "" || w.runtime.alive() != 2 {
					t.Errorf("restart after %v, back %v: %s, targets %q and %q, %d alive", at, back, got, lb.shown(want), lb.shown(gone), w.runtime.alive())
				}
			})
		}
	}
}

// Whatever is done to a service and whatever happens to its tasks and its server, its
// next deployment ends with one revision in full, in the group that has all traffic.
func TestAServiceThatShiftsTrafficEndsWhole(t *testing.T) {
	for seed := range uint64(30) {
		canary := shifting(types.DeploymentStrategyCanary, func(c *types.DeploymentConfiguration) {
			c.CanaryConfiguration = &types.CanaryConfiguration{CanaryBakeTimeInMinutes: aws.Int32(1)}
			c.BakeTimeInMinutes = aws.Int32(1)
			c.DeploymentCircuitBreaker = &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}
		})
		balanced(t, func(w *world, lb *fakeBalancing) {
			w.api.cfg.KeepTasks, w.config.KeepTasks = true, true
			lb.rules[production], lb.rules[testing80] = forwards(blue), forwards(blue)
			w.cluster("prod")
			w.define()
			must(w.api.CreateService(w.Context(), webService(2, canary)))(w)
			r := rand.New(rand.NewPCG(seed, 0))
			w.pass(time.Duration(r.IntN(3)) * time.Second)
			var did []string
			for range 15 {
				did = append(did, w.disturb(r))
				w.pass(time.Duration(r.IntN(90)) * time.Second)
			}
			w.runtime.set(nil, w.addressed)
			w.deploy() // the one before may have failed for good
			w.pass(30 * time.Minute)
			s := w.service()
			if n := int(s.DesiredCount); len(s.Deployments) != 1 || w.runtime.alive() != n {
				t.Errorf("seed %d: %d deployments, %d of %d tasks after %v", seed, len(s.Deployments), w.runtime.alive(), n, did)
			}
			all := strings.TrimSpace(strings.Repeat("healthy ", int(s.DesiredCount)))
			whole := func(group, weights string) bool {
				return lb.shown(group) == all && strings.Contains(lb.weights(production), weights)
			}
			if !whole(blue, "blue 100") && !whole(green, "green 100") {
				t.Errorf("seed %d: targets %q and %q, %s after %v", seed, lb.shown(blue), lb.shown(green), lb.weights(production), did)
			}
		})
	}
}

// disturb does something to the service, and says what.
func (w *world) disturb(r *rand.Rand) string {
	w.Helper()
	d := w.rollouts()[0]
	switch what := r.IntN(8); {
	case what == 0 && d.Status == types.ServiceDeploymentStatusInProgress && len(w.service().Deployments) > 1:
		_, err := w.api.StopServiceDeployment(w.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: d.ServiceDeploymentArn})
		return fmt.Sprint("stop: ", err)
	case what <= 2:
		w.deploy()
		return "deploy"
	case what == 3:
		n := int32(1 + r.IntN(4))
		w.scale(n)
		return fmt.Sprint("scale to ", n)
	case what == 4 && w.runtime.any() != nil:
		w.runtime.any().exit(1)
		return "a task dies"
	}
	switch r.IntN(3) {
	case 0:
		w.runtime.set(nil, func(t *fakeTask) { w.addressed(t); t.exit(1) })
		return "new tasks crash"
	case 1:
		w.runtime.set(nil, w.addressed)
		return "new tasks run"
	}
	w.end()
	w.boot()
	return "restart"
}

func TestARollingDeploymentFirstReturnsTheTrafficThatWasShifted(t *testing.T) {
	routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
		w.deploy()
		w.pass(20 * time.Second)
		w.wantWeights(lb, "blue 0, green 100", "blue 0, green 100")
		w.update(&ecs.UpdateServiceInput{
			ForceNewDeployment:      true,
			DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyRolling},
		})
		w.pass(time.Second)
		w.wantWeights(lb, "blue 100, green 0", "blue 100, green 0")
		if lb.shown(blue) != "healthy healthy" {
			t.Errorf("targets %q of the source", lb.shown(blue))
		}
		w.pass(10 * time.Minute)
		if d := w.rollouts()[0]; d.Status != types.ServiceDeploymentStatusSuccessful {
			t.Errorf("the deployment is %s at %s", d.Status, d.LifecycleStage)
		}
		w.wantWeights(lb, "blue 100, green 0", "blue 100, green 0")
		if lb.shown(blue) != "healthy healthy" || lb.shown(green) != "" || w.runtime.alive() != 2 {
			t.Errorf("targets %q and %q, %d alive", lb.shown(blue), lb.shown(green), w.runtime.alive())
		}
	})
}

func TestADeploymentThatReplacesARollbackReturnsToTheSameRevision(t *testing.T) {
	for _, strategy := range []types.DeploymentStrategy{types.DeploymentStrategyBlueGreen, types.DeploymentStrategyRolling} {
		create := shifting(strategy, func(c *types.DeploymentConfiguration) {
			c.BakeTimeInMinutes = aws.Int32(0)
			c.DeploymentCircuitBreaker = &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}
		})
		routed(t, create, func(w *world, lb *fakeBalancing) {
			good := *w.service().Deployments[0].Id
			w.deploy()
			w.pass(time.Second)
			must(w.api.StopServiceDeployment(w.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: w.rollouts()[0].ServiceDeploymentArn}))(w)
			w.runtime.set(nil, func(t *fakeTask) { t.exit(1) })
			w.deploy()
			w.pass(10 * time.Minute)
			if d, id := w.rollouts()[0], *w.service().Deployments[0].Id; d.Status != types.ServiceDeploymentStatusRollbackSuccessful || id != good {
				t.Errorf("%s: the deployment is %s, and %s is there, want %s", strategy, d.Status, id, good)
			}
		})
	}
}

func TestWhatADeploymentHasJustShiftedCountsForTheNextAfterAMoment(t *testing.T) {
	for _, strategy := range []types.DeploymentStrategy{types.DeploymentStrategyBlueGreen, types.DeploymentStrategyRolling} {
		routed(t, shifting(types.DeploymentStrategyBlueGreen), func(w *world, lb *fakeBalancing) {
			w.deploy()
			w.pass(20 * time.Second)
			must(w.api.StopServiceDeployment(w.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: w.rollouts()[0].ServiceDeploymentArn}))(w)
			w.pass(20 * time.Millisecond)
			w.wantWeights(lb, "blue 100, green 0", "blue 100, green 0")
			w.update(&ecs.UpdateServiceInput{ForceNewDeployment: true, DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: strategy}})
			w.pass(50 * time.Millisecond)
			if got := lb.shown(green); got != "healthy healthy" {
				t.Errorf("%s: targets %q while requests may still be sent to them", strategy, got)
			}
			w.pass(time.Minute)
			if got := lb.shown(blue); got != "healthy healthy" {
				t.Errorf("%s: targets %q in the end", strategy, got)
			}
		})
	}
}
