package autoscaling

import (
	"context"
	"fmt"
	"math"
	"testing"
	"time"

	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"flyball/governor"
	"flyball/internal/capacity"
	"flyball/internal/clock"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/metric"
	"flyball/scaling"
)

// manyForecasts is the service with predictive policies, one a target, that
// forecast less than the ten tasks that run.
func manyForecasts(b *testing.B, targets int) (*API, []*policy) {
	b.Helper()
	st, err := store.OpenSQLite("")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { st.Close() })
	cw := &cloudWatch{alarms: map[string]cwtypes.MetricAlarm{}, series: map[string][]metric.Datapoint{}, calls: map[string]int{}}
	api, err := New(Config{Cell: testCell(clock.New(time.Now(), 1), st), Capacity: capacity.Services{ECS: everyService{}}, Alarms: cw})
	if err != nil {
		b.Fatal(err)
	}
	end := api.now().Truncate(time.Hour)
	for i := range governor.HistoryHours {
		at := end.Add(time.Duration(i-governor.HistoryHours) * time.Hour)
		wobble := 1 + 0.1*math.Sin(float64(i*i))
		for name, v := range map[string]float64{"Sum": 30 * total(at.Hour()) * wobble, "Average": total(at.Hour()) / 20 * wobble, "SampleCount": 600} {
			cw.series["CPUUtilization "+name] = append(cw.series["CPUUtilization "+name], metric.Datapoint{Time: at, Value: v})
		}
	}
	policies := make([]*policy, targets)
	for i := range policies {
		id := scaling.ResourceID(fmt.Sprintf("service/default/web-%06d", i))
		configured, err := rules.Policy{}.With(predicting(predictiveConfig{}))
		if err != nil {
			b.Fatal(err)
		}
		p := &policy{
			ResourceID: id, Name: "daily", ARN: api.scalingPolicies.newARN(id, "daily"), Policy: configured,
			prediction: &prediction{Made: end, Start: end, Load: make([]float64, governor.ForecastHours), Capacity: make([]scaling.Capacity, governor.ForecastHours)},
		}
		for h := range p.prediction.Capacity {
			p.prediction.Capacity[h] = 9
		}
		if err := p.compile(); err != nil {
			b.Fatal(err)
		}
		api.state.Later(func(tx *state.Tx) {
			api.rows.put(tx, &target{row: &row{ResourceID: id, ID: newTargetID(), Min: 1, Max: 20}, policies: []*policy{p}})
		})
		policies[i] = p
	}
	return api, policies
}

// BenchmarkForecastHour is what a full hour costs for each policy whose capacity
// is there already.
func BenchmarkForecastHour(b *testing.B) {
	const targets = 1_000
	api, policies := manyForecasts(b, targets)
	ids := make([]scaling.ResourceID, targets)
	for i, p := range policies {
		ids[i] = p.ResourceID
	}
	for b.Loop() {
		b.StopTimer()
		api.state.Later(func(tx *state.Tx) {
			for _, t := range api.rows.selected() {
				p := *t.policies[0]
				p.Acted = time.Time{} // the hour has come again
				api.rows.put(tx, &target{t.row, []*policy{&p}, nil})
			}
		})
		b.StartTimer()
		api.governDue(context.Background(), ids)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/targets, "ns/policy")
}

// BenchmarkForecast is one renewal: two weeks of history, the relation between
// load and tasks, and the forecast.
func BenchmarkForecast(b *testing.B) {
	api, policies := manyForecasts(b, 1)
	for b.Loop() {
		if err := api.renew(context.Background(), policies[0].id()); err != nil {
			b.Fatal(err)
		}
	}
}
