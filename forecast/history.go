package forecast

import (
	"fmt"
	"math"
	"slices"
)

// maxHistory is how many of the newest values are read: ten weeks of hours.
const maxHistory = 1680

// maxValue bounds the values of a history, so that sums and what may be
// forecast of them stay numbers.
const maxValue = 1e300

// offset is added to a load relative to its mean before the logarithm is
// taken, so that zeros have one: a load of 1 % of the mean counts as small.
const offset = 0.01

// A history is a series made ready for the methods: complete and of mean 1.
type history struct {
	values  []float64 // gaps filled, divided by scale
	known   []bool    // false where a value was filled in
	scale   float64
	seasons []int
	signed  bool                     // some values are negative: no logarithms, no floor
	rival   func() (*history, error) // the history by a season of its own, if it seems to have one
}

func newHistory(series []float64, seasons []int) (*history, error) {
	series = series[max(0, len(series)-maxHistory):]
	if len(seasons) > 0 {
		series = sinceLaunch(series, seasons[0])
	}
	first := slices.IndexFunc(series, func(v float64) bool { return !math.IsNaN(v) })
	if first < 0 {
		return nil, ErrNoData
	}
	series = series[first:]
	h := &history{known: make([]bool, len(series))}
	n := 0
	for i, v := range series {
		if math.IsInf(v, 0) {
			return nil, fmt.Errorf("value %d of the history is infinite", first+i+1)
		}
		if math.Abs(v) > maxValue {
			return nil, fmt.Errorf("value %d of the history is %.3g: %w", first+i+1, v, ErrTooLarge)
		}
		if !math.IsNaN(v) {
			h.known[i] = true
			h.scale += math.Abs(v)
			h.signed = h.signed || v < 0
			n++
		}
	}
	if h.scale /= float64(n); h.scale == 0 {
		h.scale = 1
	}
	for _, s := range seasons {
		if len(series) >= s {
			h.seasons = append(h.seasons, s)
		}
	}
	h.values = make([]float64, len(series))
	for i, v := range series {
		h.values[i] = v / h.scale
	}
	fill(h.values, h.known, h.seasons)
	if season, since := h.ownSeason(); season > 0 {
		const cycles = 7 // as a week has days
		h.rival = func() (*history, error) { return newHistory(series[since:], []int{season, cycles * season}) }
	}
	h.forgetOutages()
	if len(h.seasons) == len(seasons) {
		h.followLevel()
		h.followWeeks()
		h.forgetUnusual()
	}
	return h, nil
}

// fill puts into each gap the mean shape of the season, shifted so that it
// meets the values on both sides.
func fill(v []float64, known []bool, seasons []int) {
	if !slices.Contains(known, false) {
		return
	}
	shape := seasonShape(v, known, seasons)
	last := -1
	for i := 0; i <= len(v); i++ {
		if i < len(v) && !known[i] {
			continue
		}
		for j := last + 1; j < i; j++ {
			left := v[last] - shape(last) // newHistory starts at a known value
			right := left
			if i < len(v) {
				right = v[i] - shape(i)
			}
			v[j] = shape(j) + left + (right-left)*float64(j-last)/float64(i-last)
		}
		last = i
	}
}

// seasonShape is the mean of the known values at each position of the longest
// season whose every position has one, and zero if there is none.
func seasonShape(v []float64, known []bool, seasons []int) func(i int) float64 {
	for _, s := range slices.Backward(seasons) {
		sum, count := make([]float64, s), make([]float64, s)
		for i, k := range known {
			if k {
				sum[i%s] += v[i]
				count[i%s]++
			}
		}
		if slices.Contains(count, 0) {
			continue
		}
		return func(i int) float64 { return sum[i%s] / count[i%s] }
	}
	return func(int) float64 { return 0 }
}

// log is the history as the multiplicative methods see it.
func (h *history) log() []float64 {
	z := make([]float64, len(h.values))
	for i, v := range h.values {
		// A gap before a steep rise may have been filled below zero.
		z[i] = math.Log(max(v, 0) + offset)
	}
	return z
}

func exp(z []float64) {
	for i, v := range z {
		z[i] = math.Exp(v) - offset
	}
}
