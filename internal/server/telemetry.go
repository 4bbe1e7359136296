package server

import (
	"context"

	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/aws/aws-sdk-go-v2/aws"

	"flyball/internal/cell"
	"flyball/internal/event"
	"flyball/internal/service/autoscaling"
	"flyball/internal/service/ecs"
	"flyball/internal/telemetry"
	"flyball/scaling"
)

// openTelemetry comes before the services, which it counts for.
func (s *Server) openTelemetry() {
	s.telemetry = telemetry.New(s.reading)
	s.events.Heard = s.count
}

// count counts what an event tells of.
func (s *Server) count(e event.Event) {
	switch detail := e.Detail.(type) {
	case autoscaling.ActivityChange:
		if detail.Status.Ended() && len(detail.NotScaled) == 0 {
			s.telemetry.Activity(e.Account, e.Region, string(detail.Status))
		}
	case ecstypes.Task:
		if e.Type == ecs.EventTask && detail.StopCode == ecstypes.TaskStopCodeTaskFailedToStart && aws.ToString(detail.LastStatus) == "STOPPED" {
			s.telemetry.FailedToStart(e.Account, e.Region, aws.ToString(detail.StoppedReason))
		}
	}
}

// countDecisions counts those of a cell, each with the first of its reasons that AWS reports,
// or else the first.
func (s *Server) countDecisions(c *cell.Cell) func(scaling.Decision) {
	return func(d scaling.Decision) {
		reason := ""
		for _, r := range d.Reasons {
			if reason == "" || r.Reported() {
				reason = string(r.Code)
			}
			if r.Reported() {
				break
			}
		}
		s.telemetry.Decision(c.Account, c.Region, d.Direction.String(), reason)
	}
}

// reading is what there is now.
func (s *Server) reading() telemetry.Reading {
	clock, written := s.clockShows(), s.store.Written()
	r := telemetry.Reading{
		Clock: telemetry.Clock{Now: clock.Now, Lead: clock.Now.Sub(clock.Wall), Speed: clock.Speed},
		Store: telemetry.Store(written),
	}
	for _, v := range s.cells.all() {
		r.Cells = append(r.Cells, v.reading(context.Background()))
	}
	return r
}

// reading is what there is in a region of an account.
func (v *services) reading(ctx context.Context) telemetry.Cell {
	c := telemetry.Cell{Account: v.cell.Account, Region: v.cell.Region, Alarms: v.cloudwatch.AlarmStates(ctx)}
	for _, l := range v.ecs.Levels(ctx) {
		c.Services = append(c.Services, telemetry.Service{Cluster: l.Cluster, Name: l.Service, Desired: l.Desired, Running: l.Running, Pending: l.Pending})
	}
	for _, b := range v.autoscaling.Bounds(ctx) {
		c.Targets = append(c.Targets, telemetry.Target{Resource: string(b.Resource), Min: int(b.Min), Max: int(b.Max)})
	}
	for _, d := range v.sqs.Depths(ctx) {
		c.Queues = append(c.Queues, telemetry.Queue{Name: d.Queue, Visible: d.Visible, NotVisible: d.InFlight, Delayed: d.Delayed})
	}
	for _, a := range v.autoscaling.Accuracies(ctx) {
		c.Forecasts = append(c.Forecasts, telemetry.Forecast{Resource: string(a.Resource), Policy: a.Policy, Error: a.Error})
	}
	return c
}
