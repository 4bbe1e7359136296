package tune

import (
	"context"
	"fmt"
	"time"
)

// Complete adds to a report what a search found, and checks it and what it is compared with
// on the part that the search did not see.
func (r *Report) Complete(ctx context.Context, p Problem, out Outcome) error {
	r.Agreement, r.Share, r.Unit, r.Seed = p.Goal.Text, p.Goal.Share, p.Goal.Unit(), p.Seed
	minute := func(n int) time.Time { return p.Start.Add(time.Duration(n) * time.Minute) }
	r.Start, r.Split, r.End = p.Start, minute(p.Train), minute(len(p.Requests))
	r.Tried, r.Stopped, r.Ended, r.Keeps, r.Frontier = out.Tried, out.Stopped, out.Ended, out.Keeps, out.Frontier
	var err error
	if r.Best, err = p.checked(ctx, "best", out.Best.Candidate); err != nil {
		return err
	}
	if p.Today != nil {
		if err = r.check(ctx, p, Rival{"today", *p.Today}); err != nil {
			return err
		}
	}
	usual := newSpace(&p).defaults
	for _, one := range []struct {
		name string
		c    Candidate
	}{
		{"AWS's defaults", usual},
		{fmt.Sprintf("the same, target %.4g", out.Usual.Candidate.Target), out.Usual.Candidate},
		{"found, as good as AWS's", out.AsDefaults.Candidate},
	} {
		if one.c.Max == 0 || len(r.Compared) > 0 && one.c == usual && r.Compared[len(r.Compared)-1].Candidate == usual {
			continue
		}
		c, err := p.checked(ctx, one.name, one.c)
		if err != nil {
			return err
		}
		r.Compared = append(r.Compared, c)
	}
	for _, rival := range p.Against {
		if err := r.check(ctx, p, rival); err != nil {
			return fmt.Errorf("%s: %w", rival.Name, err)
		}
	}
	r.compare()
	switch {
	case !out.Keeps:
		r.Notes = append(r.Notes, "no candidate keeps the agreement on the training part: this is the one that comes nearest. Allow a higher --max, more time, or other tasks")
	case r.Best.Kept < 100*p.Goal.Share:
		r.Notes = append(r.Notes, "the best of the training part does not keep the agreement on the rest: search on more traffic, or agree on more than is needed")
	}
	return nil
}

// check compares with policies or an autoscaler of somebody's.
func (r *Report) check(ctx context.Context, p Problem, rival Rival) error {
	held, err := p.Check(ctx, rival.Documents)
	r.Compared = append(r.Compared, Checked{Name: rival.Name, Held: held, Kept: held.Kept()})
	return err
}

func (p *Problem) checked(ctx context.Context, name string, c Candidate) (Checked, error) {
	held, err := p.Check(ctx, p.Subject.Documents(c))
	return Checked{Name: name, Candidate: c, Held: held, Kept: held.Kept()}, err
}

// compare tells what the best saves beside the first that keeps the agreement, too.
func (r *Report) compare() {
	if r.Best.Kept < 100*r.Share {
		return
	}
	for _, c := range r.Compared {
		if c.Kept >= 100*r.Share && c.Held.Hours > 0 {
			r.Saves, r.Beside = 100*(1-r.Best.Held.Hours/c.Held.Hours), c.Name
			return
		}
	}
}
