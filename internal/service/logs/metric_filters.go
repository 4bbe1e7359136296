package logs

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"flyball/internal/optional"
	"flyball/internal/page"
	"flyball/internal/service/logs/fault"
	"flyball/internal/service/logs/pattern"
	"flyball/internal/state"
)

// A metricFilter makes a metric of a group's events: a row, and its document.
type metricFilter struct {
	Name, Group, Pattern string
	Created              int64 // milliseconds since 1970
	Metric, Namespace    string
	Value                string   // a number, or a reference to one in the event
	Default              *float64 `json:",omitempty"` // the value of events that do not match
	Unit                 types.StandardUnit
	Dimensions           map[string]string `json:",omitempty"` // references by name
	OnTransformed        bool              `json:",omitempty"` // kept, as there are no transformers
	Selection            string            `json:",omitempty"` // kept: all events are of this account and region
	SystemFields         []string          `json:",omitempty"`
	parsed               *pattern.Pattern  // not part of the document
}

var kindMetricFilter = state.Kind{Name: "logs.filter", Version: 1} // by group:name

// Bounds of metric filters ("CloudWatch Logs quotas", "PutMetricFilter").
const (
	maxFilters    = 100 // of a group
	maxRegexes    = 5   // of the filters of a group
	maxDimensions = 3
)

// The system fields that can be dimensions.
const (
	systemAccount = "@aws.account"
	systemRegion  = "@aws.region"
)

// PutMetricFilter creates or changes a filter of a group.
func (a *API) PutMetricFilter(ctx context.Context, in *cloudwatchlogs.PutMetricFilterInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutMetricFilterOutput, error) {
	row, err := a.newFilter(in)
	if err != nil {
		return nil, err
	}
	err = a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		g, exists := a.groups.Get(row.Group)
		switch {
		case !exists:
			return fault.NoGroup()
		case g.Class != types.LogGroupClassStandard:
			return fault.InvalidOperation("Metric filters are not supported for log groups of class %s.", g.Class)
		}
		if err := a.checkQuota(row); err != nil {
			return err
		}
		a.filters.Put(tx, streamKey(row.Group, row.Name), row)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutMetricFilterOutput{}, nil
}

// checkQuota refuses one filter more than a group may have.
func (a *API) checkQuota(row metricFilter) error {
	others, regexes := 0, 0
	for _, f := range a.filters.Rows(streamKey(row.Group, "")) {
		if f.Name == row.Name {
			continue
		}
		others++
		if f.parsed != nil && f.parsed.Regexes() > 0 {
			regexes++
		}
	}
	if others >= maxFilters || row.parsed.Regexes() > 0 && regexes >= maxRegexes {
		return fault.LimitExceeded()
	}
	return nil
}

// newFilter is the filter that a request asks for.
func (a *API) newFilter(in *cloudwatchlogs.PutMetricFilterInput) (f metricFilter, err error) {
	t := in.MetricTransformations[0]
	f = metricFilter{
		Name: *in.FilterName, Group: *in.LogGroupName, Pattern: *in.FilterPattern, Created: a.now(),
		Metric: *t.MetricName, Namespace: *t.MetricNamespace, Value: *t.MetricValue, Default: t.DefaultValue,
		Unit: t.Unit, Dimensions: t.Dimensions, OnTransformed: in.ApplyOnTransformedLogs,
		Selection: aws.ToString(in.FieldSelectionCriteria), SystemFields: in.EmitSystemFieldDimensions,
	}
	if f.Selection != "" && !strings.Contains(f.Selection, "@aws.") {
		return f, fault.Invalid("The provided field selection criteria is invalid")
	}
	if f.parsed, err = pattern.Parse(f.Pattern); err != nil {
		return f, fault.Invalid("Invalid metric filter pattern")
	}
	return f, f.check()
}

// check refuses values and dimensions that no event can have.
func (f metricFilter) check() error {
	if _, err := strconv.ParseFloat(f.Value, 64); err != nil && !f.parsed.Knows(f.Value) {
		return fault.Invalid("Invalid metric transformation: metric value must be a number or a reference to a field of the filter pattern.")
	}
	if len(f.Dimensions) > maxDimensions {
		return fault.Invalid("Invalid metric transformation: the number of dimensions can not exceed %d.", maxDimensions)
	}
	if len(f.Dimensions) > 0 && f.Default != nil {
		return fault.Invalid("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
	}
	for name, reference := range f.Dimensions {
		if name == "" || !f.parsed.Knows(reference) {
			return fault.Invalid("Invalid metric transformation: dimension value must be a reference to a field of the filter pattern.")
		}
	}
	for _, field := range f.SystemFields {
		if field != systemAccount && field != systemRegion {
			return fault.Invalid("Invalid system field %s: valid values are %s and %s.", field, systemAccount, systemRegion)
		}
	}
	return nil
}

// UnmarshalJSON reads a document, and parses the pattern. A filter whose pattern is none
// any more counts nothing.
func (f *metricFilter) UnmarshalJSON(document []byte) error {
	type plain metricFilter
	if err := json.Unmarshal(document, (*plain)(f)); err != nil {
		return err
	}
	f.parsed, _ = pattern.Parse(f.Pattern)
	return nil
}

// DeleteMetricFilter deletes a filter.
func (a *API) DeleteMetricFilter(ctx context.Context, in *cloudwatchlogs.DeleteMetricFilterInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteMetricFilterOutput, error) {
	key := streamKey(*in.LogGroupName, *in.FilterName)
	err := a.cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		if _, exists := a.groups.Get(*in.LogGroupName); !exists {
			return fault.NoGroup()
		}
		if _, exists := a.filters.Get(key); !exists {
			return fault.NotFound("The specified metric filter does not exist.")
		}
		a.filters.Delete(tx, key)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteMetricFilterOutput{}, nil
}

// DescribeMetricFilters lists filters by name, in pages.
func (a *API) DescribeMetricFilters(ctx context.Context, in *cloudwatchlogs.DescribeMetricFiltersInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeMetricFiltersOutput, error) {
	if (in.MetricName == nil) != (in.MetricNamespace == nil) {
		return nil, fault.Invalid("Metric name and metric namespace must be specified together.")
	}
	var rows []metricFilter
	exists := true
	a.cell.State.View(ctx, func() {
		if in.LogGroupName == nil {
			rows = a.filters.Rows("")
		} else if _, exists = a.groups.Get(*in.LogGroupName); exists {
			rows = a.filters.Rows(streamKey(*in.LogGroupName, ""))
		}
	})
	if !exists {
		return nil, fault.NoGroup()
	}
	rows = slices.DeleteFunc(rows, func(f metricFilter) bool {
		return !strings.HasPrefix(f.Name, aws.ToString(in.FilterNamePrefix)) ||
			in.MetricName != nil && (f.Metric != *in.MetricName || f.Namespace != *in.MetricNamespace)
	})
	key := func(f metricFilter) string { return streamKey(f.Name, f.Group) }
	slices.SortFunc(rows, func(x, y metricFilter) int { return strings.Compare(key(x), key(y)) })
	rows, next, err := page.Of(rows, key, in.NextToken, int(optional.Or(in.Limit, 50)))
	if err != nil {
		return nil, fault.InvalidToken()
	}
	out := &cloudwatchlogs.DescribeMetricFiltersOutput{NextToken: next, MetricFilters: []types.MetricFilter{}}
	for _, f := range rows {
		out.MetricFilters = append(out.MetricFilters, f.describe())
	}
	return out, nil
}

func (f metricFilter) describe() types.MetricFilter {
	return types.MetricFilter{
		FilterName: &f.Name, LogGroupName: &f.Group, FilterPattern: &f.Pattern, CreationTime: &f.Created,
		ApplyOnTransformedLogs: f.OnTransformed, FieldSelectionCriteria: optional.String(f.Selection),
		EmitSystemFieldDimensions: f.SystemFields,
		MetricTransformations: []types.MetricTransformation{{
			MetricName: &f.Metric, MetricNamespace: &f.Namespace, MetricValue: &f.Value,
			DefaultValue: f.Default, Unit: f.Unit, Dimensions: f.Dimensions,
		}},
	}
}

// TestMetricFilter holds messages against a pattern.
func (a *API) TestMetricFilter(_ context.Context, in *cloudwatchlogs.TestMetricFilterInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.TestMetricFilterOutput, error) {
	p, err := pattern.Parse(*in.FilterPattern)
	if err != nil {
		return nil, fault.Invalid("Invalid metric filter pattern")
	}
	out := &cloudwatchlogs.TestMetricFilterOutput{Matches: []types.MetricFilterMatchRecord{}}
	for i, message := range in.LogEventMessages {
		m, ok := p.Find([]byte(message))
		if !ok {
			continue
		}
		record := types.MetricFilterMatchRecord{EventNumber: int64(i + 1), EventMessage: &in.LogEventMessages[i], ExtractedValues: m.Extracted()}
		if record.ExtractedValues == nil {
			record.ExtractedValues = map[string]string{}
		}
		out.Matches = append(out.Matches, record)
	}
	return out, nil
}
