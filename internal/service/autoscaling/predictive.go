package autoscaling

import (
	"context"
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

	"flyball/governor"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/scaling"
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
func predictionKey(id policyID, start time.Time) string {
	return predictionPrefix(id) + start.Format(time.RFC3339)
}

func predictionPrefix(id policyID) string { return id.key() + "\x00" }

// predictionsOf are the keys of what a policy has forecast.
func predictionsOf(id policyID) store.Range { return store.Prefix(predictionPrefix(id)) }

// loadPrediction reads back what a policy forecast last.
func loadPrediction(s *state.State, p *policy) error {
	if p.Predictive == nil {
		return nil
	}
	newest := predictionsOf(p.id())
	newest.Reverse = true
	return state.Scan(s, kindPrediction, newest, func(_ string, f *prediction) bool {
		p.prediction = f
		return false
	})
}

// planRenewal makes a predictive policy due for its next forecast. Others are
// never due.
func (a *API) planRenewal(p *policy) {
	if p.Predictive == nil {
		return
	}
	renewal := a.now()
	if p.prediction != nil {
		renewal = p.prediction.Made.Add(governor.RenewedAfter)
	}
	a.renewals.Set(p.id(), renewal)
}

// renewDue makes the forecasts of policies that are due, one after the other.
func (a *API) renewDue(ctx context.Context, due []policyID) {
	for _, id := range due {
		err := a.renew(ctx, id)
		if err == nil || ctx.Err() != nil {
			continue
		}
		level := slog.LevelWarn
		if errors.As(err, new(*types.ValidationException)) {
			level = slog.LevelDebug // there is too little data
		}
		a.log.Log(ctx, level, "no forecast", "target", id.target, "policy", id.name, "error", err)
		a.lack(id, said(err).Error())
		a.renewals.Sooner(id, a.now().Truncate(time.Hour).Add(time.Hour)) // the next hour has more data
	}
}

// lack notes why a policy has no forecast, for those who ask.
func (a *API) lack(id policyID, why string) {
	a.state.Later(func(tx *state.Tx) {
		t := a.rows.targets[id.target]
		if t == nil || t.policy(id.name) == nil {
			return
		}
		p := *t.policy(id.name)
		p.lacks = why
		a.rows.put(tx, &target{t.row, with(t.policies, &p, (*policy).named), t.actions})
	})
}

// renew makes a new forecast for a policy. One is made at a time, away from the
// lock of the state.
func (a *API) renew(ctx context.Context, id policyID) error {
	a.forecasting.Lock()
	defer a.forecasting.Unlock()
	return a.renewAlone(ctx, id)
}

// beginForecast makes a policy's first forecast, if it has none by now.
func (a *API) beginForecast(ctx context.Context, id policyID) error {
	a.forecasting.Lock()
	defer a.forecasting.Unlock()
	if p := a.policy(ctx, id); p == nil || p.prediction != nil {
		return nil
	}
	return a.renewAlone(ctx, id)
}

// policy is a policy, or nil.
func (a *API) policy(ctx context.Context, id policyID) *policy {
	if t := a.lookup(ctx, id.target); t != nil {
		return t.policy(id.name)
	}
	return nil
}

// renewAlone is renew for a caller that holds a.forecasting.
func (a *API) renewAlone(ctx context.Context, id policyID) error {
	p := a.policy(ctx, id)
	if p == nil {
		return nil // deleted meanwhile
	}
	f, err := a.predict(ctx, p)
	if err != nil {
		return err
	}
	return a.state.Change(ctx, func(_ context.Context, tx *state.Tx) error {
		t := a.rows.targets[id.target]
		if t == nil || t.policy(id.name) == nil || !sameForecast(t.policy(id.name), p) {
			return nil // deleted or changed meanwhile
		}
		renewed := *t.policy(id.name)
		if past := renewed.prediction; past != nil && past.Start.Before(f.Start) {
			tx.Put(kindPrediction, predictionKey(id, past.Start), past.until(f.Start))
		}
		tx.Put(kindPrediction, predictionKey(id, f.Start), f)
		tx.DeleteRange(kindPrediction, store.Range{
			From: predictionPrefix(id), To: predictionKey(id, f.Start.Add(-forecastsKept)),
		})
		renewed.prediction, renewed.lacks = f, ""
		a.rows.put(tx, &target{t.row, with(t.policies, &renewed, (*policy).named), t.actions})
		tx.After(func() {
			a.planRenewal(&renewed)
			a.replan(id.target)
		})
		return nil
	})
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
	f, err := governor.Predict(hours, aws.ToFloat64(p.metrics().TargetValue), 0)
	switch {
	case errors.Is(err, governor.ErrTooLarge):
		return nil, invalid("The load metric of scaling policy %s is too large to forecast", p.Name)
	case errors.As(err, new(governor.ShortHistory)), errors.Is(err, scaling.ErrNoRelation):
		return nil, invalid("Insufficient data to forecast for scaling policy %s: %v", p.Name, err)
	case err != nil:
		return nil, internal(fmt.Errorf("forecast for policy %s: %w", p.ARN, err))
	}
	a.log.Debug("forecast", "target", p.ResourceID, "policy", p.Name, "relation", f.Relation)
	return &prediction{Made: now, Start: end, Load: f.Load, Capacity: f.Capacity}, nil
}

// history is what the policy's metrics tell of the two weeks before an hour.
func (a *API) history(ctx context.Context, p *policy, end time.Time) ([]scaling.Hour, error) {
	every := standardPeriod
	if t := a.lookup(ctx, p.ResourceID); t != nil {
		every = t.metricPeriod()
	}
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
	hours := make([]scaling.Hour, governor.HistoryHours)
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
	seen, err := a.look(ctx, p.ResourceID)
	if err != nil {
		return err
	}
	if seen.Gone {
		return serviceGone(p.ResourceID)
	}
	hours[newest].Tasks = float64(seen.Running)
	return nil
}

// hourly reads a metric for every hour of the history, NaN where it has no data.
// Of finer datapoints, which expressions can have, it takes the mean.
func (a *API) hourly(ctx context.Context, s source, end time.Time) ([]float64, error) {
	start := end.Add(-governor.HistoryHours * time.Hour)
	sums, counts := make([]float64, governor.HistoryHours), make([]float64, governor.HistoryHours)
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
				if k := int(at.Sub(start) / time.Hour); !at.Before(start) && k < governor.HistoryHours && i < len(r.Values) {
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
func (a *API) probe(ctx context.Context, c *types.PredictiveScalingPolicyConfiguration) error {
	if c == nil || checkPredictive(withDefaults(c)) != nil {
		return nil // the policy is refused for that
	}
	m, now := c.MetricSpecifications[0], a.now()
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
