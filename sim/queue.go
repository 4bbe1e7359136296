package sim

import "math"

// A queue is the requests of a service as a fluid. Below capacity they wait as in a
// queue of the kind M/M/c in its steady state; above it what cannot be served piles up,
// and waits until it can.
type queue struct {
	station station
	table   erlangTable
	timeout float64 // seconds; infinite: messages wait as long as it takes
	backlog float64 // requests that piled up
	crowd   *crowd  // nil: requests are a fluid
}

// settling is the time in which chance piles up requests, in seconds. Near capacity the
// steady state would take hours to come; what waits is bounded by what comes in a minute
// more or less than usual.
const settling = 60

// A flow is what became of requests in a time in which neither traffic nor tasks changed.
type flow struct {
	seconds float64
	arrived float64
	served  float64
	dropped float64
	delay   float64 // of those that arrived and were not dropped, on average, in seconds
	waiting waiting // how those wait
	// Took are the response times of those that began to be served, where they are known.
	took []float64
}

// known is how many requests the response time is known of.
func (f *flow) known() float64 {
	if f.took != nil {
		return float64(len(f.took))
	}
	return f.arrived - f.dropped
}

// steady is how requests wait that arrive at a rate below capacity or near it.
func (q *queue) steady(tasks, rate float64) waiting {
	servers := int(tasks) * q.station.servers
	if servers == 0 {
		return waiting{}
	}
	share := q.table.waiting(servers, rate*q.station.time)
	if share == 0 {
		return waiting{}
	}
	capacity := q.station.rate(tasks)
	drain := (capacity - rate) / q.station.variance
	if piled := 2 * max(rate, capacity/2) * settling; drain*drain*piled < capacity*capacity {
		drain = capacity / math.Sqrt(piled)
	}
	return waiting{share: share, rate: drain}
}

// pass lets requests arrive at a rate, per second, for some seconds.
func (q *queue) pass(tasks, rate, seconds float64) flow {
	if q.crowd != nil {
		f := q.crowd.pass(tasks, rate, seconds, !math.IsInf(q.timeout, 1))
		q.backlog = float64(len(q.crowd.waiting))
		return f
	}
	capacity := q.station.rate(tasks)
	f := flow{seconds: seconds, arrived: rate * seconds, waiting: q.steady(tasks, rate)}
	if q.backlog == 0 && rate <= capacity {
		f.served = f.arrived
		f.delay = f.waiting.mean()
		return f
	}
	if tasks == 0 && !math.IsInf(q.timeout, 1) {
		f.dropped, f.waiting = f.arrived+q.backlog, waiting{}
		q.backlog = 0
		return f
	}
	before := q.backlog
	q.backlog = max(0, before+(rate-capacity)*seconds)
	if most := capacity * q.timeout; q.backlog > most {
		f.dropped = q.backlog - most
		q.backlog = most
	}
	f.served = before + f.arrived - f.dropped - q.backlog
	behind := seconds / 2 // without tasks nobody knows how long: as if they came at the end
	if capacity > 0 {
		behind = (before + q.backlog) / 2 / capacity
	}
	if behind > f.waiting.mean() { // what chance adds to a backlog is little beside it
		f.waiting = waiting{behind: behind}
	}
	f.delay = f.waiting.mean()
	return f
}

// waitingNow is how many requests wait, of those that arrive at a rate.
func (q *queue) waitingNow(tasks, rate float64) float64 {
	if q.backlog > 0 || q.crowd != nil {
		return q.backlog
	}
	return rate * q.steady(tasks, rate).mean()
}
