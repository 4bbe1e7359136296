package fidelity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	aastypes "github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/client"
	"flyball/scaling"
)

// Fetch reads from a server what was measured and done since r.From, for as many minutes as r.Requests
// are known of. Policies, From and the requests of the minutes are there already.
func (r *Record) Fetch(ctx context.Context, c *client.Client, cluster, service string) error {
	for _, read := range []func(context.Context, *client.Client, string, string) error{r.fetchActivities, r.fetchAlarms, r.fetchCPU} {
		if err := read(ctx, c, cluster, service); err != nil {
			return err
		}
	}
	return nil
}

// fetchActivities reads what set the desired count, and what it was at the start.
func (r *Record) fetchActivities(ctx context.Context, c *client.Client, cluster, service string) error {
	pages := applicationautoscaling.NewDescribeScalingActivitiesPaginator(c.AutoScaling, &applicationautoscaling.DescribeScalingActivitiesInput{
		ServiceNamespace: aastypes.ServiceNamespaceEcs, ResourceId: aws.String("service/" + cluster + "/" + service),
	})
	var all []Activity
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the scaling activities: %w", err)
		}
		for _, a := range page.ScalingActivities {
			text, found := strings.CutPrefix(aws.ToString(a.Description), "Setting desired count to ")
			count, err := strconv.ParseInt(strings.TrimSuffix(text, "."), 10, 32)
			if !found || err != nil {
				continue
			}
			one := Activity{Start: a.StartTime.UTC(), To: scaling.Capacity(count), Why: aws.ToString(a.Details)}
			if a.StatusCode == aastypes.ScalingActivityStatusCodeSuccessful && a.EndTime != nil {
				one.End = a.EndTime.UTC()
			}
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b Activity) int { return a.Start.Compare(b.Start) })
	r.Initial = desired(r.Initial, all, r.From)
	r.Activities = slices.DeleteFunc(all, func(a Activity) bool { return a.Start.Before(r.From) || !a.Start.Before(r.end()) })
	r.Lag = r.lag()
	return nil
}

// lag is how long after a full minute activities begin, as a rule.
func (r *Record) lag() time.Duration {
	var all []time.Duration
	for _, a := range r.Activities {
		all = append(all, a.Start.Sub(a.Start.Truncate(time.Minute)))
	}
	if len(all) == 0 {
		return 0
	}
	return usual(all)
}

// fetchAlarms reads the states that the alarms went into.
func (r *Record) fetchAlarms(ctx context.Context, c *client.Client, _, _ string) error {
	pages := cloudwatch.NewDescribeAlarmHistoryPaginator(c.CloudWatch, &cloudwatch.DescribeAlarmHistoryInput{
		HistoryItemType: cwtypes.HistoryItemTypeStateUpdate, StartDate: &r.From, EndDate: aws.Time(r.end()), ScanBy: cwtypes.ScanByTimestampAscending,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("read the history of the alarms: %w", err)
		}
		for _, item := range page.AlarmHistoryItems {
			var data struct {
				NewState struct {
					StateValue string `json:"stateValue"`
				} `json:"newState"`
			}
			if err := json.Unmarshal([]byte(aws.ToString(item.HistoryData)), &data); err != nil {
				return fmt.Errorf("read the history of alarm %s: %w", aws.ToString(item.AlarmName), err)
			}
			r.Alarms = append(r.Alarms, Transition{item.Timestamp.UTC(), strings.Contains(aws.ToString(item.AlarmName), "AlarmHigh"), data.NewState.StateValue})
		}
	}
	return nil
}

// fetchCPU reads utilization, and of how many tasks it is: each makes a sample a minute.
func (r *Record) fetchCPU(ctx context.Context, c *client.Client, cluster, service string) error {
	end := r.end()
	out, err := c.CloudWatch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/ECS"), MetricName: aws.String("CPUUtilization"), Period: aws.Int32(60), StartTime: &r.From, EndTime: &end,
		Dimensions: []cwtypes.Dimension{{Name: aws.String("ClusterName"), Value: &cluster}, {Name: aws.String("ServiceName"), Value: &service}},
		Statistics: []cwtypes.Statistic{cwtypes.StatisticAverage, cwtypes.StatisticSampleCount},
	})
	if err != nil {
		return fmt.Errorf("read the CPU utilization: %w", err)
	}
	for _, d := range out.Datapoints {
		if i := int(d.Timestamp.Sub(r.From) / time.Minute); i >= 0 && i < len(r.Minutes) {
			r.Minutes[i].CPU, r.Minutes[i].Measured = d.Average, *d.SampleCount
		}
	}
	return nil
}
