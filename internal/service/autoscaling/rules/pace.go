package rules

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

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
	TagMetricPeriod  = "flyball:metric-period"        // seconds between datapoints
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
			if err := checkForesight(key, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// A Pace is how fast the target tracking policies of a target react.
type Pace struct {
	period  time.Duration // of the metrics that Flyball measures; 0: as the policy's metric says
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

// Period is how often the metric of a policy has a datapoint: each minute, each 20 s
// with a high-resolution metric, or as the target's tag says. Metrics of others keep
// their minute, whatever the tag.
func (p Policy) Period(pace Pace) time.Duration {
	switch {
	case p.Tracking == nil || !p.measuredHere():
		return StandardPeriod
	case pace.period > 0:
		return pace.period
	case p.highResolution():
		return highResolution
	}
	return StandardPeriod
}

// ServicePeriod is how often a policy wants ECS's metrics of its service.
func (p Policy) ServicePeriod(pace Pace) time.Duration {
	if _, _, follows := p.Queue(); follows {
		return StandardPeriod
	}
	return p.Period(pace)
}

func (p Policy) highResolution() bool {
	m := p.Tracking.PredefinedMetricSpecification
	return m != nil && (m.PredefinedMetricType == cpuHighResolution || m.PredefinedMetricType == memoryHighResolution)
}

// measuredHere reports whether a tag can say how often all metrics of a target
// tracking policy are published: those of ECS, of queues, which have a tag of their
// own for it, and of both together in metric math.
func (p Policy) measuredHere() bool {
	if m := p.Tracking.PredefinedMetricSpecification; m != nil {
		// The others are the load balancer's, Lambda's, and those of pods.
		return !slices.Contains([]types.MetricType{requestCountPerTarget, provisionedUtilization, podCPU, podMemory}, m.PredefinedMetricType)
	}
	queries := p.Tracking.CustomizedMetricSpecification.Metrics
	return len(queries) > 0 && !slices.ContainsFunc(queries, func(q types.TargetTrackingMetricDataQuery) bool {
		return q.MetricStat != nil && !slices.Contains(namespacesHere, aws.ToString(q.MetricStat.Metric.Namespace))
	})
}

// namespacesHere are those of metrics whose period a tag can choose.
var namespacesHere = []string{"AWS/ECS", "AWS/SQS", "ECS/ContainerInsights"}
