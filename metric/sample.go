package metric

import (
	"slices"
	"time"
)

// A Sample is a measurement on its way into a metric: one statistic set at one
// moment.
type Sample struct {
	Metric     ID
	Time       time.Time
	Unit       string        // one of Units; "" is None
	Resolution time.Duration // a minute, or a second for high resolution; 0 is a minute
	Set        Set
}

// None is the unit of a metric that was published without one.
const None = "None"

// Units returns the units that CloudWatch knows, in the order of its API
// reference, "MetricDatum".
func Units() []string { return slices.Clone(units[:]) }

var units = [...]string{
	"Seconds", "Microseconds", "Milliseconds",
	"Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes",
	"Bits", "Kilobits", "Megabits", "Gigabits", "Terabits",
	"Percent", "Count",
	"Bytes/Second", "Kilobytes/Second", "Megabytes/Second", "Gigabytes/Second", "Terabytes/Second",
	"Bits/Second", "Kilobits/Second", "Megabits/Second", "Gigabits/Second", "Terabits/Second",
	"Count/Second", None,
}
