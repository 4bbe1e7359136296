package ecs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/disk"
	runtime "flyball/internal/task"
)

// isHeldUp checks that the deployment waits and has not failed, and that an event says why.
func (w *world) isHeldUp(why string) {
	w.Helper()
	s := w.service()
	d := s.Deployments[0]
	if d.RolloutState != types.DeploymentRolloutStateInProgress || d.FailedTasks != 0 || !strings.HasSuffix(*s.TaskDefinition, "web:2") || s.RunningCount != 3 {
		w.Fatalf("%s is %s with %d failed tasks, and %d run: %q", *s.TaskDefinition, d.RolloutState, d.FailedTasks, s.RunningCount, w.events())
	}
	told := 0
	for _, e := range w.events() {
		if strings.Contains(e, "was unable to place a task because "+why) {
			told++
		}
	}
	if told != 1 {
		w.Errorf("%d events tell why: %q", told, w.events())
	}
}

// completes checks that the deployment goes on by itself.
func (w *world) completes(within time.Duration) {
	w.Helper()
	w.pass(within + stableAfter)
	if d := w.service().Deployments[0]; d.RolloutState != types.DeploymentRolloutStateCompleted || d.RunningCount != 3 {
		w.Errorf("the deployment is %s with %d tasks: %q", d.RolloutState, d.RunningCount, w.events())
	}
}

func TestAFullDiskIsNoFailureOfADeployment(t *testing.T) {
	inWorld(t, func(w *world) {
		full, err := disk.Open(disk.Options{Dir: w.TempDir(), NoReserve: true, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			w.Fatal(err)
		}
		w.config.Cell.Disk = full
		lacks := func(context.Context, runtime.Spec) error {
			err := fmt.Errorf("making the task's directory: %w", syscall.ENOSPC)
			full.Refuses(err)
			return err
		}
		w.serve(3, breaker)
		w.define()
		w.runtime.set(lacks, nil)
		w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:2")})
		w.pass(time.Hour / 2)
		w.isHeldUp("the disk of ")
		if n := len(w.tasks(types.DesiredStatusStopped)); n != 3 {
			t.Errorf("%d tasks were tried on a full disk, and 3 did not know it", n)
		}
		w.runtime.set(nil, nil)
		running, end := context.WithCancel(w.Context())
		defer end()
		go full.Run(running)
		w.completes(time.Minute)
	})
}

func TestWhatAMachineLacksIsNoFailureOfADeployment(t *testing.T) {
	for why, err := range map[string]error{
		"it needs more room on the disk than there is":  fmt.Errorf("unpack an image: %w", syscall.ENOSPC),
		"too few file descriptors are left; stop tasks": fmt.Errorf("%w: too few file descriptors are left; stop tasks", runtime.ErrNoRoom),
	} {
		inWorld(t, func(w *world) {
			w.serve(3, breaker)
			w.define()
			w.runtime.set(func(context.Context, runtime.Spec) error { return err }, nil)
			w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:2")})
			w.pass(time.Hour / 2)
			w.isHeldUp(why)
			w.runtime.set(nil, nil)
			w.completes(6 * time.Minute) // no more than the longest back-off
		})
	}
}

// unstarted are tasks that end because a container of theirs was not started.
func unstarted(err error, others ...runtime.Exit) func(*fakeTask) {
	return func(t *fakeTask) {
		t.exits = append(others, runtime.Exit{Container: "web", Reason: "CannotStartContainerError: " + err.Error(), Err: err})
		close(t.done)
	}
}

// As room for containers that are started with their task, so that for those that wait for others.
func TestWhatAMachineLacksForALaterContainerIsNoFailureOfADeployment(t *testing.T) {
	for why, err := range map[string]error{
		"it needs more room on the disk than there is": fmt.Errorf("writing the task's record: %w", syscall.ENOSPC),
		"too few file descriptors are left":            fmt.Errorf("make a pipe: %w", syscall.EMFILE),
	} {
		inWorld(t, func(w *world) {
			w.serve(3, breaker)
			w.define()
			w.runtime.set(nil, unstarted(err))
			w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:2")})
			w.pass(time.Hour / 2)
			w.isHeldUp(why)
			w.runtime.set(nil, nil)
			w.completes(6 * time.Minute)
		})
	}
}

func TestATaskFailsThatEndsForAnotherReasonThanWantOfRoom(t *testing.T) {
	for name, prepare := range map[string]func(*fakeTask){
		"there is no such program": unstarted(syscall.ENOENT),
		"one that is not essential lacked room": func(t *fakeTask) {
			unstarted(errors.New("another error"), runtime.Exit{Container: "sidecar", Err: syscall.ENOSPC})(t)
		},
	} {
		inWorld(t, func(w *world) {
			w.serve(3, breaker)
			w.define(func(in *ecs.RegisterTaskDefinitionInput) {
				in.ContainerDefinitions = append(in.ContainerDefinitions, types.ContainerDefinition{
					Name: aws.String("sidecar"), Image: aws.String("flyball/web"), Essential: aws.Bool(false),
				})
			})
			w.runtime.set(nil, prepare)
			w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:2")})
			w.pass(time.Hour / 2)
			if !slices.ContainsFunc(w.events(), func(e string) bool { return strings.Contains(e, "tasks failed to start") }) {
				t.Errorf("%s: the deployment has not failed: %q", name, w.events())
			}
		})
	}
}
