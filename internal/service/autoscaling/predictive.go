package autoscaling

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"flyball/forecast"
	"flyball/internal/store"
	"flyball/scaling"
)

// "How Application Auto Scaling predictive scaling works": two weeks of history,
// at least a day of it, two days ahead, every six hours.
const (
	historyHours  = 14 * 24
	neededHours   = 24
	forecastHours = 48
	renewedAfter  = 6 * time.Hour
)

// forecastsKept is how long past forecasts can be read.
const forecastsKept = 365 * 24 * time.Hour

// A prediction is what a policy forecasts: the load, and the capacity that it
// needs whatever the target's bounds. What is encoded is what the store keeps; of
// a prediction that was renewed, the hours until then.
type prediction struct {
	Made     time.Time
	Start    time.Time // of the first hour
	Load     []float64
	Capacity []scaling.Capacity
}

func (f *prediction) plan() scaling.Plan { return scaling.Plan{Start: f.Start, Hours: f.Capacity} }

// until is the prediction without the hours from one on.
func (f *prediction) until(hour time.Time) *prediction {
	n := min(max(int(hour.Sub(f.Start)/time.Hour), 0), len(f.Capacity))
	return &prediction{f.Made, f.Start, f.Load[:n], f.Capacity[:n]}
}

// predictionKey orders the predictions of a policy by time. Policies' names have
// no control characters, so none's key is the beginning of another's.
func predictionKey(p *policy, start time.Time) string {
	return predictionPrefix(p) + start.Format(time.RFC3339)
}

func predictionPrefix(p *policy) string { return policyKey(p.ResourceID, p.Name) + "\x00" }

// loadPrediction reads back what a policy forecast last.
func (a *API) loadPrediction(p *policy) error {
	if p.Predictive == nil {
		return nil
	}
	newest := store.Prefix(predictionPrefix(p))
	newest.Reverse = true
	var failure error
	err := a.cfg.Store.Scan(kindPrediction, newest, func(_ string, value []byte) bool {
		p.prediction = new(prediction)
		failure = json.Unmarshal(value, p.prediction)
		return false
	})
	return errors.Join(err, failure)
}

// enroll makes a predictive policy due for its next forecast and its next hour.
// Others are never due.
func (a *API) enroll(p *policy) {
	if p.Predictive == nil {
		return
	}
	renewal := a.now()
	if p.prediction != nil {
		renewal = p.prediction.Made.Add(renewedAfter)
	}
	a.renewals.set(p, renewal)
	a.planHour(p)
}

// takeOver gives a predictive policy what the one that it replaces has forecast.
// What was forecast from other metrics, or for another target value, is
// forgotten.
func (a *API) takeOver(b *store.Batch, p, old *policy) {
	switch {
	case old == nil:
	case sameForecast(p, old):
		p.Acted, p.prediction = old.Acted, old.prediction
	default:
		forgetPredictions(b, old)
	}
}

// withdraw takes a policy that is deleted or replaced out of the calendars.
func (a *API) withdraw(p *policy) {
	a.renewals.drop(p)
	a.hours.drop(p)
}

// renewDue makes the forecasts of policies that are due, one after the other.
func (a *API) renewDue(ctx context.Context, due []*policy) {
	for _, p := range due {
		err := a.renew(ctx, p)
		if err == nil || ctx.Err() != nil {
			continue
		}
		level := slog.LevelWarn
		if errors.As(err, new(*types.ValidationException)) {
			level = slog.LevelDebug // there is too little data
		}
		a.cfg.Log.Log(ctx, level, "no forecast", "target", p.ResourceID, "policy", p.Name, "error", err)
		a.mu.Lock()
		if a.policies[p.ARN] == p { // the next hour has more data
			a.renewals.set(p, a.now().Truncate(time.Hour).Add(time.Hour))
		}
		a.mu.Unlock()
	}
}

// renew makes a new forecast for a policy. One is made at a time, away from the
// lock of the API.
func (a *API) renew(ctx context.Context, p *policy) error {
	a.forecasting.Lock()
	defer a.forecasting.Unlock()
	return a.renewAlone(ctx, p)
}

// beginForecast makes a policy's first forecast, if it has none by now.
func (a *API) beginForecast(ctx context.Context, p *policy) error {
	a.forecasting.Lock()
	defer a.forecasting.Unlock()
	a.mu.Lock()
	begun := p.prediction != nil
	a.mu.Unlock()
	if begun {
		return nil
	}
	return a.renewAlone(ctx, p)
}

// renewAlone is renew for a caller that holds a.forecasting.
func (a *API) renewAlone(ctx context.Context, p *policy) error {
	f, err := a.predict(ctx, p)
	if err != nil {
		return err
	}
	a.mu.Lock()
	if a.policies[p.ARN] != p {
		a.mu.Unlock()
		return nil // deleted or changed meanwhile
	}
	var b store.Batch
	if past := p.prediction; past != nil && past.Start.Before(f.Start) {
		put(&b, kindPrediction, predictionKey(p, past.Start), past.until(f.Start))
	}
	put(&b, kindPrediction, predictionKey(p, f.Start), f)
	b.DeleteRange(kindPrediction, store.Range{
		From: predictionPrefix(p), To: predictionKey(p, f.Start.Add(-forecastsKept)),
	})
	p.prediction = f
	a.enroll(p)
	commit := a.cfg.Store.Write(&b)
	a.mu.Unlock()
	return durable(commit)
}

// predict forecasts the load of a policy's target, and the capacity that it
// needs.
func (a *API) predict(ctx context.Context, p *policy) (*prediction, error) {
	now := a.now()
	end := now.Truncate(time.Hour)
	hours, err := a.history(ctx, p, end)
	if err != nil {
		return nil, err
	}
	load, known := loadOf(hours)
	if known < neededHours {
		return nil, invalid("Insufficient data to forecast for scaling policy %s: the load metric has %d hours of data, and a minimum of %d hours is required", p.Name, known, neededHours)
	}
	target := aws.ToFloat64(p.metrics().TargetValue)
	relation, err := scaling.EstimateRelation(hours, target)
	if err != nil {
		return nil, invalid("Insufficient data to forecast for scaling policy %s: %v", p.Name, err)
	}
	r, err := forecast.Forecast(load, forecast.Options{Horizon: forecastHours, Quantiles: []float64{forecast.Provision}})
	if err != nil {
		return nil, internal(fmt.Errorf("forecast for policy %s: %w", p.ARN, err))
	}
	f := &prediction{Made: now, Start: end, Load: r.Values}
	for _, v := range r.Quantiles[0] {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, invalid("The load metric of scaling policy %s is too large to forecast", p.Name)
		}
		f.Capacity = append(f.Capacity, relation.Capacity(v, target))
	}
	a.cfg.Log.Debug("forecast", "target", p.ResourceID, "policy", p.Name, "relation", relation)
	return f, nil
}

// loadOf is the load from the first hour that has one on, and how many hours
// have.
func loadOf(hours []scaling.Hour) (load []float64, known int) {
	for _, h := range hours {
		if !math.IsNaN(h.Load) {
			known++
		}
		if known > 0 {
			load = append(load, h.Load)
		}
	}
	return load, known
}

// history is what the policy's metrics tell of the two weeks before an hour.
func (a *API) history(ctx context.Context, p *policy, end time.Time) ([]scaling.Hour, error) {
	a.mu.Lock()
	every := standardPeriod
	if t := a.targets[p.ResourceID]; t != nil {
		every = t.metricPeriod()
	}
	a.mu.Unlock()
	load, err := a.hourly(ctx, p.loadSource(), end)
	if err != nil {
		return nil, err
	}
	metric, err := a.hourly(ctx, p.scalingSource(), end)
	if err != nil {
		return nil, err
	}
	tasks, err := a.hourly(ctx, p.taskSource(every), end)
	if err != nil {
		return nil, err
	}
	hours := make([]scaling.Hour, historyHours)
	for i := range hours {
		hours[i] = scaling.Hour{Load: load[i], Metric: metric[i], Tasks: tasks[i]}
	}
	return hours, a.assumeTasks(ctx, p, hours)
}

// assumeTasks gives the newest hour the tasks that run now, where nobody counted
// them in any hour: metrics of one's own can be older than the service.
func (a *API) assumeTasks(ctx context.Context, p *policy, hours []scaling.Hour) error {
	newest := -1
	for i, h := range hours {
		loaded := h.Load > 0 && h.Metric >= 0
		if loaded && h.Tasks > 0 {
			return nil
		}
		if loaded {
			newest = i
		}
	}
	if newest < 0 {
		return nil
	}
	seen, err := a.service(ctx, p.ResourceID)
	if err != nil {
		return unwrapGone(err)
	}
	hours[newest].Tasks = float64(seen.Running)
	return nil
}

// hourly reads a metric for every hour of the history, NaN where it has no data.
// Of finer datapoints, which expressions can have, it takes the mean.
func (a *API) hourly(ctx context.Context, s source, end time.Time) ([]float64, error) {
	start := end.Add(-historyHours * time.Hour)
	sums, counts := make([]float64, historyHours), make([]float64, historyHours)
	in := &cloudwatch.GetMetricDataInput{
		MetricDataQueries: s.queries, StartTime: aws.Time(start), EndTime: aws.Time(end), ScanBy: cwtypes.ScanByTimestampAscending,
	}
	for {
		out, err := a.cfg.Alarms.GetMetricData(ctx, in)
		if err != nil {
			return nil, metricsFailed(err)
		}
		if len(out.MetricDataResults) > 1 {
			return nil, invalid("The metrics of a predictive scaling policy must each return one time series, not %d", len(out.MetricDataResults))
		}
		for _, r := range out.MetricDataResults {
			for i, at := range r.Timestamps {
				if k := int(at.Sub(start) / time.Hour); !at.Before(start) && k < historyHours && i < len(r.Values) {
					sums[k] += r.Values[i]
					counts[k]++
				}
			}
		}
		if in.NextToken = out.NextToken; aws.ToString(in.NextToken) == "" {
			return s.means(sums, counts), nil
		}
	}
}

// metricsFailed is the answer when CloudWatch does not read a policy's metrics.
func metricsFailed(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "ValidationError", "InvalidParameterValue", "InvalidParameterCombination", "MissingParameter":
			return invalid("The metrics of the policy cannot be read: %s", api.ErrorMessage())
		}
	}
	return internal(fmt.Errorf("read the metrics of the policy: %w", err))
}

// means are the hours' values from the sums and numbers of their datapoints.
func (s source) means(sums, counts []float64) []float64 {
	values := make([]float64, len(sums))
	begun := false
	for i, n := range counts {
		begun = begun || n > 0
		switch {
		case n > 0:
			values[i] = sums[i] / n / s.divide
		case !s.silent || !begun:
			values[i] = math.NaN()
		}
	}
	return values
}

// probe lets CloudWatch check the queries of a policy's customized metrics.
func (a *API) probe(ctx context.Context, p *policy) error {
	m, now := p.metrics(), a.now()
	for _, c := range []*types.PredictiveScalingCustomizedMetricSpecification{
		m.CustomizedLoadMetricSpecification, m.CustomizedScalingMetricSpecification, m.CustomizedCapacityMetricSpecification,
	} {
		if c == nil {
			continue
		}
		_, err := a.cfg.Alarms.GetMetricData(ctx, &cloudwatch.GetMetricDataInput{
			MetricDataQueries: customizedSource(c).queries, StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now),
		})
		if err != nil {
			return metricsFailed(err)
		}
	}
	return nil
}
