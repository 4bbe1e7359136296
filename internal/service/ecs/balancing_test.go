package ecs

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	runtime "flyball/internal/task"
)

// fakeBalancing is Elastic Load Balancing with target groups by their ARNs.
type fakeBalancing struct {
	mu      sync.Mutex
	groups  map[string]*fakeGroup
	rules   map[string][]elbtypes.Action // of listener rules, by ARN
	broken  error                        // what changes of rules answer
	changed func(group string)
	calls   int
}

// A fakeGroup is a target group whose targets are healthy soon after they were
// registered, unless a test says otherwise.
type fakeGroup struct {
	kind    elbtypes.TargetTypeEnum
	idle    bool // has no load balancer
	delay   time.Duration
	refuse  func([]elbtypes.TargetDescription) error
	targets map[targetKey]*fakeTarget
}

type fakeTarget struct {
	registered time.Time
	state      elbtypes.TargetHealthStateEnum // set by a test; "" follows from the time
	reason     string
	drainUntil time.Time
}

// checkAfter is when a target has passed its first health check.
const checkAfter = 2 * time.Second

func newBalancer(groups ...string) *fakeBalancing {
	b := &fakeBalancing{groups: map[string]*fakeGroup{}, rules: map[string][]elbtypes.Action{}}
	for _, arn := range groups {
		b.groups[arn] = &fakeGroup{kind: elbtypes.TargetTypeEnumIp, delay: 20 * time.Second, targets: map[targetKey]*fakeTarget{}}
	}
	return b
}

// group finds a group; the caller holds the lock.
func (b *fakeBalancing) group(arn string) (*fakeGroup, error) {
	b.calls++
	g, ok := b.groups[arn]
	if !ok {
		return nil, errNoTargetGroup
	}
	for key, t := range g.targets {
		if !t.drainUntil.IsZero() && !time.Now().Before(t.drainUntil) {
			delete(g.targets, key)
		}
	}
	return g, nil
}

func (b *fakeBalancing) DescribeTargetGroups(_ context.Context, in *elb.DescribeTargetGroupsInput, _ ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := &elb.DescribeTargetGroupsOutput{}
	for _, arn := range in.TargetGroupArns {
		g, err := b.group(arn)
		if err != nil {
			return nil, err
		}
		shown := elbtypes.TargetGroup{TargetGroupArn: &arn, TargetType: g.kind}
		if !g.idle {
			shown.LoadBalancerArns = []string{"arn:lb"}
		}
		out.TargetGroups = append(out.TargetGroups, shown)
	}
	return out, nil
}

func (b *fakeBalancing) DescribeTargetHealth(_ context.Context, in *elb.DescribeTargetHealthInput, _ ...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g, err := b.group(*in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	out := &elb.DescribeTargetHealthOutput{}
	for key, t := range g.targets {
		out.TargetHealthDescriptions = append(out.TargetHealthDescriptions, elbtypes.TargetHealthDescription{
			Target:       &elbtypes.TargetDescription{Id: aws.String(key.id), Port: aws.Int32(key.port)},
			TargetHealth: t.health(),
		})
	}
	return out, nil
}

func (t *fakeTarget) health() *elbtypes.TargetHealth {
	h := &elbtypes.TargetHealth{State: t.state, Description: aws.String(t.reason)}
	switch {
	case !t.drainUntil.IsZero():
		h.State = elbtypes.TargetHealthStateEnumDraining
	case h.State != "":
	case time.Since(t.registered) < checkAfter:
		h.State = elbtypes.TargetHealthStateEnumInitial
	default:
		h.State = elbtypes.TargetHealthStateEnumHealthy
	}
	return h
}

func (b *fakeBalancing) RegisterTargets(_ context.Context, in *elb.RegisterTargetsInput, _ ...func(*elb.Options)) (*elb.RegisterTargetsOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g, err := b.group(*in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	if g.refuse != nil {
		if err := g.refuse(in.Targets); err != nil {
			return nil, err
		}
	}
	for _, t := range in.Targets {
		g.targets[targetKey{*t.Id, *t.Port}] = &fakeTarget{registered: time.Now()}
	}
	return &elb.RegisterTargetsOutput{}, nil
}

func (b *fakeBalancing) DeregisterTargets(_ context.Context, in *elb.DeregisterTargetsInput, _ ...func(*elb.Options)) (*elb.DeregisterTargetsOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g, err := b.group(*in.TargetGroupArn)
	if err != nil {
		return nil, err
	}
	for _, t := range in.Targets {
		if known := g.targets[targetKey{*t.Id, *t.Port}]; known != nil {
			known.drainUntil = time.Now().Add(g.delay)
		}
	}
	return &elb.DeregisterTargetsOutput{}, nil
}

func (b *fakeBalancing) DescribeRules(_ context.Context, in *elb.DescribeRulesInput, _ ...func(*elb.Options)) (*elb.DescribeRulesOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	actions, ok := b.rules[in.RuleArns[0]]
	if !ok {
		return nil, &elbtypes.RuleNotFoundException{Message: aws.String("One or more rules not found")}
	}
	return &elb.DescribeRulesOutput{Rules: []elbtypes.Rule{{RuleArn: &in.RuleArns[0], Actions: actions}}}, nil
}

func (b *fakeBalancing) ModifyRule(_ context.Context, in *elb.ModifyRuleInput, _ ...func(*elb.Options)) (*elb.ModifyRuleOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken != nil {
		return nil, b.broken
	}
	b.rules[*in.RuleArn] = in.Actions
	return &elb.ModifyRuleOutput{}, nil
}

func (b *fakeBalancing) DescribeListeners(_ context.Context, in *elb.DescribeListenersInput, _ ...func(*elb.Options)) (*elb.DescribeListenersOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	actions, ok := b.rules[in.ListenerArns[0]]
	if !ok {
		return nil, &elbtypes.ListenerNotFoundException{Message: aws.String("One or more listeners not found")}
	}
	return &elb.DescribeListenersOutput{Listeners: []elbtypes.Listener{{ListenerArn: &in.ListenerArns[0], DefaultActions: actions}}}, nil
}

func (b *fakeBalancing) ModifyListener(_ context.Context, in *elb.ModifyListenerInput, _ ...func(*elb.Options)) (*elb.ModifyListenerOutput, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rules[*in.ListenerArn] = in.DefaultActions
	return &elb.ModifyListenerOutput{}, nil
}

// set gives all targets of a group that do not drain a health, and tells of it.
func (b *fakeBalancing) set(group string, s elbtypes.TargetHealthStateEnum, reason string) {
	b.mu.Lock()
	for _, t := range b.groups[group].targets {
		t.state, t.reason = s, reason
	}
	b.mu.Unlock()
	b.changed(group)
}

// alter changes a group.
func (b *fakeBalancing) alter(group string, f func(*fakeGroup)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b.groups[group])
}

// delete deletes a group.
func (b *fakeBalancing) delete(group string) {
	b.mu.Lock()
	delete(b.groups, group)
	b.mu.Unlock()
	b.changed(group)
}

// shown are the states of a group's targets, in order.
func (b *fakeBalancing) shown(group string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	g, err := b.group(group)
	if err != nil {
		return "no group"
	}
	var states []string
	for _, t := range g.targets {
		states = append(states, string(t.health().State))
	}
	slices.Sort(states)
	return strings.Join(states, " ")
}

const blue, green = "arn:blue", "arn:green"

// balanced runs a test in a world with the target groups blue and green, whose
// tasks have addresses of their own.
func balanced(t *testing.T, test func(w *world, lb *fakeBalancing)) {
	t.Helper()
	inWorld(t, func(w *world) {
		w.end()
		lb := newBalancer(blue, green)
		lb.changed = func(group string) { w.api.TargetHealthChanged(group) }
		w.config.LoadBalancing = lb
		var n atomic.Int32
		w.addressed = func(t *fakeTask) {
			i := n.Add(1)
			t.address = fmt.Sprintf("10.0.%d.%d", i/256, i%256)
		}
		w.runtime.set(nil, w.addressed)
		w.boot()
		test(w, lb)
	})
}

// behind puts a service behind target groups.
func behind(groups ...string) func(*ecs.CreateServiceInput) {
	return func(in *ecs.CreateServiceInput) { in.LoadBalancers = balancersOf(groups...) }
}

func balancersOf(groups ...string) []types.LoadBalancer {
	list := []types.LoadBalancer{}
	for _, arn := range groups {
		list = append(list, types.LoadBalancer{TargetGroupArn: aws.String(arn), ContainerName: aws.String("web"), ContainerPort: aws.Int32(8080)})
	}
	return list
}

// wantEvents checks the newest events of the service, given oldest first.
func (w *world) wantEvents(want ...string) {
	w.Helper()
	got := w.events()
	got = got[:min(len(got), len(want))]
	slices.Reverse(got)
	if !slices.Equal(got, want) {
		w.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// wantEventsOfTasks is wantEvents for what happens to several tasks side by side.
func (w *world) wantEventsOfTasks(want ...string) {
	w.Helper()
	got := w.events()
	got = slices.Sorted(slices.Values(got[:min(len(got), len(want))]))
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAServiceBehindALoadBalancerIsReadyWhenItsTargetsAreHealthy(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.cluster("prod")
		w.define()
		must(w.api.CreateService(w.Context(), webService(2, behind(blue))))(w)
		w.pass(time.Second)
		if s := w.service(); s.RunningCount != 2 || lb.shown(blue) != "initial initial" || s.Deployments[0].RolloutState != types.DeploymentRolloutStateInProgress {
			t.Errorf("%d running, targets %s, deployment %s", s.RunningCount, lb.shown(blue), s.Deployments[0].RolloutState)
		}
		w.pass(10 * time.Second)
		w.wantEvents(
			"(service web) has started 2 tasks:",
			"(service web) registered 2 targets in (target-group arn:blue)",
			"(service web) (deployment deployment completed.",
			"(service web) has reached a steady state.",
		)
		if s := w.service(); len(s.LoadBalancers) != 1 || *s.LoadBalancers[0].TargetGroupArn != blue {
			t.Errorf("load balancers %+v", s.LoadBalancers)
		}
	})
}

func TestATaskInSeveralGroupsIsRegisteredBeforeItRuns(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.cluster("prod")
		w.define()
		must(w.api.CreateService(w.Context(), webService(1, behind(blue, green))))(w)
		w.pass(gatherFor / 2)
		if task := w.tasks("")[0]; *task.LastStatus != statusActivating || task.StartedAt != nil {
			t.Errorf("task is %s before it is registered", *task.LastStatus)
		}
		w.pass(gatherFor)
		if task := w.tasks("")[0]; *task.LastStatus != statusRunning || task.StartedAt == nil || lb.shown(blue)+lb.shown(green) != "initialinitial" {
			t.Errorf("task is %s, targets %s and %s", *task.LastStatus, lb.shown(blue), lb.shown(green))
		}
		w.pass(10 * time.Second)
		lb.set(green, elbtypes.TargetHealthStateEnumUnhealthy, "Request timed out")
		w.pass(time.Second)
		if task := w.tasks(types.DesiredStatusStopped)[0]; *task.StoppedReason != "Task failed ELB health checks in (target-group arn:green)" {
			t.Errorf("stopped reason %q", *task.StoppedReason)
		}
	})
}

func TestATaskIsStoppedWhenItsConnectionsHaveDrained(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(2, behind(blue))
		w.pass(10 * time.Second)
		w.scale(1)
		w.pass(19 * time.Second)
		stopping := w.tasks(types.DesiredStatusStopped)
		if len(stopping) != 1 || *stopping[0].LastStatus != statusDeactivating || w.runtime.alive() != 2 || lb.shown(blue) != "draining healthy" {
			t.Fatalf("%d stopping, %d alive, targets %s", len(stopping), w.runtime.alive(), lb.shown(blue))
		}
		w.wantEvents(
			"(service web) has stopped 1 running tasks:",
			"(service web) deregistered 1 targets in (target-group arn:blue)",
			"(service web) has begun draining connections on 1 tasks.",
		)
		w.pass(lookAgain + 2*time.Second)
		if n := w.runtime.alive(); n != 1 {
			t.Errorf("%d tasks are alive after the deregistration delay", n)
		}
	})
}

func TestATaskWithNothingToDrainIsStoppedAtOnce(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		lb.alter(blue, func(g *fakeGroup) { g.delay = 0 })
		w.serve(1, behind(blue))
		w.scale(0)
		w.pass(time.Second)
		if n := w.runtime.alive(); n != 0 {
			t.Errorf("%d tasks are alive", n)
		}
	})
}

func TestATaskThatDiesIsDeregisteredAtOnce(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(1, behind(blue))
		w.pass(5 * time.Second)
		w.runtime.any().exit(1)
		w.pass(gatherFor)
		if got := lb.shown(blue); got != "draining initial" {
			t.Errorf("targets %s", got)
		}
	})
}

func TestATaskIsReplacedWhenItsTargetFailsAfterTheGracePeriod(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(1, behind(blue), func(in *ecs.CreateServiceInput) { in.HealthCheckGracePeriodSeconds = aws.Int32(60) })
		lb.set(blue, elbtypes.TargetHealthStateEnumUnhealthy, "Health checks failed with these codes: [502]")
		w.pass(50 * time.Second)
		if stopped := w.tasks(types.DesiredStatusStopped); len(stopped) > 0 {
			t.Errorf("stopped in its grace period: %q", *stopped[0].StoppedReason)
		}
		w.pass(8 * time.Second)
		w.wantEventsOfTasks(
			"(service web) (port 8080) is unhealthy in (target-group arn:blue) due to (reason Health checks failed with these codes: [502]).",
			"(service web) has started 1 tasks:",
			"(service web) deregistered 1 targets in (target-group arn:blue)",
			"(service web) has begun draining connections on 1 tasks.",
			"(service web) registered 1 targets in (target-group arn:blue)",
		)
		if stopped := w.tasks(types.DesiredStatusStopped); len(stopped) != 1 || *stopped[0].StoppedReason != "Task failed ELB health checks in (target-group arn:blue)" {
			t.Errorf("stopped %+v", stopped)
		}
	})
}

func TestTheCircuitBreakerCountsTasksWhoseTargetsFail(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(1, behind(blue), breaker)
		w.pass(10 * time.Second)
		first := *w.service().TaskDefinition
		w.define()
		w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:2"), LoadBalancers: balancersOf(green)})
		for range 5 { // before any is healthy
			w.pass(time.Second)
			lb.set(green, elbtypes.TargetHealthStateEnumUnhealthy, "Health checks failed")
		}
		w.pass(2 * time.Minute)
		s := w.service()
		if *s.TaskDefinition != first || *s.LoadBalancers[0].TargetGroupArn != blue || lb.shown(blue) != "healthy" || lb.shown(green) != "" {
			t.Errorf("the service runs %s in %s; targets %q and %q", *s.TaskDefinition, *s.LoadBalancers[0].TargetGroupArn, lb.shown(blue), lb.shown(green))
		}
		if events := strings.Join(w.events(), "\n"); !strings.Contains(events, "rolling back to deployment") {
			t.Errorf("events\n%s", events)
		}
	})
}

func TestADeploymentKeepsOldTasksUntilNewTargetsAreHealthy(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(2, behind(blue))
		w.pass(10 * time.Second)
		w.update(&ecs.UpdateServiceInput{LoadBalancers: balancersOf(green)})
		w.pass(time.Second)
		lb.set(green, elbtypes.TargetHealthStateEnumInitial, "")
		w.pass(time.Minute)
		if lb.shown(blue) != "healthy healthy" {
			t.Errorf("targets of the old deployment: %s", lb.shown(blue))
		}
		lb.set(green, elbtypes.TargetHealthStateEnumHealthy, "")
		w.pass(time.Minute)
		if s := w.service(); lb.shown(blue) != "" || s.Deployments[0].RolloutState != types.DeploymentRolloutStateCompleted || w.runtime.alive() != 2 {
			t.Errorf("targets %q, deployment %s, %d alive", lb.shown(blue), s.Deployments[0].RolloutState, w.runtime.alive())
		}
	})
}

func TestADeploymentLeavesTheLoadBalancersThatAreTakenAway(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(1, behind(blue))
		w.pass(10 * time.Second)
		w.update(&ecs.UpdateServiceInput{LoadBalancers: []types.LoadBalancer{}})
		w.pass(time.Minute)
		before := *w.service().Deployments[0].Id
		w.update(&ecs.UpdateServiceInput{LoadBalancers: []types.LoadBalancer{}})
		if after := *w.service().Deployments[0].Id; lb.shown(blue) != "" || after != before {
			t.Errorf("targets %q; the same again makes deployment %s after %s", lb.shown(blue), after, before)
		}
	})
}

func TestTheTasksOfADeletedTargetGroupGoOn(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(1, behind(blue))
		w.pass(10 * time.Second)
		lb.delete(blue)
		w.pass(time.Minute)
		if w.runtime.alive() != 1 || w.runtime.started != 1 {
			t.Errorf("%d alive of %d", w.runtime.alive(), w.runtime.started)
		}
		w.wantEvents("(service web) is not healthy in (target-group arn:blue) due to (reason TARGET GROUP IS NOT FOUND).")
		w.scale(0)
		w.pass(time.Second)
		if n := w.runtime.alive(); n != 0 {
			t.Errorf("%d tasks cannot be stopped without their group", n)
		}
	})
}

func TestATargetThatIsRefusedIsToldAndTriedAgain(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		full := &elbtypes.TooManyTargetsException{Message: aws.String("You have reached the maximum number of targets")}
		lb.alter(blue, func(g *fakeGroup) {
			g.refuse = func([]elbtypes.TargetDescription) error { return full }
		})
		w.serve(1, behind(blue))
		w.pass(time.Minute)
		w.wantEvents(
			"(service web) has started 1 tasks:",
			"(service web) failed to register targets in (target-group arn:blue) with (error You have reached the maximum number of targets)",
		)
		lb.alter(blue, func(g *fakeGroup) { g.refuse = nil })
		w.pass(tryAgain)
		if lb.shown(blue) == "" {
			t.Errorf("targets %q", lb.shown(blue))
		}
	})
}

func TestOneTargetThatIsRefusedKeepsNoOtherOut(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		lb.alter(blue, func(g *fakeGroup) {
			g.refuse = func(targets []elbtypes.TargetDescription) error {
				if slices.ContainsFunc(targets, func(t elbtypes.TargetDescription) bool { return *t.Id == "10.0.0.2" }) {
					return &elbtypes.InvalidTargetException{Message: aws.String("it is outside")}
				}
				return nil
			}
		})
		w.serve(3, behind(blue))
		w.pass(10 * time.Second)
		if lb.shown(blue) != "healthy healthy" {
			t.Errorf("targets %q", lb.shown(blue))
		}
	})
}

func TestATargetThatIsTakenAwayIsRegisteredAgain(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(1, behind(blue))
		w.pass(10 * time.Second)
		lb.alter(blue, func(g *fakeGroup) { clear(g.targets) })
		lb.changed(blue)
		w.pass(time.Second)
		if lb.shown(blue) != "initial" {
			t.Errorf("targets %q", lb.shown(blue))
		}
	})
}

func TestTargetsSurviveACrash(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(3, behind(blue))
		w.pass(10 * time.Second)
		events := w.events()
		w.crash()
		// One task is gone, and one is not registered any more.
		lost := w.runtime.any()
		w.runtime.lose(lost)
		for key := range lb.groups[blue].targets {
			if key.id != lost.address {
				delete(lb.groups[blue].targets, key)
				break
			}
		}
		w.boot()
		w.pass(gatherFor / 2)
		// The task that takes the lost one's place is registered with the one that was
		// not if it runs by then, and else a moment later.
		if got := strings.TrimSuffix(lb.shown(blue), " initial"); got != "draining healthy" && got != "draining healthy initial" {
			t.Errorf("targets %s after the restart", got)
		}
		w.pass(time.Minute)
		if got := lb.shown(blue); got != "healthy healthy healthy" || w.runtime.started != 4 {
			t.Errorf("targets %s, %d starts", got, w.runtime.started)
		}
		if got := w.events(); len(got)-len(events) > 5 {
			t.Errorf("events\n%s", strings.Join(got, "\n"))
		}
	})
}

// A load balancer that has begun anew with the server has checked nothing yet.
func TestARestartInADeploymentStopsNoTaskThatServes(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(2, behind(blue))
		w.pass(10 * time.Second)
		w.runtime.set(func(ctx context.Context, _ runtime.Spec) error { <-ctx.Done(); return ctx.Err() }, nil)
		w.update(&ecs.UpdateServiceInput{ForceNewDeployment: true})
		w.crash()
		for _, target := range lb.groups[blue].targets {
			target.registered = time.Now()
		}
		w.boot()
		w.pass(time.Second)
		if n := w.runtime.alive(); n != 2 || lb.shown(blue) != "initial initial" {
			t.Errorf("%d tasks are alive, targets %s", n, lb.shown(blue))
		}
		w.pass(time.Minute)
		if n := w.runtime.alive(); n != 2 {
			t.Errorf("%d tasks are alive", n)
		}
	})
}

func TestDrainingGoesOnAfterACrash(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(1, behind(blue, green))
		w.pass(10 * time.Second)
		w.scale(0)
		w.pass(5 * time.Second)
		w.crash()
		w.boot()
		w.pass(5 * time.Second)
		if n := w.runtime.alive(); n != 1 {
			t.Errorf("%d tasks are alive while connections drain", n)
		}
		w.pass(20 * time.Second)
		if n := w.runtime.alive(); n != 0 || len(w.api.targets) != 0 {
			t.Errorf("%d tasks are alive, targets %v", n, w.api.targets)
		}
	})
}

func TestAShutdownDeregistersAndDoesNotWait(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(2, behind(blue))
		w.pass(10 * time.Second)
		began := time.Now()
		w.end()
		if took := time.Since(began); took > time.Second || lb.shown(blue) != "draining draining" {
			t.Errorf("took %v, targets %s", took, lb.shown(blue))
		}
		w.boot()
		w.pass(30 * time.Second)
		if lb.shown(blue) != "healthy healthy" {
			t.Errorf("targets %s after the next start", lb.shown(blue))
		}
	})
}

func TestTasksWithoutANetworkOfTheirOwnAreInGroupsOfInstances(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.cluster("prod")
		w.define(func(in *ecs.RegisterTaskDefinitionInput) {
			in.RequiresCompatibilities, in.NetworkMode = nil, types.NetworkModeBridge
		})
		create := func() error {
			_, err := w.api.CreateService(w.Context(), webService(1, behind(blue), func(in *ecs.CreateServiceInput) {
				in.LaunchType, in.NetworkConfiguration, in.Role = "", nil, aws.String("/team/balancing")
			}))
			return err
		}
		if err := create(); code(err) != "InvalidParameterException" || !strings.Contains(err.Error(), "has target type ip, which is incompatible with the bridge network mode") {
			t.Errorf("a group of addresses: %v", err)
		}
		lb.alter(blue, func(g *fakeGroup) { g.kind = elbtypes.TargetTypeEnumInstance })
		if err := create(); err != nil {
			t.Fatal(err)
		}
		if got := *w.service().RoleArn; got != "arn:aws:iam::123456789012:role/team/balancing" {
			t.Errorf("the role is %s", got)
		}
		w.pass(5 * time.Second)
		if lb.shown(blue) != "healthy" {
			t.Errorf("targets %q", lb.shown(blue))
		}
		for key := range lb.groups[blue].targets {
			if address, ok := InstanceAddress(key.id); !ok || address.String() != "10.0.0.1" {
				t.Errorf("target %s is at %s", key.id, address)
			}
		}
		if got := w.api.Interfaces(w.Context()); len(got) != 0 {
			t.Errorf("interfaces %+v", got)
		}
	})
}

// Whatever came before, restarts too: in a target group are the tasks that run in
// services behind it, and no others.
func TestTargetGroupsAreBalancedInTheEnd(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			balanced(t, func(w *world, lb *fakeBalancing) {
				walk{w, rand.New(rand.NewPCG(seed, 1)), []string{blue, green}}.play()
				for group, g := range lb.groups {
					_ = lb.shown(group) // drops what has drained
					var want, got []string
					for _, task := range w.api.clusters["prod"].tasks {
						if !task.stopped() && task.service != nil && strings.Contains(string(marshal(task.service.api.LoadBalancers)), group) {
							want = append(want, task.address)
						}
					}
					for key := range g.targets {
						got = append(got, key.id)
					}
					slices.Sort(want)
					slices.Sort(got)
					if !slices.Equal(got, want) {
						t.Errorf("group %s has the targets %v, want %v", group, got, want)
					}
				}
			})
		})
	}
}

func TestAnInstanceStandsForAnAddress(t *testing.T) {
	for _, tt := range []struct{ id, address string }{
		{"i-0000000007f010203", "127.1.2.3"},
		{"i-0123456789abcdef0", ""},
		{"i-1", ""},
		{"i-000000000zzzzzzzz", ""},
	} {
		address, ok := InstanceAddress(tt.id)
		if ok != (tt.address != "") || ok && (address.String() != tt.address || instanceAt(tt.address) != tt.id) {
			t.Errorf("%s is at %s, want %s", tt.id, address, tt.address)
		}
	}
}

func TestAServiceInNoTargetGroupAsksNothingOfLoadBalancers(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(2)
		w.scale(1)
		w.pass(time.Minute)
		if lb.calls != 0 {
			t.Errorf("%d calls", lb.calls)
		}
	})
}

func TestTheTargetGroupsOfAService(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(1, behind(blue, green))
		groups := must(w.api.ServiceTargetGroups(w.Context(), "prod", "web"))(w)
		if !slices.Equal(groups, []string{blue, green}) {
			t.Errorf("target groups %v", groups)
		}
		if _, err := w.api.ServiceTargetGroups(w.Context(), "prod", "other"); code(err) != "ServiceNotFoundException" {
			t.Errorf("of another service: %v", err)
		}
	})
}

func TestTheInterfacesOfTasks(t *testing.T) {
	balanced(t, func(w *world, lb *fakeBalancing) {
		w.serve(1, func(in *ecs.CreateServiceInput) {
			in.NetworkConfiguration = &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{
				Subnets: []string{"subnet-1"}, SecurityGroups: []string{"sg-1"},
			}}
		})
		w.crash()
		w.boot()
		task := w.tasks("")[0]
		got := w.api.Interfaces(w.Context())
		if len(got) != 1 {
			t.Fatalf("interfaces %+v", got)
		}
		i := got[0]
		if i.PrivateAddress != "10.0.0.1" || i.Subnet != "subnet-1" || !slices.Equal(i.SecurityGroups, []string{"sg-1"}) || i.Task != *task.TaskArn ||
			!strings.HasPrefix(i.ID, "eni-") || i.MACAddress == "" || i.AvailabilityZone == "" ||
			i.Description != "arn:aws:ecs:us-east-1:123456789012:attachment/"+*task.Attachments[0].Id {
			t.Errorf("interface %+v", i)
		}
		w.scale(0)
		w.pass(time.Second)
		if got := w.api.Interfaces(w.Context()); len(got) != 0 {
			t.Errorf("interfaces %+v of stopped tasks", got)
		}
	})
}
