package forecast

import "math"

// SMAPE is the symmetric mean absolute percentage error of a forecast, 0 to
// 200, as the M4 competition defines it.
func SMAPE(actual, forecast []float64) float64 {
	sum := 0.0
	for i, y := range actual {
		if size := math.Abs(y) + math.Abs(forecast[i]); size > 0 {
			sum += 200 * math.Abs(y-forecast[i]) / size
		}
	}
	return sum / float64(len(actual))
}

// MASE is the mean absolute error of a forecast relative to that of repeating
// the last season within the history; it is infinite or NaN if the history
// repeats itself exactly.
func MASE(history, actual, forecast []float64, season int) float64 {
	return meanAbsoluteError(actual, forecast) / seasonalError(history, season)
}

// MSIS is the mean scaled interval score: how wide an interval is, with 2/(1-level)
// times what lies outside, relative to the error of repeating the last season
// within the history, as the M4 competition defines it.
func MSIS(history, actual []float64, in Interval, season int) float64 {
	penalty, sum := 2/(1-in.Level), 0.0
	for i, y := range actual {
		lower, upper := in.Lower[i], in.Upper[i]
		sum += upper - lower + penalty*(max(lower-y, 0)+max(y-upper, 0))
	}
	return sum / float64(len(actual)) / seasonalError(history, season)
}

// seasonalError is the mean absolute error of repeating the last season.
func seasonalError(history []float64, season int) float64 {
	sum := 0.0
	for t := season; t < len(history); t++ {
		sum += math.Abs(history[t] - history[t-season])
	}
	return sum / float64(len(history)-season)
}

func meanAbsoluteError(actual, forecast []float64) float64 {
	sum := 0.0
	for i, y := range actual {
		sum += math.Abs(y - forecast[i])
	}
	return sum / float64(len(actual))
}

// Naive2 is the reference of the M4 competition: the last value, adjusted by a
// classical multiplicative decomposition if the series is seasonal by a test
// of its autocorrelation at the 90 % level.
func Naive2(history []float64, season, horizon int) []float64 {
	index := make([]float64, season)
	for i := range index {
		index[i] = 1
	}
	if isSeasonal(history, season) {
		index = seasonalIndex(history, season)
	}
	n := len(history)
	last := history[n-1]
	if i := index[(n-1)%season]; i != 0 {
		last /= i
	}
	out := make([]float64, horizon)
	for i := range out {
		out[i] = last * index[(n+i)%season]
	}
	return out
}

// isSeasonal holds the autocorrelation at the season's lag against Bartlett's
// limit.
func isSeasonal(v []float64, season int) bool {
	if len(v) < 3*season {
		return false
	}
	m := mean(v)
	autocovariance := func(lag int) float64 {
		sum := 0.0
		for t := lag; t < len(v); t++ {
			sum += (v[t] - m) * (v[t-lag] - m)
		}
		return sum
	}
	variance := autocovariance(0)
	squares := 0.0
	for lag := 1; lag < season; lag++ {
		r := autocovariance(lag) / variance
		squares += r * r
	}
	limit := 1.645 * math.Sqrt((1+2*squares)/float64(len(v)))
	return math.Abs(autocovariance(season)/variance) > limit
}

// seasonalIndex is the mean ratio of the values at each position to the
// centred moving average over a season, scaled to a mean of 1.
func seasonalIndex(v []float64, season int) []float64 {
	sum, count := make([]float64, season), make([]float64, season)
	half := season / 2
	for t := half; t+half < len(v); t++ {
		trend := mean(v[t-half : t+half+1])
		if season%2 == 0 {
			trend = (mean(v[t-half:t+half]) + mean(v[t-half+1:t+half+1])) / 2
		}
		if trend != 0 { // an outage of a whole season says nothing
			sum[t%season] += v[t] / trend
			count[t%season]++
		}
	}
	for i := range sum {
		sum[i] /= count[i]
	}
	m := mean(sum)
	for i := range sum {
		sum[i] /= m
	}
	return sum
}
