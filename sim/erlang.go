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

// An erlangTable answers what ErlangC does, sooner: it interpolates between values that it
// computes once. It is within 0.1 % of it, or 0.00001.
type erlangTable struct {
	byServers []*erlangCurve // the place is the number of servers
}

const (
	fewServers  = 4   // up to which the recursion is as fast
	manyServers = 256 // from which the limit of many servers is exact enough
	curveSteps  = 64
)

// An erlangCurve is the share of requests that wait over the use of the servers, with its
// slope, at equal steps from 0 to 1.
type erlangCurve [curveSteps + 1]struct{ share, slope float64 }

func (t *erlangTable) waiting(servers int, load float64) float64 {
	switch {
	case !(load > 0):
		return 0
	case load >= float64(servers):
		return 1
	}
	if c := t.curve(servers); c != nil {
		return c.at(load / float64(servers))
	}
	if servers <= fewServers {
		return ErlangC(servers, load)
	}
	return halfinWhitt(servers, load)
}

// curve is the one of so many servers, or nil where there is none.
func (t *erlangTable) curve(servers int) *erlangCurve {
	if servers <= fewServers || servers > manyServers {
		return nil
	}
	for len(t.byServers) <= servers {
		t.byServers = append(t.byServers, nil)
	}
	if t.byServers[servers] == nil {
		t.byServers[servers] = newErlangCurve(servers)
	}
	return t.byServers[servers]
}

func newErlangCurve(servers int) *erlangCurve {
	c := new(erlangCurve)
	n := float64(servers)
	for i := 1; i <= curveSteps; i++ {
		use := float64(i) / curveSteps
		b := erlangB(servers, use*n)
		// Erlang B rises by B (1/use - 1 + B) n with the use, and Erlang C is B / (1 - use (1 - B)).
		rises, idle := b*(1/use-1+b)*n, 1-use*(1-b)
		c[i].share = b / idle
		c[i].slope = (rises*idle - b*(b-1+use*rises)) / (idle * idle) / curveSteps
	}
	return c
}

// at is the cubic curve through both ends of a step, with their slopes.
func (c *erlangCurve) at(use float64) float64 {
	x := use * curveSteps
	i := int(x)
	t := x - float64(i)
	a, b := &c[i], &c[i+1]
	rise := b.share - a.share
	share := a.share + t*(a.slope+t*(3*rise-2*a.slope-b.slope+t*(a.slope+b.slope-2*rise)))
	if share < 0 {
		return 0
	}
	return share
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
