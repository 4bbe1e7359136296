package ecs

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	runtime "flyball/internal/task"
)

func TestServiceReachesItsDesiredCount(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(2)
		s := w.service()
		if s.RunningCount != 2 || s.PendingCount != 0 || *s.Status != "ACTIVE" {
			t.Errorf("running %d, pending %d, %s", s.RunningCount, s.PendingCount, *s.Status)
		}
		d := s.Deployments[0]
		if len(s.Deployments) != 1 || *d.Status != "PRIMARY" || d.RolloutState != types.DeploymentRolloutStateCompleted {
			t.Errorf("deployments %+v", s.Deployments)
		}
		if want := "ECS deployment " + *d.Id + " completed."; *d.RolloutStateReason != want {
			t.Errorf("reason %q, want %q", *d.RolloutStateReason, want)
		}
		want := []string{
			"(service web) has reached a steady state.",
			"(service web) (deployment deployment completed.",
			"(service web) has started 2 tasks:",
		}
		if got := w.events(); !slices.Equal(got, want) {
			t.Errorf("events %q, want %q", got, want)
		}
	})
}

func TestTaskIsDescribedAsOnFargate(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		task := w.tasks("")[0]
		if *task.LastStatus != "RUNNING" || *task.DesiredStatus != "RUNNING" || task.LaunchType != types.LaunchTypeFargate {
			t.Errorf("task is %s, wants %s, on %s", *task.LastStatus, *task.DesiredStatus, task.LaunchType)
		}
		if *task.Group != "service:web" || *task.StartedBy != *w.service().Deployments[0].Id {
			t.Errorf("group %s, started by %s", *task.Group, *task.StartedBy)
		}
		if prefix := "arn:aws:ecs:us-east-1:123456789012:task/prod/"; !strings.HasPrefix(*task.TaskArn, prefix) || len(*task.TaskArn) != len(prefix)+32 {
			t.Errorf("ARN %s", *task.TaskArn)
		}
		if got := *task.Containers[0].NetworkInterfaces[0].PrivateIpv4Address; got != "127.1.2.3" {
			t.Errorf("container address %s", got)
		}
		details := map[string]string{}
		for _, d := range task.Attachments[0].Details {
			details[*d.Name] = *d.Value
		}
		if details["privateIPv4Address"] != "127.1.2.3" || details["privateDnsName"] != "ip-127-1-2-3.ec2.internal" || details["subnetId"] != "subnet-1" ||
			*task.Attachments[0].Status != "ATTACHED" {
			t.Errorf("attachment %s, %v", *task.Attachments[0].Status, details)
		}
		if _, err := net.ParseMAC(details["macAddress"]); err != nil || !strings.HasPrefix(details["networkInterfaceId"], "eni-") {
			t.Errorf("attachment %v: %v", details, err)
		}
		if len(task.Attributes) != 1 || *task.Attributes[0].Name != "ecs.cpu-architecture" || task.EphemeralStorage.SizeInGiB != 20 || task.FargateEphemeralStorage.SizeInGiB != 20 {
			t.Errorf("attributes %+v, storage %+v", task.Attributes, task.EphemeralStorage)
		}
		if task.CreatedAt == nil || task.PullStartedAt == nil || task.StartedAt == nil || task.StoppedAt != nil {
			t.Error("times are missing or too many")
		}
	})
}

func TestTaskLivesThroughItsStates(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(func(context.Context, runtime.Spec) error { time.Sleep(time.Second); return nil },
			func(t *fakeTask) { t.stopAfter = 2 * time.Second })
		w.cluster("prod")
		w.define()
		out := must(w.api.RunTask(w.Context(), &ecs.RunTaskInput{
			Cluster: aws.String("prod"), TaskDefinition: aws.String("web"), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: subnets,
		}))(w)
		arn := *out.Tasks[0].TaskArn
		seen := []string{*out.Tasks[0].LastStatus}
		look := func() {
			task := must(w.api.DescribeTasks(w.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{arn}}))(w).Tasks[0]
			seen = append(seen, *task.LastStatus)
		}
		w.pass(500 * time.Millisecond)
		look()
		w.pass(time.Second)
		look()
		stop := must(w.api.StopTask(w.Context(), &ecs.StopTaskInput{Cluster: aws.String("prod"), Task: &arn, Reason: aws.String("enough")}))(w)
		seen = append(seen, *stop.Task.LastStatus)
		w.pass(time.Second)
		look()
		w.pass(2 * time.Second)
		look()
		want := []string{"PROVISIONING", "PENDING", "RUNNING", "DEACTIVATING", "STOPPING", "STOPPED"}
		if !slices.Equal(seen, want) {
			t.Errorf("saw %v, want %v", seen, want)
		}
		task := must(w.api.DescribeTasks(w.Context(), &ecs.DescribeTasksInput{Cluster: aws.String("prod"), Tasks: []string{arn}}))(w).Tasks[0]
		if task.StopCode != types.TaskStopCodeUserInitiated || *task.StoppedReason != "enough" || *task.Containers[0].ExitCode != 143 {
			t.Errorf("stopped %s, %q, exit code %d", task.StopCode, *task.StoppedReason, *task.Containers[0].ExitCode)
		}
	})
}

func TestScaleOutAndIn(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(2)
		w.scale(5)
		w.pass(stableAfter + time.Second)
		if s := w.service(); s.RunningCount != 5 || len(s.Deployments) != 1 {
			t.Errorf("running %d in %d deployments", s.RunningCount, len(s.Deployments))
		}
		w.scale(1)
		w.pass(time.Second)
		if s := w.service(); s.RunningCount != 1 || w.runtime.alive() != 1 {
			t.Errorf("running %d, alive %d", s.RunningCount, w.runtime.alive())
		}
		stopped := w.tasks(types.DesiredStatusStopped)
		if len(stopped) != 4 {
			t.Fatalf("%d stopped tasks are listed", len(stopped))
		}
		want := "Scaling activity initiated by (deployment " + *w.service().Deployments[0].Id + ")"
		if task := stopped[0]; *task.StoppedReason != want || task.StopCode != types.TaskStopCodeServiceSchedulerInitiated {
			t.Errorf("stopped: %q %s", *task.StoppedReason, task.StopCode)
		}
		want1 := []string{"(service web) has reached a steady state.", "(service web) has stopped 4 running tasks:"}
		if got := w.events()[:2]; !slices.Equal(got, want1) {
			t.Errorf("events %q", got)
		}
	})
}

func TestScaleInSparesProtectedTasks(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(3)
		var arns []string
		for _, task := range w.tasks("") {
			arns = append(arns, *task.TaskArn)
		}
		out := must(w.api.UpdateTaskProtection(w.Context(), &ecs.UpdateTaskProtectionInput{
			Cluster: aws.String("prod"), Tasks: arns[:2], ProtectionEnabled: true, ExpiresInMinutes: aws.Int32(10),
		}))(w)
		if len(out.ProtectedTasks) != 2 || out.ProtectedTasks[0].ExpirationDate == nil {
			t.Fatalf("protected %+v, failures %+v", out.ProtectedTasks, out.Failures)
		}
		w.scale(0)
		w.pass(time.Minute)
		if n := w.runtime.alive(); n != 2 {
			t.Errorf("%d tasks are alive under protection, want 2", n)
		}
		if got := w.events()[0]; !strings.Contains(got, "was unable to scale in due to (reason 2 tasks under protection)") {
			t.Errorf("event %q", got)
		}
		w.pass(10 * time.Minute)
		if n := w.runtime.alive(); n != 0 {
			t.Errorf("%d tasks are alive after their protection, want 0", n)
		}
	})
}

func TestCrashedTaskIsReplacedAtOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(2)
		w.runtime.any().exit(1)
		w.pass(100 * time.Millisecond)
		if n := w.runtime.alive(); n != 2 {
			t.Errorf("%d tasks are alive, want 2", n)
		}
		stopped := w.tasks(types.DesiredStatusStopped)[0]
		if stopped.StopCode != types.TaskStopCodeEssentialContainerExited || *stopped.StoppedReason != "Essential container in task exited" {
			t.Errorf("stopped %s, %q", stopped.StopCode, *stopped.StoppedReason)
		}
		if *stopped.Containers[0].ExitCode != 1 {
			t.Errorf("exit code %d", *stopped.Containers[0].ExitCode)
		}
	})
}

func TestATaskThatOthersHaveEndedSaysWhy(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(2)
		lost := w.runtime.any()
		lost.lost = "the pod was deleted"
		lost.exit(137)
		w.pass(100 * time.Millisecond)
		if n := w.runtime.alive(); n != 2 {
			t.Errorf("%d tasks are alive, want 2", n)
		}
		stopped := w.tasks(types.DesiredStatusStopped)[0]
		if stopped.StopCode != types.TaskStopCodeTerminationNotice || *stopped.StoppedReason != lost.lost {
			t.Errorf("stopped %s, %q", stopped.StopCode, *stopped.StoppedReason)
		}
	})
}

func TestCrashLoopBacksOff(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(nil, func(t *fakeTask) { time.AfterFunc(100*time.Millisecond, func() { t.exit(1) }) })
		w.serve(1)
		w.pass(time.Minute)
		// At 0, 0.1, 1.2, 3.3, 7.4, 15.5, 31.6 and 63.7 s.
		if w.runtime.started < 6 || w.runtime.started > 9 {
			t.Errorf("%d starts in a minute", w.runtime.started)
		}
		if got := w.events(); !slices.ContainsFunc(got, func(m string) bool {
			return strings.HasPrefix(m, "(service web) is unable to consistently start tasks successfully.")
		}) {
			t.Errorf("no warning among %q", got)
		}
	})
}

func TestWhatKeepsATaskFromRunningIsToldOnceWithItsRemedy(t *testing.T) {
	for name, tt := range map[string]struct{ reason, told string }{
		"a port that another program has": {runtime.PortInUse + ": listen on $HOST", "1: " + runtime.PortInUse + ": listen on $HOST"},
		"a program of another machine":    {runtime.NoProgram + ": build it", "1: " + runtime.NoProgram + ": build it"},
		"too little memory":               {runtime.OutOfMemory, "1: " + runtime.OutOfMemory + ". It may have 512 MiB: register the task definition with more memory."},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.runtime.set(nil, func(t *fakeTask) { t.exitFor(1, tt.reason) })
				w.serve(2)
				w.pass(time.Minute)
				stopped := w.tasks(types.DesiredStatusStopped)
				if got := aws.ToString(stopped[0].Containers[0].Reason); len(stopped) < 4 || got != tt.reason {
					t.Errorf("the container of the first of %d tasks has stopped: %q", len(stopped), got)
				}
				told := 0
				for _, m := range w.events() {
					if strings.HasPrefix(m, "(service web) was unable to keep a task running.") && strings.HasSuffix(m, tt.told) {
						told++
					}
				}
				if told != 1 {
					t.Errorf("told %d times in %q", told, w.events())
				}
			})
		})
	}
}

func TestImageThatCannotBePulled(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(func(context.Context, runtime.Spec) error {
			return fmt.Errorf("%w: no such image flyball/nothing", runtime.ErrNoImage)
		}, nil)
		w.serve(1)
		task := w.tasks(types.DesiredStatusStopped)[0]
		if task.StopCode != types.TaskStopCodeTaskFailedToStart || *task.StoppedReason != "CannotPullContainerError: no such image flyball/nothing" {
			t.Errorf("stopped %s, %q", task.StopCode, *task.StoppedReason)
		}
		if *task.Containers[0].Reason != *task.StoppedReason || task.StartedAt != nil {
			t.Errorf("container %+v", task.Containers[0])
		}
	})
}

func TestWhyTasksDoNotStartIsToldOnce(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(func(context.Context, runtime.Spec) error {
			return fmt.Errorf("%w: no such image flyball/nothing", runtime.ErrNoImage)
		}, nil)
		w.serve(2)
		w.pass(time.Minute)
		told := 0
		for _, m := range w.events() {
			if m == "(service web) failed to launch a task with (error CannotPullContainerError: no such image flyball/nothing)." {
				told++
			}
		}
		if stopped := w.tasks(types.DesiredStatusStopped); told != 1 || len(stopped) < 4 {
			t.Errorf("told %d times of %d tasks in %q", told, len(stopped), w.events())
		}
	})
}

func TestNewTaskDefinitionRollsOut(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(2)
		old := *w.service().Deployments[0].Id
		w.define()
		s := w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:2")})
		if len(s.Deployments) != 2 || *s.Deployments[0].Status != "PRIMARY" || *s.Deployments[1].Status != "ACTIVE" || *s.Deployments[1].Id != old {
			t.Fatalf("deployments %+v", s.Deployments)
		}
		w.pass(time.Second)
		if n := w.runtime.alive(); n != 4 {
			t.Errorf("%d tasks are alive while the new start, want 4", n)
		}
		w.pass(stableAfter)
		w.pass(time.Second)
		s = w.service()
		if len(s.Deployments) != 1 || s.RunningCount != 2 || !strings.HasSuffix(*s.TaskDefinition, "task-definition/web:2") {
			t.Errorf("deployments %d, running %d of %s", len(s.Deployments), s.RunningCount, *s.TaskDefinition)
		}
		for _, task := range w.tasks("") {
			if *task.TaskDefinitionArn != *s.TaskDefinition {
				t.Errorf("a task runs %s", *task.TaskDefinitionArn)
			}
		}
		list := must(w.api.ListServiceDeployments(w.Context(), &ecs.ListServiceDeploymentsInput{Cluster: aws.String("prod"), Service: aws.String("web")}))(w)
		if len(list.ServiceDeployments) != 2 || list.ServiceDeployments[0].Status != types.ServiceDeploymentStatusSuccessful {
			t.Errorf("service deployments %+v", list.ServiceDeployments)
		}
	})
}

func TestSameTaskDefinitionNeedsNoDeployment(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		s := w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:1"), NetworkConfiguration: subnets, DesiredCount: aws.Int32(2)})
		if len(s.Deployments) != 1 {
			t.Errorf("%d deployments", len(s.Deployments))
		}
		s = w.update(&ecs.UpdateServiceInput{ForceNewDeployment: true})
		if len(s.Deployments) != 2 {
			t.Errorf("%d deployments after a forced one", len(s.Deployments))
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(0)
		for range maxHistory + 5 {
			w.update(&ecs.UpdateServiceInput{ForceNewDeployment: true})
			w.pass(time.Second)
		}
		w.crash()
		w.boot()
		list := must(w.api.ListServiceDeployments(w.Context(), &ecs.ListServiceDeploymentsInput{
			Cluster: aws.String("prod"), Service: aws.String("web"), MaxResults: aws.Int32(100),
		}))(w)
		if n := len(list.ServiceDeployments); n != maxHistory {
			t.Errorf("%d service deployments", n)
		}
		if s := w.service(); len(s.Events) != maxEvents {
			t.Errorf("%d events", len(s.Events))
		}
	})
}

// breaker turns the circuit breaker on, with rollback.
func breaker(in *ecs.CreateServiceInput) {
	in.DeploymentConfiguration = &types.DeploymentConfiguration{
		DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true},
	}
}

func TestCircuitBreakerRollsBack(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(2, breaker)
		good := *w.service().Deployments[0].Id
		w.define(func(in *ecs.RegisterTaskDefinitionInput) { in.ContainerDefinitions[0].Image = aws.String("broken") })
		w.runtime.set(nil, func(t *fakeTask) {
			if t.spec.Containers[0].Image == "broken" {
				time.AfterFunc(100*time.Millisecond, func() { t.exit(1) })
			}
		})
		w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:2")})
		w.pass(time.Minute)

		s := w.service()
		if d := s.Deployments[0]; len(s.Deployments) != 1 || *d.Id != good || d.RolloutState != types.DeploymentRolloutStateCompleted {
			t.Fatalf("deployments %+v", s.Deployments)
		}
		if !strings.HasSuffix(*s.TaskDefinition, "web:1") || s.RunningCount != 2 {
			t.Errorf("runs %d of %s", s.RunningCount, *s.TaskDefinition)
		}
		want := []string{
			"(service web) has reached a steady state.",
			"(service web) (deployment deployment completed.",
			"(service web) rolling back to deployment",
			"(service web) (deployment deployment failed: tasks failed to start.",
		}
		// The breaker may trip while the other broken task is still running.
		events := slices.DeleteFunc(w.events(), func(e string) bool { return strings.Contains(e, "has stopped") })
		if got := events[:4]; !slices.Equal(got, want) {
			t.Errorf("events %q", w.events())
		}
		list := must(w.api.ListServiceDeployments(w.Context(), &ecs.ListServiceDeploymentsInput{Cluster: aws.String("prod"), Service: aws.String("web")}))(w)
		if got := list.ServiceDeployments[0].Status; got != types.ServiceDeploymentStatusRollbackSuccessful {
			t.Errorf("service deployment is %s", got)
		}
		d := must(w.api.DescribeServiceDeployments(w.Context(), &ecs.DescribeServiceDeploymentsInput{
			ServiceDeploymentArns: []string{*list.ServiceDeployments[0].ServiceDeploymentArn},
		}))(w).ServiceDeployments[0]
		if d.Rollback == nil || d.DeploymentCircuitBreaker.Status != types.ServiceDeploymentRollbackMonitorsStatusTriggered || d.DeploymentCircuitBreaker.Threshold != 3 {
			t.Errorf("rollback %+v, breaker %+v", d.Rollback, d.DeploymentCircuitBreaker)
		}
	})
}

func TestFirstDeploymentThatFailsStartsNoMore(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(func(context.Context, runtime.Spec) error { return errors.New("no") }, nil)
		w.serve(1, breaker)
		w.pass(time.Hour / 2)
		d := w.service().Deployments[0]
		if d.RolloutState != types.DeploymentRolloutStateFailed || *d.RolloutStateReason != "ECS deployment circuit breaker: tasks failed to start." || d.FailedTasks != 3 {
			t.Errorf("%s, %q, %d failed tasks", d.RolloutState, *d.RolloutStateReason, d.FailedTasks)
		}
	})
}

func TestStoppedServiceDeploymentGoesBack(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		w.define()
		w.update(&ecs.UpdateServiceInput{TaskDefinition: aws.String("web:2")})
		list := must(w.api.ListServiceDeployments(w.Context(), &ecs.ListServiceDeploymentsInput{Cluster: aws.String("prod"), Service: aws.String("web")}))(w)
		arn := list.ServiceDeployments[0].ServiceDeploymentArn
		must(w.api.StopServiceDeployment(w.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: arn}))(w)
		w.pass(stableAfter + time.Second)
		if s := w.service(); !strings.HasSuffix(*s.TaskDefinition, "web:1") || len(s.Deployments) != 1 || s.RunningCount != 1 {
			t.Errorf("runs %d of %s in %d deployments", s.RunningCount, *s.TaskDefinition, len(s.Deployments))
		}
		_, err := w.api.StopServiceDeployment(w.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: arn})
		if code(err) != "ConflictException" {
			t.Errorf("stopping it again: %v", err)
		}
	})
}

func TestUnhealthyTaskIsReplaced(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define(func(in *ecs.RegisterTaskDefinitionInput) {
			in.ContainerDefinitions[0].HealthCheck = &types.HealthCheck{Command: []string{"CMD", "check"}}
		})
		w.runtime.set(nil, func(t *fakeTask) { t.health = runtime.Healthy })
		must(w.api.CreateService(w.Context(), webService(1)))(w)
		w.pass(10 * time.Second)
		first := w.tasks("")[0]
		if first.HealthStatus != types.HealthStatusHealthy || w.service().Deployments[0].RolloutState != types.DeploymentRolloutStateCompleted {
			t.Fatalf("task is %s, deployment %s", first.HealthStatus, w.service().Deployments[0].RolloutState)
		}
		w.runtime.any().setHealth(runtime.Unhealthy)
		w.pass(10 * time.Second)
		stopped := w.tasks(types.DesiredStatusStopped)[0]
		if *stopped.TaskArn != *first.TaskArn || *stopped.StoppedReason != "Task failed container health checks" {
			t.Errorf("stopped: %q", *stopped.StoppedReason)
		}
		if w.runtime.alive() != 1 {
			t.Errorf("%d tasks are alive", w.runtime.alive())
		}
	})
}

func TestUnhealthyTaskIsLetAloneInItsGracePeriod(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define(func(in *ecs.RegisterTaskDefinitionInput) {
			in.ContainerDefinitions[0].HealthCheck = &types.HealthCheck{Command: []string{"CMD", "check"}}
		})
		w.runtime.set(nil, func(t *fakeTask) { t.health = runtime.Unhealthy })
		must(w.api.CreateService(w.Context(), webService(1, func(in *ecs.CreateServiceInput) { in.HealthCheckGracePeriodSeconds = aws.Int32(60) })))(w)
		w.pass(59 * time.Second)
		if stopped := w.tasks(types.DesiredStatusStopped); len(stopped) > 0 {
			t.Errorf("stopped within the grace period: %q", *stopped[0].StoppedReason)
		}
		w.pass(2 * time.Second)
		if stopped := w.tasks(types.DesiredStatusStopped); len(stopped) != 1 {
			t.Errorf("%d tasks stopped after the grace period", len(stopped))
		}
	})
}

func TestTaskWithoutHealthResultIsNotReady(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define(func(in *ecs.RegisterTaskDefinitionInput) {
			in.ContainerDefinitions[0].HealthCheck = &types.HealthCheck{Command: []string{"CMD", "check"}}
		})
		must(w.api.CreateService(w.Context(), webService(1)))(w)
		w.pass(time.Minute)
		if got := w.service().Deployments[0].RolloutState; got != types.DeploymentRolloutStateInProgress {
			t.Errorf("deployment is %s", got)
		}
	})
}

func TestDeletedServiceDrains(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(nil, func(t *fakeTask) { t.stopAfter = 5 * time.Second })
		w.serve(2)
		in := &ecs.DeleteServiceInput{Cluster: aws.String("prod"), Service: aws.String("web")}
		if _, err := w.api.DeleteService(w.Context(), in); messageOf(err) != "The service cannot be stopped while it is scaled above 0." {
			t.Fatalf("deleted while it is scaled: %v", err)
		}
		in.Force = aws.Bool(true)
		if s := must(w.api.DeleteService(w.Context(), in))(w).Service; *s.Status != "DRAINING" || s.DesiredCount != 0 {
			t.Errorf("%s with %d desired", *s.Status, s.DesiredCount)
		}
		_, err := w.api.CreateService(w.Context(), webService(1))
		if messageOf(err) != "Unable to Start a service that is still Draining." {
			t.Errorf("created while it drains: %v", err)
		}
		if arns := must(w.api.ListServices(w.Context(), &ecs.ListServicesInput{Cluster: aws.String("prod")}))(w).ServiceArns; len(arns) != 0 {
			t.Errorf("listed while it drains: %v", arns)
		}
		if c := must(w.api.DescribeClusters(w.Context(), &ecs.DescribeClustersInput{Clusters: []string{"prod"}}))(w).Clusters[0]; c.ActiveServicesCount != 0 {
			t.Errorf("%d active services while it drains", c.ActiveServicesCount)
		}
		w.pass(6 * time.Second)
		if s := w.service(); *s.Status != "INACTIVE" || w.runtime.alive() != 0 {
			t.Errorf("%s with %d tasks alive", *s.Status, w.runtime.alive())
		}
		must(w.api.CreateService(w.Context(), webService(1)))(w)
		w.pass(5 * time.Second)
		if s := w.service(); *s.Status != "ACTIVE" || s.RunningCount != 1 || len(s.Events) != 3 {
			t.Errorf("%s with %d running, %d events", *s.Status, s.RunningCount, len(s.Events))
		}
	})
}

// Clients list the tasks of a service right after they have changed it.
func TestTheNextCallFindsTheTasksOfAService(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define()
		listed := func() int {
			return len(must(w.api.ListTasks(w.Context(), &ecs.ListTasksInput{Cluster: aws.String("prod"), ServiceName: aws.String("web")}))(w).TaskArns)
		}
		must(w.api.CreateService(w.Context(), webService(2)))(w)
		if n := listed(); n != 2 {
			t.Errorf("%d tasks after the creation", n)
		}
		for _, desired := range []int32{5, 1} {
			must(w.api.UpdateService(w.Context(), &ecs.UpdateServiceInput{Cluster: aws.String("prod"), Service: aws.String("web"), DesiredCount: &desired}))(w)
			if n := listed(); n != int(desired) {
				t.Errorf("%d tasks after the update to %d", n, desired)
			}
		}
		must(w.api.DeleteService(w.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("prod"), Service: aws.String("web"), Force: aws.Bool(true)}))(w)
		if n := listed(); n != 0 {
			t.Errorf("%d tasks after the deletion", n)
		}
	})
}

func TestStoppedThingsAreForgottenAfterAnHour(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(1)
		w.scale(0)
		w.pass(time.Second)
		must(w.api.DeleteService(w.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("prod"), Service: aws.String("web")}))(w)
		w.pass(59 * time.Minute)
		if n := len(w.tasks(types.DesiredStatusStopped)); n != 1 || *w.service().Status != "INACTIVE" {
			t.Errorf("%d stopped tasks, service %s", n, *w.service().Status)
		}
		w.pass(3 * time.Minute)
		out := must(w.api.DescribeServices(w.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("prod"), Services: []string{"web"}}))(w)
		if len(out.Failures) != 1 || *out.Failures[0].Reason != "MISSING" || *out.Failures[0].Arn != "arn:aws:ecs:us-east-1:123456789012:service/web" {
			t.Errorf("services %d, failures %+v", len(out.Services), out.Failures)
		}
	})
}

func TestServiceOfARecreatedClusterIsNotForgottenWithTheOldOne(t *testing.T) {
	inWorld(t, func(w *world) {
		w.serve(0)
		must(w.api.DeleteService(w.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("prod"), Service: aws.String("web")}))(w)
		w.pass(time.Second)
		must(w.api.DeleteCluster(w.Context(), &ecs.DeleteClusterInput{Cluster: aws.String("prod")}))(w)
		w.cluster("prod")
		must(w.api.CreateService(w.Context(), webService(1)))(w)
		w.pass(2 * time.Hour)
		w.crash()
		w.boot()
		w.pass(time.Minute)
		if s := w.service(); *s.Status != "ACTIVE" || s.RunningCount != 1 {
			t.Errorf("%s with %d running", *s.Status, s.RunningCount)
		}
	})
}

func TestStartsAreBounded(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(func(context.Context, runtime.Spec) error { time.Sleep(time.Second); return nil }, nil)
		w.serve(30)
		w.pass(10 * time.Second)
		if w.runtime.most > startsAtOnce(w.runtime) || w.service().RunningCount != 30 {
			t.Errorf("%d starts at once, %d running", w.runtime.most, w.service().RunningCount)
		}
	})
}

func TestTasksWhoseContainersWaitDoNotHoldUpOthers(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(func(_ context.Context, s runtime.Spec) error { time.Sleep(time.Minute); return nil }, nil)
		w.cluster("prod")
		w.define(withInit)
		must(w.api.CreateService(w.Context(), webService(int32(3*startsAtOnce(w.runtime)))))(w)
		w.pass(time.Minute + time.Second)
		if got := w.service().RunningCount; got != int32(3*startsAtOnce(w.runtime)) {
			t.Errorf("%d tasks run", got)
		}
	})
}

// withInit makes the container web wait for the end of another.
func withInit(in *ecs.RegisterTaskDefinitionInput) {
	in.ContainerDefinitions[0].DependsOn = []types.ContainerDependency{{ContainerName: aws.String("init"), Condition: types.ContainerConditionSuccess}}
	in.ContainerDefinitions = append(in.ContainerDefinitions, types.ContainerDefinition{
		Name: aws.String("init"), Image: aws.String("flyball/web"), Essential: aws.Bool(false), StartTimeout: aws.Int32(90),
		Ulimits: []types.Ulimit{{Name: types.UlimitNameNofile, SoftLimit: 1024, HardLimit: 4096}},
	})
}

func TestInitContainerIsShownStopped(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(nil, func(t *fakeTask) {
			t.exits = []runtime.Exit{{Container: "init", Known: true}}
		})
		w.cluster("prod")
		w.define(withInit)
		must(w.api.CreateService(w.Context(), webService(1)))(w)
		w.pass(time.Second)
		task := w.tasks("")[0]
		web, init := task.Containers[0], task.Containers[1]
		if *web.LastStatus != "RUNNING" || *init.LastStatus != "STOPPED" || init.ExitCode == nil || *init.ExitCode != 0 {
			t.Errorf("web is %s, init %s with exit code %v", *web.LastStatus, *init.LastStatus, init.ExitCode)
		}
		spec := w.runtime.any().spec.Containers
		if want := (runtime.Dependency{Container: "init", Condition: runtime.Succeeded}); len(spec[0].DependsOn) != 1 || spec[0].DependsOn[0] != want {
			t.Errorf("web depends on %v", spec[0].DependsOn)
		}
		if want := (runtime.Ulimit{Name: "nofile", Soft: 1024, Hard: 4096}); len(spec[1].Ulimits) != 1 || spec[1].Ulimits[0] != want || spec[1].StartTimeout != 90*time.Second {
			t.Errorf("ulimits %v, start timeout %v", spec[1].Ulimits, spec[1].StartTimeout)
		}
	})
}

func TestTaskStoppedWhileStarting(t *testing.T) {
	inWorld(t, func(w *world) {
		w.runtime.set(func(ctx context.Context, _ runtime.Spec) error { <-ctx.Done(); return ctx.Err() }, nil)
		w.serve(1)
		w.scale(0)
		w.pass(time.Second)
		task := w.tasks(types.DesiredStatusStopped)[0]
		if *task.LastStatus != "STOPPED" || task.StopCode != types.TaskStopCodeServiceSchedulerInitiated {
			t.Errorf("%s, %s", *task.LastStatus, task.StopCode)
		}
		if got := w.events(); !slices.Contains(got, "(service web) stopped 1 pending tasks.") {
			t.Errorf("events %q", got)
		}
	})
}

func TestDaemonServiceIsOneTask(t *testing.T) {
	inWorld(t, func(w *world) {
		w.cluster("prod")
		w.define()
		must(w.api.CreateService(w.Context(), webService(0, func(in *ecs.CreateServiceInput) {
			in.SchedulingStrategy, in.DesiredCount, in.LaunchType = types.SchedulingStrategyDaemon, nil, types.LaunchTypeEc2
		})))(w)
		w.pass(5 * time.Second)
		if s := w.service(); s.RunningCount != 1 || s.DesiredCount != 1 {
			t.Errorf("running %d of %d", s.RunningCount, s.DesiredCount)
		}
	})
}

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

func messageOf(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorMessage()
	}
	return fmt.Sprint(err)
}
