package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/client"
)

// A churn is a service whose tasks are stopped, whose desired count is changed,
// and which is deleted and made anew. Beside it run tasks of no service.
type churn struct {
	caller
	name    string
	deploys bool // its updates start deployments, whose tasks run beside the old ones
	rng     *rand.Rand
	n       int32           // the last value that was written
	stopped map[string]bool // tasks whose StopTask was acknowledged
	ran     map[string]bool // tasks whose RunTask was acknowledged
	alone   []string        // tasks of no service that are to run
}

// mostAlone is how many tasks of no service there may be.
const mostAlone = 2

func newChurn(name string, rng *rand.Rand) *churn {
	return &churn{caller: caller{known: facts{}}, name: name, rng: rng, stopped: map[string]bool{}, ran: map[string]bool{}}
}

func (s *churn) key() key { return key{s.name, "service", ""} }

func (s *churn) exists() bool { return s.known[s.key()] != "" }

// step makes one call.
func (s *churn) step(ctx context.Context, c *client.Client) bool {
	if !s.exists() {
		return s.create(ctx, c)
	}
	switch s.rng.IntN(6) {
	case 0:
		return s.stop(ctx, c)
	case 1:
		return s.delete(ctx, c)
	case 2:
		return s.run(ctx, c)
	}
	return s.update(ctx, c, int32(s.rng.IntN(3)))
}

// create makes the service, unless the one before still has tasks to stop.
func (s *churn) create(ctx context.Context, c *client.Client) bool {
	out, err := c.ECS.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(clusterName), Services: []string{s.name}})
	if err != nil {
		return false
	}
	if len(out.Services) > 0 && aws.ToString(out.Services[0].Status) == "DRAINING" {
		return true
	}
	set := facts{s.key(): serviceFact(1, 0, nil)}
	return s.do(ctx, change{call: "CreateService of " + s.name, set: set}, func(ctx context.Context) error {
		return createService(ctx, c, s.name, 1, s.deployment())
	})
}

// deployment is how the service is deployed; nil is AWS's default.
func (s *churn) deployment() *types.DeploymentConfiguration {
	if !s.deploys {
		return nil
	}
	return &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen, BakeTimeInMinutes: aws.Int32(1)}
}

// update sets the desired count. So that no two calls say the same, it changes
// another value, too.
func (s *churn) update(ctx context.Context, c *client.Client, desired int32) bool {
	s.n++
	set := facts{s.key(): serviceFact(desired, s.n, nil)}
	return s.do(ctx, change{call: "UpdateService of " + s.name, set: set}, func(ctx context.Context) error {
		_, err := c.ECS.UpdateService(ctx, &ecs.UpdateServiceInput{
			Cluster: aws.String(clusterName), Service: &s.name, DesiredCount: &desired, HealthCheckGracePeriodSeconds: aws.Int32(s.n),
			ForceNewDeployment: s.deploys,
		})
		return err
	})
}

func (s *churn) delete(ctx context.Context, c *client.Client) bool {
	return s.do(ctx, change{call: "DeleteService of " + s.name, set: facts{s.key(): ""}}, func(ctx context.Context) error {
		_, err := c.ECS.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String(clusterName), Service: &s.name, Force: aws.Bool(true)})
		return err
	})
}

// stop stops one of the service's tasks, if it has any.
func (s *churn) stop(ctx context.Context, c *client.Client) bool {
	out, err := c.ECS.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String(clusterName), ServiceName: &s.name})
	if err != nil {
		return false
	}
	return len(out.TaskArns) == 0 || s.stopTask(ctx, c, lastPart(out.TaskArns[0]))
}

func (s *churn) stopTask(ctx context.Context, c *client.Client, id string) bool {
	return s.do(ctx, change{call: "StopTask of " + s.name}, func(ctx context.Context) error {
		_, err := c.ECS.StopTask(ctx, &ecs.StopTaskInput{Cluster: aws.String(clusterName), Task: &id})
		if err == nil {
			s.stopped[id] = true
		}
		return err
	})
}

// run runs a task of no service, or stops the one that has run longest.
func (s *churn) run(ctx context.Context, c *client.Client) bool {
	if len(s.alone) >= mostAlone {
		first := s.alone[0]
		s.alone = s.alone[1:]
		return s.stopTask(ctx, c, first)
	}
	return s.do(ctx, change{call: "RunTask of " + s.name}, func(ctx context.Context) error {
		out, err := c.ECS.RunTask(ctx, &ecs.RunTaskInput{
			Cluster: aws.String(clusterName), TaskDefinition: aws.String(clusterName), StartedBy: &s.name,
		})
		if err == nil {
			id := lastPart(*out.Tasks[0].TaskArn)
			s.ran[id] = true
			s.alone = append(s.alone, id)
		}
		return err
	})
}

// unknown are the tasks whose RunTask was acknowledged and that are not there.
func (s *churn) unknown(tasks map[string]task) []fault {
	var faults []fault
	for id := range s.ran {
		if _, ok := tasks[id]; !ok {
			faults = append(faults, fault{lost, "task " + id, fmt.Sprintf("RunTask of %s was acknowledged, and its task %s is not there", s.name, id)})
		}
	}
	return faults
}

// adopt takes the tasks that there are for those that are known from now on.
func (s *churn) adopt(tasks map[string]task) {
	clear(s.stopped)
	clear(s.ran)
	s.alone = nil
	for id, t := range tasks {
		if t.startedBy == s.name && t.desired == "RUNNING" {
			s.alone = append(s.alone, id)
		}
	}
	slices.Sort(s.alone)
}

// unstopped are the tasks whose StopTask was acknowledged and which are to run on.
func (s *churn) unstopped(tasks map[string]task) []fault {
	var faults []fault
	for id := range s.stopped {
		if t, ok := tasks[id]; ok && t.desired != "STOPPED" {
			faults = append(faults, fault{lost, "task " + id, fmt.Sprintf("StopTask of %s of %s was acknowledged, but its desired status is %s", id, s.name, t.desired)})
		}
	}
	return faults
}

// startTask brings the service to a running task, whose id it returns, "" if that
// does not come about.
func (s *churn) startTask(ctx context.Context, c *client.Client) string {
	asked := false
	for ctx.Err() == nil {
		switch {
		case !s.exists():
			if !s.create(ctx, c) {
				return ""
			}
			asked = s.exists()
		case !asked:
			if asked = s.update(ctx, c, 1); !asked {
				return ""
			}
		}
		w := newWorld()
		if w.readTasks(ctx, c) != nil {
			return ""
		}
		for id, t := range w.tasks {
			if t.service == s.name && t.runs() {
				return id
			}
		}
		pause(ctx, 20*time.Millisecond)
	}
	return ""
}

// callEarly calls as soon as a starting server answers: each service loses its
// task in another way.
func callEarly(ctx context.Context, services []*churn, tasks []string) {
	var calls sync.WaitGroup
	for i, s := range services {
		c := s.home.once
		switch i % 3 {
		case 0:
			calls.Go(func() { s.stopTask(ctx, c, tasks[i]) })
		case 1:
			calls.Go(func() { s.update(ctx, c, 0) })
		case 2:
			calls.Go(func() { s.delete(ctx, c) })
		}
	}
	calls.Wait()
}
