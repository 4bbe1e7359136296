package rules

import (
	"cmp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

func TestTagRefusals(t *testing.T) {
	for _, tt := range []struct{ name, key, value, message string }{
		{"a tag of AWS", "aws:x", "y", "aws: prefixed tag key names are not allowed"},
		{"a metric period that there is not", TagMetricPeriod, "7", `Tag flyball:metric-period must be a number of seconds, one of [1 5 10 20 30 60], not "7"`},
		{"datapoints that are no number", TagInDatapoints, "many", "Tag flyball:scale-in-datapoints must be a number of datapoints"},
		{"more datapoints than there can be", TagOutDatapoints, "101", "Tag flyball:scale-out-datapoints must be a number of datapoints from 1 to 100"},
		{"no days of history", TagHistoryDays, "0", `Tag flyball:history-days must be a number of days from 1 to 70, not "0"`},
		{"a step that hours are no number of", TagForecastStep, "420", `Tag flyball:forecast-step must be a number of seconds, one of [300 600 900 1200 1800 3600], not "420"`},
		{"a time zone that there is not", TagTimeZone, "Europe/Potsdam", `Tag flyball:time-zone must be the name of a time zone, such as Europe/Berlin, not "Europe/Potsdam"`},
		{"the time zone of the server", TagTimeZone, "Local", "Tag flyball:time-zone must be the name of a time zone"},
		{"a holiday that is no date", TagHolidays, "12-25 25.12.", `Tag flyball:holidays must be dates with spaces between them, such as 2026-12-25 or, each year, 12-25; "25.12." is none`},
		{"a misspelt tag of ours", "flyball:metric-periode", "1", "Tag flyball:metric-periode is not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, CheckTags(map[string]string{"team": "a", tt.key: tt.value}), "ValidationException", tt.message)
		})
	}
}

func TestHowOftenAMetricHasDatapoints(t *testing.T) {
	tagged := map[string]string{TagMetricPeriod: "5"}
	of := func(metric types.MetricType) *types.PredefinedMetricSpecification {
		return &types.PredefinedMetricSpecification{PredefinedMetricType: metric, ResourceLabel: aws.String("jobs")}
	}
	math := func(namespaces ...string) (queries []types.TargetTrackingMetricDataQuery) {
		for _, namespace := range namespaces {
			q := stat("m", "M", "Sum")
			q.MetricStat.Metric.Namespace = &namespace
			queries = append(queries, q)
		}
		return append(queries, expression("e", "m"))
	}
	for _, tt := range []struct {
		name    string
		metric  *types.PredefinedMetricSpecification // nil: the queries are
		queries []types.TargetTrackingMetricDataQuery
		tags    map[string]string
		want    time.Duration
		ofECS   time.Duration // how often ECS is to publish; 0: as want
	}{
		{"a minute", of(cpuUtilization), nil, nil, time.Minute, 0},
		{"20 s with a high-resolution metric", of(memoryHighResolution), nil, nil, 20 * time.Second, 0},
		{"what the tag says", of(cpuUtilization), nil, tagged, 5 * time.Second, 0},
		{"what the tag says whatever the metric", of(cpuHighResolution), nil, tagged, 5 * time.Second, 0},
		{"a minute where requests are counted", of(requestCountPerTarget), nil, tagged, time.Minute, 0},
		{"a minute of a backlog", of(backlogPerTask), nil, nil, time.Minute, 0},
		{"what the tag says of a backlog, which ECS does not publish", of(backlogPerTask), nil, tagged, 5 * time.Second, time.Minute},
		{"a minute of metric math", nil, math("AWS/SQS", "ECS/ContainerInsights"), nil, time.Minute, 0},
		{"what the tag says of metric math over what Flyball measures", nil, math("AWS/SQS", "ECS/ContainerInsights", "AWS/ECS"), tagged, 5 * time.Second, 0},
		{"a minute where a metric of somebody else is in it", nil, math("AWS/SQS", "Shop"), tagged, time.Minute, 0},
		{"a minute of a customized metric", nil, nil, tagged, time.Minute, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &types.TargetTrackingScalingPolicyConfiguration{PredefinedMetricSpecification: tt.metric}
			if tt.metric == nil {
				c.CustomizedMetricSpecification = &types.CustomizedMetricSpecification{Metrics: tt.queries}
			}
			p := Policy{Tracking: c}
			if got := p.Period(PaceOf(tt.tags)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if got := p.ServicePeriod(PaceOf(tt.tags)); got != cmp.Or(tt.ofECS, tt.want) {
				t.Errorf("ECS is to publish each %v", got)
			}
		})
	}
	if got := (Policy{}).Period(PaceOf(tagged)); got != time.Minute {
		t.Errorf("a policy that follows no metric has one each %v", got)
	}
}
