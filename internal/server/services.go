package server

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"flyball/internal/cell"
	"flyball/internal/event"
	"flyball/internal/service/autoscaling"
	"flyball/internal/service/cloudwatch"
	"flyball/internal/service/ecs"
	"flyball/internal/state"
	"flyball/internal/status"
	"flyball/internal/task"
	"flyball/internal/task/docker"
	"flyball/internal/task/process"
	"flyball/internal/workload"
)

// openRuntime opens the runtime that was asked for. Auto prefers Docker.
func (s *Server) openRuntime(ctx context.Context) error {
	if s.cfg.Tasks != nil {
		s.runtime = s.cfg.Tasks
		return nil
	}
	name := s.cfg.Runtime
	if name == "auto" {
		name = "docker"
		if err := docker.Available(ctx); err != nil {
			s.cfg.Log.Info("tasks run as processes of this machine: no Docker engine answers", "reason", err)
			name = "process"
		}
	}
	s.removeOrphans(ctx)
	runtime, err := s.runtimeNamed(ctx, name, s.dir.path)
	if err != nil {
		return err
	}
	s.runtime = runtime
	if engine, ok := runtime.(*docker.Runtime); ok {
		s.listenOnBridge(ctx, engine)
	}
	return s.dir.note(name)
}

// runtimeNamed returns a runtime that keeps its tasks in a folder.
func (s *Server) runtimeNamed(ctx context.Context, name, dir string) (task.Runtime, error) {
	args := []string{workload.Command}
	switch name {
	case "process":
		return process.New(process.Options{Dir: dir, Args: args, Images: s.cfg.Images, Log: s.cfg.Log})
	case "docker":
		return docker.New(ctx, docker.Options{Dir: dir, Args: args, Log: s.cfg.Log})
	}
	return nil, fmt.Errorf("runtime %q: give auto, process or docker", name)
}

// openServices loads the AWS services and ties them to each other: ECS
// publishes to CloudWatch, whose alarms trigger the autoscaler, which sets the
// desired counts of ECS.
func (s *Server) openServices() (err error) {
	s.cloudwatch, err = cloudwatch.New(cloudwatch.Config{
		Account: s.cfg.Account, Region: s.cfg.Region, Clock: s.clock, Store: s.store, Log: s.cfg.Log,
		Metrics: s.db,
		Act:     s.act,
	})
	if err != nil {
		return err
	}
	s.cell = &cell.Cell{
		Account: s.cfg.Account, Region: s.cfg.Region,
		Clock: s.clock, State: state.New(s.store), Events: &event.Stream{}, Log: s.cfg.Log,
	}
	s.ecs, err = ecs.New(ecs.Config{
		Cell:     s.cell,
		Runtime:  s.runtime,
		Metrics:  s.cloudwatch,
		Endpoint: s.taskEndpoint,
		Metadata: s.taskEndpoint,
		Deleted:  s.serviceDeleted,
	})
	if err != nil {
		return err
	}
	s.autoscaling, err = autoscaling.New(autoscaling.Config{
		Account: s.cfg.Account, Region: s.cfg.Region, Clock: s.clock, Store: s.store, Log: s.cfg.Log,
		Alarms:       s.cloudwatch,
		Services:     s.ecs,
		MetricPeriod: s.setMetricPeriod,
	})
	return err
}

// adopt has the services take up their tasks of the server's earlier lives before
// any call is answered: a call that found a task of which nobody knows yet whether
// it runs could neither stop nor replace it.
func (s *Server) adopt(ctx context.Context) error {
	recovered, err := s.runtime.Recover(ctx)
	if err != nil {
		return fmt.Errorf("recover tasks: %w", err)
	}
	found := make(map[string]task.Task, len(recovered))
	for _, t := range recovered {
		found[t.ID()] = t
	}
	s.ecs.Adopt(found)
	s.strays = slices.Collect(maps.Values(found))
	return nil
}

// strayGrace is how long tasks that no service knows have to stop.
const strayGrace = 2 * time.Minute

// stopStrays stops the tasks that no service knows, also when the server is about
// to end.
func (s *Server) stopStrays(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), strayGrace)
	defer cancel()
	if err := stopAndRemove(ctx, s.strays); err != nil {
		s.cfg.Log.Warn("tasks that no service knows could not be stopped", "reason", err)
	}
}

// act hands an alarm's scaling action to the autoscaler.
func (s *Server) act(ctx context.Context, n cloudwatch.Notification) error {
	return s.autoscaling.AlarmAction(ctx, autoscaling.Notification{
		Action:     n.Action,
		Alarm:      n.Alarm,
		State:      n.State,
		At:         n.At,
		Threshold:  n.Threshold,
		Datapoints: n.Datapoints,
	})
}

// serviceDeleted takes a deleted service's scalable target and alarms away.
func (s *Server) serviceDeleted(ctx context.Context, cluster, service string) error {
	// The autoscaler has a lock of its own, which is taken before that of the state.
	return s.cell.State.Change(ctx, func(ctx context.Context, tx *state.Tx) error {
		tx.After(func() {
			if err := s.autoscaling.ServiceDeleted(context.WithoutCancel(ctx), "service/"+cluster+"/"+service); err != nil {
				s.cfg.Log.Warn("the scalable target of a deleted service is left", "cluster", cluster, "service", service, "reason", err)
			}
		})
		return nil
	})
}

// setMetricPeriod lets ECS publish a service's metrics as often as its policies
// want to see them.
func (s *Server) setMetricPeriod(resourceID string, period time.Duration) {
	if cluster, service, ok := status.Split(resourceID); ok {
		s.ecs.SetMetricPeriod(context.Background(), cluster, service, period)
	}
}
