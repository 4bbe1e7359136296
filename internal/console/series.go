package console

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/client"
)

// A datapoint is a value of a metric, at the beginning of its period.
type datapoint struct {
	at    time.Time
	value float64
}

// queriesAtOnce is how many metrics one call can read ("GetMetricData").
const queriesAtOnce = 500

// seriesOf reads metrics between two times, oldest first, by the names of their queries.
func seriesOf(ctx context.Context, c *client.Client, queries []types.MetricDataQuery, from, to time.Time) (map[string][]datapoint, error) {
	found := map[string][]datapoint{}
	for some := range slices.Chunk(queries, queriesAtOnce) {
		pages := cloudwatch.NewGetMetricDataPaginator(c.CloudWatch, &cloudwatch.GetMetricDataInput{
			StartTime: &from, EndTime: &to, MetricDataQueries: some, ScanBy: types.ScanByTimestampAscending,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return found, err
			}
			for _, r := range page.MetricDataResults {
				id := aws.ToString(r.Id)
				for i, at := range r.Timestamps {
					found[id] = append(found[id], datapoint{at, r.Values[i]})
				}
			}
		}
	}
	return found, nil
}

// emptyMinutes are the minutes without a datapoint from the first one on. The newest minute before
// the end may only not have been read yet, and is none of them.
func emptyMinutes(points []datapoint, end time.Time) (empty []time.Time) {
	if len(points) == 0 {
		return nil
	}
	known := make(map[int64]bool, len(points))
	for _, p := range points {
		known[p.at.Unix()] = true
	}
	last := end.Truncate(time.Minute).Add(-time.Minute)
	for at := points[0].at; at.Before(last); at = at.Add(time.Minute) {
		if !known[at.Unix()] {
			empty = append(empty, at)
		}
	}
	return empty
}

// counts are the datapoints of a metric that counts, oldest first, with 0 for its empty minutes:
// load balancers publish no count of nothing.
func counts(points []datapoint, end time.Time) []datapoint {
	empty := emptyMinutes(points, end)
	all := slices.Clone(points)
	for _, at := range empty {
		all = append(all, datapoint{at: at})
	}
	slices.SortFunc(all, func(a, b datapoint) int { return a.at.Compare(b.at) })
	return all
}
