package sim

import (
	"math"
	"testing"
	"time"
)

// Values of Erlang C for servers, arrivals and the rate of a server: the share that
// waits, the mean wait and its 99th percentile.
var erlang = []struct {
	servers           int
	arrivals, rate    float64
	waits, mean, ofp9 float64
}{
	{1, 0.8, 1, 0.8, 4.0, 21.910},
	{2, 1.5, 1, 0.642857, 1.285714, 8.327},
	{10, 8, 1, 0.409180, 0.204590, 1.856},
	{10, 9.5, 1, 0.825586, 1.651171, 8.827},
	{15, 150, 12.5, 0.319190, 0.008512, 0.0924},
}

func near(got, want, within float64) bool { return math.Abs(got-want) <= within*math.Abs(want) }

func TestErlangC(t *testing.T) {
	var table erlangTable
	for _, c := range erlang {
		load := c.arrivals / c.rate
		if got := ErlangC(c.servers, load); !near(got, c.waits, 2e-6) {
			t.Errorf("%d servers, load %v: %v wait, want %v", c.servers, load, got, c.waits)
		}
		if got := table.waiting(c.servers, load); !near(got, c.waits, 1e-3) {
			t.Errorf("%d servers, load %v: the table says that %v wait, want %v", c.servers, load, got, c.waits)
		}
	}
}

func TestTheTableIsWithinATenthOfAPercent(t *testing.T) {
	var table erlangTable
	for _, servers := range []int{1, 6, 7, 8, 20, 100, 256} {
		for use := 0.02; use < 1; use += 0.0137 {
			want := ErlangC(servers, use*float64(servers))
			if got := table.waiting(servers, use*float64(servers)); math.Abs(got-want) > 1e-3*want+1e-5 {
				t.Errorf("%d servers used by %.3f: %v, want %v", servers, use, got, want)
			}
		}
	}
	for _, use := range []float64{0.9, 0.95, 0.99} { // where the limit takes over
		want := ErlangC(257, use*257)
		if got := table.waiting(257, use*257); math.Abs(got-want) > 0.02 {
			t.Errorf("257 servers used by %v: %v, want %v", use, got, want)
		}
	}
}

// In a queue of the kind M/M/c the model's waiting is Erlang's: of tasks with a
// processor each, and of one task that has several requests in hand.
func TestWaitingIsThatOfErlang(t *testing.T) {
	for _, c := range erlang {
		took := time.Duration(float64(time.Second) / c.rate)
		one := Service{CPU: took, VCPU: 1}
		several := Service{Wait: took, Concurrency: c.servers}
		for name, q := range map[string]struct {
			of    Service
			tasks float64
		}{"tasks": {one, float64(c.servers)}, "requests in hand": {several, 1}} {
			queue := queue{station: q.of.station()}
			w := queue.steady(q.tasks, c.arrivals)
			if !near(w.mean(), c.mean, 2e-3) {
				t.Errorf("%s, %d servers, %v arrivals: a mean wait of %v, want %v", name, c.servers, c.arrivals, w.mean(), c.mean)
			}
			p99 := math.Log(w.share/0.01) / w.rate
			if !near(p99, c.ofp9, 2e-3) {
				t.Errorf("%s, %d servers, %v arrivals: p99 of the wait is %v, want %v", name, c.servers, c.arrivals, p99, c.ofp9)
			}
		}
	}
}

// The response of M/M/1 is exponential with the rate that capacity is above the load.
func TestQuantilesOfResponses(t *testing.T) {
	s := Service{CPU: time.Second, VCPU: 1}.station()
	q := queue{station: s}
	l := latencies{station: &s}
	w := q.steady(1, 0.8)
	l.add(1000, w, w.mean())
	for _, p := range []float64{0.5, 0.95, 0.99} {
		want := -math.Log(1-p) / 0.2
		if got := l.quantile(p).Seconds(); !near(got, want, 1e-3) {
			t.Errorf("p%v is %v s, want %v", 100*p, got, want)
		}
	}
	if got := l.mean().Seconds(); !near(got, 5, 1e-3) {
		t.Errorf("the mean is %v s, want 5", got)
	}
}

// Requests that always take the same wait half as long (Pollaczek and Khinchine).
func TestRegularRequestsWaitHalfAsLong(t *testing.T) {
	random, regular := queue{station: Service{CPU: time.Second, VCPU: 1}.station()}, queue{station: Service{CPU: time.Second, VCPU: 1, Variation: 1e-9}.station()}
	if a, b := random.steady(1, 0.5).mean(), regular.steady(1, 0.5).mean(); !near(b, a/2, 1e-6) {
		t.Errorf("regular requests wait %v s, others %v", b, a)
	}
}

// Two tasks serve 2 requests a second. Of 3 a second one piles up each second, until the
// last one waits for the timeout; then one is given up each second.
func TestAnOverloadPilesUpAndIsGivenUp(t *testing.T) {
	s := Service{CPU: time.Second, VCPU: 1, Timeout: 10 * time.Second}
	q := newQueue(s)
	if f := q.pass(2, 3, 10); q.backlog != 10 || f.served != 20 || f.dropped != 0 {
		t.Errorf("after 10 s: backlog %v, flow %+v", q.backlog, f)
	}
	if f := q.pass(2, 3, 30); q.backlog != 20 || f.dropped != 20 || f.served != 60 {
		t.Errorf("after 40 s: backlog %v, flow %+v", q.backlog, f)
	}
	if f := q.pass(2, 1, 20); q.backlog != 0 || f.served != 40 {
		t.Errorf("after 60 s: backlog %v, flow %+v", q.backlog, f)
	}
	if f := q.pass(0, 1, 10); q.backlog != 0 || f.dropped != 10 {
		t.Errorf("without tasks: backlog %v, flow %+v", q.backlog, f)
	}
}

// Messages wait as long as it takes.
func TestMessagesAreNotGivenUp(t *testing.T) {
	s := Service{Wait: time.Second, Concurrency: 1, Workers: true}
	q := newQueue(s)
	q.pass(0, 1, 3600)
	if f := q.pass(1, 1, 3600); q.backlog != 3600 || f.dropped != 0 {
		t.Errorf("backlog %v, flow %+v", q.backlog, f)
	}
	if q.pass(4, 1, 1200); q.backlog != 0 {
		t.Errorf("backlog %v, want 0", q.backlog)
	}
}

// What comes while no task serves, of which each waits for 15 s of 30 on average, waits for
// those before it, too, and is told of when a task serves.
func TestRequestsWaitForATask(t *testing.T) {
	q := newQueue(Service{CPU: time.Second, VCPU: 1, Buffered: true})
	if f := q.pass(0, 2, 30); q.backlog != 60 || f.dropped != 0 || f.known() != 0 {
		t.Errorf("backlog %v, flow %+v", q.backlog, f)
	}
	if f := q.release(4); f.known() != 60 || f.delay != 15+60.0/2/4 {
		t.Errorf("released %+v", f)
	}
	if f := q.pass(4, 2, 30); q.backlog != 0 || f.known() != 60 {
		t.Errorf("backlog %v, flow %+v", q.backlog, f)
	}
}

// The worked examples of the measures.
func TestElasticity(t *testing.T) {
	for _, c := range []struct {
		demand, supply []int
		want           Elasticity
	}{
		{[]int{4, 4, 8, 8}, []int{4, 4, 4, 8}, Elasticity{UnderAccuracy: 12.5, UnderTimeshare: 25, Instability: 200.0 / 3}},
		{[]int{10, 10}, []int{15, 5}, Elasticity{UnderAccuracy: 25, OverAccuracy: 25, UnderTimeshare: 50, OverTimeshare: 50, Instability: 100}},
	} {
		var e elasticity
		for i := range c.demand {
			e.add(c.demand[i], c.supply[i])
		}
		if got := e.measures(); got != c.want {
			t.Errorf("demand %v, supply %v: %+v, want %+v", c.demand, c.supply, got, c.want)
		}
	}
}

// The demand is the fewest tasks that keep the agreement, wherever the search begins.
func TestDemandIsTheFewestTasks(t *testing.T) {
	s := Service{CPU: 100 * time.Millisecond, VCPU: 0.5}.station()
	keeps := func(tasks int, rate float64) bool {
		q := queue{station: s}
		return s.rate(float64(tasks)) >= rate && s.later(q.steady(float64(tasks), rate), 0.8) <= 0.05
	}
	d := demand{station: &s, agreement: Agreement{Within: 800 * time.Millisecond, Share: 0.95}}
	for _, rate := range []float64{0, 3, 400, 7, 0.1, 33, 1200, 31} {
		n := d.of(rate)
		if !keeps(n, 0.999*rate) || n > 1 && keeps(n-1, 1.001*rate) {
			t.Errorf("%v requests a second need %d tasks", rate, n)
		}
	}
}
