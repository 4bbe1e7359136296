package fit

import (
	"fmt"
	"math"
	"time"
)

// EstimateWorkers finds the model of a service whose tasks take messages from a queue. While messages
// wait, all hands of all tasks are busy, and what they do is what a message takes; else the messages
// in hand tell it, by Little's law.
func EstimateWorkers(h History, t Task) (Model, error) {
	m := Model{Workers: true, Step: h.Step, Task: t}
	if err := h.check(t); err != nil {
		return m, err
	}
	if !h.Start.IsZero() {
		m.From, m.To = h.Start, h.Start.Add(time.Duration(h.len())*h.Step)
	}
	all := h.worked()
	if m.Steps = len(all); m.Steps < fewSteps {
		return m, h.tooFewWorked(m.Steps)
	}
	all = thinned(&m, all)
	var steps []step
	for _, w := range all {
		steps = append(steps, w.step)
	}
	e := estimator{task: t, workers: true}
	cpu := e.estimateCPU(&m, settled(steps))
	took := m.processing(all, h.seconds())
	if known(took.at) {
		e.base = took.at
		e.addWaiting(&m, took, cpu)
	} else {
		m.miss(WaitPerRequest, "no messages wait for longer than a step, and the number in hand is not known: one of both tells what a message takes besides its processor time")
	}
	e.estimateMemory(&m, settled(steps))
	m.estimateDelays(h)
	if len(m.Values) == 0 {
		return m, fmt.Errorf("%w: %s", ErrNothing, m.Missing[0].Why)
	}
	return m, nil
}

// tooFewWorked says what a history of workers lacks.
func (h *History) tooFewWorked(n int) error {
	if h.Tasks != nil && h.Done == nil && (h.Requests == nil || h.Waiting == nil) {
		return fmt.Errorf("%w: the history has neither messages done nor both those sent and those that wait", ErrNothing)
	}
	return h.tooFew(n)
}

// A worked step is one of workers, whose rate is of messages done.
type worked struct {
	step
	busy   bool // messages wait from its beginning to its end
	inHand float64
}

// worked are the steps in which it is known what was done.
func (h *History) worked() []worked {
	own := *h
	own.Requests = h.done()
	var all []worked
	for i := range own.len() {
		s, is := own.step(i)
		if !is {
			continue
		}
		w := worked{step: s, inHand: at(h.InHand, i)}
		w.busy = s.steady && at(h.Waiting, i-1) >= s.tasks && at(h.Waiting, i) >= s.tasks
		all = append(all, w)
	}
	return all
}

// processing is how long a message is in a hand, in seconds. How many hands a task has, and how much
// messages differ, it adds to the model.
func (m *Model) processing(all []worked, each float64) interval {
	var busy, handed []worked
	for _, w := range all {
		if w.busy && w.rate > 0 {
			busy = append(busy, w)
		}
		if known(w.inHand) {
			handed = append(handed, w)
		}
	}
	none := interval{math.NaN(), math.NaN(), math.NaN()}
	if len(busy) < fewSteps {
		m.miss(Variation, "messages wait from beginning to end of %d steps; with %d the spread of what is done tells it", len(busy), fewSteps)
		m.miss(Concurrency, "messages wait from beginning to end of %d steps; with %d those in hand tell it", len(busy), fewSteps)
		if len(handed) < fewSteps {
			return none
		}
		return deleting(handed, littles)[0]
	}
	hands := 1.0
	if inHand := deleting(busy, func(some []worked) []float64 { return []float64{handsOf(some)} })[0]; known(inHand.at) && inHand.at >= 0.5 {
		hands = math.Round(inHand.at)
		m.add(Concurrency, Whole, interval{hands, math.Floor(inHand.low), math.Ceil(inHand.high)})
	} else {
		m.note("How many messages a task has in hand is not known: it was taken to be one.")
		m.add(Concurrency, Whole, interval{1, 1, math.Inf(1)})
	}
	found := deleting(busy, func(some []worked) []float64 {
		took := hands * perHand(some)
		return []float64{took, math.Sqrt(dispersion(some, hands, took, each))}
	})
	m.add(Variation, Number, found[1].notNegative())
	return found[0]
}

// littles is how long a message is in hand: those in hand by the rate of those done.
func littles(steps []worked) []float64 {
	inHand, rate := 0.0, 0.0
	for _, w := range steps {
		inHand, rate = inHand+w.inHand, rate+w.rate
	}
	return []float64{inHand / rate}
}

// perHand is how many seconds a task takes for a message while messages wait.
func perHand(busy []worked) float64 {
	tasks, rate := 0.0, 0.0
	for _, w := range busy {
		tasks, rate = tasks+w.tasks, rate+w.rate
	}
	return tasks / rate
}

// handsOf is how many messages a task has in hand while messages wait.
func handsOf(busy []worked) float64 {
	var points []point
	for _, w := range busy {
		if known(w.inHand) {
			points = append(points, point{0, w.inHand / w.tasks, w.tasks})
		}
	}
	return mean(points, normal)
}

// dispersion is the variance of what is done in a step, as a share of its mean: for hands that
// work one message after the other it is the square of the variation of their times.
func dispersion(busy []worked, hands, took float64, each float64) float64 {
	sum := 0.0
	for _, w := range busy {
		expected := w.tasks * hands * each / took
		d := w.rate*each - expected
		sum += d * d / expected
	}
	return sum / float64(len(busy)-1)
}

// done are the messages done with in each step: as counted, or those sent that do not wait.
func (h *History) done() []float64 {
	if h.Done != nil || h.Requests == nil || h.Waiting == nil {
		return h.Done
	}
	done := make([]float64, len(h.Requests))
	for i := range done {
		done[i] = math.NaN()
		if i > 0 {
			done[i] = max(0, h.Requests[i]-h.Waiting[i]+h.Waiting[i-1])
		}
	}
	return done
}
