package ecs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// shown is what clients see of the services and tasks of cluster prod.
func (w *world) shown() string {
	w.Helper()
	var b strings.Builder
	for _, name := range []string{"a", "b", "c"} {
		out := must(w.api.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{name}}))(w)
		fmt.Fprintf(&b, "%s\n", marshal(out.Services))
	}
	for _, id := range w.taskIDs() {
		out := must(w.api.DescribeTasks(w.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{id}}))(w)
		fmt.Fprintf(&b, "%s\n", marshal(out.Tasks))
	}
	return b.String()
}

// taskIDs are the tasks of cluster prod that are remembered, in order.
func (w *world) taskIDs() []string { return sorted(w.api.clusters["prod"].tasks) }

// A walk is a random sequence of calls, failures and restarts.
type walk struct {
	*world
	*rand.Rand
	groups []string // target groups that services may be behind
}

func (w walk) name() *string { return aws.String([]string{"a", "b", "c"}[w.IntN(3)]) }

// behindSome puts a service behind some of the target groups, or none.
func (w walk) behindSome() func(*ecs.CreateServiceInput) {
	return behind(w.groups[w.IntN(len(w.groups)+1):]...)
}

// step does one thing. Calls that are refused, such as one for a service that is
// not there, are steps, too.
func (w walk) step() {
	ctx, prod, n := w.Context(), aws.String("prod"), int32(w.IntN(5))
	switch w.IntN(9) {
	case 0, 1:
		_, _ = w.api.CreateService(ctx, webService(n, w.behindSome(), func(in *ecs.CreateServiceInput) { in.ServiceName = w.name() }))
	case 2, 3:
		_, _ = w.api.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: prod, Service: w.name(), DesiredCount: &n})
	case 4:
		_, _ = w.api.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: prod, Service: w.name(), ForceNewDeployment: true})
	case 5:
		_, _ = w.api.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: prod, Service: w.name(), Force: aws.Bool(true)})
	case 6:
		_, _ = w.api.RunTask(ctx, &ecs.RunTaskInput{Cluster: prod, TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets})
	case 7:
		if ids := w.taskIDs(); len(ids) > 0 {
			_, _ = w.api.StopTask(ctx, &ecs.StopTaskInput{Cluster: prod, Task: &ids[w.IntN(len(ids))]})
		}
	case 8:
		if task := w.runtime.any(); task != nil {
			task.exit(1)
		}
	}
}

// Whatever came before: a restart shows what was shown, starts nothing twice and
// leaves nothing that nobody knows; and left alone, services get what they want.
func TestARestartAnywhereShowsWhatWasThere(t *testing.T) {
	for seed := range uint64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.runtime.set(nil, func(t *fakeTask) { t.stopAfter = 2 * time.Second })
				walk{world: w, Rand: rand.New(rand.NewPCG(seed, 0))}.play()
			})
		})
	}
}

// play takes forty steps with restarts among them, and checks what has come of it.
func (w walk) play() {
	w.cluster("prod")
	w.define()
	for range 40 {
		w.step()
		synctest.Wait()
		if w.IntN(4) == 0 {
			w.pass(time.Duration(w.IntN(5000)) * time.Millisecond)
		}
		if w.IntN(8) == 0 {
			w.restart()
		}
	}
	w.pass(15 * time.Minute)
	w.checkSettled()
}

// restart crashes the server, and compares what it showed at last with what the
// next life shows at first.
func (w *world) restart() {
	w.Helper()
	w.crash()
	before := w.shown()
	if err := w.config.Cell.State.Settle(w.Context()); err != nil {
		w.Fatal(err)
	}
	w.open()
	if after := w.shown(); after != before {
		w.Fatalf("a restart changes what is shown:\n%s", difference(before, after))
	}
	if len(w.strays) > 0 {
		w.Errorf("%d tasks run of which nobody knows", len(w.strays))
	}
	w.run()
}

// checkSettled checks that what runs is what is wanted.
func (w *world) checkSettled() {
	w.Helper()
	wanted := 0
	for _, name := range []string{"a", "b", "c"} {
		for _, s := range must(w.api.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{name}}))(w).Services {
			if *s.Status == active && (s.RunningCount != s.DesiredCount || len(s.Deployments) != 1) {
				w.Errorf("service %s has %d of %d tasks in %d deployments", name, s.RunningCount, s.DesiredCount, len(s.Deployments))
			}
			wanted += int(s.DesiredCount)
		}
	}
	var alone []string
	for id, task := range w.api.clusters["prod"].tasks {
		if task.deployment == "" && !task.stopped() {
			alone = append(alone, id)
		}
	}
	slices.Sort(alone)
	if n := w.runtime.alive(); n != wanted+len(alone) {
		w.Errorf("%d tasks are alive, want %d of services and %v", n, wanted, alone)
	}
}

func TestTasksOfEveryRevisionOutliveARestart(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		for range 12 {
			revision := w.define()
			must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{
				Cluster: aws.String("prod"), TaskDefinition: revision.TaskDefinitionArn, LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets,
			}))(w)
		}
		w.pass(time.Minute)
		w.restart()
		if n := len(w.taskIDs()); n != 12 {
			t.Errorf("%d tasks after a restart, want 12", n)
		}
	})
}
