package rules

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

func TestTagRefusals(t *testing.T) {
	for _, tt := range []struct{ name, key, value, message string }{
		{"a tag of AWS", "aws:x", "y", "aws: prefixed tag key names are not allowed"},
		{"a metric period that there is not", TagMetricPeriod, "7", `Tag flyball:metric-period must be a number of seconds, one of [1 5 10 20 30 60], not "7"`},
		{"datapoints that are no number", TagInDatapoints, "many", "Tag flyball:scale-in-datapoints must be a number of datapoints"},
		{"more datapoints than there can be", TagOutDatapoints, "101", "Tag flyball:scale-out-datapoints must be a number of datapoints from 1 to 100"},
		{"a misspelt tag of ours", "flyball:metric-periode", "1", "Tag flyball:metric-periode is not known"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wantError(t, CheckTags(map[string]string{"team": "a", tt.key: tt.value}), "ValidationException", tt.message)
		})
	}
}

func TestMetricPeriod(t *testing.T) {
	tagged := map[string]string{TagMetricPeriod: "5"}
	for _, tt := range []struct {
		name   string
		metric types.MetricType
		tags   map[string]string
		want   time.Duration
	}{
		{"a minute", cpuUtilization, nil, time.Minute},
		{"20 s with a high-resolution metric", memoryHighResolution, nil, 20 * time.Second},
		{"what the tag says", cpuUtilization, tagged, 5 * time.Second},
		{"what the tag says whatever the metric", cpuHighResolution, tagged, 5 * time.Second},
		{"a minute where requests are counted", requestCountPerTarget, tagged, time.Minute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := Policy{Tracking: &types.TargetTrackingScalingPolicyConfiguration{
				PredefinedMetricSpecification: &types.PredefinedMetricSpecification{PredefinedMetricType: tt.metric},
			}}
			if got := p.MetricPeriod(PaceOf(tt.tags)); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
	if got := (Policy{}).MetricPeriod(PaceOf(tagged)); got != time.Minute {
		t.Errorf("a policy that follows no metric of ECS wants one each %v", got)
	}
}
