package governor

import (
	"cmp"
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
)

// RenewedAfter is how long a forecast of capacities for steps of a length is good for: six
// hours, and one hour if steps are shorter than that, for what they follow is sooner over.
func RenewedAfter(step time.Duration) time.Duration {
	if step > 0 && step < time.Hour {
		return time.Hour
	}
	return 6 * time.Hour
}

// ErrTooLarge says that a load is beyond what can be forecast.
var ErrTooLarge = errors.New("the load metric is too large to forecast")

// A ShortHistory says that there are too few hours of data for a forecast.
type ShortHistory struct {
	Hours int // with data of the load
	// Enough is when there are enough, if each hour until then has data; zero: that is not known.
	Enough time.Time
}

// Error implements error.
func (e ShortHistory) Error() string {
	hours := "hours"
	if e.Hours == 1 {
		hours = "hour"
	}
	text := fmt.Sprintf("the load metric has %d %s of data, and a minimum of %d hours is required", e.Hours, hours, NeededHours)
	if !e.Enough.IsZero() {
		text += fmt.Sprintf(": there is enough at %s, if each hour until then has data", e.Enough.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return text
}

// An Aim is what a forecast is made for.
type Aim struct {
	Target float64 // of the scaling metric
	// Quantile is that of the load that there is to be capacity for; 0: forecast.Provision.
	Quantile float64
	Calendar Calendar
	// Next is the hour that follows the history.
	Next time.Time
	// Step is for how long there is a capacity each; 0: an hour. An hour is a number of steps.
	Step time.Duration
	// Fine is the load of each of the newest steps up to Next, where they are shorter than an
	// hour: how much of its hour it is counts, and not how much it is.
	Fine []float64
}

// A Calendar is that of a service: where its days begin, and which are holidays.
type Calendar struct {
	Zone     *time.Location // nil: UTC
	Holidays []forecast.Holiday
}

// parts is into how many steps an hour is divided.
func (a Aim) parts() int {
	if a.Step <= 0 || a.Step >= time.Hour {
		return 1
	}
	return int(time.Hour / a.Step)
}

// options are those of the forecast of the hours.
func (a Aim) options() forecast.Options {
	o := forecast.Options{Horizon: ForecastHours, Quantiles: []float64{cmp.Or(a.Quantile, forecast.Provision)}}
	if a.Calendar.Zone != nil || len(a.Calendar.Holidays) > 0 {
		o.Calendar = &forecast.Calendar{Next: a.Next, Zone: a.Calendar.Zone, Holidays: a.Calendar.Holidays}
	}
	return o
}

// A Prediction is a forecast of the load, hour by hour, and of the capacity that
// it needs in each step whatever the bounds.
type Prediction struct {
	Load     []float64
	Capacity []scaling.Capacity
	Relation scaling.Relation // between load and scaling metric, that the capacity follows from
}

// Predict forecasts the hours that follow a history.
func Predict(history []scaling.Hour, a Aim) (Prediction, error) {
	load, known := loadOf(history)
	if known < NeededHours {
		return Prediction{}, a.short(known)
	}
	relation, err := scaling.EstimateRelation(history[max(0, len(history)-RelationHours):], a.Target)
	if err != nil {
		return Prediction{}, err
	}
	hours, needs, err := a.forecast(load)
	switch {
	case errors.Is(err, forecast.ErrTooLarge):
		return Prediction{}, ErrTooLarge
	case err != nil:
		return Prediction{}, fmt.Errorf("forecast the load: %w", err)
	}
	p := Prediction{Load: hours, Relation: relation}
	for _, v := range needs {
		v *= float64(a.parts()) // an hour of such steps
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return Prediction{}, ErrTooLarge
		}
		p.Capacity = append(p.Capacity, relation.Capacity(v, a.Target))
	}
	return p, nil
}

// short is that the hours before the next one have too little data.
func (a Aim) short(known int) ShortHistory {
	e := ShortHistory{Hours: known}
	if !a.Next.IsZero() {
		e.Enough = a.Next.Add(time.Duration(NeededHours-known) * time.Hour)
	}
	return e
}

// forecast is the load of the hours to come, and that of each step which there is to be
// capacity for. Without any history of steps, those of an hour are alike.
func (a Aim) forecast(load []float64) (hours, needs []float64, err error) {
	parts := a.parts()
	if parts == 1 {
		r, err := forecast.Forecast(load, a.options())
		if err != nil {
			return nil, nil, err
		}
		return r.Values, r.Quantiles[0], nil
	}
	r, err := forecast.Fine(load, a.Fine, parts, a.options())
	if err != nil {
		return nil, nil, err
	}
	hours = make([]float64, ForecastHours)
	for i, v := range r.Values {
		hours[i/parts] += v
	}
	return hours, r.Quantiles[0], nil
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
