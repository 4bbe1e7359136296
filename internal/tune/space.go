package tune

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"flyball/sim"
)

// A space is the candidates that there can be.
type space struct {
	defaults Candidate
	targets  []float64 // of the grid, the lowest first
	percent  bool
	least    int32 // of the minimum
	most     int32 // of the maximum
	busy     Hours // tasks that the hours of the day need
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
func busyHours(p *Problem, seen []float64) (busy Hours) {
	var hours [2][24][]float64
	for i := 0; i+60 <= len(seen); i += 60 {
		at := p.Start.Add(time.Duration(i) * time.Minute).UTC()
		day := &hours[0]
		if w := at.Weekday(); w == time.Saturday || w == time.Sunday {
			day = &hours[1]
		}
		day[at.Hour()] = append(day[at.Hour()], slices.Max(seen[i:i+60]))
	}
	for h := range 24 {
		busy.Week[h] = usually(p.Service, hours[0][h])
		busy.Weekend[h] = busy.Week[h]
		if len(hours[1][h]) > 0 {
			busy.Weekend[h] = usually(p.Service, hours[1][h])
		}
	}
	return busy
}

// usually is how many tasks serve all but the busiest tenth of loads.
func usually(service sim.Service, loads []float64) int32 {
	if len(loads) == 0 {
		return 0
	}
	slices.Sort(loads)
	return tasksFor(service, loads[len(loads)*9/10])
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
	for i := range all { // two of three with other policies
		for range i % 3 {
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
	kind := random.IntN(8)
	if !s.percent {
		kind = 0
	}
	switch {
	case kind < 2:
		c.Hours = s.hours(random, c.Hours)
	case kind < 4 && c.Step != (Step{}):
		c.Step = Step{}
	case kind < 4:
		c.Step = s.step(random, 5)
	case kind < 6 && c.In != (StepIn{}):
		c.In = StepIn{}
	case kind < 6:
		c.In = s.stepIn(random)
	default:
		if c.StepsOnly = !c.StepsOnly; c.StepsOnly {
			c.Step, c.In, c.Forecast = s.step(random, 0), s.stepIn(random), Predicted{}
		}
	}
	return s.tidy(c)
}

// datapoints are how many of how many periods call an alarm.
var datapoints = [][2]int32{{1, 1}, {2, 2}, {2, 3}, {3, 3}, {3, 5}, {5, 5}, {5, 10}, {8, 10}, {10, 15}}

// step is a step policy that adds tasks, some way above the target at least.
func (s *space) step(random *rand.Rand, least int) Step {
	points := datapoints[random.IntN(4)]
	step := Step{
		Above: float64(least + 5*random.IntN(6)), Percent: int32(5 * (1 + random.IntN(12))),
		Points: points[0], Of: points[1],
	}
	if random.IntN(2) == 0 {
		step.More = step.Percent * int32(2+random.IntN(3))
	}
	return step
}

// stepIn is one that removes tasks.
func (s *space) stepIn(random *rand.Rand) StepIn {
	points := datapoints[random.IntN(len(datapoints))]
	return StepIn{
		Below: float64(5 * (1 + random.IntN(6))), Percent: int32(5 * (1 + random.IntN(5))),
		Points: points[0], Of: points[1], Cooldown: cooldowns[random.IntN(6)],
	}
}

// hours changes the minimums by the hour: a share of what the hours need, of all days or of
// two kinds of days, some hours of it only, or none.
func (s *space) hours(random *rand.Rand, h Hours) Hours {
	switch {
	case h == (Hours{}) || random.IntN(4) == 0:
		h = s.busy.coarse(1 + random.IntN(4)).scaled(0.4 + 0.7*random.Float64())
		if random.IntN(2) == 0 {
			h.Weekend = h.Week
		}
	case random.IntN(4) == 0:
		return Hours{}
	case random.IntN(2) == 0:
		return h.scaled(1 + 0.1*random.NormFloat64())
	}
	from, hours := random.IntN(24), 2+random.IntN(12)
	if random.IntN(2) == 0 {
		return h
	}
	for i := range hours { // without some hours
		h.Week[(from+i)%24], h.Weekend[(from+i)%24] = 0, 0
	}
	return h
}

// mutate changes a candidate in one or two places.
func (s *space) mutate(random *rand.Rand, c Candidate) Candidate {
	for range 1 + random.IntN(2) {
		switch random.IntN(11) {
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
		case 7:
			c.Step = s.changeStep(random, c.Step)
		case 8:
			c.In = s.changeIn(random, c.In)
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
	c.Hours = c.Hours.within(c.Min, c.Max)
	if c.Step != (Step{}) && (c.Step.Above < 0 || c.Step.Above == 0 && !c.StepsOnly || c.stepAt() > 100) {
		c.Step = Step{}
	}
	if c.Step.More > 0 && c.stepAt()+moreAfter > 100 {
		c.Step.More = 0
	}
	if c.StepsOnly && (c.Step == (Step{}) || c.In == (StepIn{})) {
		c.StepsOnly = false
	}
	if c.StepsOnly { // nothing reads them
		c.OutCooldown, c.InCooldown = 0, 0
	} else if c.OutCooldown == 0 && c.InCooldown == 0 && c.In == (StepIn{}) {
		c.OutCooldown, c.InCooldown = s.defaults.OutCooldown, s.defaults.InCooldown
	}
	return c
}

// changeStep changes a step policy a little, and changeIn one that scales in.
func (s *space) changeStep(random *rand.Rand, step Step) Step {
	if step == (Step{}) {
		return step
	}
	switch random.IntN(3) {
	case 0:
		step.Above += float64(1+random.IntN(5)) * float64(1-2*random.IntN(2))
	case 1:
		step.Percent = max(5, step.Percent+int32(5*(random.IntN(5)-2)))
	default:
		other := s.step(random, 5)
		step.Points, step.Of, step.More = other.Points, other.Of, other.More
	}
	return step
}

func (s *space) changeIn(random *rand.Rand, in StepIn) StepIn {
	if in == (StepIn{}) {
		return in
	}
	other := s.stepIn(random)
	switch random.IntN(4) {
	case 0:
		in.Below = min(60, max(2, in.Below+float64(1+random.IntN(5))*float64(1-2*random.IntN(2))))
	case 1:
		in.Percent = other.Percent
	case 2:
		in.Points, in.Of = other.Points, other.Of
	default:
		in.Cooldown = other.Cooldown
	}
	return in
}

// round leaves three digits, as people write target values.
func round(v float64) float64 {
	scale := math.Pow(10, 2-math.Floor(math.Log10(v)))
	return math.Round(v*scale) / scale
}
