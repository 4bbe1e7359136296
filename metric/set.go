package metric

import "time"

// A Set stands for any number of datapoints of one period.
type Set struct {
	Count, Sum, Min, Max float64
}

// A Sample is a measurement on its way into a metric: one statistic set at one
// moment.
type Sample struct {
	Metric     ID
	Time       time.Time
	Unit       string        // "" is None
	Resolution time.Duration // one minute, or one second for high resolution
	Set        Set
}
