package trace

import "math"

// rises is whether values hardly ever fall, as those of a counter.
func rises(rows *timeline) bool {
	values, falls := rows.sorted().values, 0
	for i := 1; i < len(values); i++ {
		if values[i] < values[i-1] {
			falls++
		}
	}
	return len(values) > 2 && 20*falls <= len(values)
}

// tookIncreases tells of a counter.
const tookIncreases = "Took the increases of a counter; where it fell, it had begun again at zero."

// takeIncreases makes counts of the values of a counter.
func (p *points) takeIncreases() {
	p.rows = p.rows.sorted()
	p.rows.values = increases(p.rows.values)
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
