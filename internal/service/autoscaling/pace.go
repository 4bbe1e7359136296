package autoscaling

import (
	"context"
	"strconv"
	"time"

	"flyball/internal/state"
)

// The periods of ECS metrics.
const (
	standardPeriod = time.Minute
	highResolution = 20 * time.Second
)

// How many datapoints in a row the two alarms of a target tracking policy need,
// where no tag says otherwise.
const (
	outDatapoints = 3
	inDatapoints  = 15
)

// Tags that change how fast target tracking reacts. They are Flyball's own:
// without them the behaviour is that of AWS.
const (
	tagPrefix        = "flyball:"
	tagMetricPeriod  = "flyball:metric-period"        // seconds between datapoints of CPU and memory
	tagOutDatapoints = "flyball:scale-out-datapoints" // that must be above the target
	tagInDatapoints  = "flyball:scale-in-datapoints"  // that must be below 90 % of it
)

// metricPeriods are the periods that tagMetricPeriod takes.
var metricPeriods = []int{1, 5, 10, 20, 30, 60}

// maxDatapoints bounds what the two other tags take.
const maxDatapoints = 100

// A pace is how fast the target tracking policies of a target react.
type pace struct {
	period  time.Duration // of CPU and memory utilization; 0: as the policy's metric says
	out, in int32         // datapoints
}

// pace reads the target's tags, which were checked when they were set.
func (t *target) pace() pace {
	p := pace{out: outDatapoints, in: inDatapoints}
	number := func(tag string) int {
		n, _ := strconv.Atoi(t.Tags[tag])
		return n
	}
	p.period = time.Duration(number(tagMetricPeriod)) * time.Second
	if n := number(tagOutDatapoints); n > 0 {
		p.out = int32(n)
	}
	if n := number(tagInDatapoints); n > 0 {
		p.in = int32(n)
	}
	return p
}

// utilization reports whether the policy follows a metric that ECS publishes.
func (p *policy) utilization() bool {
	if p.Tracking == nil || p.Tracking.PredefinedMetricSpecification == nil {
		return false
	}
	return p.Tracking.PredefinedMetricSpecification.PredefinedMetricType != requestCountPerTarget
}

// period is how often a policy wants to see a utilization: each minute, each
// 20 s with a high-resolution metric, or as the target's tag says.
func (p *policy) period(pace pace) time.Duration {
	if pace.period > 0 {
		return pace.period
	}
	switch p.Tracking.PredefinedMetricSpecification.PredefinedMetricType {
	case cpuHighResolution, memoryHighResolution:
		return highResolution
	}
	return standardPeriod
}

// setMetricPeriod tells ECS how often the target's policies want its metrics.
func (a *API) setMetricPeriod(ctx context.Context, t *target) error {
	if a.cfg.MetricPeriod == nil {
		return nil
	}
	return a.cfg.MetricPeriod(ctx, t.ResourceID, t.metricPeriod())
}

// metricPeriod is how often the target's policies want ECS's metrics.
func (t *target) metricPeriod() time.Duration {
	period := standardPeriod
	for _, p := range t.policies {
		if p.utilization() {
			period = min(period, p.period(t.pace()))
		}
	}
	return period
}

// repace keeps a target whose tags have changed, and changes the alarms that
// depend on them.
func (a *API) repace(ctx context.Context, tx *state.Tx, old, t *target) error {
	a.rows.put(tx, t)
	if t.pace() == old.pace() {
		return nil
	}
	for _, p := range t.policies {
		if p.Tracking == nil {
			continue
		}
		for _, in := range p.alarmInputs(t.pace()) {
			if _, err := a.cfg.Alarms.PutMetricAlarm(ctx, in); err != nil {
				return alarmsFailed(err)
			}
		}
	}
	return a.setMetricPeriod(ctx, t)
}
