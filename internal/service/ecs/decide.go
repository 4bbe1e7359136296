package ecs

import (
	"slices"
	"time"
)

// This file holds the rules of the service scheduler, as values: what is seen of
// a service in, what to do out.

// A view is what the scheduler sees of a service.
type view struct {
	desired        int
	minimumHealthy int    // percent of desired that our stops must leave ready
	maximum        int    // percent of desired that may be pending or running
	primary        string // the deployment that tasks are started for
	halted         bool   // the primary has failed: nothing is started
	deleted        bool   // nothing keeps the tasks, not even protection
	retryAt        time.Time
	tasks          []taskView
}

// A taskView is what the scheduler sees of a task that has not stopped.
type taskView struct {
	id         string
	deployment string
	phase      phase
	readyAt    time.Time // when it counts as ready; zero while that is not known
	// unhealthyAt is when its failed health check counts: at the end of the grace
	// period. Zero while it has not failed.
	unhealthyAt time.Time
	createdAt   time.Time
	protected   time.Time // not stopped by scale-in or a deployment before
}

func (t taskView) ready(now time.Time) bool {
	return t.phase == running && !t.readyAt.IsZero() && !t.readyAt.After(now)
}

func (t taskView) unhealthy(now time.Time) bool {
	return !t.unhealthyAt.IsZero() && !t.unhealthyAt.After(now)
}

func (t taskView) shielded(now time.Time) bool { return t.protected.After(now) }

// A phase is a task's life as far as the scheduler cares.
type phase int8

const (
	pending  phase = iota // accepted, not running yet
	running               // all containers have started
	stopping              // asked to stop, not stopped yet
)

// Actions are what the scheduler does about a view.
type actions struct {
	start     int      // tasks of the primary deployment to start
	unhealthy []string // tasks to stop for their health
	surplus   []string // tasks to stop because they are too many or too old
	// settled: the desired number of the primary's tasks is ready, no other task is left.
	settled bool
	// shielded counts the tasks that would be stopped but for their protection.
	shielded int
	// stuck: the deployment configuration allows neither a start nor a stop.
	stuck bool
	// wake is when time alone may change the decision; zero if it cannot.
	wake time.Time
}

// decide applies the rules of the rolling update (Amazon ECS Developer Guide,
// "Deploy Amazon ECS services by replacing tasks"):
//
//   - An unhealthy task is stopped at once; it serves no one.
//   - Our stops leave at least minimumHealthy percent of desired ready, rounded
//     up. A task that is not ready may always be stopped. With 4 desired and
//     50 %, 2 of 4 ready tasks may go.
//   - Our starts make at most maximum percent of desired pending or running,
//     rounded down. With 4 desired and 150 %, 2 may be started beside 4.
//   - Protected tasks are not stopped.
func decide(v view, now time.Time) actions {
	var a actions
	floor := ceilPercent(v.desired, v.minimumHealthy)
	ceiling := v.desired * v.maximum / 100

	current, old, stoppingCount := sortOut(v, now, &a)
	spare := countReady(current, now) + countReady(old, now) - floor

	current = stopSurplus(&a, v, current, surplusOfCurrent(v, len(current), len(old)), &spare, now)
	old = stopSurplus(&a, v, old, surplusOfOld(v, len(current), len(old)), &spare, now)

	want := v.desired - len(current)
	room := ceiling - len(current) - len(old)
	switch {
	case v.halted || want <= 0:
	case v.retryAt.After(now):
		a.sooner(v.retryAt)
	default:
		a.start = max(0, min(want, room))
	}

	idle := a.start == 0 && len(a.surplus) == 0 && len(a.unhealthy) == 0 && stoppingCount == 0
	ready := countReady(current, now)
	a.settled = idle && !v.halted && len(old) == 0 && len(current) == v.desired && ready == v.desired
	a.stuck = idle && !v.halted && want > 0 && room <= 0 && a.shielded == 0 &&
		ready == len(current) && countReady(old, now) == len(old)
	for _, t := range slices.Concat(current, old) {
		if t.phase == running && t.readyAt.After(now) {
			a.sooner(t.readyAt)
		}
		if t.unhealthyAt.After(now) {
			a.sooner(t.unhealthyAt)
		}
	}
	return a
}

// sortOut divides the tasks into those of the primary deployment and older ones.
// Tasks that are stopping are only counted; unhealthy ones are stopped.
func sortOut(v view, now time.Time, a *actions) (current, old []taskView, stoppingCount int) {
	current = make([]taskView, 0, len(v.tasks))
	for _, t := range v.tasks {
		switch {
		case t.phase == stopping:
			stoppingCount++
		case t.unhealthy(now):
			a.unhealthy = append(a.unhealthy, t.id)
		case t.deployment == v.primary:
			current = append(current, t)
		default:
			old = append(old, t)
		}
	}
	return current, old, stoppingCount
}

// surplusOfCurrent is how many of the primary's tasks are too many. A failed
// deployment's tasks go first when there are older ones beside them.
func surplusOfCurrent(v view, current, old int) int {
	if v.halted {
		return min(current, max(0, current+old-v.desired))
	}
	return max(0, current-v.desired)
}

// surplusOfOld is how many older tasks are to go: all of them, as fast as the
// minimum allows. A failed deployment replaces no more.
func surplusOfOld(v view, current, old int) int {
	if v.halted {
		return min(old, max(0, current+old-v.desired))
	}
	return old
}

// stopSurplus stops a number of tasks, those that matter least first, and
// returns the others. Spare is how many ready tasks may still be stopped.
func stopSurplus(a *actions, v view, tasks []taskView, surplus int, spare *int, now time.Time) []taskView {
	if surplus == 0 {
		return tasks
	}
	slices.SortStableFunc(tasks, func(x, y taskView) int { return leastFirst(x, y, now) })
	kept := tasks[:0:0]
	for _, t := range tasks {
		ready := t.ready(now)
		switch {
		case surplus == 0, ready && *spare <= 0:
			kept = append(kept, t)
		case t.shielded(now) && !v.deleted:
			a.shielded++
			a.sooner(t.protected)
			kept = append(kept, t)
		default:
			a.surplus = append(a.surplus, t.id)
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
func leastFirst(x, y taskView, now time.Time) int {
	if d := worth(x, now) - worth(y, now); d != 0 {
		return d
	}
	return y.createdAt.Compare(x.createdAt)
}

func worth(t taskView, now time.Time) int {
	switch {
	case t.phase == pending:
		return 0
	case !t.ready(now):
		return 1
	}
	return 2
}

func countReady(tasks []taskView, now time.Time) int {
	n := 0
	for _, t := range tasks {
		if t.ready(now) {
			n++
		}
	}
	return n
}

func (a *actions) sooner(t time.Time) {
	if a.wake.IsZero() || t.Before(a.wake) {
		a.wake = t
	}
}

func ceilPercent(n, percent int) int { return (n*percent + 99) / 100 }

// breakerThreshold is how many failed tasks trip the circuit breaker: by default
// half the desired count, at least 3 and at most 200 (Amazon ECS Developer
// Guide, "How the Amazon ECS deployment circuit breaker detects failures").
func breakerThreshold(desired int, t *threshold) int {
	if t == nil {
		t = &threshold{percent: 50, bounded: true}
	}
	if t.count > 0 {
		return t.count
	}
	n := max(1, ceilPercent(desired, t.percent))
	if t.bounded {
		n = min(max(n, 3), 200)
	}
	return n
}

// A threshold is a circuit breaker's configured failure threshold: a count, or a
// percentage of the desired count.
type threshold struct {
	count   int
	percent int
	bounded bool // to 3..200
}

// backOff is how long a service waits, in real time, after its tasks have failed
// a number of times in a row: not at all after the first, then 1 s, 2 s, 4 s, up
// to five minutes.
func backOff(failures int) time.Duration {
	const most = 5 * time.Minute
	if failures < 2 {
		return 0
	}
	if failures > 10 {
		return most
	}
	return min(most, time.Second<<(failures-2))
}
