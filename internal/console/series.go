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
