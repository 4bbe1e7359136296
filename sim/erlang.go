package sim

import "math"

// erlangB is the share of requests that find all servers busy where none can wait, for
// an offered load in servers.
func erlangB(servers int, load float64) float64 {
	b := 1.0
	for k := 1; k <= servers; k++ {
		b = load * b / (float64(k) + load*b)
	}
	return b
}

// ErlangC is the share of requests that have to wait, in a queue of the kind M/M/c: for
// an offered load, which is rate by time of service, in servers.
func ErlangC(servers int, load float64) float64 {
	switch {
	case !(load > 0):
		return 0
	case load >= float64(servers):
		return 1
	}
	return waitingOf(servers, load, erlangB(servers, load))
}

// waitingOf is Erlang C by Erlang B.
func waitingOf(servers int, load, blocked float64) float64 {
	use := load / float64(servers)
	return blocked / (1 - use*(1-blocked))
}

// An erlangTable answers what ErlangC does, sooner: it interpolates between values of
// Erlang B that it computes once. It is within 0.1 % of it.
type erlangTable struct {
	byServers []*erlangCurve // the place is the number of servers
}

const (
	fewServers  = 6   // up to which the recursion is as fast
	manyServers = 256 // from which the limit of many servers is exact enough
	curveSteps  = 48
)

// An erlangCurve is the logarithm of Erlang B over the use of the servers, with its
// slope, at equal steps from 0 to 1.
type erlangCurve [curveSteps + 1]struct{ log, slope float64 }

func (t *erlangTable) waiting(servers int, load float64) float64 {
	switch {
	case !(load > 0):
		return 0
	case load >= float64(servers):
		return 1
	case servers <= fewServers:
		return ErlangC(servers, load)
	case servers > manyServers:
		return halfinWhitt(servers, load)
	}
	for len(t.byServers) <= servers {
		t.byServers = append(t.byServers, nil)
	}
	curve := t.byServers[servers]
	if curve == nil {
		curve = newErlangCurve(servers)
		t.byServers[servers] = curve
	}
	log := curve.at(load / float64(servers))
	if log < -23 { // one in ten billion
		return 0
	}
	return waitingOf(servers, load, math.Exp(log))
}

func newErlangCurve(servers int) *erlangCurve {
	c := new(erlangCurve)
	for i := range c {
		use := max(float64(i), 0.5) / curveSteps // at 0 the logarithm has no value
		load := use * float64(servers)
		b := erlangB(servers, load)
		c[i].log = math.Log(b)
		c[i].slope = (float64(servers)/load - 1 + b) * float64(servers) / curveSteps
	}
	return c
}

// at is the cubic curve through both ends of a step, with their slopes.
func (c *erlangCurve) at(use float64) float64 {
	x := use * curveSteps
	i := int(x)
	if i == 0 {
		return math.Inf(-1) // seven servers or more, and use of a fiftieth: nobody waits
	}
	t := x - float64(i)
	a, b := &c[i], &c[i+1]
	rise := b.log - a.log
	return a.log + t*(a.slope+t*(3*rise-2*a.slope-b.slope+t*(a.slope+b.slope-2*rise)))
}

// halfinWhitt is the limit of ErlangC for many servers ("Heavy-traffic limits for queues
// with many exponential servers", Halfin and Whitt 1981).
func halfinWhitt(servers int, load float64) float64 {
	n := float64(servers)
	spare := (n - load) / math.Sqrt(n)
	if spare > 8 {
		return 0
	}
	density := math.Exp(-spare*spare/2) / math.Sqrt(2*math.Pi)
	below := 0.5 * math.Erfc(-spare/math.Sqrt2)
	return 1 / (1 + spare*below/density)
}
