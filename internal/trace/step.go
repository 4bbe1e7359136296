package trace

import (
	"fmt"
	"iter"
	"time"

	"flyball/internal/duration"
)

// A grid is the equal steps at which a trace has its values.
type grid struct {
	start, shift int64 // of the first step; what is added to a time before it is rounded down
	step         time.Duration
	form         gridForm
}

// A gridForm is how well times fit a grid.
type gridForm int

const (
	exact     gridForm = iota // at whole steps
	near                      // moved to their step
	irregular                 // several rows make a step
)

// cell is the step of a time.
func (g grid) cell(at int64) int64 { return (at + g.shift - g.start) / int64(g.step) }

// niceSteps are the steps that people measure by.
var niceSteps = func() []time.Duration {
	var all []time.Duration
	for _, n := range []time.Duration{1, 2, 5, 10, 15, 20, 30} {
		all = append(all, n*time.Second)
	}
	for _, n := range []time.Duration{1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30} {
		all = append(all, n*time.Minute)
	}
	for _, n := range []time.Duration{1, 2, 3, 4, 6, 8, 12, 24, 7 * 24} {
		all = append(all, n*time.Hour)
	}
	return all
}()

// gridOf finds the grid of rows in the order of their times, of which there are two at least.
func gridOf(rows *timeline, counts bool) (grid, error) {
	distances, common := rows.distances(), int64(0)
	for _, d := range distances {
		common = divisor(common, d.time)
	}
	n, first := int64(rows.len()), rows.first().at
	span := rows.last().at - first
	atCommon := grid{start: first, step: time.Duration(common)}
	if mode(distances).time == common || common >= int64(time.Second) && span/common < 3*n {
		return atCommon, nil
	}
	usual := time.Duration(median(distances))
	if g, ok := nearGrid(rows, usual); ok {
		return g, nil
	}
	// Of months, which have so many days, no two rows are a day apart.
	if counts && common >= int64(time.Minute) && distances[0].time == common && span/common < 100*n {
		return atCommon, nil
	}
	return coarse(rows, usual)
}

// divisor is the greatest common divisor.
func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// nearGrid is a grid whose steps times miss by a little: rounded down, or rounded, whichever
// leaves fewer steps empty or twice taken.
func nearGrid(rows *timeline, median time.Duration) (grid, bool) {
	for _, step := range niceSteps {
		if apart := float64(median) / float64(step); apart < 0.9 || apart > 1.1 {
			continue
		}
		down := grid{start: rows.first().at - rows.first().at%int64(step), step: step, form: near}
		round := grid{shift: int64(step) / 2, step: step, form: near}
		round.start = rows.first().at + round.shift - (rows.first().at+round.shift)%int64(step)
		best := down
		if round.misfits(rows) < down.misfits(rows) {
			best = round
		}
		return best, 20*best.misfits(rows) <= rows.len()+40
	}
	return grid{}, false
}

// misfits counts steps that two times share and steps that are left empty between.
func (g grid) misfits(rows *timeline) int {
	n := 0
	for before, at := range g.pairs(rows) {
		switch d := at - before; {
		case d == 0:
			n++
		case d > 1 && d < 4: // longer holes are missing rows whatever the grid
			n += int(d - 1)
		}
	}
	return n
}

// pairs are the steps of each row but the first, with that of the row before.
func (g grid) pairs(rows *timeline) iter.Seq2[int64, int64] {
	return func(yield func(before, at int64) bool) {
		before := int64(0)
		for i, r := range rows.all() {
			at := g.cell(r.at)
			if i > 0 && !yield(before, at) {
				return
			}
			before = at
		}
	}
}

// coarse is the finest usual grid of which nearly every step has a time.
func coarse(rows *timeline, median time.Duration) (grid, error) {
	for _, step := range niceSteps {
		g := grid{start: rows.first().at - rows.first().at%int64(step), step: step, form: irregular}
		if step < median {
			continue
		}
		taken := int64(1)
		for before, at := range g.pairs(rows) {
			if at > before {
				taken++
			}
		}
		if steps := g.cell(rows.last().at) + 1; taken*100 >= steps*95 {
			return g, nil
		}
	}
	return grid{}, &Error{What: fmt.Sprintf("rows are %s apart and more", duration.String(median.Round(time.Second))), Remedy: "a forecast or a simulation needs rows of hours or minutes"}
}

// describe tells what was done with times.
func (g grid) describe(rows *timeline, counts bool) string {
	switch g.form {
	case near:
		moved, most := 0, time.Duration(0)
		for _, r := range rows.all() {
			by := time.Duration(r.at - g.start - g.cell(r.at)*int64(g.step)).Abs()
			if by > 0 {
				moved, most = moved+1, max(most, by)
			}
		}
		return fmt.Sprintf("Moved %s by up to %s to the steps of %s.", rowsOf(moved), duration.String(most.Round(time.Second)), duration.String(g.step))
	case irregular:
		how := "took the mean of each " + duration.String(g.step)
		if counts {
			how = "added up each " + duration.String(g.step)
		}
		return fmt.Sprintf("The rows are at unequal distances: %s.", how)
	}
	return ""
}
