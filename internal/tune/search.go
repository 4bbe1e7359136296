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

	Start    time.Time
	Requests []float64 // of each minute
	Train    int       // minutes that the search sees
	WarmUp   int       // minutes of them that are not scored

	Min, Max   int32 // the least minimum and the greatest maximum that there may be
	Candidates int
	Seed       uint64
	Workers    int                         // processors
	Progress   func(done int, best *Trial) // nil: nobody wants to know
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
}

// reserve is the share of the misses that a goal allows which a candidate may use up on the
// training part: what is to come is never quite like what was.
const reserve = 0.8

// batch is how many candidates are tried before anything is learnt from them. It does not
// depend on the processors, so that the outcome does not either.
const batch = 32

// A search is a problem under way.
type search struct {
	*Problem
	space  space
	random *rand.Rand
	known  map[Candidate]bool
	trials []Trial
	out    Outcome
}

// Search tries candidates until there are as many as the problem wants, or the context
// ends, which keeps what was found by then.
func Search(ctx context.Context, p Problem) (Outcome, error) {
	s := &search{Problem: &p, random: rand.New(rand.NewPCG(p.Seed, 0x74756e65)), known: map[Candidate]bool{}}
	s.space = newSpace(&p)
	wanted := append([]Candidate{s.space.defaults}, s.space.grid(s.random, p.Candidates*2/5)...)
	for len(wanted) > 0 && s.out.Tried < p.Candidates && ctx.Err() == nil {
		n := min(batch, len(wanted), p.Candidates-s.out.Tried)
		if err := s.try(ctx, wanted[:n]); err != nil {
			return s.out, err
		}
		if wanted = wanted[n:]; len(wanted) == 0 {
			wanted = s.near()
		}
	}
	s.out.Ended = ctx.Err() != nil
	if len(s.trials) == 0 {
		return s.out, errors.New("no candidate was tried to its end: give it more time, or less traffic")
	}
	s.out.Frontier = s.frontier()
	s.out.Best, s.out.Keeps = s.best()
	return s.out, nil
}

// try runs candidates on all processors.
func (s *search) try(ctx context.Context, all []Candidate) error {
	type result struct {
		score Score
		whole bool
		err   error
	}
	results := make([]result, len(all))
	front := s.frontier()
	worse := func(hours, miss float64) bool {
		return slices.ContainsFunc(front, func(t Trial) bool { return t.Score.Hours <= hours && t.Score.Miss <= miss })
	}
	places := make(chan int)
	var group sync.WaitGroup
	for range max(1, s.Workers) {
		group.Go(func() {
			for i := range places {
				r := &results[i]
				r.score, r.whole, r.err = s.run(ctx, s.Subject.Documents(all[i]), s.training(), worse)
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
			s.trials = append(s.trials, Trial{all[i], r.score})
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
	return part{p.Start, p.Requests[:p.Train], min(p.WarmUp, p.Train)}
}

// Check plays documents through all of the traffic and scores the part that the search does
// not see.
func (p *Problem) Check(ctx context.Context, d policydoc.Documents) (Score, error) {
	score, whole, err := p.run(ctx, d, part{p.Start, p.Requests, p.Train}, nil)
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
	return on.run(ctx, scenario, p.Goal, worse)
}

// frontier are the trials that no other beats on both hours and misses.
func (s *search) frontier() []Trial {
	sorted := slices.Clone(s.trials)
	slices.SortStableFunc(sorted, func(a, b Trial) int {
		return cmp.Or(cmp.Compare(a.Score.Hours, b.Score.Hours), cmp.Compare(a.Score.Miss, b.Score.Miss))
	})
	var front []Trial
	least := math.Inf(1)
	for _, t := range sorted {
		if t.Score.Miss < least {
			front = append(front, t)
			least = t.Score.Miss
		}
	}
	s.trials = front // what is beaten is not asked for again
	return front
}

// keeps reports whether a score keeps the goal with the reserve.
func (g Goal) keeps(s Score) bool { return s.Miss <= reserve*(1-g.Share)*s.Total }

// best is the cheapest that keeps the goal, or what comes nearest.
func (s *search) best() (Trial, bool) {
	front := s.frontier()
	for _, t := range front {
		if s.Goal.keeps(t.Score) {
			return t, true
		}
	}
	return front[len(front)-1], false
}

// near are candidates round the frontier where it crosses the goal.
func (s *search) near() []Candidate {
	front := s.frontier()
	at := slices.IndexFunc(front, func(t Trial) bool { return s.Goal.keeps(t.Score) })
	if at < 0 {
		at = len(front) - 1
	}
	var found []Candidate
	for tries := 0; len(found) < batch && tries < 50*batch; tries++ {
		// The cheapest that keeps the goal is looked round most, its neighbours less so.
		from := at + int(math.Round(s.random.NormFloat64()*1.5))
		c := s.space.mutate(s.random, front[min(max(0, from), len(front)-1)].Candidate)
		if !s.known[c] && !slices.Contains(found, c) {
			found = append(found, c)
		}
	}
	return found
}
