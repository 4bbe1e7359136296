package report

import (
	"encoding/json"
	"io"
	"time"

	"flyball/internal/load"
)

// mostJSON is how many stretches of the load are written for programs.
const mostJSON = 1200

// WriteJSON writes the figures of a run: times are on its clock; durations, and rates, real.
func (r Run) WriteJSON(w io.Writer) error {
	out := json.NewEncoder(w)
	out.SetIndent("", " ")
	out.SetEscapeHTML(false)
	return out.Encode(r.figures())
}

// figures are what is written.
func (r Run) figures() map[string]any {
	s := r.Summary()
	return map[string]any{
		"service": r.Service, "of": r.subject(), "from": r.From.UTC(), "to": r.To.UTC(), "speed": r.Speed,
		"summary": map[string]any{
			"requests": s.Requests, "failed": s.Failures, "failures": s.Kinds, "latency": latencySeconds(s.Latency),
			"peak_cpu": s.PeakCPU, "least_tasks": s.Least, "most_tasks": s.Most, "last_tasks": s.Last,
			"scale_outs": s.ScaleOuts, "scale_ins": s.ScaleIns, "not_scaled": s.NotScaled,
		},
		"fail_if": orEmpty(r.Conditions), "load": r.stretchFigures(),
		"cpu": datapoints(r.CPU), "running": datapoints(r.Running), "desired": datapoints(r.Desired),
		"activities": activityFigures(r.Activities),
		"alarms":     spanFigures(r.Alarms), "cooldowns": spanFigures(r.Cooldowns), "deployments": spanFigures(r.Deployments),
	}
}

// stretchFigures are the load, some seconds at a time.
func (r Run) stretchFigures() []map[string]any {
	figures := []map[string]any{}
	if len(r.Load) == 0 {
		return figures
	}
	for _, s := range stretches(r.Load, r.From, r.To, r.To.Sub(r.From)/mostJSON) {
		figure := map[string]any{
			"time": s.at.UTC(), "seconds": s.seconds, "requests": s.requests, "failed": s.failures, "in_flight": s.line.InFlight,
			"latency": latencySeconds(s.latency()),
		}
		if s.seconds > 0 {
			figure["throughput"] = float64(s.requests-s.failures) / s.seconds
		}
		if s.requests > 0 {
			figure["errors"] = 100 * float64(s.failures) / float64(s.requests) // percent
		}
		for name, level := range map[string]*float64{"users": s.line.Users, "rate": s.line.Rate} {
			if level != nil {
				figure[name] = *level
			}
		}
		if s.line.Tasks != nil {
			figure["tasks"] = s.line.Tasks
		}
		figures = append(figures, figure)
	}
	return figures
}

func latencySeconds(l load.Latency) map[string]float64 {
	return map[string]float64{
		"p50": l.P50.Seconds(), "p90": l.P90.Seconds(), "p95": l.P95.Seconds(), "p99": l.P99.Seconds(), "p99.9": l.P999.Seconds(), "max": l.Max.Seconds(),
	}
}

// A figureAt is a value at a time.
type figureAt struct {
	Time  time.Time `json:"time"`
	Value float64   `json:"value"`
}

func datapoints(all []Datapoint) []figureAt {
	figures := make([]figureAt, len(all))
	for i, d := range all {
		figures[i] = figureAt{d.At.UTC(), d.Value}
	}
	return figures
}

func activityFigures(all []Activity) []map[string]any {
	figures := []map[string]any{}
	for _, a := range all {
		figure := map[string]any{"time": a.At.UTC(), "what": a.Headline(), "status": a.Status, "cause": a.Cause, "details": a.Details, "from": a.From}
		if a.Scaled {
			figure["to"] = a.To
		}
		if len(a.Why) > 0 {
			figure["not_scaled_reasons"] = a.Why
		}
		figures = append(figures, figure)
	}
	return figures
}

func spanFigures(all []Span) []map[string]any {
	figures := []map[string]any{}
	for _, s := range all {
		figures = append(figures, map[string]any{"from": s.From.UTC(), "to": s.To.UTC(), "label": s.Label, "title": s.Title})
	}
	return figures
}

func orEmpty[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
