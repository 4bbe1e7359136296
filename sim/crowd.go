package sim

import (
	"container/heap"
	"math/rand/v2"
)

// A crowd is the requests of a service one by one: they arrive by chance, wait for a free
// server in the order in which they came, and take each their own time.
type crowd struct {
	station *station
	timeout float64
	random  *rand.Rand
	now     float64   // seconds since the start
	busy    times     // when the requests in hand are served
	waiting []float64 // when those arrived that wait
	took    []float64 // response times of those that were begun in a pass
	delays  float64   // how long these waited, in all
	dropped int
}

// Times are a heap: the soonest is the first.
type times []float64

func (t times) Len() int           { return len(t) }
func (t times) Less(i, j int) bool { return t[i] < t[j] }
func (t times) Swap(i, j int)      { t[i], t[j] = t[j], t[i] }
func (t *times) Push(x any)        { *t = append(*t, x.(float64)) }
func (t *times) Pop() any {
	last := (*t)[len(*t)-1]
	*t = (*t)[:len(*t)-1]
	return last
}

// pass lets requests arrive at a rate, per second, for some seconds. Of servers that are
// fewer than the requests in hand, these are served to their ends.
func (c *crowd) pass(tasks, rate, seconds float64, refuses bool) flow {
	c.took, c.delays, c.dropped = c.took[:0], 0, 0
	servers, end, arrived := int(tasks)*c.station.servers, c.now+seconds, 0
	c.begin(servers)
	arrival := end
	if rate > 0 {
		arrival = c.now + c.random.ExpFloat64()/rate
	}
	for {
		if len(c.busy) > 0 && c.busy[0] <= min(arrival, end) {
			c.now = heap.Pop(&c.busy).(float64)
			c.begin(servers)
			continue
		}
		if arrival >= end {
			break
		}
		c.now = arrival
		arrived++
		if servers == 0 && refuses {
			c.dropped++
		} else {
			c.waiting = append(c.waiting, c.now)
			c.begin(servers)
		}
		arrival = c.now + c.random.ExpFloat64()/rate
	}
	c.now = end
	if servers == 0 && refuses {
		c.dropped += len(c.waiting)
		c.waiting = c.waiting[:0]
	}
	f := flow{seconds: seconds, arrived: float64(arrived), served: float64(len(c.took)), dropped: float64(c.dropped), took: c.took}
	if len(c.took) > 0 {
		f.delay = c.delays / float64(len(c.took))
	}
	return f
}

// begin begins to serve those that wait, as far as servers are free. One that has waited
// too long has gone.
func (c *crowd) begin(servers int) {
	begun := 0
	for _, came := range c.waiting {
		if len(c.busy) >= servers {
			break
		}
		begun++
		waited := c.now - came
		if waited > c.timeout {
			c.dropped++
			continue
		}
		service := c.station.fixed + c.random.ExpFloat64()*c.station.varied
		heap.Push(&c.busy, c.now+service)
		c.took = append(c.took, waited+service+c.station.apart)
		c.delays += waited
	}
	if begun > 0 {
		c.waiting = c.waiting[:copy(c.waiting, c.waiting[begun:])]
	}
}
