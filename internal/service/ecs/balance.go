package ecs

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/service/ecs/fault"
	"flyball/internal/state"
)

// A target group is balanced when the tasks that run are registered in it, and no
// others are. One loop sees to all groups, each when something may have changed:
// a task has started or stopped, Elastic Load Balancing tells of its health, or
// something is under way. What it does to a group and what it notes of its tasks is
// one change, so a crash leaves both or neither; and since it compares what is there
// with what is wanted, it needs no other way to begin after a restart.

// Spans of real time, in which tasks and load balancers live.
const (
	gatherFor = 100 * time.Millisecond // tasks that start in it are registered together
	lookAgain = time.Second            // between two looks at targets whose health is bound to change
	tryAgain  = 5 * time.Second        // between two tries to register a target that was refused
)

// balancedAtOnce is how many target groups are balanced in one change.
const balancedAtOnce = 16

// startBalancing balances target groups until the function is called that it
// returns. That does what is left to do first.
func (a *API) startBalancing(ctx context.Context) (stop func()) {
	a.cell.State.View(ctx, func() {
		for group := range a.targets {
			a.unbalanced.Sooner(group, a.now())
		}
	})
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	var loop sync.WaitGroup
	a.cell.Clock.Go(running, &loop, func(ctx context.Context) {
		a.unbalanced.Run(ctx, a.cell.Clock, balancedAtOnce, a.balance)
	})
	return func() {
		end()
		loop.Wait()
		if !a.cfg.KeepTasks {
			left, _ := a.unbalanced.Take(a.now(), a.unbalanced.Len())
			a.balance(context.WithoutCancel(ctx), left)
		}
	}
}

// balance balances target groups. Its change can fail only with the disk, which ends
// the server.
func (a *API) balance(ctx context.Context, groups []string) {
	looks := a.lookAt(ctx, groups)
	if len(looks) == 0 {
		return
	}
	_ = a.cell.State.Maintain(ctx, func(ctx context.Context, tx *state.Tx) error {
		for _, l := range looks {
			a.balanceGroup(ctx, tx, l)
		}
		return nil
	})
}

// A look is what was seen of a target group: its targets, those that drain too, or
// why they could not be seen.
type look struct {
	group string
	shown map[targetKey]elbtypes.TargetHealth
	err   error
}

// lookAt looks at those of the groups that tasks are or were in. What others do to a
// group after the look is seen in the next one.
func (a *API) lookAt(ctx context.Context, groups []string) (looks []look) {
	a.cell.State.View(ctx, func() {
		for _, group := range groups {
			if len(a.targets[group]) > 0 {
				looks = append(looks, look{group: group})
			}
		}
	})
	for i, l := range looks {
		looks[i].shown, looks[i].err = a.shownTargets(ctx, l.group)
	}
	return looks
}

func (a *API) shownTargets(ctx context.Context, group string) (map[targetKey]elbtypes.TargetHealth, error) {
	out, err := a.cfg.LoadBalancing.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: &group})
	if err != nil {
		return nil, err
	}
	shown := make(map[targetKey]elbtypes.TargetHealth, len(out.TargetHealthDescriptions))
	for _, d := range out.TargetHealthDescriptions {
		shown[targetKey{aws.ToString(d.Target.Id), aws.ToInt32(d.Target.Port)}] = *d.TargetHealth
	}
	return shown, nil
}

// balanceGroup balances one target group by what was seen of it.
func (a *API) balanceGroup(ctx context.Context, tx *state.Tx, l look) {
	group := l.group
	all := slices.SortedFunc(maps.Keys(a.targets[group]), func(x, y *target) int {
		return cmp.Or(cmp.Compare(x.task.id, y.task.id), cmp.Compare(x.Port, y.Port))
	})
	if l.err != nil {
		a.missGroup(tx, group, all, l.err)
		return
	}
	taken := map[targetKey]bool{} // an address may have a new task before the old one is let go
	for _, m := range all {
		taken[m.key()] = taken[m.key()] || m.wanted()
	}
	var in, out []*target
	for _, m := range all {
		health, present := l.shown[m.key()]
		draining := health.State == elbtypes.TargetHealthStateEnumDraining
		switch {
		case m.wanted() && (!present || draining):
			in = append(in, m)
		case present && !draining && !m.wanted() && !taken[m.key()]:
			out = append(out, m)
		case !m.wanted() && (!present || taken[m.key()] || m.task.stopped()):
			a.letGo(tx, m)
		default:
			a.noteTarget(tx, m, health)
		}
	}
	a.register(ctx, tx, group, in)
	a.deregister(ctx, tx, group, out)
	a.runRegistered(tx, all)
	a.balanceLater(group, len(out) > 0)
}

// noteTarget notes the health of a target when it has changed. Only one that fails
// its checks stops being healthy: a load balancer that has begun anew knows nothing
// yet of a target that has been serving all the time.
func (a *API) noteTarget(tx *state.Tx, m *target, h elbtypes.TargetHealth) {
	unknown := h.State == elbtypes.TargetHealthStateEnumInitial && m.State == elbtypes.TargetHealthStateEnumHealthy
	if reason := aws.ToString(h.Description); !unknown && (m.State != h.State || m.Reason != reason) {
		a.setTarget(tx, m, h.State, reason)
	}
}

func (a *API) setTarget(tx *state.Tx, m *target, s elbtypes.TargetHealthStateEnum, reason string) {
	m.State, m.Reason = s, reason
	m.task.save(tx)
	if service := m.task.service; service != nil {
		a.reconcileSoon(service)
	}
}

// unused is the health of a target that its group does not have for a reason.
func unused(reason error) elbtypes.TargetHealth {
	_, text := fault.Code(reason)
	return elbtypes.TargetHealth{State: elbtypes.TargetHealthStateEnumUnused, Description: &text}
}

// register registers targets: all at once, and one by one when something is wrong
// with one of them.
func (a *API) register(ctx context.Context, tx *state.Tx, group string, targets []*target) {
	if len(targets) == 0 {
		return
	}
	_, err := a.cfg.LoadBalancing.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: &group, Targets: descriptions(targets)})
	switch {
	case err == nil:
		for _, m := range targets {
			a.setTarget(tx, m, elbtypes.TargetHealthStateEnumInitial, "")
		}
		a.tellOf(tx, targets, registeredTargets(group))
	case len(targets) > 1:
		for i := range targets {
			a.register(ctx, tx, group, targets[i:i+1])
		}
	default:
		a.noteTarget(tx, targets[0], unused(err))
		a.warnOf(tx, targets[0], cannotRegister(group, err))
	}
}

// deregister takes targets out of their group. Tasks that still run wait until it
// lets go of them.
func (a *API) deregister(ctx context.Context, tx *state.Tx, group string, targets []*target) {
	if len(targets) == 0 {
		return
	}
	_, err := a.cfg.LoadBalancing.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: &group, Targets: descriptions(targets)})
	if err != nil {
		a.cell.Log.Warn("deregister targets", "group", group, "err", err)
		return
	}
	var draining []*target
	for _, m := range targets {
		switch {
		case m.task.stopped():
			a.letGo(tx, m)
			continue
		case !m.task.balancing.draining():
			draining = append(draining, m)
		}
		a.setTarget(tx, m, elbtypes.TargetHealthStateEnumDraining, "")
	}
	a.tellOf(tx, targets, deregisteredTargets(group))
	a.tellOf(tx, draining, beganDraining)
}

func descriptions(targets []*target) []elbtypes.TargetDescription {
	list := make([]elbtypes.TargetDescription, len(targets))
	for i, m := range targets {
		list[i] = m.description()
	}
	return list
}

// missGroup is for a group that cannot be looked at. One that is gone lets go of
// tasks that stop, and the others go on without it.
func (a *API) missGroup(tx *state.Tx, group string, targets []*target, err error) {
	if !isNoTargetGroup(err) {
		a.cell.Log.Warn("look at a target group", "group", group, "err", err)
		a.unbalanced.Sooner(group, a.now().Add(a.virtual(tryAgain)))
		return
	}
	for _, m := range targets {
		if !m.wanted() {
			a.letGo(tx, m)
			continue
		}
		a.noteTarget(tx, m, unused(err))
		a.warnOf(tx, m, targetGroupGone(group))
	}
	a.runRegistered(tx, targets)
}

// runRegistered makes tasks RUNNING that have waited for all of their groups.
func (a *API) runRegistered(tx *state.Tx, targets []*target) {
	for _, m := range targets {
		if t := m.task; t.status() == statusActivating && t.balancing.registered() {
			t.run(a.now())
			a.changed(tx, t)
		}
	}
}

// balanceLater has a group looked at again while something is under way in it. After
// a deregistration that is at once: there may be nothing to drain.
func (a *API) balanceLater(group string, deregistered bool) {
	for m := range a.targets[group] {
		wait := lookAgain
		switch {
		case !m.wanted() && deregistered:
			wait = gatherFor
		case !m.wanted() || m.State == elbtypes.TargetHealthStateEnumInitial:
		case m.State == elbtypes.TargetHealthStateEnumUnused:
			wait = tryAgain
		default:
			continue // it is told of what changes
		}
		a.unbalanced.Sooner(group, a.now().Add(a.virtual(wait)))
	}
}

// tellOf tells the services of targets how many of theirs something has happened to.
func (a *API) tellOf(tx *state.Tx, targets []*target, m func(n int) message) {
	counts := map[*service]int{}
	for _, one := range targets {
		counts[one.task.service]++
	}
	for _, one := range targets {
		s := one.task.service
		if n := counts[s]; n > 0 && s.there() {
			a.tell(tx, s, m(n))
		}
		delete(counts, s)
	}
}

// warnOf warns the service of a target.
func (a *API) warnOf(tx *state.Tx, m *target, text message) {
	if s := m.task.service; s.there() {
		a.warn(tx, s, text)
		s.save(tx)
	}
}
