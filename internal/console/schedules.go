package console

import (
	"slices"
	"strings"
	"time"

	"flyball/internal/duration"
	"flyball/internal/status"
)

// schedules shows the scheduled actions of all targets, the next first.
func (c *console) schedules(v *visit) error {
	t := table{
		Title: "Schedules", Columns: []column{{Name: "Action"}, {Name: "Target"}, {Name: "Schedule"}, {Name: "Next run"}, {Name: "Sets"}},
		Empty: "There are no scheduled actions in region " + v.Region + ". aws application-autoscaling put-scheduled-action makes one.",
	}
	state, err := c.snapshots.of(v.r.Context(), v.Visitor)
	if err != nil {
		return err
	}
	type action struct {
		status.Schedule
		of status.Resource
	}
	var all []action
	for _, r := range state.Resources {
		if r.Target != nil {
			for _, s := range r.Target.Schedules {
				all = append(all, action{s, r})
			}
		}
	}
	never := v.clock.Now.AddDate(1000, 0, 0)
	next := func(a action) time.Time {
		if a.Next.IsZero() {
			return never
		}
		return a.Next
	}
	slices.SortStableFunc(all, func(a, b action) int { return next(a).Compare(next(b)) })
	l := linksOf(v)
	for _, a := range all {
		target := cell{Text: a.of.Name}
		if parts := (overviewRow{Resource: a.of}).Service(); len(parts) == 2 {
			target.Link = l.To("services", parts[0], parts[1])
		}
		t.Rows = append(t.Rows, []cell{{Text: a.Name}, target, {Text: a.Rule}, runCell(a.Next, v.clock.Now), {Text: sets(a.Schedule)}})
	}
	return c.table(v, "schedules", t)
}

// runCell is when a schedule runs next.
func runCell(next, now time.Time) cell {
	if next.IsZero() {
		return cell{Text: "never again"}
	}
	return cell{Text: written(next, time.DateTime), Note: "in " + duration.Words(next.Sub(now))}
}

// sets is what a scheduled action does to the bounds.
func sets(s status.Schedule) string {
	var parts []string
	if s.Min != nil {
		parts = append(parts, "minimum "+number(float64(*s.Min)))
	}
	if s.Max != nil {
		parts = append(parts, "maximum "+number(float64(*s.Max)))
	}
	return strings.Join(parts, ", ")
}
