package ecs

import (
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"flyball/internal/clock"
	"flyball/internal/state"
)

// A target is a port of a task that is to be in a target group while the task runs.
type target struct {
	task *task

	Group string // its ARN
	Port  int32  // the container's
	// ID is the task's address or the instance that stands for it, once its
	// containers run.
	ID string `json:",omitempty"`
	// State and Reason are what Elastic Load Balancing has last said of its health;
	// empty before it is registered.
	State  elbtypes.TargetHealthStateEnum `json:",omitempty"`
	Reason string                         `json:",omitempty"`
}

// A targetKey tells the targets of a group apart.
type targetKey struct {
	id   string
	port int32
}

func (m *target) key() targetKey { return targetKey{m.ID, m.Port} }

// wanted is whether the target is to get requests.
func (m *target) wanted() bool { return !m.task.askedToStop() }

// description names the target for Elastic Load Balancing.
func (m *target) description() elbtypes.TargetDescription {
	return elbtypes.TargetDescription{Id: &m.ID, Port: &m.Port}
}

// balancing is how a task takes part in load balancing.
type balancing struct {
	// targets are those that no load balancer has let go of yet. The loop that
	// balances changes them.
	targets []*target
	// released is closed when no load balancer has anything to do with the task any
	// more: it may be stopped.
	released *clock.Signal
	free     bool // released is closed
}

// newBalancing is that of a task that is registered with load balancers; nil when
// there is none, which is free.
func newBalancing(clk *clock.Clock, t *task, balancers []types.LoadBalancer) *balancing {
	var targets []*target
	for _, lb := range balancers {
		targets = append(targets, &target{Group: aws.ToString(lb.TargetGroupArn), Port: aws.ToInt32(lb.ContainerPort)})
	}
	return restoredBalancing(clk, t, targets)
}

func restoredBalancing(clk *clock.Clock, t *task, targets []*target) *balancing {
	if len(targets) == 0 {
		return nil
	}
	for _, m := range targets {
		m.task = t
	}
	return &balancing{targets: targets, released: clk.Signal()}
}

// stored are the targets that the task's document keeps.
func (b *balancing) stored() []*target {
	if b == nil {
		return nil
	}
	return b.targets
}

// several is whether the task is in more than one group. Such a task is registered
// before it counts as running (Amazon ECS Developer Guide, "Registering multiple
// target groups with an Amazon ECS service").
func (b *balancing) several() bool { return b != nil && len(b.targets) > 1 }

// registered is whether each of the groups has been asked to take the task.
func (b *balancing) registered() bool {
	return !slices.ContainsFunc(b.stored(), func(m *target) bool { return m.State == "" })
}

// serving is whether all targets are healthy.
func (b *balancing) serving() bool {
	return !slices.ContainsFunc(b.stored(), func(m *target) bool { return m.State != elbtypes.TargetHealthStateEnumHealthy })
}

// failing is a target whose health checks fail, or nil.
func (b *balancing) failing() *target {
	targets := b.stored()
	if i := slices.IndexFunc(targets, func(m *target) bool { return m.State == elbtypes.TargetHealthStateEnumUnhealthy }); i >= 0 {
		return targets[i]
	}
	return nil
}

// draining is whether a target has begun to drain.
func (b *balancing) draining() bool {
	return slices.ContainsFunc(b.stored(), func(m *target) bool { return m.State == elbtypes.TargetHealthStateEnumDraining })
}

// place puts a task whose containers run at an address into the index of its target
// groups, to be registered. Tasks that start together are registered together.
func (a *API) place(t *task, address string) {
	id := address
	if t.definition.api.NetworkMode != types.NetworkModeAwsvpc {
		id = instanceAt(address)
	}
	for _, m := range t.balancing.stored() {
		m.ID = id
		a.index(m)
		a.unbalanced.Sooner(m.Group, a.now().Add(a.virtual(gatherFor)))
	}
}

func (a *API) index(m *target) {
	if a.targets[m.Group] == nil {
		a.targets[m.Group] = map[*target]struct{}{}
	}
	a.targets[m.Group][m] = struct{}{}
}

// withdraw has a task that stops or has stopped deregistered.
func (a *API) withdraw(t *task) {
	for _, m := range t.balancing.stored() {
		a.unbalanced.Sooner(m.Group, a.now())
	}
}

// letGo forgets a target that its group has let go of.
func (a *API) letGo(tx *state.Tx, m *target) {
	t := m.task
	a.unindex(m)
	t.balancing.targets = slices.DeleteFunc(slices.Clone(t.balancing.targets), func(other *target) bool { return other == m })
	t.save(tx)
	if len(t.balancing.targets) == 0 {
		a.release(tx, t)
	}
}

func (a *API) unindex(m *target) {
	delete(a.targets[m.Group], m)
	if len(a.targets[m.Group]) == 0 {
		delete(a.targets, m.Group)
	}
}

// release lets a task be stopped.
func (a *API) release(tx *state.Tx, t *task) {
	if b := t.balancing; b != nil && !b.free {
		b.free = true
		tx.After(b.released.Close)
	}
}
