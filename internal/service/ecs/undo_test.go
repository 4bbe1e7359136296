package ecs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"flyball/internal/event"
	"flyball/internal/state"
	"flyball/internal/store"
	runtime "flyball/internal/task"
)

var errWrong = errors.New("wrong")

// kinds are all that are stored.
var kinds = []state.Kind{kindCluster, kindDefinition, kindService, kindEvent, kindRollout, kindTask, kindInstance, kindProvider, kindSetting}

// furnish makes a cluster with something of every kind, whose service has two
// running tasks and a second deployment on the way.
func (w *world) furnish() {
	w.serve(2)
	must(w.api.CreateCapacityProvider(w.Context(), &ecs.CreateCapacityProviderInput{
		Name:                     aws.String("hosts"),
		AutoScalingGroupProvider: &types.AutoScalingGroupProvider{AutoScalingGroupArn: aws.String("arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:u:autoScalingGroupName/g")},
	}))(w)
	must(w.api.RegisterContainerInstance(w.Context(), &ecs.RegisterContainerInstanceInput{Cluster: aws.String("prod")}))(w)
	must(w.api.PutAccountSetting(w.Context(), &ecs.PutAccountSettingInput{Name: types.SettingNameContainerInsights, Value: aws.String("enabled")}))(w)
	must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{
		Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets,
	}))(w)
	w.cluster("empty")
	w.define()
	must(w.api.DeregisterTaskDefinition(w.Context(), &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("web:2")}))(w)
	w.define()
	w.runtime.set(func(ctx context.Context, _ runtime.Spec) error { <-ctx.Done(); return ctx.Err() }, nil) // no more tasks get ready
	w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:3")})
	w.pass(10 * time.Second)
}

// everything is all that can be seen of the state, in memory and in the store.
func (w *world) everything() string {
	w.Helper()
	var b strings.Builder
	a := w.api
	a.cell.State.View(w.Context(), func() {
		for _, name := range sorted(a.clusters) {
			c := a.clusters[name]
			fmt.Fprintf(&b, "cluster %s\n", marshal(c.api))
			for _, name := range sorted(c.services) {
				s := c.services[name]
				fmt.Fprintf(&b, "service %s every %v\n%s\n", marshal(s.stored()), s.period, marshal(s.history))
				fmt.Fprintf(&b, "events %s next %d, %d failures, attempt %d, tasks %v\n", marshal(s.events), s.eventNumber, s.primary().Retry.Failures, s.primary().Retry.attempt, sorted(s.tasks))
			}
			for _, id := range sorted(c.tasks) {
				t := c.tasks[id]
				fmt.Fprintf(&b, "task %s protected until %v\n", marshal(t.api), t.protectedUntil)
			}
			for _, id := range sorted(c.instances) {
				fmt.Fprintf(&b, "instance %s\n", marshal(c.instances[id].api))
			}
		}
		for _, name := range sorted(a.families) {
			for _, d := range a.families[name].revisions {
				fmt.Fprintf(&b, "definition %s %s\n", marshal(d.api), marshal(d.tags))
			}
		}
		for _, name := range sorted(a.providers) {
			fmt.Fprintf(&b, "provider %s\n", marshal(a.providers[name].api))
		}
		fmt.Fprintln(&b, a.settings, a.periods, len(a.byPeriod), a.undriven.Len())
	})
	for _, k := range kinds {
		if err := w.store.Scan(k.Name, store.Range{}, func(key string, value []byte) bool {
			fmt.Fprintln(&b, k.Name, key, string(value))
			return true
		}); err != nil {
			w.Fatal(err)
		}
	}
	return b.String()
}

// Every operation that changes something, as part of a change that fails
// afterwards.
func TestAFailedChangeTakesEveryOperationBack(t *testing.T) {
	prod := aws.String("prod")
	operations := map[string]func(ctx context.Context, w *world) error{
		"CreateCluster": func(ctx context.Context, w *world) error {
			return second(w.api.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("new")}))
		},
		"UpdateCluster": func(ctx context.Context, w *world) error {
			return second(w.api.UpdateClusterSettings(ctx, &ecs.UpdateClusterSettingsInput{Cluster: prod, Settings: []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: aws.String("enhanced")}}}))
		},
		"DeleteCluster": func(ctx context.Context, w *world) error {
			return second(w.api.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: aws.String("empty")}))
		},
		"PutClusterCapacityProviders": func(ctx context.Context, w *world) error {
			return second(w.api.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{Cluster: prod, CapacityProviders: []string{"FARGATE"}}))
		},
		"RegisterTaskDefinition of a new family": func(ctx context.Context, w *world) error {
			return second(w.api.RegisterTaskDefinition(ctx, webDefinition(func(in *ecs.RegisterTaskDefinitionInput) { in.Family = aws.String("new") })))
		},
		"RegisterTaskDefinition": func(ctx context.Context, w *world) error {
			return second(w.api.RegisterTaskDefinition(ctx, webDefinition()))
		},
		"DeregisterTaskDefinition": func(ctx context.Context, w *world) error {
			return second(w.api.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String("web:1")}))
		},
		"DeleteTaskDefinitions": func(ctx context.Context, w *world) error {
			return second(w.api.DeleteTaskDefinitions(ctx, &ecs.DeleteTaskDefinitionsInput{TaskDefinitions: []string{"web:2"}}))
		},
		"CreateService": func(ctx context.Context, w *world) error {
			return second(w.api.CreateService(ctx, webService(3, func(in *ecs.CreateServiceInput) { in.ServiceName = aws.String("new") })))
		},
		"UpdateService": func(ctx context.Context, w *world) error {
			return second(w.api.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: prod, Service: aws.String("web"), DesiredCount: aws.Int32(7)}))
		},
		"UpdateService to nothing": func(ctx context.Context, w *world) error {
			return second(w.api.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: prod, Service: aws.String("web"), DesiredCount: aws.Int32(0)}))
		},
		"UpdateService with a new deployment": func(ctx context.Context, w *world) error {
			return second(w.api.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: prod, Service: aws.String("web"), ForceNewDeployment: true, Monitoring: &types.MonitoringConfiguration{
				MetricConfigurations: []types.MetricConfiguration{{MetricNames: []string{"CPUUtilization"}, ResolutionSeconds: aws.Int32(20)}},
			}}))
		},
		"StopServiceDeployment": func(ctx context.Context, w *world) error {
			list, err := w.api.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Cluster: prod, Service: aws.String("web")})
			if err != nil {
				return err
			}
			return second(w.api.StopServiceDeployment(ctx, &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: list.ServiceDeployments[0].ServiceDeploymentArn}))
		},
		"DeleteService": func(ctx context.Context, w *world) error {
			return second(w.api.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: prod, Service: aws.String("web"), Force: aws.Bool(true)}))
		},
		"RunTask": func(ctx context.Context, w *world) error {
			return second(w.api.RunTask(ctx, &ecs.RunTaskInput{Cluster: prod, TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets}))
		},
		"StartTask": func(ctx context.Context, w *world) error {
			return second(w.api.StartTask(ctx, &ecs.StartTaskInput{Cluster: prod, TaskDefinition: aws.String("web"), NetworkConfiguration: subnets, ContainerInstances: w.instances(ctx)}))
		},
		"StopTask": func(ctx context.Context, w *world) error {
			return second(w.api.StopTask(ctx, &ecs.StopTaskInput{Cluster: prod, Task: w.taskARN(ctx)}))
		},
		"UpdateTaskProtection": func(ctx context.Context, w *world) error {
			return second(w.api.UpdateTaskProtection(ctx, &ecs.UpdateTaskProtectionInput{Cluster: prod, Tasks: []string{*w.taskARN(ctx)}, ProtectionEnabled: true}))
		},
		"TagResource": func(ctx context.Context, w *world) error {
			return second(w.api.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: w.taskARN(ctx), Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}))
		},
		"RegisterContainerInstance": func(ctx context.Context, w *world) error {
			return second(w.api.RegisterContainerInstance(ctx, &ecs.RegisterContainerInstanceInput{Cluster: prod}))
		},
		"UpdateContainerInstancesState": func(ctx context.Context, w *world) error {
			return second(w.api.UpdateContainerInstancesState(ctx, &ecs.UpdateContainerInstancesStateInput{Cluster: prod, ContainerInstances: w.instances(ctx), Status: types.ContainerInstanceStatusDraining}))
		},
		"DeregisterContainerInstance": func(ctx context.Context, w *world) error {
			return second(w.api.DeregisterContainerInstance(ctx, &ecs.DeregisterContainerInstanceInput{Cluster: prod, ContainerInstance: &w.instances(ctx)[0]}))
		},
		"PutAttributes": func(ctx context.Context, w *world) error {
			return second(w.api.PutAttributes(ctx, &ecs.PutAttributesInput{Cluster: prod, Attributes: []types.Attribute{{Name: aws.String("stack"), TargetId: &w.instances(ctx)[0]}}}))
		},
		"CreateCapacityProvider": func(ctx context.Context, w *world) error {
			return second(w.api.CreateCapacityProvider(ctx, &ecs.CreateCapacityProviderInput{
				Name:                     aws.String("others"),
				AutoScalingGroupProvider: &types.AutoScalingGroupProvider{AutoScalingGroupArn: aws.String("arn:aws:autoscaling:us-east-1:123456789012:autoScalingGroup:u:autoScalingGroupName/h")},
			}))
		},
		"UpdateCapacityProvider": func(ctx context.Context, w *world) error {
			return second(w.api.UpdateCapacityProvider(ctx, &ecs.UpdateCapacityProviderInput{Name: aws.String("hosts"), AutoScalingGroupProvider: &types.AutoScalingGroupProviderUpdate{ManagedDraining: types.ManagedDrainingDisabled}}))
		},
		"DeleteCapacityProvider": func(ctx context.Context, w *world) error {
			return second(w.api.DeleteCapacityProvider(ctx, &ecs.DeleteCapacityProviderInput{CapacityProvider: aws.String("hosts")}))
		},
		"PutAccountSetting": func(ctx context.Context, w *world) error {
			return second(w.api.PutAccountSetting(ctx, &ecs.PutAccountSettingInput{Name: types.SettingNameContainerInsights, Value: aws.String("disabled")}))
		},
		"DeleteAccountSetting": func(ctx context.Context, w *world) error {
			return second(w.api.DeleteAccountSetting(ctx, &ecs.DeleteAccountSettingInput{Name: types.SettingNameContainerInsights}))
		},
		"SetMetricPeriod": func(ctx context.Context, w *world) error {
			w.api.SetMetricPeriod(ctx, "prod", "web", 20*time.Second)
			return nil
		},
	}
	for _, name := range sorted(operations) {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.furnish()
				before, started, told := w.everything(), w.runtime.started, w.config.Cell.Events.Last()
				err := w.config.Cell.State.Change(w.Context(), func(ctx context.Context, _ *state.Tx) error {
					if err := operations[name](ctx, w); err != nil {
						t.Errorf("the operation failed: %v", err)
					}
					return errWrong
				})
				if err != errWrong {
					t.Errorf("the change ended with %v", err)
				}
				w.pass(time.Second)
				if after := w.everything(); after != before {
					t.Errorf("something has changed:\n%s", difference(before, after))
				}
				if n := w.config.Cell.Events.Last(); w.runtime.started != started || n != told {
					t.Errorf("%d tasks were started, %d events published", w.runtime.started-started, n-told)
				}
			})
		})
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (w *world) taskARN(ctx context.Context) *string {
	w.Helper()
	return &must(w.api.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("prod"), ServiceName: aws.String("web")}))(w).TaskArns[0]
}

func (w *world) instances(ctx context.Context) []string {
	w.Helper()
	return must(w.api.ListContainerInstances(ctx, &ecs.ListContainerInstancesInput{Cluster: aws.String("prod")}))(w).ContainerInstanceArns
}

// difference is where two texts begin to differ.
func difference(before, after string) string {
	i := 0
	for i < min(len(before), len(after)) && before[i] == after[i] {
		i++
	}
	around := func(s string) string { return s[max(0, i-80):min(len(s), i+80)] }
	return "before .. " + around(before) + "\nafter  .. " + around(after)
}

func TestAServiceAndWhatScalesItAreDeletedTogether(t *testing.T) {
	inWorld(t, func(w *world) {
		scaled := true
		var refuse error
		w.config.Deleted = func(ctx context.Context, cluster, service string) error {
			return w.config.Cell.State.Change(ctx, func(_ context.Context, tx *state.Tx) error {
				if cluster != "prod" || service != "web" {
					t.Errorf("told of %s/%s", cluster, service)
				}
				keep(tx, &scaled)
				scaled = false
				return refuse
			})
		}
		w.runtime.set(nil, func(t *fakeTask) { t.stopAfter = time.Second }) // meanwhile the service is draining
		w.end()
		w.boot()
		w.serve(2)
		del := &ecs.DeleteServiceInput{Cluster: aws.String("prod"), Service: aws.String("web")}
		if _, err := w.api.DeleteService(w.Context(), del); err == nil || !scaled {
			t.Errorf("a service above 0: %v, its target is there: %v", err, scaled)
		}
		del.Force, refuse = aws.Bool(true), errWrong
		if _, err := w.api.DeleteService(w.Context(), del); err != errWrong || !scaled || *w.service().Status != active || w.service().DesiredCount != 2 {
			t.Errorf("with a target that cannot go: %v, its target is there: %v, the service is %s", err, scaled, *w.service().Status)
		}
		refuse = nil
		if _, err := w.api.DeleteService(w.Context(), del); err != nil || scaled || *w.service().Status != draining {
			t.Errorf("got %v, the target is there: %v, the service is %s", err, scaled, *w.service().Status)
		}
	})
}

func TestWhatHappensIsPublished(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		w.scale(0)
		w.pass(time.Second)
		events, err := w.config.Cell.Events.Next(w.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, e := range events {
			if e.Source != "aws.ecs" || e.Region != "us-east-1" || e.Account != "123456789012" {
				t.Errorf("event of %s in %s of %s", e.Source, e.Region, e.Account)
			}
			told = append(told, summary(e))
		}
		want := []string{
			"deployment SERVICE_DEPLOYMENT_IN_PROGRESS", "task PROVISIONING", "has started 1 tasks", "task PENDING", "task ACTIVATING", "task RUNNING",
			"deployment completed", "deployment SERVICE_DEPLOYMENT_COMPLETED", "has reached a steady state", "action SERVICE_STEADY_STATE",
			"action SERVICE_DESIRED_COUNT_UPDATED", "task DEACTIVATING", "has stopped 1 running tasks", "task STOPPING", "task DEPROVISIONING", "task STOPPED",
			"has reached a steady state", "action SERVICE_STEADY_STATE",
		}
		if got := strings.Join(told, "\n"); got != strings.Join(want, "\n") {
			t.Errorf("told\n%s\nwant\n%s", got, strings.Join(want, "\n"))
		}
	})
}

func summary(e event.Event) string {
	switch d := e.Detail.(type) {
	case types.Task:
		return "task " + *d.LastStatus
	case Action:
		if e.Type == EventDeployment {
			return "deployment " + d.EventName
		}
		return "action " + d.EventName
	case types.ServiceEvent:
		for _, words := range []string{"has started 1 tasks", "has stopped 1 running tasks", "has reached a steady state", "deployment completed"} {
			if strings.Contains(*d.Message, words) {
				return words
			}
		}
	}
	return fmt.Sprintf("%T", e.Detail)
}
