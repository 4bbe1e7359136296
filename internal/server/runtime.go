package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	stdruntime "runtime"
	"slices"
	"time"

	"flyball/internal/task"
	"flyball/internal/task/docker"
	"flyball/internal/task/process"
	"flyball/internal/task/simulated"
	"flyball/internal/workload"
)

// openRuntime opens the runtime that was asked for. Auto prefers Docker.
func (s *Server) openRuntime(ctx context.Context) error {
	if s.cfg.Tasks != nil {
		s.runtime = s.cfg.Tasks
		return nil
	}
	name := s.cfg.Runtime
	if name == "auto" && s.clock.IsManual() {
		name = "simulated"
	}
	if name == "auto" {
		name = "docker"
		if err := docker.Available(ctx); errors.Is(err, docker.ErrPermission) && surroundings().container {
			return mountedInVain(err)
		} else if err != nil {
			s.cfg.Log.Info("tasks run as processes of this machine: no Docker engine answers", "reason", err)
			name = "process"
		}
	}
	s.removeOrphans(ctx)
	runtime, err := s.runtimeNamed(ctx, name, s.dir.path, process.NetworkMode(s.cfg.TaskNetwork))
	if err != nil {
		return err
	}
	s.runtime = runtime
	if lack := shortcoming(stdruntime.GOOS, name); lack != "" {
		s.cfg.Log.Warn(lack, "runtime", name)
	}
	s.learnCluster()
	if err := s.learnSurroundings(ctx); err != nil {
		return err
	}
	if runtime, ok := runtime.(bridged); ok {
		s.listenOnBridge(ctx, runtime)
	}
	return s.dir.note(name)
}

// runtimeNamed returns a runtime that keeps its tasks in a folder. If they are processes,
// new ones get a network as told.
func (s *Server) runtimeNamed(ctx context.Context, name, dir string, network process.NetworkMode) (task.Runtime, error) {
	args := []string{workload.Command}
	switch name {
	case "process":
		return process.New(process.Options{
			Dir: dir, Args: args, Images: s.cfg.Images, Hidden: s.dir.path, Log: s.cfg.Log,
			Network: network, Range: s.cfg.TaskRange, Source: imageSource{s},
		})
	case "simulated":
		return simulated.New(simulated.Options{Clock: s.clock, Start: s.cfg.TaskStart, Stop: s.cfg.TaskStop}), nil
	case "kubernetes":
		return s.openKubernetes(ctx, dir)
	case "docker":
		runtime, err := docker.New(ctx, docker.Options{Dir: dir, Args: args, Login: s.Login, Log: s.cfg.Log})
		if err != nil {
			return nil, fmt.Errorf("%w; start Docker, name its socket in DOCKER_HOST, or serve with --runtime process", err)
		}
		return runtime, nil
	}
	return nil, fmt.Errorf("runtime %q: give auto, process, docker, kubernetes or simulated", name)
}

// adopt has the cells take up their tasks of the server's earlier lives before any
// call is answered: a call that found a task of which nobody knows yet whether it
// runs could neither stop nor replace it.
func (s *Server) adopt(ctx context.Context) error {
	recovered, err := s.runtime.Recover(ctx)
	if err != nil {
		return fmt.Errorf("recover tasks: %w", err)
	}
	found := make(map[string]task.Task, len(recovered))
	for _, t := range recovered {
		found[t.ID()] = t
	}
	for _, c := range s.cells.all() {
		c.ecs.Adopt(found)
	}
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
