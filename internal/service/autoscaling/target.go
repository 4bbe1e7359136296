package autoscaling

import (
	"maps"
	"slices"
	"time"

	"flyball/governor"
	"flyball/internal/cell"
	"flyball/internal/service/autoscaling/rules"
	"flyball/scaling"
)

// A target is a scalable target with what belongs to it. It is a value: a change
// is another target in its place.
type target struct {
	*row
	policies []*policy // by name
	actions  []*action // by name
}

// A row is a target as the store keeps it, without its policies and actions.
type row struct {
	ResourceID scaling.ResourceID
	ID         string // ends the ARN, which tags hang on
	Min, Max   int32
	Suspended  scaling.Suspended
	Role       string `json:",omitempty"` // "": the service-linked one
	Created    time.Time
	Tags       map[string]string `json:",omitempty"`
	governor.State
}

// targetPrefix is what the resource in a target's ARN begins with.
const targetPrefix = "scalable-target/"

// arn is the name that a target's tags hang on.
func (r *row) arn(c *cell.Cell) string {
	return c.ARN("application-autoscaling", targetPrefix+r.ID)
}

// policy is the target's policy of a name, or nil.
func (t *target) policy(name string) *policy { return find(t.policies, name) }

// action is the target's scheduled action of a name, or nil.
func (t *target) action(name string) *action { return find(t.actions, name) }

// These are the target with one thing in it changed.

func (t *target) withRow(r *row) *target       { return &target{r, t.policies, t.actions} }
func (t *target) withPolicy(p *policy) *target { return &target{t.row, with(t.policies, p), t.actions} }
func (t *target) withoutPolicy(p *policy) *target {
	return &target{t.row, without(t.policies, p), t.actions}
}
func (t *target) withAction(c *action) *target { return &target{t.row, t.policies, with(t.actions, c)} }
func (t *target) withoutAction(c *action) *target {
	return &target{t.row, t.policies, without(t.actions, c)}
}

// pace is how fast the target's target tracking policies react.
func (t *target) pace() rules.Pace { return rules.PaceOf(t.Tags) }

// metricPeriod is how often the target's policies want ECS's metrics.
func (t *target) metricPeriod() time.Duration {
	period := rules.StandardPeriod
	for _, p := range t.policies {
		period = min(period, p.ServicePeriod(t.pace()))
	}
	return period
}

// backlogs are the queues whose backlogs the target's policies follow, and how often.
func (t *target) backlogs() map[string]time.Duration {
	queues := map[string]time.Duration{}
	for _, p := range t.policies {
		if name, _, follows := p.Queue(); follows {
			queues[name] = p.Period(t.pace())
		}
	}
	return queues
}

// tracks reports whether a target tracking policy watches the target.
func (t *target) tracks() bool {
	return slices.ContainsFunc(t.policies, func(p *policy) bool { return p.Tracking != nil })
}

// governor is the target as a value that decides.
func (t *target) governor() governor.Governor {
	g := governor.Governor{Kind: t.ResourceID.Kind(), Bounds: t.bounds(), Suspended: t.Suspended, State: t.State}
	if len(t.policies) > 0 {
		g.Policies = make([]governor.Policy, len(t.policies))
	}
	for i, p := range t.policies {
		g.Policies[i] = p.governed()
		g.Policies[i].Period = p.Period(t.pace())
	}
	if len(t.actions) > 0 {
		g.Schedules = make([]governor.Schedule, len(t.actions))
	}
	for i, c := range t.actions {
		g.Schedules[i] = c.governed()
	}
	return g
}

// bounds are those that the target was registered with, or that a schedule or a
// forecast has set.
func (t *target) bounds() scaling.Bounds {
	b, err := scaling.NewBounds(t.Min, t.Max)
	if err != nil {
		panic(err) // checked when it was registered
	}
	return b
}

// become is the target after a step: itself where nothing has changed.
func (t *target) become(g governor.Governor) *target {
	next := *t
	if g.Bounds != t.bounds() || g.Suspended != t.Suspended || !sameState(g.State, t.State) {
		changed := *t.row
		changed.Min, changed.Max = int32(g.Bounds.Min()), int32(g.Bounds.Max())
		changed.Suspended, changed.State = g.Suspended, g.State
		next.row = &changed
	}
	next.policies = become(t.policies, g.Policies, (*policy).become)
	next.actions = become(t.actions, g.Schedules, (*action).become)
	if next.row == t.row && slices.Equal(next.policies, t.policies) && slices.Equal(next.actions, t.actions) {
		return t
	}
	return &next
}

// become is a list after a step: itself where nothing in it has changed.
func become[T, G any](list []*T, governed []G, of func(*T, G) *T) []*T {
	next := list
	for i, g := range governed {
		changed := of(list[i], g)
		if changed == list[i] {
			continue
		}
		if &next[0] == &list[0] {
			next = slices.Clone(list)
		}
		next[i] = changed
	}
	return next
}

func sameState(a, b governor.State) bool {
	return a.Activity == b.Activity && a.Before == b.Before &&
		a.Outside == b.Outside && a.Below == b.Below && a.Empty == b.Empty && a.Emptied.Equal(b.Emptied) &&
		maps.Equal(a.Held, b.Held)
}
