package flyballtest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/flyballtest"
)

func TestTimeStandsStillAndTasksTakeTheirDelays(t *testing.T) {
	t.Parallel()
	s := flyballtest.Start(t)
	began := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	if !s.Now().Equal(began) {
		t.Errorf("it begins at %v", s.Now())
	}
	s.Deploy("shop/web", 3)
	if desired, running := s.Tasks("shop/web"); desired != 3 || running != 3 || s.Now().Sub(began) != 20*time.Second {
		t.Errorf("%d of %d tasks run after %v", running, desired, s.Now().Sub(began))
	}
}

func TestTasksCanStartInstantly(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	s := flyballtest.Start(t, flyballtest.Options{Begin: begin, TaskStart: flyballtest.Instantly})
	s.Deploy("shop/web", 1)
	if !s.Now().Equal(begin) {
		t.Errorf("it took %v", s.Now().Sub(begin))
	}
}

func TestAnAlarmSeesWhatIsFed(t *testing.T) {
	t.Parallel()
	s := flyballtest.Start(t)
	api := cloudwatch.NewFromConfig(s.Config())
	_, err := api.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String("busy"), Namespace: aws.String("AWS/Kinesis"), MetricName: aws.String("IncomingRecords"),
		Dimensions: []types.Dimension{{Name: aws.String("StreamName"), Value: aws.String("orders")}},
		Statistic:  types.StatisticSum, Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(100),
		ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Feed("AWS/Kinesis", "IncomingRecords", 101, "StreamName", "orders")
	s.Advance(time.Minute)
	out, err := api.DescribeAlarms(t.Context(), &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"busy"}})
	if err != nil || out.MetricAlarms[0].StateValue != types.StateValueAlarm {
		t.Errorf("%v, %v", out, err)
	}
}

// A failing panics where a test would end.
type failing struct {
	testing.TB
}

func (f *failing) Helper() {}

func (f *failing) Fatalf(format string, args ...any) { panic(strings.TrimSpace(format)) }

func TestAWrongNameEndsTheTest(t *testing.T) {
	t.Parallel()
	defer func() {
		if said := recover(); said == nil || !strings.Contains(said.(string), "CLUSTER/SERVICE") {
			t.Errorf("it says %v", said)
		}
	}()
	flyballtest.Start(&failing{TB: t}).Deploy("web", 1)
}
