package lifecycle

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// settled is what is seen when everything that a position wants is there.
var settled = Seen{Shifted: true, Ready: true, SourceReady: true}

// blueGreen is a plan that waits for nothing.
func blueGreen(changes ...func(*Plan)) Plan {
	plan := Plan{Beside: true, Routed: true, Shares: []float64{100}}
	for _, change := range changes {
		change(&plan)
	}
	return plan
}

// at is a position in which a deployment has just come to a stage.
func at(stage Stage, step int, t Traffic) Position {
	return Position{Stage: stage, Since: noon, Step: step, Traffic: t}
}

func TestAStageIsLeftWhenItHasDoneWhatItIsFor(t *testing.T) {
	linear := blueGreen(func(p *Plan) { p.Shares, p.StepBake, p.Bake = []float64{50, 100}, 6*time.Minute, 5*time.Minute })
	half, all := Traffic{50, 100}, Traffic{100, 100}
	for _, tt := range []struct {
		name string
		from Position
		wait time.Duration
		seen Seen
		want Stage
	}{
		{"the groups are made known to the listeners first", Position{}, 0, Seen{}, PreScaleUp},
		{"nothing is shifted to a target without its tasks", at(ScaleUp, 0, Traffic{}), 0, Seen{Shifted: true, SourceReady: true}, ScaleUp},
		{"test traffic follows the tasks", at(ScaleUp, 0, Traffic{}), 0, settled, TestTrafficShift},
		{"production traffic follows test traffic", at(TestTrafficShift, 0, Traffic{Test: 100}), 0, settled, ProductionTrafficShift},
		{"a target that has lost tasks gets no more traffic", at(PreProductionTrafficShift, 1, half), 0, Seen{Shifted: true}, PreProductionTrafficShift},
		{"a step bakes", at(ProductionTrafficShift, 1, half), 6*time.Minute - 1, settled, ProductionTrafficShift},
		{"the next step comes after it", at(ProductionTrafficShift, 1, half), 6 * time.Minute, settled, ProductionTrafficShift},
		{"no step bakes after the last", at(ProductionTrafficShift, 2, all), 0, settled, BakeTime},
		{"a listener that has not learnt of a shift holds it", at(ProductionTrafficShift, 2, all), time.Hour, Seen{Ready: true}, ProductionTrafficShift},
		{"both revisions run in the bake time", at(BakeTime, 2, all), 5*time.Minute - 1, settled, BakeTime},
		{"the source is removed after it", at(BakeTime, 2, all), 5 * time.Minute, Seen{Shifted: true, Ready: true, Source: 2}, CleanUp},
	} {
		if got := tt.from.Next(linear, noon.Add(tt.wait), tt.seen); got.Stage != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got.Stage, tt.want)
		}
	}
}

func TestADeploymentEndsWhenTheSourceIsGone(t *testing.T) {
	p := at(CleanUp, 1, Traffic{100, 100})
	if p = p.Next(blueGreen(), noon, Seen{Source: 1}); p.Ended {
		t.Error("it ends while the source has a task")
	}
	if p = p.Next(blueGreen(), noon, Seen{}); !p.Ended {
		t.Error("it does not end")
	}
}

func TestEachStepIsOneShift(t *testing.T) {
	plan := blueGreen(func(p *Plan) { p.Shares, p.StepBake = Shares(30), time.Minute })
	var shares []float64
	p, now := Position{}, noon
	for range 50 {
		p = p.Next(plan, now, settled)
		p = p.Next(plan, now, settled)
		if n := len(shares); n == 0 || shares[n-1] != p.Traffic.Production {
			shares = append(shares, p.Traffic.Production)
		}
		now = now.Add(20 * time.Second)
	}
	if want := []float64{30, 60, 90, 100}; !slices.Equal(shares, want) {
		t.Errorf("shares %v, want %v", shares, want)
	}
}

func TestTheFirstDeploymentBakesNothing(t *testing.T) {
	plan := blueGreen(func(p *Plan) { p.First, p.Bake = true, time.Hour })
	p := Position{}
	for range 4 {
		p = p.Next(plan, noon, settled)
	}
	if !p.Ended || p.Traffic.Production != 100 {
		t.Errorf("it stands at %s with %v", p.Stage, p.Traffic)
	}
}

func TestARollingDeploymentScalesUpAndBakes(t *testing.T) {
	plan := Plan{Bake: time.Minute}
	p := Position{}.Next(plan, noon, Seen{})
	if p.Stage != ScaleUp {
		t.Errorf("it begins with %s", p.Stage)
	}
	p = p.Next(plan, noon, Seen{Ready: true})
	if p.Stage != BakeTime || !p.Wake(plan).Equal(noon.Add(time.Minute)) {
		t.Errorf("it stands at %s until %v", p.Stage, p.Wake(plan))
	}
	if p = p.Next(plan, noon.Add(time.Minute), Seen{Ready: true}); !p.Ended {
		t.Error("it does not end")
	}
	if back := (Position{Stage: BakeTime}).Return(noon).Next(plan, noon, settled); !back.Ended || !back.Back {
		t.Errorf("on its way back it stands at %s", back.Stage)
	}
}

func TestARollingDeploymentFirstHasTrafficReturn(t *testing.T) {
	plan := Plan{Reconcile: true, Routed: true}
	p := Position{}.Next(plan, noon, Seen{SourceReady: true, Others: 2})
	if p.Stage != ReconcileService || !p.Apart(plan) {
		t.Errorf("it begins with %s", p.Stage)
	}
	if p = p.Next(plan, noon, Seen{Shifted: true, SourceReady: true, Others: 2}); p.Stage != ReconcileService {
		t.Errorf("it is at %s while others have tasks", p.Stage)
	}
	if p = p.Next(plan, noon, Seen{Shifted: true, SourceReady: true}); p.Stage != ScaleUp || p.Apart(plan) {
		t.Errorf("it goes on with %s", p.Stage)
	}
}

func TestHooksHoldTheirStages(t *testing.T) {
	hooked := func(onTimeout types.DeploymentLifecycleHookAction, first bool) Plan {
		return blueGreen(func(p *Plan) {
			p.First = first
			p.Hooks = []Hook{{Stages: []Stage{PreScaleUp, PostScaleUp}, Timeout: time.Hour, OnTimeout: onTimeout}}
		})
	}
	for _, tt := range []struct {
		name   string
		plan   Plan
		answer bool
		after  time.Duration
		want   Stage
		status types.DeploymentLifecycleHookStatus
		back   bool
		halted bool
	}{
		{"until they are answered", hooked("ROLLBACK", false), true, 0, PostScaleUp, "SUCCEEDED", false, false},
		{"while they are not", hooked("ROLLBACK", false), false, time.Hour - 1, PreScaleUp, "AWAITING_ACTION", false, false},
		{"until their time is over", hooked("CONTINUE", false), false, time.Hour, PostScaleUp, "TIMED_OUT", false, false},
		{"and send it back then", hooked("ROLLBACK", false), false, time.Hour, ScaleUp, "TIMED_OUT", true, false},
		{"or end it where there is no way back", hooked("ROLLBACK", true), false, time.Hour, PreScaleUp, "TIMED_OUT", false, true},
	} {
		p := Position{}.Next(tt.plan, noon, settled)
		if !p.Wake(tt.plan).Equal(noon.Add(time.Hour)) {
			t.Errorf("%s: it wakes at %v", tt.name, p.Wake(tt.plan))
		}
		if tt.answer {
			p = p.Continue(0)
		}
		p = p.Next(tt.plan, noon.Add(tt.after), settled)
		if p.Stage != tt.want || p.Waits[0].Status != tt.status || p.Back != tt.back || p.Halted != tt.halted {
			t.Errorf("%s: %s, hook %s, back %v, halted %v", tt.name, p.Stage, p.Waits[0].Status, p.Back, p.Halted)
		}
	}
}

func TestAHookOfAStepWaitsAtEachStep(t *testing.T) {
	plan := blueGreen(func(p *Plan) {
		p.Shares = []float64{50, 100}
		p.Hooks = []Hook{{Stages: []Stage{PreProductionTrafficShift}, Timeout: time.Hour}}
	})
	p := at(PostTestTrafficShift, 0, Traffic{Test: 100}).Next(plan, noon, settled)
	for i := range 2 {
		if len(p.Waits) != i+1 || p.Waits[i].Step != i || !p.Waits[i].Awaits() {
			t.Fatalf("waits %+v before step %d", p.Waits, i)
		}
		p = p.Continue(i).Next(plan, noon, settled).Next(plan, noon, settled)
	}
	if p.Stage != CleanUp && !p.Ended {
		t.Errorf("it stands at %s", p.Stage)
	}
}

func TestFleets(t *testing.T) {
	seen := Seen{Shifted: true, SourceReady: true}
	for _, tt := range []struct {
		name                   string
		p                      Position
		seen                   Seen
		target, source, others Fleet
	}{
		{"others stay until the source has the traffic", Position{Stage: ReconcileService}, Seen{SourceReady: true}, None, Full, Held},
		{"others stay until the source is ready", Position{Stage: ReconcileService}, Seen{Shifted: true}, None, Full, Held},
		{"others go first", Position{Stage: ReconcileService}, seen, None, Full, None},
		{"the target is not there yet", Position{Stage: PreScaleUp}, seen, None, Full, None},
		{"the target is there in full", Position{Stage: ScaleUp}, seen, Full, Full, None},
		{"both bake", Position{Stage: BakeTime}, seen, Full, Full, None},
		{"the source goes", Position{Stage: CleanUp}, seen, Full, None, None},
		{"the target waits for the traffic to return", Position{Stage: ScaleUp, Back: true}, seen, Held, Full, None},
		{"others stay on the way back until the source has the traffic", Position{Stage: ScaleUp, Back: true}, Seen{SourceReady: true}, Held, Full, Held},
		{"the target goes", Position{Stage: CleanUp, Back: true}, seen, None, Full, None},
		{"what has failed stays", Position{Stage: ScaleUp, Halted: true}, seen, Held, Full, None},
	} {
		if target, source, others := tt.p.Fleets(tt.seen); target != tt.target || source != tt.source || others != tt.others {
			t.Errorf("%s: %d %d %d", tt.name, target, source, others)
		}
	}
}

func TestSharesAndWeights(t *testing.T) {
	if got, want := Shares(33.4), []float64{33.4, 66.8, 100}; !slices.Equal(got, want) {
		t.Errorf("shares %v, want %v", got, want)
	}
	if got := Shares(100); !slices.Equal(got, []float64{100}) {
		t.Errorf("shares %v", got)
	}
	for percent, want := range map[float64]string{0: "100 0", 100: "0 100", 30: "70 30", 0.1: "999 1", 99.9: "1 999", 33.3: "667 333"} {
		if source, target := Weights(percent); fmt.Sprint(source, " ", target) != want {
			t.Errorf("%v %%: %d %d, want %s", percent, source, target, want)
		}
	}
}

// A site is what a deployment is carried out on: the two revisions' tasks, and what the
// listeners send.
type site struct {
	desired, source, target int // healthy tasks
	routed                  *Traffic
}

func (s site) seen(p Position) Seen {
	return Seen{
		Shifted: s.routed != nil && *s.routed == p.Traffic,
		Ready:   s.target >= s.desired, SourceReady: s.source >= min(s.desired, s.target),
		Source: s.source, Target: s.target,
	}
}

// follow does one of the things that a position wants, and returns whether there was
// one left.
func (s *site) follow(p Position) bool {
	target, source, _ := p.Fleets(s.seen(p))
	switch {
	case s.routed == nil || *s.routed != p.Traffic:
		t := p.Traffic
		s.routed = &t
	case target == Full && s.target < s.desired:
		s.target++
	case target == None && s.target > 0:
		s.target--
	case source == Full && s.source < s.desired:
		s.source++
	case source == None && s.source > 0:
		s.source--
	default:
		return false
	}
	return true
}

func anyPlan(t *rapid.T) Plan {
	bake := rapid.SampledFrom([]time.Duration{0, time.Minute, 5 * time.Minute})
	plan := Plan{Beside: true, Routed: true, StepBake: bake.Draw(t, "step bake"), Bake: bake.Draw(t, "bake")}
	switch rapid.SampledFrom([]string{"blue/green", "linear", "canary"}).Draw(t, "strategy") {
	case "linear":
		plan.Shares = Shares(float64(rapid.IntRange(30, 1000).Draw(t, "step")) / 10)
	case "canary":
		plan.Shares = slices.Compact([]float64{float64(rapid.IntRange(1, 1000).Draw(t, "canary")) / 10, 100})
	default:
		plan.Shares = []float64{100}
	}
	return plan
}

func TestWhateverHappensTrafficIsNeverSentToTooFewTasks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := anyPlan(t)
		desired := rapid.IntRange(1, 4).Draw(t, "desired")
		s := site{desired: desired, source: desired}
		p, now := Position{}, noon
		returned := false
		for range rapid.IntRange(1, 80).Draw(t, "length") {
			before := p
			p = p.Next(plan, now, s.seen(p))
			check(t, before, p, s)
			switch rapid.IntRange(0, 9).Draw(t, "what") {
			case 0:
				s.target = max(0, s.target-1) // a task dies
			case 1:
				s.source = max(0, s.source-1)
			case 2:
				now = now.Add(time.Minute)
			case 3:
				if !p.Ended && !returned && rapid.Bool().Draw(t, "return") {
					p, returned = p.Return(now), true
				}
			default:
				s.follow(p)
			}
		}
		finish(t, plan, p, s, now)
	})
}

// check holds a move against what must be true of any.
func check(t *rapid.T, before, p Position, s site) {
	if source, target := Weights(p.Traffic.Production); source+target != 100 && source+target != 1000 {
		t.Fatalf("weights %d and %d", source, target)
	}
	if rest := p.Traffic.Rest(); rest.Production+p.Traffic.Production != 100 || rest.Test+p.Traffic.Test != 100 {
		t.Fatalf("traffic %v and %v", p.Traffic, rest)
	}
	if p.Traffic.Production > before.Traffic.Production && s.target < s.desired {
		t.Fatalf("%v %% go to %d of %d tasks", p.Traffic.Production, s.target, s.desired)
	}
	if p.Traffic.Production < before.Traffic.Production && s.source < min(s.desired, s.target) {
		t.Fatalf("traffic returns to %d of %d tasks, from %d", s.source, s.desired, s.target)
	}
	target, source, _ := p.Fleets(s.seen(p))
	if s.routed == nil {
		return
	}
	if s.routed.Production > 0 && target == None || s.routed.Production < 100 && source == None {
		t.Fatalf("a revision that has traffic is removed at %s: %v", p.Stage, *s.routed)
	}
}

// finish carries a deployment out to its end: it comes to one of two, and which one is
// told by its direction alone.
func finish(t *rapid.T, plan Plan, p Position, s site, now time.Time) {
	for range 2000 {
		p = p.Next(plan, now, s.seen(p))
		if !s.follow(p) {
			if p.Ended {
				break
			}
			now = now.Add(time.Minute)
		}
	}
	want := site{desired: s.desired, target: s.desired, routed: &Traffic{100, 100}}
	if p.Back {
		want = site{desired: s.desired, source: s.desired, routed: &Traffic{}}
	}
	if !p.Ended || s.source != want.source || s.target != want.target || *s.routed != *want.routed {
		t.Fatalf("back %v, ended %v at %s: %d of source, %d of target, traffic %v", p.Back, p.Ended, p.Stage, s.source, s.target, *s.routed)
	}
}

func TestACrashBetweenKeepingAPositionAndActingOnItChangesNoEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plan := anyPlan(t)
		desired := rapid.IntRange(1, 3).Draw(t, "desired")
		returnAt := rapid.IntRange(-1, 40).Draw(t, "return at")
		crashes := rapid.SliceOf(rapid.IntRange(0, 60)).Draw(t, "crashes")
		s := site{desired: desired, source: desired}
		p, kept, now := Position{}, Position{}, noon
		for i := range 60 {
			if i == returnAt && !p.Ended {
				p = p.Return(now)
				kept = p
			}
			next := p.Next(plan, now, s.seen(p))
			if slices.Contains(crashes, i) {
				p = kept // what was not kept is decided anew
				continue
			}
			p, kept = next, next
			if !s.follow(p) {
				now = now.Add(time.Minute)
			}
		}
		finish(t, plan, p, s, now)
	})
}
