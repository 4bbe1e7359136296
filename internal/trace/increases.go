package trace

import "math"

// rises is whether values hardly ever fall, as those of a counter.
func rises(rows *timeline) bool {
	before, falls := math.NaN(), 0
	for _, r := range rows.sorted().all() {
		if r.value < before {
			falls++
		}
		before = r.value
	}
	return rows.len() > 2 && 20*falls <= rows.len()
}

// tookIncreases tells of a counter.
const tookIncreases = "Took the increases of a counter; where it fell, it had begun again at zero."

// takeIncreases makes counts of the values of a counter.
func (p *points) takeIncreases() {
	rows, grown, before := p.rows.sorted(), &timeline{}, math.NaN()
	for _, r := range rows.all() {
		value := r.value
		r.value = increase(before, value)
		grown.add(r)
		before = value
	}
	p.rows = grown.after(rows)
	p.notes = append(p.notes, tookIncreases)
}

// increases are what a counter grew by. The first value tells of no growth.
func increases(values []float64) []float64 {
	out, before := make([]float64, len(values)), math.NaN()
	for i, v := range values {
		out[i] = increase(before, v)
		before = v
	}
	return out
}

// increase is what a counter grew by from one value to the next; where it fell, it had begun again.
func increase(before, v float64) float64 {
	if v < before {
		return v
	}
	return v - before
}
