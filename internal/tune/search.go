package tune

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"flyball/internal/policydoc"
	"flyball/sim"
)

// A Problem is what is to be tuned, and by what.
type Problem struct {
	Subject Subject
	Service sim.Service
	Goal    Goal
	// Build makes a scenario of documents; the time of its start is set here.
	Build func(policydoc.Documents) (sim.Scenario, error)
	// Today is what scales the target now; nil: AWS's defaults.
	Today *policydoc.Documents
	// Against are others that the best is compared with, autoscalers that are not AWS's among
	// them.
	Against []Rival

	Start    time.Time
	Requests []float64   // of each minute
	Given    [][]float64 // of each minute, what scenarios read beside; nil: nothing
	Train    int         // minutes that the search sees
	WarmUp   int         // minutes of them that are not scored

	Min, Max   int32 // the least minimum and the greatest maximum that there may be
	Candidates int
	Seed       uint64
	Workers    int                         // processors
	Progress   func(done int, best *Trial) // nil: nobody wants to know
}

// A Rival is what the best is compared with.
type Rival struct {
	Name string
	policydoc.Documents
}

// A Trial is a candidate with what became of it on the training part.
type Trial struct {
	Candidate Candidate `json:"candidate"`
	Score     Score     `json:"training"`
}

// An Outcome is what a search found.
type Outcome struct {
	Tried    int
	Stopped  int     // of them, before their end
	Ended    bool    // by the context, before all were tried
	Frontier []Trial // that none beats on both cost and agreement, the cheapest first
	Best     Trial
	Keeps    bool // Best keeps the agreement on the training part
	// Usual is target tracking with AWS's cooldowns, of which nothing but the target value was
	// chosen: the cheapest that keeps the agreement. AsDefaults is the cheapest of all that keep
	// it at least as well as AWS's defaults do.
	Usual, AsDefaults Trial
}

// What is to come is never quite like what was. A candidate may use up the misses that a goal
// allows but for what days differ: with so many standard deviations of what is to come it
// keeps the goal where days are independent. It may use up the share reserve of them at most,
// and unknown where there are fewer days than enough to know how they differ.
const (
	certainty = 1.7
	reserve   = 0.85
	unknown   = 0.7
	enough    = 13.0
)

// mostAhead is how many candidates with predictive scaling are tried: each makes forecasts
// as the server does, four a day.
const mostAhead = 6

// batch is how many candidates are tried before anything is learnt from them. It does not
// depend on the processors, so that the outcome does not either.
const batch = 32

// A search is a problem under way.
type search struct {
	*Problem
	space  space
	random *rand.Rand
	known  map[Candidate]bool
	part   part    // that candidates are tried on
	trials []Trial // that none of the others beats
	usual  []Trial // with AWS's cooldowns, and its default target first
	out    Outcome
}

// Search tries candidates until there are as many as the problem wants, or the context
// ends, which keeps what was found by then. Of a long training part most candidates see some
// weeks only; those that are good there are tried on all of it, and so is what lies around them.
func Search(ctx context.Context, p Problem) (Outcome, error) {
	s := &search{Problem: &p, random: rand.New(rand.NewPCG(p.Seed, 0x74756e65)), known: map[Candidate]bool{}}
	s.space = newSpace(&p)
	s.part = p.training()
	grid := append(s.space.usual(), s.space.grid(s.random, p.Candidates*2/5)...)
	var sampled []Trial
	if weeks, long := s.part.sample(); long {
		whole := s.part
		s.part = weeks
		if err := s.spend(ctx, grid, p.Candidates*9/10); err != nil {
			return s.out, err
		}
		grid = append(s.space.usual(), s.around(p.Candidates/20)...)
		sampled = s.trials
		s.part, s.trials, s.usual, s.known = whole, nil, nil, map[Candidate]bool{}
	}
	ahead := min(mostAhead, p.Candidates/20)
	if !p.Subject.Percent() || len(s.part.requests) >= longWeeks*week {
		ahead = 0 // forecasts of a year take longer than all other candidates
	}
	err := s.spend(ctx, grid, p.Candidates-ahead)
	if err == nil && len(s.trials) > 0 {
		err = s.try(ctx, s.ahead(ahead))
	}
	if err != nil {
		return s.out, err
	}
	s.out.Ended = ctx.Err() != nil
	if len(s.trials) == 0 {
		s.trials = sampled // interrupted before any was tried on all of it
	}
	if len(s.trials) == 0 {
		return s.out, errors.New("no candidate was tried to its end: give it more time, or less traffic")
	}
	s.out.Frontier = s.trials
	s.out.Best, s.out.Keeps = s.best()
	s.compare()
	return s.out, nil
}

// spend tries candidates, and then what lies around the best, until so many were tried.
func (s *search) spend(ctx context.Context, wanted []Candidate, until int) error {
	for len(wanted) > 0 && s.out.Tried < until && ctx.Err() == nil {
		n := min(batch, len(wanted), until-s.out.Tried)
		if err := s.try(ctx, wanted[:n]); err != nil {
			return err
		}
		if wanted = wanted[n:]; len(wanted) == 0 && len(s.trials) > 0 {
			wanted = s.near()
		}
	}
	return nil
}

// ahead are candidates with predictive scaling beside what was found, the same and
// somewhat higher target values.
func (s *search) ahead(n int) (all []Candidate) {
	best, _ := s.best()
	for _, raise := range []float64{1, 1.1, 1.2} {
		for _, aim := range []float64{1, 0.85} {
			c := best.Candidate
			c.Target = round(c.Target * raise)
			c.Forecast = Predicted{Target: round(best.Candidate.Target * aim), Buffer: 300}
			all = append(all, s.space.tidy(c))
		}
	}
	all = unique(all, nil)
	return all[:min(n, len(all))]
}

// around are the candidates of the frontier that are nearest to the best.
func (s *search) around(n int) []Candidate {
	if len(s.trials) == 0 {
		return nil
	}
	at, _ := s.place(s.trials)
	from := max(0, min(at-n/2, len(s.trials)-n))
	var all []Candidate
	for _, t := range s.trials[from:min(len(s.trials), from+max(1, n))] {
		all = append(all, t.Candidate)
	}
	return unique(all, s.space.usual())
}

// compare finds what the best is compared with.
func (s *search) compare() {
	if len(s.usual) == 0 {
		return
	}
	defaults := s.usual[0].Score
	front := front(s.usual)
	at, _ := s.place(front)
	s.out.Usual = front[at]
	for _, t := range s.trials {
		if t.Score.Miss <= defaults.Miss {
			s.out.AsDefaults = t
			break
		}
	}
}

// try runs candidates on all processors.
func (s *search) try(ctx context.Context, all []Candidate) error {
	type result struct {
		score Score
		whole bool
		err   error
	}
	results := make([]result, len(all))
	front := s.trials
	worse := func(hours, miss float64) bool {
		return slices.ContainsFunc(front, func(t Trial) bool { return t.Score.Hours <= hours && t.Score.Miss <= miss })
	}
	places := make(chan int)
	var group sync.WaitGroup
	for range max(1, s.Workers) {
		group.Go(func() {
			for i := range places {
				r := &results[i]
				r.score, r.whole, r.err = s.run(ctx, s.Subject.Documents(all[i]), s.part, worse)
			}
		})
	}
	for i := range all {
		places <- i
	}
	close(places)
	group.Wait()
	for i, r := range results {
		switch {
		case r.err != nil:
			return fmt.Errorf("%v: %w", all[i], r.err)
		case r.whole:
			s.keep(Trial{all[i], r.score})
		case ctx.Err() != nil:
			continue
		default:
			s.out.Stopped++
		}
		s.out.Tried++
		s.known[all[i]] = true
	}
	if s.Progress != nil && len(s.trials) > 0 {
		best, _ := s.best()
		s.Progress(s.out.Tried, &best)
	}
	return nil
}

func (p *Problem) training() part {
	return p.part(p.Train, min(p.WarmUp, p.Train))
}

// part is the traffic up to a minute.
func (p *Problem) part(until, unscored int) part {
	given := p.Given
	if given != nil {
		given = given[:until]
	}
	return part{p.Start, p.Requests[:until], given, unscored}
}

// Check plays documents through all of the traffic and scores the part that the search does
// not see.
func (p *Problem) Check(ctx context.Context, d policydoc.Documents) (Score, error) {
	score, whole, err := p.run(ctx, d, p.part(len(p.Requests), p.Train), nil)
	if err == nil && !whole {
		err = context.Cause(ctx)
	}
	return score, err
}

func (p *Problem) run(ctx context.Context, d policydoc.Documents, on part, worse func(hours, miss float64) bool) (Score, bool, error) {
	scenario, err := p.Build(d)
	if err != nil {
		return Score{}, false, err
	}
	scenario.Agreement = p.Goal.latency
	for _, a := range d.Autoscalers {
		a.Apply(&scenario)
	}
	return on.run(ctx, scenario, p.Goal, worse)
}

// keep keeps a trial, unless another beats it.
func (s *search) keep(t Trial) {
	usual := s.space.defaults
	usual.Target = t.Candidate.Target
	if t.Candidate == usual {
		s.usual = append(s.usual, t)
	}
	s.trials = front(append(slices.Clone(s.trials), t))
}

// front are the trials that no other beats on both hours and misses, the cheapest first.
func front(all []Trial) []Trial {
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b Trial) int {
		return cmp.Or(cmp.Compare(a.Score.Hours, b.Score.Hours), cmp.Compare(a.Score.Miss, b.Score.Miss))
	})
	least := math.Inf(1)
	return slices.DeleteFunc(sorted, func(t Trial) bool {
		beaten := t.Score.Miss >= least
		least = min(least, t.Score.Miss)
		return beaten
	})
}

// place is that of the best on the frontier: of the cheapest that keeps the goal with the
// reserve, else of the cheapest that keeps it, else of what comes nearest.
func (s *search) place(front []Trial) (at int, keeps bool) {
	if at = slices.IndexFunc(front, s.surely); at >= 0 {
		return at, true
	}
	within := func(t Trial) bool { return t.Score.Miss <= (1-s.Goal.Share)*t.Score.Total }
	if at = slices.IndexFunc(front, within); at >= 0 {
		return at, true
	}
	return len(front) - 1, false
}

// surely reports whether a trial keeps the goal with a reserve for what is to come.
func (s *search) surely(t Trial) bool {
	allowed, share := 1-s.Goal.Share, t.Score.Miss/t.Score.Total
	if t.Score.Days < enough {
		return share <= unknown*allowed
	}
	rest := float64(len(s.Requests)-s.Train) / (24 * 60)
	differs := t.Score.Spread * math.Sqrt(1/rest+1/t.Score.Days)
	return share <= min(reserve*allowed, allowed-certainty*differs)
}

// best is the trial that is recommended, and whether it keeps the goal.
func (s *search) best() (Trial, bool) {
	at, keeps := s.place(s.trials)
	return s.trials[at], keeps
}

// near are candidates round the frontier where it crosses the goal.
func (s *search) near() []Candidate {
	at, _ := s.place(s.trials)
	var found []Candidate
	for tries := 0; len(found) < batch && tries < 50*batch; tries++ {
		// The cheapest that keeps the goal is looked round most, its neighbours less so.
		from := at + int(math.Round(s.random.NormFloat64()*1.5))
		c := s.space.mutate(s.random, s.trials[min(max(0, from), len(s.trials)-1)].Candidate)
		if !s.known[c] && !slices.Contains(found, c) {
			found = append(found, c)
		}
	}
	return found
}
