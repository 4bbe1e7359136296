package tune

import (
	"context"
	"time"
)

// Complete adds to a report what a search found, and checks it and what it is compared with
// on the part that the search did not see.
func (r *Report) Complete(ctx context.Context, p Problem, out Outcome) error {
	r.Agreement, r.Share, r.Unit, r.Seed = p.Goal.Text, p.Goal.Share, p.Goal.Unit(), p.Seed
	minute := func(n int) time.Time { return p.Start.Add(time.Duration(n) * time.Minute) }
	r.Start, r.Split, r.End = p.Start, minute(p.Train), minute(len(p.Requests))
	r.Tried, r.Stopped, r.Ended, r.Keeps, r.Frontier = out.Tried, out.Stopped, out.Ended, out.Keeps, out.Frontier
	r.Best = Checked{Name: "best", Candidate: out.Best.Candidate}
	var err error
	if r.Best.Held, err = p.Check(ctx, p.Subject.Documents(out.Best.Candidate)); err != nil {
		return err
	}
	if p.Today != nil {
		today := Checked{Name: "today"}
		if today.Held, err = p.Check(ctx, *p.Today); err != nil {
			return err
		}
		r.Compared = append(r.Compared, today)
	}
	if p.Subject.Percent() {
		usual := Defaults()
		usual.Min, usual.Max = p.Min, p.Max
		defaults := Checked{Name: "AWS's defaults", Candidate: usual}
		if defaults.Held, err = p.Check(ctx, p.Subject.Documents(usual)); err != nil {
			return err
		}
		r.Compared = append(r.Compared, defaults)
	}
	r.Best.Kept = r.Best.Held.Kept()
	for i := range r.Compared {
		r.Compared[i].Kept = r.Compared[i].Held.Kept()
	}
	if len(r.Compared) > 0 && r.Compared[0].Held.Hours > 0 {
		r.Saves = 100 * (1 - r.Best.Held.Hours/r.Compared[0].Held.Hours)
	}
	switch {
	case !out.Keeps:
		r.Notes = append(r.Notes, "no candidate keeps the agreement on the training part: this is the one that comes nearest. Allow a higher --max, more time, or other tasks")
	case r.Best.Kept < 100*p.Goal.Share:
		r.Notes = append(r.Notes, "the best of the training part does not keep the agreement on the rest: search on more traffic, or agree on more than is needed")
	}
	return nil
}
