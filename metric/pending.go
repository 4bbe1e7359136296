package metric

import "math"

// Pending tells whether the newest of a metric's periods still waits for its
// datapoint: it has none, and the period before has one. Values are those of
// successive periods, newest last, NaN where there is none. A metric that has
// missed a whole period more is not waited for: it has stopped.
func Pending(values []float64) bool {
	n := len(values)
	return n > 1 && math.IsNaN(values[n-1]) && !math.IsNaN(values[n-2])
}
