package autoscaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"
	"github.com/aws/smithy-go"

	"flyball/governor"
	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/state"
	"flyball/internal/store"
	"flyball/scaling"
)

// forecastsKept is how long past forecasts can be read.
const forecastsKept = 365 * 24 * time.Hour

// A forecaster makes the forecasts of predictive policies, and renews them.
type forecaster struct {
	*host
	making sync.Mutex // held while a forecast is made: one at a time

	accuracy struct {
		mu    sync.Mutex
		end   time.Time // of the last hour that was compared
		found []Accuracy
	}
}

// run renews forecasts until ctx ends.
func (fc *forecaster) run(ctx context.Context) {
	fc.times.renewals.Run(ctx, fc.cell.Clock, 1, fc.renewDue)
}

// renewDue makes the forecasts of policies that are due, one after the other.
func (fc *forecaster) renewDue(ctx context.Context, due []policyID) {
	for _, id := range due {
		err := fc.renew(ctx, id)
		if err == nil || ctx.Err() != nil {
			continue
		}
		level := slog.LevelWarn
		if errors.As(err, new(*types.ValidationException)) {
			level = slog.LevelDebug // there is too little data
		}
		fc.log.Log(ctx, level, "no forecast", "target", id.target, "policy", id.name, "error", err)
		fc.lack(id, reason(id, err))
		fc.times.renewals.Sooner(id, fc.now().Truncate(time.Hour).Add(time.Hour)) // the next hour has more data
	}
}

// reason is why a forecast could not be made, without what an explanation says
// anyway.
func reason(id policyID, err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err.Error()
	}
	return strings.TrimPrefix(api.ErrorMessage(), fmt.Sprintf("Insufficient data to forecast for scaling policy %s: ", id.name))
}

// lack notes why a policy has no forecast, for those who ask.
func (fc *forecaster) lack(id policyID, why string) {
	fc.state.Later(func(tx *state.Tx) {
		if p := fc.rows.policy(id); p != nil {
			lacking := *p
			lacking.lacks = why
			fc.rows.putPolicy(tx, &lacking)
		}
	})
}

// renew makes a new forecast for a policy. One is made at a time, away from the
// lock of the state.
func (fc *forecaster) renew(ctx context.Context, id policyID) error {
	fc.making.Lock()
	defer fc.making.Unlock()
	return fc.renewAlone(ctx, id)
}

// beginForecast makes a policy's first forecast, if it has none by now.
func (fc *forecaster) beginForecast(ctx context.Context, id policyID) error {
	fc.making.Lock()
	defer fc.making.Unlock()
	if p := fc.policy(ctx, id); p == nil || p.prediction != nil {
		return nil
	}
	return fc.renewAlone(ctx, id)
}

// policy is a policy, or nil.
func (fc *forecaster) policy(ctx context.Context, id policyID) (p *policy) {
	fc.state.View(ctx, func() { p = fc.rows.policy(id) })
	return p
}

// renewAlone is renew for a caller that holds fc.making.
func (fc *forecaster) renewAlone(ctx context.Context, id policyID) error {
	p := fc.policy(ctx, id)
	if p == nil {
		return nil // deleted meanwhile
	}
	f, err := fc.predict(ctx, p)
	if err != nil {
		return err
	}
	return fc.state.Maintain(ctx, func(_ context.Context, tx *state.Tx) error {
		now := fc.rows.policy(id)
		if now == nil || !now.SameForecast(p.Policy) {
			return nil // deleted or changed meanwhile
		}
		renewed := *now
		if past := renewed.prediction; past != nil && past.Start.Before(f.Start) {
			tx.Put(kindPrediction, id.predictionKey(past.Start), past.until(f.Start))
		}
		tx.Put(kindPrediction, id.predictionKey(f.Start), f)
		tx.DeleteRange(kindPrediction, store.Range{
			From: id.predictionPrefix(), To: id.predictionKey(f.Start.Add(-forecastsKept)),
		})
		renewed.prediction, renewed.lacks = f, ""
		fc.rows.putPolicy(tx, &renewed)
		tx.After(func() {
			fc.times.planRenewal(&renewed)
			fc.replan(id.target)
		})
		return nil
	})
}

// predict forecasts the load of a policy's target, and the capacity that it
// needs.
func (fc *forecaster) predict(ctx context.Context, p *policy) (*prediction, error) {
	now := fc.now()
	end := now.Truncate(time.Hour)
	past, how := fc.past(ctx, p, end)
	hours, err := fc.history(ctx, p, past)
	if err != nil {
		return nil, err
	}
	aim := governor.Aim{Target: aws.ToFloat64(p.Specification().TargetValue), Calendar: how.Calendar, Next: end, Step: how.Step}
	if aim.Step > 0 {
		if aim.Fine, err = past.steps(ctx, past.sources.Load.Every(aim.Step), aim.Step); err != nil {
			return nil, err
		}
	}
	f, err := governor.Predict(hours, aim)
	switch {
	case errors.Is(err, governor.ErrTooLarge):
		return nil, fault.Invalid("The load metric of scaling policy %s is too large to forecast", p.Name)
	case errors.As(err, new(governor.ShortHistory)), errors.Is(err, scaling.ErrNoRelation):
		return nil, fault.Invalid("Insufficient data to forecast for scaling policy %s: %v", p.Name, err)
	case err != nil:
		return nil, fault.Internal(fmt.Errorf("forecast for policy %s: %w", p.ARN, err))
	}
	fc.log.Debug("forecast", "target", p.ResourceID, "policy", p.Name, "relation", f.Relation)
	return &prediction{Made: now, Start: end, Load: f.Load, Capacity: f.Capacity, Step: aim.Step}, nil
}

// past is the time before an hour that a policy forecasts from, and how it does.
func (fc *forecaster) past(ctx context.Context, p *policy, end time.Time) (pastHours, rules.Foresight) {
	every, how := rules.StandardPeriod, rules.ForesightOf(nil)
	if t := fc.lookup(ctx, p.ResourceID); t != nil {
		every, how = t.metricPeriod(), rules.ForesightOf(t.Tags)
	}
	return pastHours{fc.alarms.client, end, how.Hours, p.Sources(p.ResourceID, every)}, how
}

// history is what the policy's metrics tell of each hour of the past.
func (fc *forecaster) history(ctx context.Context, p *policy, past pastHours) ([]scaling.Hour, error) {
	hours, err := past.read(ctx)
	if err != nil {
		return nil, err
	}
	return hours, fc.assumeTasks(ctx, p, hours)
}

// assumeTasks gives the newest hour the tasks that run now, where nobody counted
// them in any hour: metrics of one's own can be older than the service.
func (fc *forecaster) assumeTasks(ctx context.Context, p *policy, hours []scaling.Hour) error {
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
	seen, err := fc.look(ctx, p.ResourceID)
	if err != nil {
		return err
	}
	if seen.Gone {
		return fault.ResourceGone(p.ResourceID)
	}
	hours[newest].Tasks = float64(seen.Running)
	return nil
}
