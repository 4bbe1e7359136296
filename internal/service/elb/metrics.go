package elb

import (
	"context"
	"slices"
	"strconv"
	"time"

	"flyball/internal/service/elb/fault"
)

// The metrics of load balancers. One loop wakes at the end of each period, and
// publishes what the data plane has counted in it, stamped with its start.

const usualPeriod = time.Minute

// tagMetricPeriod is a tag of Flyball's own on a load balancer: the seconds between
// datapoints. As the data plane counts for all load balancers of the region at
// once, the shortest period of any holds for all.
const tagMetricPeriod = "flyball:metric-period"

var metricPeriods = []int{1, 5, 10, 20, 30, 60}

func checkPeriodTag(tags map[string]string) error {
	value, given := tags[tagMetricPeriod]
	if n, err := strconv.Atoi(value); given && (err != nil || !slices.Contains(metricPeriods, n)) {
		return fault.Validation("Tag %s must be a number of seconds, one of %v, not %q", tagMetricPeriod, metricPeriods, value)
	}
	return nil
}

// period is how often metrics are published.
func (a *API) period(ctx context.Context) time.Duration {
	period := usualPeriod
	a.cell.State.View(ctx, func() {
		for _, arn := range a.balancers.Keys("") {
			b, _ := a.balancers.Get(arn)
			if n, err := strconv.Atoi(b.Tags[tagMetricPeriod]); err == nil && n > 0 {
				period = min(period, time.Duration(n)*time.Second)
			}
		}
	})
	return period
}

// periodMayHaveChanged wakes the loop.
func (a *API) periodMayHaveChanged() { a.newPeriod.Set() }

// metricsLoop publishes at the end of each period until ctx ends.
func (a *API) metricsLoop(ctx context.Context) {
	for ctx.Err() == nil {
		period := a.period(ctx)
		start := a.cell.Clock.Now().Truncate(period)
		if a.cell.Clock.Wait(ctx, start.Add(period), a.newPeriod) {
			a.publish(start, period)
		}
	}
}

// publish hands what was counted since the last time to CloudWatch.
func (a *API) publish(start time.Time, period time.Duration) {
	if a.cfg.Driver == nil || a.cfg.Metrics == nil {
		return
	}
	samples := a.cfg.Driver.Take(start)
	if len(samples) == 0 {
		return
	}
	if period < usualPeriod {
		for i := range samples {
			samples[i].Resolution = time.Second
		}
	}
	a.cfg.Metrics.Record(samples)
}
