package tune

import (
	"math"
	"math/rand/v2"
	"slices"
)

// A space is the candidates that there can be.
type space struct {
	defaults Candidate
	targets  []float64 // of the grid, the lowest first
	percent  bool
	least    int32 // of the minimum
	most     int32 // of the maximum
	busy     []int32
	peak     int32 // tasks of the busiest minute of the training part
}

var cooldowns = []int32{0, 30, 60, 120, 180, 300, 600, 900}

// newSpace lays out the candidates by the training part.
func newSpace(p *Problem) space {
	s := space{defaults: Defaults(), least: p.Min, most: p.Max, percent: p.Subject.Percent()}
	seen := p.Requests[:p.Train]
	s.peak = p.Peak()
	if s.percent {
		s.targets = []float64{40, 50, 60, 65, 70, 75, 80, 85, 90}
	} else {
		s.defaults.Target = *p.Subject.Tracking.TargetValue
		for _, factor := range []float64{0.5, 0.7, 0.85, 1, 1.15, 1.3, 1.5, 2} {
			s.targets = append(s.targets, round(s.defaults.Target*factor))
		}
	}
	s.defaults.Min, s.defaults.Max = p.Min, p.Max
	s.busy = busyHours(p, seen)
	return s
}

// busyHours is how many tasks each hour of the day needs, in its ninth busiest of ten.
func busyHours(p *Problem, seen []float64) []int32 {
	hours := make([][]float64, 24)
	for i := 0; i+60 <= len(seen); i += 60 {
		h := (p.Start.Hour() + i/60) % 24
		hours[h] = append(hours[h], slices.Max(seen[i:i+60]))
	}
	busy := make([]int32, 24)
	for h, loads := range hours {
		if len(loads) > 0 {
			slices.Sort(loads)
			busy[h] = tasksFor(p.Service, loads[len(loads)*9/10])
		}
	}
	return busy
}

// grid is a coarse one over target values, cooldowns and minimum, without the other kinds of
// policies: as many of its candidates as are wanted, by chance.
func (s *space) grid(random *rand.Rand, wanted int) []Candidate {
	var all []Candidate
	for _, target := range s.targets {
		for _, out := range []int32{30, 120, 300} {
			for _, in := range []int32{60, 300, 900} {
				for _, least := range s.minimums() {
					c := s.defaults
					c.Target, c.OutCooldown, c.InCooldown, c.Min = target, out, in, least
					all = append(all, c)
				}
			}
		}
	}
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = all[:min(wanted, len(all))]
	for i := range all { // every other one with a second policy
		if i%2 == 1 {
			all[i] = s.second(random, all[i])
		}
	}
	return unique(all, s.usual())
}

// usual are AWS's defaults, and what differs from them in the target value only.
func (s *space) usual() []Candidate {
	all := []Candidate{s.defaults}
	targets := s.targets
	if s.percent {
		targets = append([]float64{20, 30, 35, 45, 55}, targets...)
	}
	for _, target := range targets {
		if c := s.defaults; target != c.Target {
			c.Target = target
			all = append(all, c)
		}
	}
	return all
}

// unique leaves out what is there already.
func unique(all, known []Candidate) []Candidate {
	seen := map[Candidate]bool{}
	for _, c := range known {
		seen[c] = true
	}
	return slices.DeleteFunc(all, func(c Candidate) bool {
		was := seen[c]
		seen[c] = true
		return was
	})
}

// minimums are some between the least and what the busiest minute needs.
func (s *space) minimums() []int32 {
	var all []int32
	for _, share := range []float64{0, 0.1, 0.25, 0.5} {
		v := min(s.most, max(s.least, int32(math.Round(share*float64(s.peak)))))
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// second adds a policy of another kind, or takes it away.
func (s *space) second(random *rand.Rand, c Candidate) Candidate {
	switch {
	case random.IntN(2) == 0:
		c = s.schedule(random, c)
	case !s.percent:
	case c.Step == (Step{}):
		c.Step = Step{Above: float64(5 * (1 + random.IntN(6))), Percent: int32(10 * (1 + random.IntN(10)))}
		if c.stepAt() > 100 {
			c.Step.Above = math.Floor(100 * (99/c.Target - 1))
		}
	default:
		c.Step = Step{}
	}
	return s.tidy(c)
}

// schedule adds a schedule, or takes it away.
func (s *space) schedule(random *rand.Rand, c Candidate) Candidate {
	if c.Schedule != (Schedule{}) {
		c.Schedule = Schedule{}
		return c
	}
	from := random.IntN(24)
	to := (from + 2 + random.IntN(12)) % 24
	need := s.busy[from]
	c.Schedule = Schedule{From: from, To: to, Min: int32(math.Round(float64(need) * (0.6 + 0.6*random.Float64()))), Weekdays: random.IntN(2) == 0}
	return c
}

// mutate changes a candidate in one or two places.
func (s *space) mutate(random *rand.Rand, c Candidate) Candidate {
	for range 1 + random.IntN(2) {
		switch random.IntN(8) {
		case 0, 1, 2:
			c.Target = round(c.Target * (1 + 0.06*random.NormFloat64()))
		case 3:
			c.OutCooldown = cooldowns[random.IntN(len(cooldowns))]
		case 4:
			c.InCooldown = cooldowns[random.IntN(len(cooldowns))]
		case 5:
			c.Min += int32(random.IntN(2*int(max(1, s.peak/10))+1)) - max(1, s.peak/10)
		case 6:
			c.Max = int32(math.Round(float64(s.peak) * (0.9 + random.Float64())))
		default:
			c = s.second(random, c)
		}
	}
	return s.tidy(c)
}

// tidy keeps a candidate within what there can be.
func (s *space) tidy(c Candidate) Candidate {
	if s.percent {
		c.Target = min(95, max(10, c.Target))
	}
	c.Min = min(max(c.Min, s.least), s.most)
	c.Max = min(max(c.Max, c.Min, 1), s.most)
	if c.Schedule != (Schedule{}) {
		c.Schedule.Min = min(max(c.Schedule.Min, c.Min), c.Max)
		if c.Schedule.Min == c.Min {
			c.Schedule = Schedule{}
		}
	}
	if c.Step != (Step{}) && (c.Step.Above <= 0 || c.stepAt() > 100) {
		c.Step = Step{}
	}
	return c
}

// round leaves three digits, as people write target values.
func round(v float64) float64 {
	scale := math.Pow(10, 2-math.Floor(math.Log10(v)))
	return math.Round(v*scale) / scale
}
