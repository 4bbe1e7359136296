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
}

// read is what the sources tell of each hour.
func (h pastHours) read(ctx context.Context, from rules.Sources) ([]scaling.Hour, error) {
	load, err := h.hourly(ctx, from.Load)
	if err != nil {
		return nil, err
	}
	metric, err := h.hourly(ctx, from.Metric)
	if err != nil {
		return nil, err
	}
	tasks, err := h.hourly(ctx, from.Tasks)
	if err != nil {
		return nil, err
	}
	hours := make([]scaling.Hour, h.length)
	for i := range hours {
		hours[i] = scaling.Hour{Load: load[i], Metric: metric[i], Tasks: tasks[i]}
	}
	return hours, nil
}

// hourly reads a metric for every hour of the history, NaN where it has no data.
// Of finer datapoints, which expressions can have, it takes the mean.
func (h pastHours) hourly(ctx context.Context, s rules.Source) ([]float64, error) {
	start := h.end.Add(-time.Duration(h.length) * time.Hour)
	sums, counts := make([]float64, h.length), make([]float64, h.length)
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
				if k := int(at.Sub(start) / time.Hour); !at.Before(start) && k < h.length && i < len(r.Values) {
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
