package control

import (
	"fmt"
	"slices"
	"time"

	"flyball/scaling"
)

// A Forecast is what a predictive policy forecasts: the load, and the capacity that it needs whatever
// the target's bounds. It encodes as JSON.
type Forecast struct {
	Made     time.Time          `json:"made"`
	Start    time.Time          `json:"start"` // of the first hour
	Load     []float64          `json:"load"`  // of each hour
	Capacity []scaling.Capacity `json:"capacity"`
	Step     time.Duration      `json:"step,omitzero"` // for which there is a capacity each; 0: an hour
	Of       string             `json:"of,omitempty"`  // what it was made of: see Predictive
}

// plan is the forecast as package governor sees it; that of no forecast is empty.
func (f *Forecast) plan() scaling.Plan {
	if f == nil {
		return scaling.Plan{}
	}
	return scaling.Plan{Start: f.Start, Step: f.Step, Steps: f.Capacity}
}

// hourly is what each hour needs: the most of its steps.
func (f *Forecast) hourly() []scaling.Capacity {
	if f.Step <= 0 || f.Step >= time.Hour {
		return f.Capacity
	}
	var most []scaling.Capacity
	for hour := range slices.Chunk(f.Capacity, int(time.Hour/f.Step)) {
		most = append(most, slices.Max(hour))
	}
	return most
}

// A Foretold is a forecast as it is recorded, or why there is no new one.
type Foretold struct {
	Policy   string             `json:"policy"`
	Lacks    string             `json:"lacks,omitempty"`  // why there is none
	Short    bool               `json:"short,omitempty"`  // for want of history
	Scales   bool               `json:"scales,omitempty"` // it sets capacity, and does not only forecast
	Start    time.Time          `json:"start,omitzero"`   // of the first hour
	Load     []float64          `json:"load,omitempty"`   // of each hour
	Capacity []scaling.Capacity `json:"capacity,omitempty"`
	// Before is how the forecast before this one has turned out; nil: there was none, or nothing was measured.
	Before *Outcome `json:"before,omitempty"`
}

// An Outcome is how a forecast has turned out: how far it was from the load that was measured,
// added up over some hours, and that load.
type Outcome struct {
	Hours int     `json:"hours"`
	Off   float64 `json:"off"`
	Load  float64 `json:"load"`
}

// String tells the outcome in a sentence's words.
func (o Outcome) String() string {
	hours := "hours"
	if o.Hours == 1 {
		hours = "hour"
	}
	return fmt.Sprintf("%.1f %% off the load of %d %s", 100*o.Off/o.Load, o.Hours, hours)
}

// outcome compares the forecast with the load that was measured in the hours up to an end; nil: nothing
// can be compared.
func (f *Forecast) outcome(load []float64, end time.Time) *Outcome {
	if f == nil {
		return nil
	}
	var o Outcome
	for i, forecast := range f.Load {
		back := int(end.Sub(f.Start.Add(time.Duration(i)*time.Hour)) / time.Hour)
		if back < 1 || back > len(load) {
			continue
		}
		if measured := load[len(load)-back]; measured == measured { // it is a number
			o.Hours++
			o.Off += max(forecast-measured, measured-forecast)
			o.Load += measured
		}
	}
	if o.Load <= 0 {
		return nil
	}
	return &o
}

// told is the forecast of a policy as it is recorded.
func (f *Forecast) told(policy string, scales bool, before *Outcome) (Foretold, string) {
	hours := f.hourly()
	most := 0
	for i, c := range hours {
		if c > hours[most] {
			most = i
		}
	}
	text := fmt.Sprintf("policy %s forecasts %d to %d until %s, the most at %s", policy, slices.Min(hours), slices.Max(hours),
		f.Start.Add(time.Duration(len(hours))*time.Hour).UTC().Format("2006-01-02 15:04"), f.Start.Add(time.Duration(most)*time.Hour).UTC().Format("2006-01-02 15:04 UTC"))
	if !scales {
		text += ", and does not scale"
	}
	if before != nil {
		text += fmt.Sprintf("; the forecast before was %s", before)
	}
	return Foretold{Policy: policy, Scales: scales, Start: f.Start, Load: f.Load, Capacity: hours, Before: before}, text
}
