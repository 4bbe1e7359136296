package tune

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"flyball/internal/simulation"
	"flyball/sim"
)

// A Goal is what is agreed on: of the requests a share is answered in time, or in a
// share of the minutes utilization or backlog stays below a limit.
type Goal struct {
	Text  string
	Share float64 // that has to be kept, below 1

	latency sim.Agreement
	miss    func(sim.Record) float64 // of total
	total   func(sim.Record) float64
	unit    string
}

// Latency is what is agreed on of each request; zero where it is of minutes.
func (g Goal) Latency() sim.Agreement { return g.latency }

// Counts is how much of a minute of a run is outside of what is agreed on, and of how much.
func (g Goal) Counts(r sim.Record) (missed, total float64) { return g.miss(r), g.total(r) }

// Unit is what is counted: requests or minutes.
func (g Goal) Unit() string { return g.unit }

var gauged = regexp.MustCompile(`^(?:p(\d{1,2}(?:\.\d{1,4})?)\s+)?(utilization|backlog)\s*<=?\s*([0-9.]+)\s*(%?)$`)

// ParseGoal reads a goal such as "p95 < 300ms", "utilization < 80%" or "p99 backlog < 10".
// Where the last two name no share, it is 95 % of the minutes.
func ParseGoal(text string) (Goal, error) {
	text = strings.TrimSpace(text)
	m := gauged.FindStringSubmatch(text)
	if m == nil {
		a, err := simulation.ParseAgreement(text)
		if err != nil {
			return Goal{}, fmt.Errorf("%w; or of the minutes, such as 'p95 utilization < 80%%' or 'p95 backlog < 10', messages for each task", err)
		}
		return Goal{
			Text: simulation.Describe(a), Share: a.Share, latency: a, unit: "requests",
			miss:  func(r sim.Record) float64 { return r.Late + r.Dropped },
			total: func(r sim.Record) float64 { return r.Requests },
		}, nil
	}
	share := 95.0
	if m[1] != "" {
		share, _ = strconv.ParseFloat(m[1], 64)
	}
	limit, err := strconv.ParseFloat(m[3], 64)
	if err != nil || !(limit > 0) || !(share > 0) || m[2] == "backlog" && m[4] != "" || m[2] == "utilization" && limit > 100 {
		return Goal{}, fmt.Errorf("%q: write a limit such as 'p95 utilization < 80%%' or 'p95 backlog < 10'", text)
	}
	g := Goal{Text: text, Share: share / 100, unit: "minutes", total: func(sim.Record) float64 { return 1 }}
	g.miss = func(r sim.Record) float64 { return when(100*r.Use >= limit) }
	if m[2] == "backlog" {
		g.miss = func(r sim.Record) float64 { return when(r.Backlog >= limit*float64(max(1, r.Running))) }
	}
	return g, nil
}

func when(bad bool) float64 {
	if bad {
		return 1
	}
	return 0
}

// tasksFor is how many tasks keep a load that does not change within the goal, with a
// utilization of four fifths at most.
func tasksFor(s sim.Service, requests float64) int32 {
	perTask := 60 * capacityOf(s)
	return int32(min(1e5, requests/perTask/0.8)) + 1
}

// capacityOf is how many requests a task serves in a second.
func capacityOf(s sim.Service) float64 {
	least := func(a, b float64) float64 {
		if b > 0 && (a == 0 || b < a) {
			return b
		}
		return a
	}
	rate := 0.0
	if s.CPU > 0 {
		rate = s.VCPU / s.CPU.Seconds()
	}
	if s.Concurrency > 0 {
		alone := s.Wait
		if s.CPU > 0 {
			alone += time.Duration(float64(s.CPU) / min(1, s.VCPU))
		}
		rate = least(rate, float64(s.Concurrency)/alone.Seconds())
	}
	return rate
}

// Peak is how many tasks the busiest minute of the training part needs.
func (p *Problem) Peak() int32 {
	most := 0.0
	for _, v := range p.Requests[:p.Train] {
		most = max(most, v)
	}
	return tasksFor(p.Service, most)
}
