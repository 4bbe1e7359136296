package trace

import (
	"fmt"
	"slices"
	"time"
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
func gridOf(rows []point, counts bool) (grid, error) {
	distances := make([]int64, len(rows)-1)
	common := int64(0)
	for i := range distances {
		distances[i] = rows[i+1].at - rows[i].at
		common = divisor(common, distances[i])
	}
	slices.Sort(distances)
	n := int64(len(rows))
	span := rows[n-1].at - rows[0].at
	atCommon := grid{start: rows[0].at, step: time.Duration(common)}
	if mode(distances) == common || common >= int64(time.Second) && span/common < 3*n {
		return atCommon, nil
	}
	median := time.Duration(distances[len(distances)/2])
	if g, ok := nearGrid(rows, median); ok {
		return g, nil
	}
	// Of months, which have so many days, no two rows are a day apart.
	if counts && common >= int64(time.Minute) && distances[0] == common && span/common < 100*n {
		return atCommon, nil
	}
	return coarse(rows, median)
}

// divisor is the greatest common divisor.
func divisor(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// mode is the most frequent of ascending distances.
func mode(distances []int64) (best int64) {
	most, count := 0, 0
	for i, d := range distances {
		if i > 0 && d != distances[i-1] {
			count = 0
		}
		if count++; count > most {
			best, most = d, count
		}
	}
	return best
}

// nearGrid is a grid whose steps times miss by a little: rounded down, or rounded, whichever
// leaves fewer steps empty or twice taken.
func nearGrid(rows []point, median time.Duration) (grid, bool) {
	for _, step := range niceSteps {
		if apart := float64(median) / float64(step); apart < 0.9 || apart > 1.1 {
			continue
		}
		down := grid{start: rows[0].at - rows[0].at%int64(step), step: step, form: near}
		round := grid{shift: int64(step) / 2, step: step, form: near}
		round.start = rows[0].at + round.shift - (rows[0].at+round.shift)%int64(step)
		best := down
		if round.misfits(rows) < down.misfits(rows) {
			best = round
		}
		return best, 20*best.misfits(rows) <= len(rows)+40
	}
	return grid{}, false
}

// misfits counts steps that two times share and steps that are left empty between.
func (g grid) misfits(rows []point) int {
	n := 0
	for i := 1; i < len(rows); i++ {
		switch d := g.cell(rows[i].at) - g.cell(rows[i-1].at); {
		case d == 0:
			n++
		case d > 1 && d < 4: // longer holes are missing rows whatever the grid
			n += int(d - 1)
		}
	}
	return n
}

// coarse is the finest usual grid of which nearly every step has a time.
func coarse(rows []point, median time.Duration) (grid, error) {
	for _, step := range niceSteps {
		g := grid{start: rows[0].at - rows[0].at%int64(step), step: step, form: irregular}
		if step < median {
			continue
		}
		taken := int64(1)
		for i := 1; i < len(rows); i++ {
			if g.cell(rows[i].at) > g.cell(rows[i-1].at) {
				taken++
			}
		}
		if steps := g.cell(rows[len(rows)-1].at) + 1; taken*100 >= steps*95 {
			return g, nil
		}
	}
	return grid{}, &Error{What: fmt.Sprintf("rows are %s apart and more", median.Round(time.Second)), Remedy: "a forecast or a simulation needs rows of hours or minutes"}
}

// describe tells what was done with times.
func (g grid) describe(rows []point, counts bool) string {
	switch g.form {
	case near:
		moved, most := 0, time.Duration(0)
		for _, r := range rows {
			by := time.Duration(r.at - g.start - g.cell(r.at)*int64(g.step)).Abs()
			if by > 0 {
				moved, most = moved+1, max(most, by)
			}
		}
		return fmt.Sprintf("Moved %s by up to %s to the steps of %s.", rowsOf(moved), most.Round(time.Second), g.step)
	case irregular:
		how := "took the mean of each " + g.step.String()
		if counts {
			how = "added up each " + g.step.String()
		}
		return fmt.Sprintf("The rows are at unequal distances: %s.", how)
	}
	return ""
}

// absent are the steps without a row.
func (g grid) absent(rows []point) []int64 {
	var steps []int64
	for i := 1; i < len(rows); i++ {
		for at := g.cell(rows[i-1].at) + 1; at < g.cell(rows[i].at); at++ {
			if len(steps) >= maxCells {
				return steps
			}
			steps = append(steps, at)
		}
	}
	return steps
}
