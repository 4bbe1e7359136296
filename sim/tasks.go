package sim

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"flyball/governor"
	"flyball/scaling"
)

// never is later than any time of a run.
const never = math.MaxInt64

// Tasks are those of a service: as Amazon ECS starts, deploys and drains them. Times
// are nanoseconds since 1970.
type tasks struct {
	start, spread, healthy, drain int64
	crashes                       float64 // of a task, in a nanosecond
	random                        *rand.Rand
	took                          func(asked time.Time, stops bool) time.Duration // as Scenario.Took

	desired   int
	now       revision   // that is to run
	old       revision   // that a deployment replaces
	deploying bool       // a deployment is under way
	coming    []coming   // tasks that do not serve yet
	draining  []draining // tasks that are stopped and still live
	crash     int64      // when the next task ends by itself
	next      int64      // when the next of all these changes something
	counts    counts     // until then
}

// Counts are how many tasks run, serve and are paid for, as measurements want them.
type counts struct{ running, serving, paid float64 }

// A revision is the tasks of one, of which coming ones are not among running.
type revision struct{ running, serving int }

// A coming task runs and serves at these times. A revision that is replaced meanwhile
// takes its coming tasks along.
type coming struct{ runs, serves int64 }

type draining struct {
	until int64
	tasks int
	runs  bool // they are seen to run until then
}

// newTasks are tasks that have run for long.
func newTasks(s Service, initial int, random *rand.Rand, now int64) *tasks {
	t := &tasks{
		start: int64(s.Start), spread: int64(s.StartSpread), healthy: int64(s.Healthy), drain: int64(s.Drain),
		crashes: s.CrashesPerHour / 3.6e12, random: random,
		desired: initial, now: revision{initial, initial},
	}
	t.plan(now)
	return t
}

func (t *tasks) running() int { return t.now.running + t.old.running }
func (t *tasks) serving() int { return t.now.serving + t.old.serving }

// paid is how many tasks are paid for: from when they are asked for until they are gone.
func (t *tasks) paid() int {
	n := t.now.serving + t.old.running + len(t.coming)
	for _, d := range t.draining {
		n += d.tasks
	}
	return n
}

// seen is the service as the autoscaler sees it.
func (t *tasks) seen() governor.Capacity {
	c := governor.Capacity{Desired: scaling.Capacity(t.desired), Running: scaling.Capacity(t.running()), Deploying: t.deploying}
	if t.deploying {
		c.New = scaling.Capacity(t.now.running)
	}
	for _, d := range t.draining {
		if d.runs {
			c.Running += scaling.Capacity(d.tasks)
		}
	}
	return c
}

// set sets the desired count.
func (t *tasks) set(now int64, desired int) {
	t.desired = desired
	t.reconcile(now)
	t.plan(now)
}

// deploy has all tasks replaced by new ones: up to twice as many run side by side, and
// never fewer than are desired (maximumPercent 200, minimumHealthyPercent 100).
func (t *tasks) deploy(now int64) {
	t.old = revision{t.running(), t.serving()}
	t.now, t.coming = revision{}, t.coming[:0]
	t.deploying = true
	t.reconcile(now)
	t.plan(now)
}

// step brings the tasks to a time.
func (t *tasks) step(now int64) {
	if t.crash <= now {
		t.lose()
	}
	for i := range t.coming {
		c := &t.coming[i]
		if c.runs <= now && c.runs >= 0 {
			t.now.running++
			c.runs = -1 // it is counted
		}
		if c.serves <= now {
			t.now.serving++
		}
	}
	t.coming = slices.DeleteFunc(t.coming, func(c coming) bool { return c.serves <= now })
	t.draining = slices.DeleteFunc(t.draining, func(d draining) bool { return d.until <= now })
	t.reconcile(now)
	t.plan(now)
}

// lose ends one task, of the revision that has more.
func (t *tasks) lose() {
	of := &t.now
	if t.old.serving > t.now.serving {
		of = &t.old
	}
	if of.serving > 0 {
		of.serving--
		of.running--
	}
}

// reconcile starts and stops tasks so that there are as many as desired.
func (t *tasks) reconcile(now int64) {
	all := t.now.serving + len(t.coming) // of the revision that is to run
	most := t.desired
	if t.deploying {
		most = 2*t.desired - t.old.running
	}
	for ; all < min(t.desired, most); all++ {
		t.begin(now)
	}
	if surplus := all - t.desired; surplus > 0 {
		youngest := min(surplus, len(t.coming))
		for _, c := range t.coming[len(t.coming)-youngest:] {
			if c.runs < 0 {
				t.now.running--
			}
		}
		t.coming = t.coming[:len(t.coming)-youngest]
		t.stop(now, &t.now, surplus-youngest)
	}
	if t.deploying {
		t.replace(now)
	}
}

// replace stops old tasks as far as new ones serve in their place.
func (t *tasks) replace(now int64) {
	t.stop(now, &t.old, min(t.old.running, max(0, t.old.running+t.now.serving-t.desired)))
	if t.old.running == 0 && t.now.serving == t.desired {
		t.deploying = false
		return
	}
	for all := t.now.serving + len(t.coming); all < min(t.desired, 2*t.desired-t.old.running); all++ {
		t.begin(now)
	}
}

// begin starts a task.
func (t *tasks) begin(now int64) {
	took := t.start
	switch {
	case t.took != nil:
		took = max(0, int64(t.took(moment(now), false)))
	case t.spread > 0:
		took = max(0, took+int64(t.random.NormFloat64()*float64(t.spread)))
	}
	switch {
	case took+t.healthy > 0 && took == 0:
		t.now.running++
		t.coming = append(t.coming, coming{-1, now + t.healthy})
	case took+t.healthy > 0:
		t.coming = append(t.coming, coming{now + took, now + took + t.healthy})
	default:
		t.now.running++
		t.now.serving++
	}
}

// stop stops tasks of a revision that serve.
func (t *tasks) stop(now int64, of *revision, n int) {
	if n <= 0 {
		return
	}
	of.running -= n
	of.serving = max(0, of.serving-n)
	switch {
	case t.took != nil:
		t.draining = append(t.draining, draining{now + max(1, int64(t.took(moment(now), true))), n, true})
	case t.drain > 0:
		t.draining = append(t.draining, draining{now + t.drain, n, false})
	}
}

// plan finds when something changes next, after a change. The time to the next crash has no memory, so
// that it may be drawn anew.
func (t *tasks) plan(now int64) {
	t.counts = counts{float64(t.running()), float64(t.serving()), float64(t.paid())}
	t.crash = never
	if t.crashes > 0 && t.serving() > 0 {
		after := t.random.ExpFloat64() / (t.crashes * float64(t.serving()))
		if after < math.MaxInt64/4 {
			t.crash = now + max(1, int64(after))
		}
	}
	t.next = t.crash
	for _, c := range t.coming {
		if c.runs >= 0 {
			t.next = min(t.next, c.runs)
		}
		t.next = min(t.next, c.serves)
	}
	for _, d := range t.draining {
		t.next = min(t.next, d.until)
	}
}
