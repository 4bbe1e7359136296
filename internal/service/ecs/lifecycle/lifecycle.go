// Package lifecycle takes a service deployment through its stages (Amazon ECS Developer
// Guide, "Amazon ECS blue/green service deployments workflow") as a value: what is
// planned, where it stands and what is seen go in, where it stands next comes out. It
// has no clock and changes nothing; time is an argument.
//
//	next := position.Next(plan, now, seen)
//	// keep next, then have the listeners send next.Traffic and the revisions run
//	// what next.Fleets says; look again when something has changed or at
//	// next.Wake(plan)
//
// The revision that is deployed is the target (green), the one that it replaces the
// source (blue). What the host has done is only known by what is seen: a crash between
// keeping a position and acting on it leaves nothing to be made up for.
package lifecycle

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// A Stage is one of the stages of a deployment.
type Stage = types.ServiceDeploymentLifecycleStage

// The stages, in their order.
const (
	ReconcileService           = types.ServiceDeploymentLifecycleStageReconcileService
	PreScaleUp                 = types.ServiceDeploymentLifecycleStagePreScaleUp
	ScaleUp                    = types.ServiceDeploymentLifecycleStageScaleUp
	PostScaleUp                = types.ServiceDeploymentLifecycleStagePostScaleUp
	TestTrafficShift           = types.ServiceDeploymentLifecycleStageTestTrafficShift
	PostTestTrafficShift       = types.ServiceDeploymentLifecycleStagePostTestTrafficShift
	PreProductionTrafficShift  = Stage(types.DeploymentLifecycleHookStagePreProductionTrafficShift)
	ProductionTrafficShift     = types.ServiceDeploymentLifecycleStageProductionTrafficShift
	PostProductionTrafficShift = types.ServiceDeploymentLifecycleStagePostProductionTrafficShift
	BakeTime                   = types.ServiceDeploymentLifecycleStageBakeTime
	CleanUp                    = types.ServiceDeploymentLifecycleStageCleanUp
)

// A Plan is what a deployment is to do. It does not change while the deployment runs.
// The zero Plan is a rolling update without a bake time.
type Plan struct {
	// Beside starts the target revision in full beside the source, and removes the
	// source at the end. Otherwise tasks are replaced one after another.
	Beside bool `json:",omitempty"`
	// First is a service's first deployment. It waits for nothing, since there is no
	// revision to go back to.
	First bool `json:",omitempty"`
	// Reconcile begins with a service that has other revisions beside the source: they
	// give the source their traffic back, and go.
	Reconcile bool `json:",omitempty"`
	// Routed has listeners send the traffic; without it the shifts are in name only.
	Routed bool `json:",omitempty"`
	// Shares are the percentages of the production traffic that the target has after
	// each shift. They grow, and the last one is 100.
	Shares   []float64     `json:",omitempty"`
	StepBake time.Duration `json:",omitempty"` // after each shift but the last
	Bake     time.Duration `json:",omitempty"` // after the last one
	Hooks    []Hook        `json:",omitempty"`
}

// A Hook has a deployment wait in some of its stages until somebody lets it go on, or a
// function does, which is asked.
type Hook struct {
	Stages    []Stage
	Function  string `json:",omitempty"` // ARN; empty: nobody is asked
	Role      string `json:",omitempty"` // in which it is asked
	Timeout   time.Duration
	OnTimeout types.DeploymentLifecycleHookAction
}

// Traffic is the percentages of the traffic that the target revision is to have. The
// source has the rest.
type Traffic struct {
	Production, Test float64
}

// Rest is what the source has beside it.
func (t Traffic) Rest() Traffic { return Traffic{Production: 100 - t.Production, Test: 100 - t.Test} }

// A Wait is a hook that a deployment has come to.
type Wait struct {
	Hook    int // its place in the plan
	Stage   Stage
	Step    int // shifts of production traffic before it
	Expires time.Time
	Status  types.DeploymentLifecycleHookStatus
	Ask     time.Time       `json:",omitzero"`  // when its function is asked again
	Details json.RawMessage `json:",omitempty"` // what the function wants to be told then
}

// A Position is where a deployment stands. The zero Position is before its begin.
type Position struct {
	Stage   Stage     `json:",omitempty"`
	Since   time.Time `json:",omitzero"`  // when the stage began
	Step    int       `json:",omitempty"` // shifts of production traffic that have begun
	Traffic Traffic   `json:",omitzero"`
	Waits   []Wait    `json:",omitempty"` // in the order of their begin
	Back    bool      `json:",omitempty"` // everything returns to the source
	Halted  bool      `json:",omitempty"` // it has failed and stays as it is
	Ended   bool      `json:",omitempty"`
}

// Seen is what a deployment can be seen to have come to.
type Seen struct {
	Shifted     bool // the listeners send the traffic of the position
	Ready       bool // the target has the tasks that are asked of it, and they are healthy
	SourceReady bool // the source can take the traffic back
	Target      int  // tasks of the target, those that are stopping, too
	Source      int  // tasks of the source
	Others      int  // tasks of all other revisions
}

// Next is where a deployment stands after a look at it. One that turns back or halts by
// itself goes no further in the same look, so that the host can note that it has failed.
func (p Position) Next(plan Plan, now time.Time, s Seen) Position {
	for {
		next, moved := p.step(plan, now, s)
		if !moved {
			return p
		}
		if next.Traffic != p.Traffic {
			s.Shifted = false // the listeners are still to learn of it
		}
		turned := next.Back != p.Back
		if p = next; turned {
			return p
		}
	}
}

// step takes a deployment one stage further, or to the end of a hook's time.
func (p Position) step(plan Plan, now time.Time, s Seen) (Position, bool) {
	switch {
	case p.Ended || p.Halted:
		return p, false
	case p.Stage == "":
		return p.enter(plan.begin(), plan, now), true
	}
	if expired, any := p.expire(plan, now); any {
		return expired, true
	}
	if p.waits() || !p.done(plan, now, s) {
		return p, false
	}
	stage, more := p.following(plan)
	if !more {
		p.Ended = true
		return p, true
	}
	return p.enter(stage, plan, now), true
}

// begin is the stage that a deployment begins with.
func (plan Plan) begin() Stage {
	switch {
	case plan.Reconcile:
		return ReconcileService
	case !plan.Beside:
		return ScaleUp
	}
	return PreScaleUp
}

// following is the stage after the present one; there is none after the last.
func (p Position) following(plan Plan) (Stage, bool) {
	stages := forward
	switch {
	case !plan.Beside && p.Back:
		stages = []Stage{ScaleUp}
	case !plan.Beside:
		stages = []Stage{ReconcileService, ScaleUp, BakeTime}
	case p.Back:
		stages = backward
	case p.Stage == ProductionTrafficShift && p.Step < len(plan.Shares):
		return PreProductionTrafficShift, true
	}
	i := slices.Index(stages, p.Stage) + 1
	if i == len(stages) {
		return "", false
	}
	return stages[i], true
}

var (
	forward = []Stage{
		ReconcileService, PreScaleUp, ScaleUp, PostScaleUp, TestTrafficShift, PostTestTrafficShift,
		PreProductionTrafficShift, ProductionTrafficShift, PostProductionTrafficShift, BakeTime, CleanUp,
	}
	backward = []Stage{ScaleUp, ProductionTrafficShift, CleanUp}
)

// enter begins a stage: its hooks begin to wait, and its traffic is asked for.
func (p Position) enter(stage Stage, plan Plan, now time.Time) Position {
	p.Stage, p.Since = stage, now
	switch {
	case p.Back && stage == ProductionTrafficShift:
		p.Traffic = Traffic{}
	case p.Back:
	case stage == TestTrafficShift:
		p.Traffic.Test = 100
	case stage == ProductionTrafficShift:
		p.Traffic.Production = plan.Shares[p.Step]
		p.Step++
	}
	if p.Back {
		return p
	}
	for i, h := range plan.Hooks {
		if slices.Contains(h.Stages, stage) {
			p.Waits = append(slices.Clip(p.Waits), Wait{Hook: i, Stage: stage, Step: p.Step, Expires: now.Add(h.Timeout), Status: h.begins()})
		}
	}
	return p
}

// done is whether a stage has come to what it is for.
func (p Position) done(plan Plan, now time.Time, s Seen) bool {
	shifted := s.Shifted || !plan.Routed
	switch p.Stage {
	case ReconcileService:
		return shifted && s.Others == 0
	case PreScaleUp, TestTrafficShift:
		return shifted
	case ScaleUp:
		return s.Ready && !p.Back || s.SourceReady && p.Back
	case PostScaleUp, PreProductionTrafficShift:
		return s.Ready
	case ProductionTrafficShift:
		return shifted && !now.Before(p.until(plan))
	case BakeTime:
		return !now.Before(p.until(plan))
	case CleanUp:
		return s.Source == 0 && !p.Back || s.Target == 0 && p.Back
	}
	return true
}

// until is when a stage that takes its time is over.
func (p Position) until(plan Plan) time.Time {
	switch {
	case plan.First || p.Back:
	case p.Stage == BakeTime:
		return p.Since.Add(plan.Bake)
	case p.Stage == ProductionTrafficShift && p.Step < len(plan.Shares):
		return p.Since.Add(plan.StepBake)
	}
	return p.Since
}

// Wake is when time alone takes a deployment further; zero if it cannot.
func (p Position) Wake(plan Plan) time.Time {
	if p.Ended || p.Halted {
		return time.Time{}
	}
	var at time.Time
	if until := p.until(plan); until.After(p.Since) {
		at = until
	}
	for _, w := range p.Waits {
		if w.Awaits() && (at.IsZero() || w.Expires.Before(at)) {
			at = w.Expires
		}
	}
	return at
}

// Return sends a deployment back to its source, whatever it waits for.
func (p Position) Return(now time.Time) Position {
	p = p.giveUpWaits()
	p.Stage, p.Since, p.Back, p.Halted = ScaleUp, now, true, false
	return p
}

// Halt ends a deployment where it is.
func (p Position) Halt() Position {
	p = p.giveUpWaits()
	p.Halted = true
	return p
}

func (p Position) giveUpWaits() Position {
	p.Waits = slices.Clone(p.Waits)
	for i := range p.Waits {
		if p.Waits[i].Awaits() {
			p.Waits[i].Status = types.DeploymentLifecycleHookStatusFailed
		}
	}
	return p
}

// Continue lets a hook go that a deployment waits for, by its place among the waits.
func (p Position) Continue(wait int) Position {
	p.Waits = slices.Clone(p.Waits)
	p.Waits[wait].Status = types.DeploymentLifecycleHookStatusSucceeded
	return p
}

// Again has the function of a hook asked again, and told what it has said.
func (p Position) Again(wait int, at time.Time, details json.RawMessage) Position {
	p.Waits = slices.Clone(p.Waits)
	p.Waits[wait].Ask, p.Waits[wait].Details = at, details
	return p
}

// Fail ends the deployment because of a hook that it waits for: it returns to its source,
// if it has one.
func (p Position) Fail(plan Plan, wait int, now time.Time) Position {
	p.Waits = slices.Clone(p.Waits)
	p.Waits[wait].Status = types.DeploymentLifecycleHookStatusFailed
	if plan.First {
		return p.Halt()
	}
	return p.Return(now)
}

// begins is the status of a hook when a deployment comes to it.
func (h Hook) begins() types.DeploymentLifecycleHookStatus {
	if h.Function != "" {
		return types.DeploymentLifecycleHookStatusInProgress
	}
	return types.DeploymentLifecycleHookStatusAwaitingAction
}

// Asks is whether the hook's function has to let the deployment go on.
func (w Wait) Asks() bool { return w.Status == types.DeploymentLifecycleHookStatusInProgress }

// Awaits is whether the deployment still waits for the hook.
func (w Wait) Awaits() bool {
	return w.Status == types.DeploymentLifecycleHookStatusAwaitingAction || w.Asks()
}

// waits is whether a hook holds the deployment.
func (p Position) waits() bool { return slices.ContainsFunc(p.Waits, Wait.Awaits) }

// expire ends the first hook whose time is over.
func (p Position) expire(plan Plan, now time.Time) (Position, bool) {
	i := slices.IndexFunc(p.Waits, func(w Wait) bool { return w.Awaits() && !now.Before(w.Expires) })
	if i < 0 {
		return p, false
	}
	p.Waits = slices.Clone(p.Waits)
	p.Waits[i].Status = types.DeploymentLifecycleHookStatusTimedOut
	switch {
	case plan.Hooks[p.Waits[i].Hook].OnTimeout == types.DeploymentLifecycleHookActionContinue:
		return p, true
	case plan.First:
		return p.Halt(), true
	}
	return p.Return(now), true
}

// A Fleet is how many tasks a revision is to have.
type Fleet int8

// The sizes of a fleet.
const (
	Full Fleet = iota // the desired count
	Held              // what it has: none are started, none are stopped
	None
)

// Apart is whether each revision has a fleet of its own size: in a rolling update only
// while other revisions give their traffic back.
func (p Position) Apart(plan Plan) bool {
	reconciles := plan.Reconcile && (p.Stage == "" || p.Stage == ReconcileService)
	return !p.Ended && (plan.Beside || reconciles)
}

// Fleets are those of the target, of the source and of each other revision while they
// are apart.
func (p Position) Fleets(s Seen) (target, source, others Fleet) {
	target, others = Full, None
	cleaning := p.Stage == CleanUp || p.Ended
	switch {
	case p.Back && cleaning:
		target = None
	case p.Back || p.Halted:
		target = Held
	case p.Stage == ReconcileService, p.Stage == PreScaleUp, p.Stage == "":
		target = None
	case cleaning:
		source = None
	}
	mayCarry := p.Back || p.Stage == ReconcileService || p.Stage == ""
	if mayCarry && !(s.Shifted && s.SourceReady) {
		others = Held // they have traffic that the source is still to take
	}
	return target, source, others
}

// Shares are the percentages of production traffic after each of the shifts of a number
// of percent, in tenths: 3.5 makes 3.5, 7, and so on to 98 and 100.
func Shares(step float64) []float64 {
	var shares []float64
	tenths := int(step*10 + 0.5)
	for n := tenths; n < 1000; n += tenths {
		shares = append(shares, float64(n)/10)
	}
	return append(shares, 100)
}

// Weights are those of the target groups of source and target in a listener, whose
// weights are whole numbers up to 999: of 100 where a whole percentage allows that, or
// else of 1,000.
func Weights(percent float64) (source, target int32) {
	tenths := int32(percent*10 + 0.5)
	if tenths%10 == 0 {
		return 100 - tenths/10, tenths / 10
	}
	return 1000 - tenths, tenths
}
