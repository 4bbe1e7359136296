package sim

import "math"

// An Elasticity is how well supply followed demand, in percent: the smaller, the better.
// Herbst et al., "Quantifying Cloud Performance and Dependability" (ToMPECS 2018).
type Elasticity struct {
	UnderAccuracy  float64 // theta_U: what lacked, as a share of the demand
	OverAccuracy   float64 // theta_O: what was too much
	UnderTimeshare float64 // tau_U: how long something lacked
	OverTimeshare  float64 // tau_O: how long there was too much
	Instability    float64 // upsilon: how often supply and demand did not move alike
}

// An elasticity adds up equal steps of time.
type elasticity struct {
	steps                            int
	demand, supply                   int // of the last step
	lack, surplus, lacking, wasteful float64
	apart                            float64
}

// add adds a step. Without demand it says nothing of the shares.
func (e *elasticity) add(demand, supply int) {
	if demand > 0 {
		e.lack += max(0, float64(demand-supply)) / float64(demand)
		e.surplus += max(0, float64(supply-demand)) / float64(demand)
	}
	switch {
	case demand > supply:
		e.lacking++
	case supply > demand:
		e.wasteful++
	}
	if e.steps > 0 && sign(supply-e.supply) != sign(demand-e.demand) {
		e.apart++
	}
	e.steps++
	e.demand, e.supply = demand, supply
}

func (e *elasticity) measures() Elasticity {
	if e.steps == 0 {
		return Elasticity{}
	}
	n := float64(e.steps)
	return Elasticity{
		UnderAccuracy: 100 * e.lack / n, OverAccuracy: 100 * e.surplus / n,
		UnderTimeshare: 100 * e.lacking / n, OverTimeshare: 100 * e.wasteful / n,
		Instability: 100 * e.apart / max(1, n-1),
	}
}

// Speedup is the elastic speedup against a baseline: the product of the quotients of the
// accuracies and timeshares, each to the power of a quarter. More than 1 is better. Where
// one has nothing of a measure, a thousandth of a percent stands in for it.
func (e Elasticity) Speedup(baseline Elasticity) float64 {
	const least = 0.001
	product := 1.0
	for _, m := range [][2]float64{
		{baseline.UnderAccuracy, e.UnderAccuracy}, {baseline.OverAccuracy, e.OverAccuracy},
		{baseline.UnderTimeshare, e.UnderTimeshare}, {baseline.OverTimeshare, e.OverTimeshare},
	} {
		product *= math.Pow(max(m[0], least)/max(m[1], least), 0.25)
	}
	return product
}

func sign(n int) int {
	switch {
	case n > 0:
		return 1
	case n < 0:
		return -1
	}
	return 0
}

// A demand is the fewest tasks that keep an agreement, by the rate of requests.
type demand struct {
	station   *station
	agreement Agreement
	table     erlangTable
	most      []float64 // the highest rate for each number of tasks; 0: not known yet
	last      int
	above     float64 // the rates from which on, without the first, up to which it is the last one
	upTo      float64
}

// mostTasks bounds the search.
const mostTasks = 1 << 17

// of is the fewest tasks for a rate, one at least.
func (d *demand) of(rate float64) int {
	if rate <= d.upTo && rate > d.above {
		return d.last
	}
	d.last = d.search(rate)
	d.above, d.upTo = -1, d.rate(d.last)
	if d.last > 1 {
		d.above = d.rate(d.last - 1)
	}
	return d.last
}

// search looks for the fewest tasks, from those of the last rate on.
func (d *demand) search(rate float64) int {
	n := max(1, d.last)
	if d.rate(n) >= rate {
		for n > 1 && d.rate(n-1) >= rate {
			step := 1
			for n-2*step >= 1 && d.rate(n-2*step) >= rate {
				step *= 2
			}
			n -= step
		}
		return n
	}
	low, high := n, n+1 // low is too few
	for high < mostTasks && d.rate(high) < rate {
		low, high = high, min(mostTasks, high+2*(high-n))
	}
	for high-low > 1 {
		if mid := (low + high) / 2; d.rate(mid) < rate {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// rate is the highest rate that tasks serve as agreed. What one task cannot keep without
// any load, none can: then it is the rate that they serve at all.
func (d *demand) rate(tasks int) float64 {
	for len(d.most) <= tasks {
		d.most = append(d.most, 0)
	}
	if d.most[tasks] == 0 {
		d.most[tasks] = d.find(tasks)
	}
	return d.most[tasks]
}

func (d *demand) find(tasks int) float64 {
	capacity := d.station.rate(float64(tasks))
	within, late := d.agreement.Within.Seconds(), 1-d.agreement.Share
	if d.station.later(waiting{}, within) > late {
		return capacity
	}
	q := queue{station: *d.station, table: d.table}
	low, high := 0.0, capacity
	for range 30 {
		mid := (low + high) / 2
		if d.station.later(q.steady(float64(tasks), mid), within) <= late {
			low = mid
		} else {
			high = mid
		}
	}
	d.table = q.table
	return low
}
