package tune

import (
	"context"
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

// A part is traffic from a time on, of which the beginning is lived through unscored.
type part struct {
	start    time.Time
	requests []float64
	unscored int
}

// run plays a scenario through a part. It gives up, and returns false, as soon as worse
// says that a candidate which has cost and missed so much already is not wanted, or where
// the context ends.
func (p part) run(ctx context.Context, s sim.Scenario, g Goal, worse func(hours, miss float64) bool) (Score, bool, error) {
	var score Score
	stopped, minutes, seconds := false, 0, 0.0
	s.Start, s.WarmUp = p.start, time.Duration(p.unscored)*time.Minute
	s.Observer = sim.Observer{Minute: func(r sim.Record) {
		if minutes++; minutes <= p.unscored {
			return
		}
		seconds += r.Paid
		score.Miss += g.miss(r)
		score.Total += g.total(r)
		if minutes%looksEach == 0 && (ctx.Err() != nil || worse != nil && worse(seconds/3600, score.Miss)) {
			stopped = true
		}
	}}
	result, err := sim.Run(s, func(yield func(sim.Minute) bool) {
		for _, v := range p.requests {
			if stopped || !yield(sim.Minute{Requests: v}) {
				return
			}
		}
	})
	score.Hours, score.Cost = result.TaskHours, result.Cost
	score.Days = float64(result.Minutes) / (24 * 60)
	return score, !stopped, err
}

// looksEach is after how many minutes a trial asks whether to go on.
const looksEach = 360
