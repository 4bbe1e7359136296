package autoscaling

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/scaling"
)

// A pastHours is the time before an hour, in the metrics of a policy.
type pastHours struct {
	client CloudWatch
	end    time.Time // a full hour
	length int       // in hours

	sources rules.Sources
}

// read is what the sources tell of each hour.
func (h pastHours) read(ctx context.Context) ([]scaling.Hour, error) {
	from := h.sources
	load, err := h.steps(ctx, from.Load, time.Hour)
	if err != nil {
		return nil, err
	}
	metric, err := h.steps(ctx, from.Metric, time.Hour)
	if err != nil {
		return nil, err
	}
	tasks, err := h.steps(ctx, from.Tasks, time.Hour)
	if err != nil {
		return nil, err
	}
	hours := make([]scaling.Hour, h.length)
	for i := range hours {
		hours[i] = scaling.Hour{Load: load[i], Metric: metric[i], Tasks: tasks[i]}
	}
	return hours, nil
}

// steps reads a metric for every step of the history, NaN where it has no data, or where it is
// kept no longer in datapoints as short as that. Of finer datapoints, which expressions can
// have, it takes the mean.
func (h pastHours) steps(ctx context.Context, s rules.Source, step time.Duration) ([]float64, error) {
	length := time.Duration(h.length) * time.Hour
	start, n := h.end.Add(-length), int(length/step)
	sums, counts := make([]float64, n), make([]float64, n)
	in := &cloudwatch.GetMetricDataInput{
		MetricDataQueries: s.Queries, StartTime: aws.Time(start), EndTime: aws.Time(h.end), ScanBy: cwtypes.ScanByTimestampAscending,
	}
	for {
		out, err := h.client.GetMetricData(ctx, in)
		if err != nil {
			return nil, fault.Metrics(err)
		}
		if len(out.MetricDataResults) > 1 {
			return nil, fault.Invalid("The metrics of a predictive scaling policy must each return one time series, not %d", len(out.MetricDataResults))
		}
		for _, r := range out.MetricDataResults {
			for i, at := range r.Timestamps {
				if k := int(at.Sub(start) / step); !at.Before(start) && k < n && i < len(r.Values) {
					sums[k] += r.Values[i]
					counts[k]++
				}
			}
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return s.Means(sums, counts), nil
		}
	}
}

// probe lets CloudWatch check the queries of a policy's customized metrics.
func probe(ctx context.Context, client CloudWatch, now time.Time, c *types.PredictiveScalingPolicyConfiguration) error {
	for _, s := range rules.Customized(c) {
		_, err := client.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
			MetricDataQueries: s.Queries, StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now),
		})
		if err != nil {
			return fault.Metrics(err)
		}
	}
	return nil
}
