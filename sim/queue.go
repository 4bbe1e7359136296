package sim

import "math"

// A queue is the requests of a service as a fluid. Below capacity they wait as in a
// queue of the kind M/M/c in its steady state; above it what cannot be served piles up,
// and waits until it can.
type queue struct {
	station station
	table   erlangTable
	timeout float64 // seconds; infinite: messages wait as long as it takes
	holds   bool    // requests wait where no task serves
	backlog float64 // requests that piled up
	held    held    // of these, those that came while no task served
	crowd   *crowd  // nil: requests are a fluid
	crew    crew    // the tasks that served last
}

func newQueue(s Service) queue {
	return queue{station: s.station(), timeout: s.timeout(), holds: s.Workers || s.Buffered}
}

// A crew is what a number of tasks can do, which stays as it is for many minutes.
type crew struct {
	tasks    float64
	servers  int
	capacity float64 // requests a second
	// curve is the share of requests that wait; nil: it is not known as one, or not yet.
	curve *erlangCurve
}

// crewOf is the crew of so many tasks.
func (q *queue) crewOf(tasks float64) *crew {
	if q.crew.tasks != tasks {
		q.crew = crew{tasks: tasks, servers: int(tasks) * q.station.servers, capacity: q.station.rate(tasks)}
	}
	return &q.crew
}

// Held requests came while no task served. How long they wait is told when one does.
type held struct {
	count float64
	time  float64 // seconds that they have waited, of all of them
}

// add lets time pass in which more of them come.
func (h *held) add(arrived, seconds float64) {
	h.time += h.count*seconds + arrived*seconds/2
	h.count += arrived
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
	// later is how many of them it is not known of yet how long they take; below zero, it is
	// told of so many that came earlier.
	later float64
	// Took are the response times of those that began to be served, where they are known.
	took []float64
}

// known is how many requests the response time is known of.
func (f *flow) known() float64 {
	if f.took != nil {
		return float64(len(f.took))
	}
	return f.arrived - f.dropped - f.later
}

// steady is how requests wait that arrive at a rate below capacity or near it.
func (q *queue) steady(tasks, rate float64) waiting {
	c := q.crewOf(tasks)
	if c.servers == 0 {
		return waiting{}
	}
	share := q.share(c, rate*q.station.time)
	if share == 0 {
		return waiting{}
	}
	drain := (c.capacity - rate) / q.station.variance
	most := c.capacity / 2
	if rate > most {
		most = rate
	}
	if piled := 2 * most * settling; drain*drain*piled < c.capacity*c.capacity {
		drain = c.capacity / math.Sqrt(piled)
	}
	return waiting{share: share, rate: drain}
}

// share is the share of requests that wait for a crew, of an offered load in servers.
func (q *queue) share(c *crew, load float64) float64 {
	n := float64(c.servers)
	if !(load > 0 && load < n) {
		return q.table.waiting(c.servers, load)
	}
	if c.curve == nil {
		if c.curve = q.table.curve(c.servers); c.curve == nil {
			return q.table.waiting(c.servers, load)
		}
	}
	return c.curve.at(load / n)
}

// pass lets requests arrive at a rate, per second, for some seconds.
func (q *queue) pass(tasks, rate, seconds float64) flow {
	if q.crowd != nil {
		f := q.crowd.pass(tasks, rate, seconds, !q.holds)
		q.backlog = float64(len(q.crowd.waiting))
		return f
	}
	capacity := q.crewOf(tasks).capacity
	f := flow{seconds: seconds, arrived: rate * seconds, waiting: q.steady(tasks, rate)}
	if q.backlog == 0 && rate <= capacity {
		f.served = f.arrived
		f.delay = f.waiting.mean()
		return f
	}
	if tasks == 0 && !q.holds {
		f.dropped, f.waiting = f.arrived+q.backlog, waiting{}
		q.backlog = 0
		return f
	}
	before := q.backlog
	q.backlog = max(0, before+(rate-capacity)*seconds)
	if tasks == 0 {
		q.held.add(f.arrived, seconds)
		f.later, f.waiting = f.arrived, waiting{}
		return f
	}
	if most := capacity * q.timeout; q.backlog > most {
		f.dropped = q.backlog - most
		q.backlog = most
	}
	f.served = before + f.arrived - f.dropped - q.backlog
	behind := (before + q.backlog) / 2 / capacity
	if behind > f.waiting.mean() { // what chance adds to a backlog is little beside it
		f.waiting = waiting{behind: behind}
	}
	f.delay = f.waiting.mean()
	return f
}

// release tells how long those waited that came while no task served, now that some do: of
// each other they are served in the order in which they came.
func (q *queue) release(tasks float64) flow {
	h := q.held
	q.held = held{}
	w := waiting{behind: h.time/h.count + h.count/2/q.station.rate(tasks)}
	return flow{later: -h.count, delay: w.mean(), waiting: w}
}

// waitingNow is how many requests wait, of those that arrive at a rate.
func (q *queue) waitingNow(tasks, rate float64) float64 {
	if q.backlog > 0 || q.crowd != nil {
		return q.backlog
	}
	return rate * q.steady(tasks, rate).mean()
}
