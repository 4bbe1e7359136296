package autoscaling

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling"
	"github.com/aws/aws-sdk-go-v2/service/applicationautoscaling/types"

	"flyball/governor"
	"flyball/internal/service/autoscaling/fault"
	"flyball/internal/service/autoscaling/rules"
	"flyball/internal/state"
	"flyball/internal/store"
)

// longestForecast is how much of a forecast can be read at a time.
const longestForecast = 30 * 24 * time.Hour

// GetPredictiveScalingForecast tells what a policy forecasts, and of past hours
// what it forecast last. If the policy has no forecast yet, it makes one.
func (fc *forecaster) GetPredictiveScalingForecast(ctx context.Context, in *applicationautoscaling.GetPredictiveScalingForecastInput, _ ...func(*applicationautoscaling.Options)) (*applicationautoscaling.GetPredictiveScalingForecastOutput, error) {
	target, err := rules.Resource(in.ServiceNamespace, in.ResourceId, in.ScalableDimension)
	if err != nil {
		return nil, err
	}
	if err := fc.checkRange(in.StartTime, in.EndTime); err != nil {
		return nil, err
	}
	id := policyID{target, aws.ToString(in.PolicyName)}
	p, err := fc.predictive(ctx, id)
	if err == nil && p.prediction == nil {
		if err = fc.beginForecast(ctx, id); err == nil {
			p, err = fc.predictive(ctx, id)
		}
	}
	if err != nil {
		return nil, err
	}
	newest := p.prediction
	if newest == nil {
		return nil, fault.Invalid("The forecast of scaling policy %s is not available yet", p.Name) // it was changed while it was made
	}
	hours, err := fc.predicted(p, in.StartTime.UTC(), in.EndTime.UTC())
	if err != nil {
		return nil, fault.Internal(err)
	}
	specification := p.Specification()
	load := types.LoadForecast{Timestamps: hours.times, Values: hours.load, MetricSpecification: &specification}
	return &applicationautoscaling.GetPredictiveScalingForecastOutput{
		LoadForecast:     []types.LoadForecast{load},
		CapacityForecast: &types.CapacityForecast{Timestamps: hours.times, Values: hours.capacity},
		UpdateTime:       aws.Time(newest.Made),
	}, nil
}

// checkRange checks the times that a forecast is asked for.
func (fc *forecaster) checkRange(start, end *time.Time) error {
	switch {
	case start == nil || end == nil:
		return fault.Invalid("StartTime and EndTime must be specified")
	case !start.Before(*end):
		return fault.Invalid("StartTime must be before EndTime")
	case end.Sub(*start) > longestForecast:
		return fault.Invalid("The time range between StartTime and EndTime must not exceed 30 days")
	case start.Before(fc.now().Add(-forecastsKept)):
		return fault.Invalid("StartTime must not be more than one year in the past")
	}
	return nil
}

// predictive is a predictive policy.
func (fc *forecaster) predictive(ctx context.Context, id policyID) (*policy, error) {
	p := fc.policy(ctx, id)
	if p == nil {
		return nil, fault.Invalid("No scaling policy found for %s, policy name: %s", rules.Key(id.target), id.name)
	}
	if p.Predictive == nil {
		return nil, fault.Invalid("Scaling policy %s is not a predictive scaling policy", id.name)
	}
	return p, nil
}

// A forecastSeries is a forecast as it is read: hours in order.
type forecastSeries struct {
	times          []time.Time
	load, capacity []float64
}

// predicted are the hours of a range that were forecast. Where predictions
// overlap, the later one counts.
func (fc *forecaster) predicted(p *policy, start, end time.Time) (forecastSeries, error) {
	newest := p.prediction
	s := forecastSeries{times: []time.Time{}, load: []float64{}, capacity: []float64{}}
	past := store.Range{
		From: p.id().predictionKey(start.Add(-governor.ForecastHours * time.Hour)),
		To:   p.id().predictionKey(newest.Start),
	}
	err := state.Scan(fc.state, kindPrediction, past, func(_ string, f *prediction) bool {
		s.add(f.until(newest.Start), start, end)
		return true
	})
	s.add(newest, start, end)
	return s, err
}

// add appends a prediction's hours inside a range.
func (s *forecastSeries) add(f *prediction, start, end time.Time) {
	for i, load := range f.Load {
		at := f.Start.Add(time.Duration(i) * time.Hour)
		if !at.Before(start) && at.Before(end) {
			s.times = append(s.times, at)
			s.load = append(s.load, load)
			s.capacity = append(s.capacity, float64(f.capacityOf(i)))
		}
	}
}
