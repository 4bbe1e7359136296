package simulation

import (
	"fmt"
	"math"
)

// A Fact is one of the few things to see first of a run.
type Fact struct {
	Name, Text, Note string
	value            float64
	change           func(by, from float64) string // what a difference to another run is written as
}

// Facts are what to see first.
func (r Report) Facts() []Fact {
	out, in, held := r.counts()
	facts := []Fact{
		{"Answered as agreed", percent(r.SLO()), fmt.Sprintf("%s; of %s requests", Describe(r.Agreement), count(r.Requests)), r.SLO(), points},
		{"Minutes that broke it", count(float64(r.MinutesBad)), fmt.Sprintf("of %s minutes", count(float64(r.Minutes))), float64(r.MinutesBad), amount},
		{"Latency, p95", short(r.P95), fmt.Sprintf("mean %s, p99 %s", short(r.Mean), short(r.P99)), r.P95.Seconds(), share},
		{"Given up", count(r.Dropped), fmt.Sprintf("requests; %s wait at the end", count(r.Backlog)), r.Dropped, amount},
		{"Tasks", fmt.Sprintf("%.2f", r.Tasks), fmt.Sprintf("on average, %s task-hours", count(r.TaskHours)), r.Tasks, share},
		{"Capacity used", percent(100 * r.Use), fmt.Sprintf("too many tasks in %s of the time, too few in %s", percent(r.Elasticity.OverTimeshare), percent(r.Elasticity.UnderTimeshare)), 100 * r.Use, points},
		{"Scaled", fmt.Sprintf("%s out, %s in", count(float64(out)), count(float64(in))), fmt.Sprintf("%s attempts not carried out", count(float64(held))), float64(out + in), amount},
	}
	if r.Cost > 0 {
		cost := Fact{"Cost", fmt.Sprintf("$%.2f", r.Cost), fmt.Sprintf("$%.2f in 30 days", r.Cost*30*24*60/float64(max(1, r.Minutes))), r.Cost, share}
		facts = append(facts[:2], append([]Fact{cost}, facts[2:]...)...)
	}
	return facts
}

// Change is how a fact differs from the same of another run.
func (f Fact) Change(from Fact) string {
	if f.Text == from.Text {
		return "same"
	}
	return f.change(f.value-from.value, from.value)
}

func points(by, _ float64) string {
	digits := 1
	if math.Abs(by) < 0.1 {
		digits = 3
	}
	return fmt.Sprintf("%s%.*f points", sign(by), digits, math.Abs(by))
}

func amount(by, _ float64) string { return sign(by) + count(math.Abs(by)) }

func share(by, from float64) string {
	if from == 0 {
		return "from nothing"
	}
	return fmt.Sprintf("%s%.1f %%", sign(by), 100*math.Abs(by/from))
}

// sign is that of a number, as it is printed.
func sign(v float64) string {
	if v < 0 {
		return "−"
	}
	return "+"
}

// When is the time that was scored, as it is printed.
func (r Report) When() string {
	const day = "2006-01-02 15:04"
	return fmt.Sprintf("%s to %s (%s)", r.Start.Format(day), r.End.Format(day), minutes(r.Minutes))
}
