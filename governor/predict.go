package governor

import (
	"errors"
	"fmt"
	"math"
	"time"

	"flyball/forecast"
	"flyball/scaling"
)

// "How Application Auto Scaling predictive scaling works": at least a day of
// history, two days ahead, every six hours. There, history is two weeks; here it is
// ten, all that package forecast makes use of. How much load a task can take changes
// with each deployment, and is learned from the newest two.
const (
	HistoryHours  = 10 * 7 * 24
	RelationHours = 14 * 24
	NeededHours   = 24
	ForecastHours = 48
	RenewedAfter  = 6 * time.Hour
)

// ErrTooLarge says that a load is beyond what can be forecast.
var ErrTooLarge = errors.New("the load metric is too large to forecast")

// A ShortHistory says that there are too few hours of data for a forecast.
type ShortHistory struct {
	Hours int // with data of the load
}

// Error implements error.
func (e ShortHistory) Error() string {
	hours := "hours"
	if e.Hours == 1 {
		hours = "hour"
	}
	return fmt.Sprintf("the load metric has %d %s of data, and a minimum of %d hours is required", e.Hours, hours, NeededHours)
}

// A Prediction is a forecast of the load, hour by hour, and of the capacity that
// it needs whatever the bounds.
type Prediction struct {
	Load     []float64
	Capacity []scaling.Capacity
	Relation scaling.Relation // between load and scaling metric, that the capacity follows from
}

// Predict forecasts the hours that follow a history, for a policy that aims at a
// target value of its scaling metric. Quantile is that of the load that there is
// to be capacity for; 0 is forecast.Provision.
func Predict(history []scaling.Hour, target, quantile float64) (Prediction, error) {
	load, known := loadOf(history)
	if known < NeededHours {
		return Prediction{}, ShortHistory{known}
	}
	relation, err := scaling.EstimateRelation(history[max(0, len(history)-RelationHours):], target)
	if err != nil {
		return Prediction{}, err
	}
	if quantile == 0 {
		quantile = forecast.Provision
	}
	r, err := forecast.Forecast(load, forecast.Options{Horizon: ForecastHours, Quantiles: []float64{quantile}})
	switch {
	case errors.Is(err, forecast.ErrTooLarge):
		return Prediction{}, ErrTooLarge
	case err != nil:
		return Prediction{}, fmt.Errorf("forecast the load: %w", err)
	}
	p := Prediction{Load: r.Values, Relation: relation}
	for _, v := range r.Quantiles[0] {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Prediction{}, ErrTooLarge
		}
		p.Capacity = append(p.Capacity, relation.Capacity(v, target))
	}
	return p, nil
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
