package forecast

import "math"

// weekIsFresh says whether the history holds the longest of several seasons
// once, days within it differ, and no back-test from the first origin on could
// tell: the first week is over, and Monday must not be forecast like Sunday.
func (h *history) weekIsFresh(first int) bool {
	k := len(h.seasons)
	return k > 1 && first < h.seasons[k-1] && h.daysDiffer()
}

// daysDiffer says whether the load of a day of the last week was far from that
// of the median day: by three tenths, and by more than the noise of its hours
// explains.
func (h *history) daysDiffer() bool {
	k, n := len(h.seasons), len(h.values)
	if k < 2 || h.signed {
		return false
	}
	day, week := h.seasons[0], h.seasons[k-1]
	var loads []float64
	for end := n; end-day >= n-week; end -= day {
		loads = append(loads, sum(h.values[end-day:end]))
	}
	changes := make([]float64, 0, n)
	for t := day; t < n; t++ {
		changes = append(changes, math.Abs(h.values[t]-h.values[t-day]))
	}
	usual := median(append([]float64(nil), loads...))
	noise := 1.4826 * median(changes) * math.Sqrt(float64(day)/2)
	for _, l := range loads {
		if math.Abs(l-usual) > max(0.3*usual, 3*noise) {
			return true
		}
	}
	return false
}
