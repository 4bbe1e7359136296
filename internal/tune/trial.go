package tune

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"flyball/sim"
)

// A Score is what became of a candidate on a part of the traffic.
type Score struct {
	Hours float64 `json:"taskHours"`
	Cost  float64 `json:"cost"`
	Miss  float64 `json:"missed"` // of Total: requests or minutes outside the agreement
	Total float64 `json:"total"`
	Days  float64 `json:"days"`
	// Spread is by how much a day's misses differ from the usual, as a share of a day's Total.
	Spread float64 `json:"-"`
}

// Kept is the percentage that was within the agreement.
func (s Score) Kept() float64 {
	if s.Total == 0 {
		return 100
	}
	return 100 * (1 - min(1, s.Miss/s.Total))
}

// Monthly is the cost of 30 days.
func (s Score) Monthly() float64 { return s.Cost * 30 / s.Days }

// price is the cost of 30 days or, where the price of a task is not known, its task-hours.
func (s Score) price() string {
	if s.Cost == 0 && s.Hours > 0 {
		return fmt.Sprintf("%.0f task-h", s.Hours*30/s.Days)
	}
	return fmt.Sprintf("$%.2f", s.Monthly())
}

// A part is traffic from a time on, of which the beginning is lived through unscored.
type part struct {
	start    time.Time
	requests []float64
	given    [][]float64 // of each minute; nil: nothing
	unscored int
}

// run plays a scenario through a part. It gives up, and returns false, as soon as worse
// says that a candidate which has cost and missed so much already is not wanted, or where
// the context ends.
func (p part) run(ctx context.Context, s sim.Scenario, g Goal, worse func(hours, miss float64) bool) (Score, bool, error) {
	var score Score
	stopped, minutes, seconds := false, 0, 0.0
	var days daily
	s.Start, s.WarmUp = p.start, time.Duration(p.unscored)*time.Minute
	s.Observer = sim.Observer{Minute: func(r sim.Record) {
		if minutes++; minutes <= p.unscored {
			return
		}
		seconds += r.Paid
		miss, total := g.miss(r), g.total(r)
		score.Miss += miss
		score.Total += total
		days.add(miss, total)
		if minutes%looksEach == 0 && (ctx.Err() != nil || worse != nil && worse(seconds/3600, score.Miss)) {
			stopped = true
		}
	}}
	result, err := sim.Run(s, func(yield func(sim.Minute) bool) {
		for i, v := range p.requests {
			minute := sim.Minute{Requests: v}
			if p.given != nil {
				minute.Given = p.given[i]
			}
			if stopped || !yield(minute) {
				return
			}
		}
	})
	score.Hours, score.Cost = result.TaskHours, result.Cost
	score.Days, score.Spread = float64(result.Minutes)/(24*60), days.spread(score)
	return score, !stopped, err
}

// A daily adds up the misses of each day.
type daily struct {
	minutes      int
	miss, total  float64 // of the day so far
	days         float64 // whole ones
	square, both float64 // sums of miss*miss and of miss*total
	totals       float64 // sum of total*total
}

func (d *daily) add(miss, total float64) {
	d.miss += miss
	d.total += total
	if d.minutes++; d.minutes%(24*60) > 0 {
		return
	}
	d.days++
	d.square += d.miss * d.miss
	d.both += d.miss * d.total
	d.totals += d.total * d.total
	d.miss, d.total = 0, 0
}

// spread is by how much a day's misses differ from the usual share of its requests, as a share of
// a day's requests.
func (d *daily) spread(s Score) float64 {
	if d.days < 2 || s.Total == 0 {
		return 0
	}
	share, usual := s.Miss/s.Total, s.Total/s.Days
	squares := d.square - 2*share*d.both + share*share*d.totals
	return math.Sqrt(max(0, squares)/(d.days-1)) / usual
}

// looksEach is after how many minutes a trial asks whether to go on.
const looksEach = 360

// The weeks that stand for a long part, and from how many on they do.
const (
	week        = 7 * 24 * 60
	sampleWeeks = 8
	longWeeks   = 12
)

// sample is weeks of a long part, as far from each other as can be, of which the busiest is
// one. They begin on the weekday on which the part does, so that weeks stay weeks.
func (p part) sample() (part, bool) {
	weeks := len(p.requests) / week
	if weeks < longWeeks {
		return p, false
	}
	busiest, most := 0, 0.0
	for w := range weeks {
		total := 0.0
		for _, v := range p.requests[w*week : (w+1)*week] {
			total += v
		}
		if total > most {
			busiest, most = w, total
		}
	}
	taken := []int{busiest}
	for i := range sampleWeeks - 1 {
		if w := i * (weeks - 1) / (sampleWeeks - 2); !slices.Contains(taken, w) {
			taken = append(taken, w)
		}
	}
	slices.Sort(taken)
	var requests []float64
	var given [][]float64
	for _, w := range taken {
		requests = append(requests, p.requests[w*week:(w+1)*week]...)
		if p.given != nil {
			given = append(given, p.given[w*week:(w+1)*week]...)
		}
	}
	return part{p.start, requests, given, p.unscored}, true
}
