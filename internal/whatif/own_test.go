package whatif

import (
	"math"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
)

// A metric of a policy's own is shared by the tasks, as target tracking takes it to be.
func TestAMetricOfItsOwnIsSharedByTheTasks(t *testing.T) {
	past := steady(10)
	own := &types.CustomizedMetricSpecification{Namespace: aws.String("Shop"), MetricName: aws.String("Orders"), Statistic: types.MetricStatisticAverage}
	d := documents(types.MetricTypeECSServiceAverageCPUUtilization, 100)
	d.Policies[0].TargetTrackingScalingPolicyConfiguration.PredefinedMetricSpecification = nil
	d.Policies[0].TargetTrackingScalingPolicyConfiguration.CustomizedMetricSpecification = own
	if _, err := Run(d, past, Change{"cpu", 40}); err != ErrUnmeasured {
		t.Errorf("without its values: %v", err)
	}
	past.Own = map[string][]float64{OwnKey(own): make([]float64, len(past.Minutes))}
	for i := range past.Minutes {
		past.Own[OwnKey(own)][i] = 98 // for each of four tasks
	}
	past.Own[OwnKey(own)][3] = math.NaN()
	o, err := Run(d, past, Change{"cpu", 40})
	if err != nil {
		t.Fatal(err)
	}
	last := len(o.Then.Desired) - 1
	if o.Now.Desired[last] != 4 || o.Then.Desired[last] != 10 || math.Abs(o.Then.Metric[last]-39.2) > 0.1 || o.Was.Metric[last] != 98 {
		t.Errorf("4*98/40 = 9.8 tasks are needed; there are %v instead of %v, at %v", o.Then.Desired[last], o.Now.Desired[last], o.Then.Metric[last])
	}
}
