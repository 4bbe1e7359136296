// Package scheduler holds the rules of the ECS service scheduler as values: what
// is seen of a service goes in, what is to be done comes out. It has no clock and
// starts nothing; time is an argument.
//
//	actions := scheduler.Decide(scheduler.View{Desired: 4, Maximum: 200, ...}, now)
//	// start actions.Start tasks, stop those of actions.Unhealthy and
//	// actions.Surplus, decide again when something has changed or at actions.Wake
//
// BackOff says how long a service waits after its tasks have failed,
// BreakerThreshold how many failures end a deployment, and a Spread deals tasks out
// over capacity providers.
package scheduler

import (
	"slices"
	"time"
)

// A View is what the scheduler sees of a service.
type View struct {
	Desired        int       // how many tasks of the primary deployment are wanted
	MinimumHealthy int       // percent of Desired that stops must leave ready
	Maximum        int       // percent of Desired that may be pending or running
	Primary        string    // the deployment that tasks are started for
	Halted         bool      // the primary has failed: nothing is started
	Deleted        bool      // nothing keeps the tasks, not even protection
	RetryAt        time.Time // no task is started before; zero does not hold back
	Tasks          []Task
}

// A Task is what the scheduler sees of a task that has not stopped.
type Task struct {
	ID         string
	Deployment string
	Phase      Phase
	ReadyAt    time.Time // when it counts as ready; zero while that is not known
	// UnhealthyAt is when its failed health check counts: at the end of the grace
	// period. Zero while it has not failed.
	UnhealthyAt time.Time
	CreatedAt   time.Time
	Protected   time.Time // not stopped by scale-in or a deployment before
}

// Ready is whether a task counts towards the minimum that is kept healthy.
func (t Task) Ready(now time.Time) bool {
	return t.Phase == Running && !t.ReadyAt.IsZero() && !t.ReadyAt.After(now)
}

func (t Task) unhealthy(now time.Time) bool {
	return !t.UnhealthyAt.IsZero() && !t.UnhealthyAt.After(now)
}

func (t Task) shielded(now time.Time) bool { return t.Protected.After(now) }

// A Phase is a task's life as far as the scheduler cares.
type Phase int8

// The phases of a task, in the order of its life.
const (
	Pending  Phase = iota // accepted, not running yet
	Running               // all containers have started
	Stopping              // asked to stop, not stopped yet
)

// Actions are what the scheduler does about a View.
type Actions struct {
	Start     int      // tasks of the primary deployment to start
	Unhealthy []string // tasks to stop for their health
	Surplus   []string // tasks to stop because they are too many or too old
	// Settled: the desired number of the primary's tasks is ready, no other task is left.
	Settled bool
	// Shielded counts the tasks that would be stopped but for their protection.
	Shielded int
	// Stuck: the deployment configuration allows neither a start nor a stop.
	Stuck bool
	// Wake is when time alone may change the decision; zero if it cannot.
	Wake time.Time
}

// Decide applies the rules of the rolling update (Amazon ECS Developer Guide,
// "Deploy Amazon ECS services by replacing tasks"):
//
//   - An unhealthy task is stopped at once; it serves no one.
//   - Stops leave at least MinimumHealthy percent of Desired ready, rounded
//     up. A task that is not ready may always be stopped. With 4 desired and
//     50 %, 2 of 4 ready tasks may go.
//   - Starts make at most Maximum percent of Desired pending or running,
//     rounded down. With 4 desired and 150 %, 2 may be started beside 4.
//   - Protected tasks are not stopped.
func Decide(v View, now time.Time) Actions {
	var a Actions
	floor := ceilPercent(v.Desired, v.MinimumHealthy)
	ceiling := v.Desired * v.Maximum / 100

	current, old, stoppingCount := sortOut(v, now, &a)
	spare := countReady(current, now) + countReady(old, now) - floor

	current = stopSurplus(&a, v, current, surplusOfCurrent(v, len(current), len(old)), &spare, now)
	old = stopSurplus(&a, v, old, surplusOfOld(v, len(current), len(old)), &spare, now)

	want := v.Desired - len(current)
	room := ceiling - len(current) - len(old)
	switch {
	case v.Halted || want <= 0:
	case v.RetryAt.After(now):
		a.sooner(v.RetryAt)
	default:
		a.Start = max(0, min(want, room))
	}

	idle := a.Start == 0 && len(a.Surplus) == 0 && len(a.Unhealthy) == 0 && stoppingCount == 0
	ready := countReady(current, now)
	a.Settled = idle && !v.Halted && len(old) == 0 && len(current) == v.Desired && ready == v.Desired
	a.Stuck = idle && !v.Halted && want > 0 && room <= 0 && a.Shielded == 0 &&
		ready == len(current) && countReady(old, now) == len(old)
	for _, t := range slices.Concat(current, old) {
		if t.Phase == Running && t.ReadyAt.After(now) {
			a.sooner(t.ReadyAt)
		}
		if t.UnhealthyAt.After(now) {
			a.sooner(t.UnhealthyAt)
		}
	}
	return a
}

// Reached is whether the primary deployment has a percentage of the desired tasks ready,
// rounded up, and, if it is to be alone, whether all other tasks are gone.
func (v View) Reached(percent int, alone bool, now time.Time) bool {
	ready := 0
	for _, t := range v.Tasks {
		switch {
		case t.Deployment != v.Primary && alone:
			return false
		case t.Deployment == v.Primary && t.Ready(now):
			ready++
		}
	}
	return ready >= ceilPercent(v.Desired, percent)
}

// sortOut divides the tasks into those of the primary deployment and older ones.
// Tasks that are stopping are only counted; unhealthy ones are stopped.
func sortOut(v View, now time.Time, a *Actions) (current, old []Task, stoppingCount int) {
	current = make([]Task, 0, len(v.Tasks))
	for _, t := range v.Tasks {
		switch {
		case t.Phase == Stopping:
			stoppingCount++
		case t.unhealthy(now):
			a.Unhealthy = append(a.Unhealthy, t.ID)
		case t.Deployment == v.Primary:
			current = append(current, t)
		default:
			old = append(old, t)
		}
	}
	return current, old, stoppingCount
}

// surplusOfCurrent is how many of the primary's tasks are too many. A failed
// deployment's tasks go first when there are older ones beside them.
func surplusOfCurrent(v View, current, old int) int {
	if v.Halted {
		return min(current, max(0, current+old-v.Desired))
	}
	return max(0, current-v.Desired)
}

// surplusOfOld is how many older tasks are to go: all of them, as fast as the
// minimum allows. A failed deployment replaces no more.
func surplusOfOld(v View, current, old int) int {
	if v.Halted {
		return min(old, max(0, current+old-v.Desired))
	}
	return old
}

// stopSurplus stops a number of tasks, those that matter least first, and
// returns the others. Spare is how many ready tasks may still be stopped.
func stopSurplus(a *Actions, v View, tasks []Task, surplus int, spare *int, now time.Time) []Task {
	if surplus == 0 {
		return tasks
	}
	slices.SortStableFunc(tasks, func(x, y Task) int { return leastFirst(x, y, now) })
	kept := tasks[:0:0]
	for _, t := range tasks {
		ready := t.Ready(now)
		switch {
		case surplus == 0, ready && *spare <= 0:
			kept = append(kept, t)
		case t.shielded(now) && !v.Deleted:
			a.Shielded++
			a.sooner(t.Protected)
			kept = append(kept, t)
		default:
			a.Surplus = append(a.Surplus, t.ID)
			surplus--
			if ready {
				*spare--
			}
		}
	}
	return kept
}

// leastFirst orders tasks for scale-in: first those that are not running yet,
// then those not ready, then the newest. AWS does not document its order within
// an availability zone; the oldest tasks have the warmest caches.
func leastFirst(x, y Task, now time.Time) int {
	if d := worth(x, now) - worth(y, now); d != 0 {
		return d
	}
	return y.CreatedAt.Compare(x.CreatedAt)
}

func worth(t Task, now time.Time) int {
	switch {
	case t.Phase == Pending:
		return 0
	case !t.Ready(now):
		return 1
	}
	return 2
}

func countReady(tasks []Task, now time.Time) int {
	n := 0
	for _, t := range tasks {
		if t.Ready(now) {
			n++
		}
	}
	return n
}

func (a *Actions) sooner(t time.Time) {
	if a.Wake.IsZero() || t.Before(a.Wake) {
		a.Wake = t
	}
}

func ceilPercent(n, percent int) int { return (n*percent + 99) / 100 }

// BreakerThreshold is how many failed tasks trip the circuit breaker: by default
// half the desired count, at least 3 and at most 200 (Amazon ECS Developer
// Guide, "How the Amazon ECS deployment circuit breaker detects failures").
func BreakerThreshold(desired int, t *Threshold) int {
	if t == nil {
		t = &Threshold{Percent: 50, Bounded: true}
	}
	if t.Count > 0 {
		return t.Count
	}
	n := max(1, ceilPercent(desired, t.Percent))
	if t.Bounded {
		n = min(max(n, 3), 200)
	}
	return n
}

// A Threshold is a circuit breaker's configured failure threshold: a count, or a
// percentage of the desired count.
type Threshold struct {
	Count   int // 0 means Percent
	Percent int
	Bounded bool // to 3..200
}

// BackOff is how long a service waits, in real time, after its tasks have failed
// a number of times in a row: not at all after the first, then 1 s, 2 s, 4 s, up
// to five minutes.
func BackOff(failures int) time.Duration {
	const most = 5 * time.Minute
	if failures < 2 {
		return 0
	}
	if failures > 10 {
		return most
	}
	return min(most, time.Second<<(failures-2))
}
