package server

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/event"
	"flyball/internal/service/autoscaling"
	"flyball/internal/service/ecs"
	"flyball/internal/telemetry"
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
		s.telemetry.Activity(e.Account, e.Region, detail.Activity)
	case ecstypes.Task:
		if e.Type == ecs.EventTask && detail.StopCode == ecstypes.TaskStopCodeTaskFailedToStart && aws.ToString(detail.LastStatus) == "STOPPED" {
			s.telemetry.FailedToStart(e.Account, e.Region, aws.ToString(detail.StoppedReason))
		}
	}
}

// reading is what there is now.
func (s *Server) reading() telemetry.Reading {
	clock, written := s.clockShows(), s.store.Written()
	r := telemetry.Reading{
		Clock: telemetry.Clock{Now: clock.Now, Lead: clock.Now.Sub(clock.Wall), Speed: clock.Speed},
		Store: telemetry.Store(written),
	}
	r.Lease = s.tenancy.reading(context.Background())
	for _, v := range s.cells.all() {
		r.Cells = append(r.Cells, v.reading(context.Background()))
	}
	return r
}

// askTime is how long a scrape waits for the database.
const askTime = time.Second

// reading is which replicas there are, or nil where there are none or the database does not say.
func (t *tenancy) reading(ctx context.Context) *telemetry.Lease {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	peers, err := t.peers(ctx)
	if err != nil {
		return nil
	}
	l := &telemetry.Lease{Epoch: t.fence.Epoch}
	for _, p := range peers {
		l.Replicas = append(l.Replicas, telemetry.Replica{
			Address: p.Address, Release: p.Release, Owner: p.Owner, Silent: p.Silent, Renewals: p.Beats, Forwarded: p.Forwarded,
			Waited: p.Waited, Refused: p.Refused,
		})
	}
	return l
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
