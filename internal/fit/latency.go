package fit

import (
	"math"

	"flyball/sim"
)

// A station is where requests queue: the processors of tasks, or the requests that they have in
// hand.
type station struct {
	servers float64 // of a task
	time    float64 // of a request at one, in seconds
}

// use is the share of a station's servers that is busy in a step.
func (st station) use(s step) float64 { return s.perTask() * st.time / st.servers }

// waiting is how long a request waits on average, with times that are exponential: Erlang C.
func (st station) waiting(s step) float64 {
	servers := math.Round(s.tasks) * st.servers
	if st.use(s) >= busiest || servers < 1 {
		return math.NaN()
	}
	return sim.ErlangC(int(servers), s.rate*st.time) / (servers/st.time - s.rate)
}

// busiest is the use of a station up to which the queue's steady state is there within a step.
const busiest = 0.9

// tail is how much longer than the mean 95 % of exponential times take at most, in deviations.
var tail = math.Log(20) - 1

// hardly is the share of a request's time that is no waiting to speak of.
const hardly = 0.02

// A queued step has latency, and the waiting that a station would make of it.
type queued struct {
	step
	waits float64
}

// estimateLatency finds what requests wait for others, how much they differ, and how many a task
// has in hand.
func (e *estimator) estimateLatency(m *Model, all []step, cpu interval) {
	var used []step
	for _, s := range all {
		if known(s.latency) && s.latency > 0 && s.rate > 0 {
			used = append(used, s)
		}
	}
	if len(used) < fewSteps {
		m.miss(WaitPerRequest, "there is no latency")
		m.miss(Variation, "there is no latency")
		m.miss(Concurrency, "there is no latency")
		return
	}
	st := station{e.task.processors(), e.alone}
	if !known(e.alone) {
		st = station{1, 0}
	}
	st, seen := e.bottleneck(m, used, st)
	points := queuedAt(st, used)
	if len(points) < fewSteps {
		m.miss(WaitPerRequest, "the tasks are in use by %.0f %% or more in nearly all steps, and requests wait there: the steps with less load tell what one takes alone", 100*busiest)
		m.miss(Variation, "the tasks are overloaded nearly always")
		return
	}
	if evenWaiting(points) {
		m.miss(WaitPerRequest, "the load hardly changes, and requests wait for each other in all of it: steps with less load tell what one takes alone")
		m.miss(Variation, "the load hardly changes: steps with less load tell how much longer requests take with more")
		return
	}
	found := deleting(points, func(some []queued) []float64 {
		base, k := alone(some)
		return []float64{base, k, spreadOf(some, base)}
	})
	e.base = found[0].at
	e.addWaiting(m, found[0], cpu)
	e.addVariation(m, st, found[0], found[1], found[2])
	if !seen {
		e.unseen(m, used)
	}
}

// queuedAt are the steps that are not too busy for a station.
func queuedAt(st station, all []step) []queued {
	var some []queued
	for _, s := range all {
		if w := st.waiting(s); known(w) {
			some = append(some, queued{s, w})
		}
	}
	return some
}

// evenWaiting is whether requests wait for each other, and as long in all steps: what they take
// alone and how they differ cannot be told apart from that. Of 200 ms in each step, all could be
// the one or the other.
func evenWaiting(steps []queued) bool {
	least, most := steps[0].waits, steps[0].waits
	latency := make([]float64, len(steps))
	for i, s := range steps {
		least, most, latency[i] = min(least, s.waits), max(most, s.waits), s.latency
	}
	notable := hardly * median(latency)
	return most >= notable && most-least < notable
}

// alone is how long a request takes where none waits for another, and by what the waiting of
// Erlang C is to be multiplied with. Without steps with waiting the second is NaN.
func alone(steps []queued) (base, factor float64) {
	points := make([]point, len(steps))
	usual, most := 0.0, 0.0
	for i, s := range steps {
		points[i] = point{s.waits, s.latency, s.rate}
		usual += s.rate / float64(len(steps))
		most = max(most, s.waits)
	}
	lower := median(ys(points))
	for i := range points {
		// The more requests, the better their mean is known; the longer they wait, the worse.
		spare := lower / (lower + 3*points[i].x)
		points[i].weight *= spare * spare / usual
	}
	if most < hardly*lower {
		return mean(points, skewed), math.NaN()
	}
	l := fitLine(points, skewed)
	return l.base, l.slope
}

// spreadOf is the standard deviation of the time of a request, by the latency that 95 % stay
// within, where hardly any waits.
func spreadOf(steps []queued, base float64) float64 {
	var points []point
	for _, s := range steps {
		if known(s.p95) && s.waits < hardly*base {
			points = append(points, point{0, (s.p95 - s.latency) / tail, s.rate})
		}
	}
	if len(points) < fewSteps {
		return math.NaN()
	}
	return mean(points, skewed)
}

// approximate is how far waiting is from Erlang C times half of one plus the square of the variation,
// which is exact only for exponential times, as a share.
const approximate = 0.05

// addWaiting adds what a request takes besides its processor time.
func (e *estimator) addWaiting(m *Model, base, cpu interval) {
	per := e.task.processors() / e.task.VCPU
	switch {
	case !known(cpu.at):
		m.add(WaitPerRequest, Seconds, base.notNegative())
		m.note("Without CPU utilization all that a request takes was taken for waiting.")
		return
	case base.high < per*cpu.low:
		m.note("A request takes %.3g ms, and its processor time alone would take %.3g ms in a task of %v vCPU: the tasks have more processors than that, or a request uses several at once.", 1000*base.at, 1000*e.alone, e.task.VCPU)
	}
	// Both are found in the same steps; their errors are added as if they had nothing in common.
	low := math.Hypot(base.at-base.low, per*(cpu.high-cpu.at))
	high := math.Hypot(base.high-base.at, per*(cpu.at-cpu.low))
	wait := base.at - e.alone
	m.add(WaitPerRequest, Seconds, interval{wait, wait - low, wait + high}.notNegative())
}

// addVariation takes the variation from the tail of latency, or from how long requests wait.
func (e *estimator) addVariation(m *Model, st station, base, factor, deviation interval) {
	took := st.time
	if took == 0 {
		took = base.at
	}
	if known(deviation.at) {
		v := interval{deviation.at / took, deviation.low / took, deviation.high / took}.notNegative()
		if v.low > 1 {
			m.note("Requests differ more than the simulation has it without waiting: 95 %% of them stay within %.2g deviations of their processor time, as what they wait for differs, too.", v.at)
			v = interval{1, 1, v.high}
		}
		m.add(Variation, Number, v)
		return
	}
	of := func(k float64) float64 { return math.Sqrt(max(0, 2*k-1)) }
	half := math.Hypot(factor.high-factor.at, approximate*factor.at)
	v := interval{of(factor.at), of(factor.at - half), of(factor.at + half)}
	if !known(factor.at) || !known(v.low) || v.high-v.low > 1 {
		m.miss(Variation, "requests hardly wait for each other, and there is no p95 latency: one of both tells how much they differ")
		return
	}
	m.add(Variation, Number, v)
}
