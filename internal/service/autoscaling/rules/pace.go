package rules

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/tags"
)

// The periods of ECS metrics.
const (
	StandardPeriod = time.Minute
	highResolution = 20 * time.Second
)

// How many datapoints in a row the two alarms of a target tracking policy need,
// where no tag says otherwise.
const (
	outDatapoints = 3
	inDatapoints  = 15
)

// MaxTags is how many tags a scalable target can have.
const MaxTags = tags.Most

// Tags that change how fast target tracking reacts. They are Flyball's own:
// without them the behaviour is that of AWS.
const (
	tagPrefix        = "flyball:"
	TagMetricPeriod  = "flyball:metric-period"        // seconds between datapoints of CPU and memory
	TagOutDatapoints = "flyball:scale-out-datapoints" // that must be above the target
	TagInDatapoints  = "flyball:scale-in-datapoints"  // that must be below 90 % of it
)

// metricPeriods are the periods that TagMetricPeriod takes.
var metricPeriods = []int{1, 5, 10, 20, 30, 60}

// maxDatapoints bounds what the two other tags take.
const maxDatapoints = 100

// CheckTags refuses tags that AWS refuses, and values of Flyball's own tags that
// mean nothing.
func CheckTags(given map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(given)) {
		value := given[key]
		if strings.HasPrefix(strings.ToLower(key), "aws:") {
			return fault.Invalid("aws: prefixed tag key names are not allowed for external use.")
		}
		if !strings.HasPrefix(key, tagPrefix) {
			continue
		}
		n, err := strconv.Atoi(value)
		switch key {
		case TagMetricPeriod:
			if err != nil || !slices.Contains(metricPeriods, n) {
				return fault.Invalid("Tag %s must be a number of seconds, one of %v, not %q", key, metricPeriods, value)
			}
		case TagOutDatapoints, TagInDatapoints:
			if err != nil || n < 1 || n > maxDatapoints {
				return fault.Invalid("Tag %s must be a number of datapoints from 1 to %d, not %q", key, maxDatapoints, value)
			}
		default:
			return fault.Invalid("Tag %s is not known; %s, %s and %s are", key, TagMetricPeriod, TagOutDatapoints, TagInDatapoints)
		}
	}
	return nil
}

// A Pace is how fast the target tracking policies of a target react.
type Pace struct {
	period  time.Duration // of CPU and memory utilization; 0: as the policy's metric says
	out, in int32         // datapoints
}

// PaceOf reads the tags of a target, which CheckTags has passed.
func PaceOf(tags map[string]string) Pace {
	number := func(tag string, otherwise int) int {
		if n, _ := strconv.Atoi(tags[tag]); n > 0 {
			return n
		}
		return otherwise
	}
	return Pace{
		period: time.Duration(number(TagMetricPeriod, 0)) * time.Second,
		out:    int32(number(TagOutDatapoints, outDatapoints)),
		in:     int32(number(TagInDatapoints, inDatapoints)),
	}
}

// MetricPeriod is how often a policy wants ECS's metrics: each minute, each 20 s
// with a high-resolution metric, or as the target's tag says. Others' metrics come
// each minute.
func (p Policy) MetricPeriod(pace Pace) time.Duration {
	if p.Tracking == nil || p.Tracking.PredefinedMetricSpecification == nil {
		return StandardPeriod
	}
	metric := p.Tracking.PredefinedMetricSpecification.PredefinedMetricType
	switch {
	case metric == requestCountPerTarget, metric == provisionedUtilization:
		return StandardPeriod
	case pace.period > 0:
		return pace.period
	case metric == cpuHighResolution || metric == memoryHighResolution:
		return highResolution
	}
	return StandardPeriod
}
