package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/internal/page"
	"flyball/metric"
)

// Limits of ListMetrics, from the API reference.
const (
	metricsPage    = 500
	recentlyActive = 3 * time.Hour
)

// ListMetrics lists the metrics that had datapoints in the last two weeks.
func (m *metrics) ListMetrics(_ context.Context, in *cloudwatch.ListMetricsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListMetricsOutput, error) {
	if in.OwningAccount != nil || in.IncludeLinkedAccounts != nil && *in.IncludeLinkedAccounts {
		return nil, invalidValue("This account is not a monitoring account.")
	}
	var since time.Time
	switch in.RecentlyActive {
	case "":
	case types.RecentlyActivePt3h:
		since = m.cell.Clock.Now().Add(-recentlyActive)
	default:
		return nil, invalidValue("The value %s for parameter RecentlyActive is invalid.", in.RecentlyActive)
	}
	for i, d := range in.Dimensions {
		if aws.ToString(d.Name) == "" {
			return nil, missing(fmt.Sprintf("Dimensions.member.%d.Name", i+1))
		}
	}
	after, err := page.Key(in.NextToken)
	if err != nil {
		return nil, invalidValue("Request parameter NextToken is invalid")
	}
	out := &cloudwatch.ListMetricsOutput{Metrics: []types.Metric{}}
	var last metric.Key
	for id, newest := range m.db.List(aws.ToString(in.Namespace), aws.ToString(in.MetricName), metric.Key(after)) {
		if newest.Before(since) || !hasDimensions(id, in.Dimensions) {
			continue
		}
		if len(out.Metrics) == metricsPage {
			out.NextToken = new(page.Token(string(last)))
			break
		}
		out.Metrics = append(out.Metrics, types.Metric{Namespace: &id.Namespace, MetricName: &id.Name, Dimensions: sdkDimensions(id.Dimensions)})
		last = id.Key()
	}
	return out, nil
}

// hasDimensions tells whether a metric has all the dimensions asked for, with
// the value where one is given.
func hasDimensions(id metric.ID, filters []types.DimensionFilter) bool {
	for _, f := range filters {
		if !slices.ContainsFunc(id.Dimensions, func(d metric.Dimension) bool {
			return d.Name == *f.Name && (f.Value == nil || d.Value == *f.Value)
		}) {
			return false
		}
	}
	return true
}
