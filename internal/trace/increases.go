package trace

import (
	"math"
	"slices"
)

// rises is whether values hardly ever fall, as those of a counter.
func rises(rows []point) bool {
	ordered := slices.SortedStableFunc(slices.Values(rows), byTime)
	falls := 0
	for i := 1; i < len(ordered); i++ {
		if ordered[i].value < ordered[i-1].value {
			falls++
		}
	}
	return len(rows) > 2 && 20*falls <= len(rows)
}

// tookIncreases tells of a counter.
const tookIncreases = "Took the increases of a counter; where it fell, it had begun again at zero."

// takeIncreases makes counts of the values of a counter.
func (p *points) takeIncreases() {
	slices.SortStableFunc(p.rows, byTime)
	values := make([]float64, len(p.rows))
	for i, r := range p.rows {
		values[i] = r.value
	}
	for i, v := range increases(values) {
		p.rows[i].value = v
	}
	p.notes = append(p.notes, tookIncreases)
}

// increases are what a counter grew by. The first value tells of no growth.
func increases(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		switch {
		case i == 0:
			out[i] = math.NaN()
		case v < values[i-1]:
			out[i] = v
		default:
			out[i] = v - values[i-1]
		}
	}
	return out
}
